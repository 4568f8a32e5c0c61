import { describe, expect, it } from "vitest";
import type { RunRecord } from "../../github/types.ts";
import { RunMemory } from "./runs.ts";

function run(id: string, updatedAt = "2026-01-15T09:00:00Z"): RunRecord {
  return { id, updatedAt, repository: "acme/web", visibility: "private" };
}

/** Sweeps a repository once and returns the ids of the runs that were read. */
function sweep(memory: RunMemory, runs: readonly RunRecord[], limit = 100): string[] {
  const chosen = memory.choose(runs, limit);
  for (const each of chosen) memory.read(each);
  return chosen.map(({ id }) => id);
}

describe("RunMemory", () => {
  it("has a run read that is new or changed, and an unchanged one at every third sweep", () => {
    const memory = new RunMemory();
    const reads = [0, 1, 2, 3, 4, 5, 6].map(() => sweep(memory, [run("1")]).length);
    expect(reads).toEqual([1, 0, 0, 1, 0, 0, 1]);
    expect(sweep(memory, [run("1", "2026-01-15T09:01:00Z")])).toEqual(["1"]);
    expect(sweep(memory, [run("2"), run("1", "2026-01-15T09:01:00Z")])).toEqual(["2"]);
  });

  it("forgets a run that is not listed any more", () => {
    const memory = new RunMemory();
    sweep(memory, [run("1")]);
    sweep(memory, []);
    expect(sweep(memory, [run("1")])).toEqual(["1"]);
  });

  it("reads all of a large list in turns, the oldest first", () => {
    const memory = new RunMemory();
    const newestFirst = ["5", "4", "3", "2", "1"].map((id) => run(id));
    const seen = [sweep(memory, newestFirst, 2), sweep(memory, newestFirst, 2), sweep(memory, newestFirst, 2)];
    expect(seen).toEqual([["1", "2"], ["3", "4"], ["5"]]);
  });

  it("reads a run again that stands still, though more new ones come than one sweep reads", () => {
    const memory = new RunMemory();
    const seen: string[] = [];
    for (let at = 0; at < 8; at += 1) seen.push(...sweep(memory, [run(`new-${at}-a`), run(`new-${at}-b`), run("old")], 2));
    expect(seen.filter((id) => id === "old").length).toBeGreaterThanOrEqual(2);
  });

  it("has a run that could not be read behind those that wait longer", () => {
    const memory = new RunMemory();
    const [broken, sound] = [run("1"), run("2")];
    expect(memory.choose([sound, broken], 1)).toEqual([broken]);
    memory.unsettled(broken);
    expect(memory.choose([sound, broken], 1)).toEqual([sound]);
    memory.read(sound);
    expect(memory.choose([sound, broken], 1)).toEqual([broken]);
  });

  it("has a run read again that was chosen but not read", () => {
    const memory = new RunMemory();
    expect(memory.choose([run("1")], 10)).toHaveLength(1);
    expect(sweep(memory, [run("1")])).toEqual(["1"]);
  });
});
