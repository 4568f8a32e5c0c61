import { readFile } from "node:fs/promises";
import { parse } from "yaml";

/** shippedNodeArgs are the options of Node.js that the chart runs the operator with: what is measured with others says nothing about it. */
export async function shippedNodeArgs(): Promise<readonly string[]> {
  const values: unknown = parse(await readFile(new URL("../../charts/getabako/values.yaml", import.meta.url), "utf8"));
  const options = typeof values === "object" && values !== null && "nodeOptions" in values ? values.nodeOptions : undefined;
  if (typeof options !== "string") throw new Error("charts/getabako/values.yaml has no nodeOptions");
  return options.split(" ").filter((option) => option !== "");
}
