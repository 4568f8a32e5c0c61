import { expect, test } from "vitest";
import { columns, plain } from "./output.ts";
import { programName } from "./program-name.ts";

test("columns are as wide as their widest cell, and lines have no blanks at their ends", () => {
  expect(
    columns(
      [
        ["a", "bb", ""],
        ["ccc", "d", "e"],
      ],
      "  ",
    ),
  ).toBe("  a    bb\n  ccc  d   e\n");
});

test("texts of strangers cannot move the cursor or turn the line round", () => {
  expect(plain("a\u001b[2Jb\nc\u202ed\u0000")).toBe("a [2Jb c d ");
});

test.each([
  ["/usr/local/bin/getabako", {}, "getabako"],
  ["/home/a/bin/kubectl-getabako", {}, "kubectl getabako"],
  ["/app/getabako.mjs", {}, "getabako"],
  ["/app/getabako.mjs", { GETABAKO_CALLED_AS: "kubectl-getabako" }, "kubectl getabako"],
  [undefined, {}, "getabako"],
])("%s with %j is called %s", (script, env, name) => {
  expect(programName(script, env)).toBe(name);
});
