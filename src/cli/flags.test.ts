import { expect, test } from "vitest";
import { type Flag, flagHelp, readTexts } from "./flags.ts";

const table = [
  { flag: "namespace", short: "n", value: "NAMESPACE", env: "NAMESPACE", help: "Where." },
  { flag: "output", short: "o", values: ["text", "json"], fallback: "text", help: "How." },
] as const satisfies readonly Flag[];

function read(args: readonly string[], env: Record<string, string> = {}) {
  const problems: string[] = [];
  return { texts: readTexts<"namespace" | "output">("try", table, args, env, problems), problems };
}

test("a flag comes before its variable, and that before the default", () => {
  expect(read(["--namespace", "a", "-o", "json"], { NAMESPACE: "b" }).texts).toEqual({ namespace: "a", output: "json" });
  expect(read([], { NAMESPACE: "b" }).texts).toEqual({ namespace: "b", output: "text" });
  // Templates say "not set" with an empty variable.
  expect(read(["-n=c"], { NAMESPACE: "" }).problems).toEqual([]);
  expect(read([], { NAMESPACE: "" }).texts).toEqual({ namespace: "", output: "text" });
});

test("all problems are told at once", () => {
  expect(read(["--output=yaml", "--what", "left", "--namespace"]).problems).toEqual([
    "--what is not an option of getabako try",
    '"left" is not understood; options begin with --',
    "--namespace: needs a value",
    '--output: "yaml" is not one of text, json',
  ]);
});

test("the help lists flags, values, defaults and variables", () => {
  expect(flagHelp(table)).toBe(`  -n, --namespace NAMESPACE  Where. [NAMESPACE]
  -o, --output               How. text, json. (default text)
`);
});
