import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { differences, sumsIn } from "./sums.ts";

const a = { file: "a", sha256: "1" };
const b = { file: "b", sha256: "2" };

it("finds what differs, and what only one of two builds made", () => {
  expect(differences([a, b], [b, a])).toEqual([]);
  expect(differences([a, b], [a, { ...b, sha256: "3" }])).toEqual(["b: 2 and 3"]);
  expect(differences([a, b], [a])).toEqual(["b: 2 and missing"]);
  expect(differences([a], [a, b])).toEqual(["b: missing and 2"]);
});

it("reads what sha256sum reads, and does not take nothing for an answer", async () => {
  const directory = await mkdtemp(join(tmpdir(), "getabako-sums-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "SHA256SUMS"), "1  a\n2  b\n");
  expect(await sumsIn(directory)).toEqual([a, b]);
  await writeFile(join(directory, "SHA256SUMS"), "");
  await expect(sumsIn(directory)).rejects.toThrow("has no sums");
});
