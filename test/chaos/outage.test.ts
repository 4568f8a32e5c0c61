import { expect, it } from "vitest";
import { judgeHeaps, judgeOutage, type Sample } from "./outage.ts";

const sample = (more: Partial<Sample> = {}): Sample => ({
  seconds: 0,
  callsPerMinute: 3,
  memoryMiB: [150, 120],
  requests: 30,
  largestObjectBytes: 2_000,
  ...more,
});

it("an outage that is sat out breaks nothing", () => {
  expect(judgeOutage(Array.from({ length: 9 }, () => sample()))).toEqual([]);
  expect(judgeHeaps([40, 25])).toEqual([]);
});

it.each([
  ["calls", { callsPerMinute: 500 }, "calls a minute"],
  ["memory", { memoryMiB: [150, 900] }, "grew from 120 to 900 MiB"],
  ["an operator that ends", { memoryMiB: [150, undefined] }, "an operator ended"],
  ["objects", { largestObjectBytes: 90_000 }, "an object has 90000 bytes"],
] as const)("%s without bounds are found", (_, last, said) => {
  const samples = [
    ...Array.from({ length: 5 }, () => sample()),
    sample({ ...last, memoryMiB: [...((last as Partial<Sample>).memoryMiB ?? [150, 120])] }),
  ];
  expect(judgeOutage(samples).join("; ")).toContain(said);
});

it("a heap that holds too much, or cannot be read, is found", () => {
  expect(judgeHeaps([400, undefined])).toEqual(["the heap of operator 1 holds 400 MiB", "the heap of operator 2 cannot be read"]);
});
