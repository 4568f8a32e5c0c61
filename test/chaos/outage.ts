import { setTimeout as sleep } from "node:timers/promises";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { generateScript } from "./generate.ts";
import { liveHeapMiB as liveHeapMiBOf } from "./heap.ts";
import { bounds as invariantBounds } from "./bounds.ts";
import { residentMiB } from "./resident.ts";
import type { SeedOptions } from "./run-seed.ts";
import { setStage, type Stage } from "./stage.ts";

const sampleEveryMs = 5_000;

/** What a GitHub that never comes back may cost; a minute is one of the compressed time, so of production. */
const bounds = { callsPerMinute: 120, growthMiB: 150, objectBytes: 20_000 } as const;

/** Sample is the state of the operator at one moment of the outage. */
export interface Sample {
  readonly seconds: number;
  /** Since the sample before, per compressed minute. */
  readonly callsPerMinute: number;
  readonly memoryMiB: readonly (number | undefined)[];
  readonly requests: number;
  readonly largestObjectBytes: number;
}

/** OutageResult is what an outage without an end came to. */
export interface OutageResult {
  readonly ok: boolean;
  readonly seconds: number;
  readonly compressedHours: number;
  readonly samples: readonly Sample[];
  /** What each operator's heap holds at the end, after a collection. */
  readonly liveHeapMiB: readonly (number | undefined)[];
  readonly broken: readonly string[];
}

/** runOutage queues jobs while GitHub's API answers nothing but 503, for ever, and measures what the operator does. */
export async function runOutage(
  options: SeedOptions & { readonly seed: number; readonly jobs: number; readonly minutes: number },
): Promise<OutageResult> {
  const { say, signal, minutes, divisor } = options;
  const directory = join(options.directory, "outage");
  await mkdir(directory, { recursive: true });
  // Webhooks go on to come: GitHub's incidents seldom take all of its parts.
  const script = { ...generateScript({ ...options, profile: "all" }), faults: [] };
  await using stage = await setStage(script, { ...options, directory });
  const startedAt = Date.now();
  stage.github.faults.add({ kind: "status", status: 503, times: Number.POSITIVE_INFINITY });
  for (const { name, repository, labels, durationMs, outcome } of script.jobs) {
    stage.github.queueJob({ name, repository, labels, durationMs, outcome });
  }
  const samples: Sample[] = [];
  for (let calls = stage.github.counters().rest; Date.now() - startedAt < minutes * 60_000; ) {
    const since = Date.now();
    await sleep(sampleEveryMs, undefined, { signal });
    const now = stage.github.counters().rest;
    samples.push(await takeSample(stage, startedAt, ((now - calls) / (Date.now() - since)) * (60_000 / divisor)));
    calls = now;
    say(`  ${JSON.stringify(samples.at(-1))}`);
  }
  // Resident memory follows V8's moods; what a leak is made of is in the heap.
  const liveHeapMiB = await Promise.all(
    stage.fleet.operators.map(async ({ process }) => (process ? await liveHeapMiBOf(process) : undefined)),
  );
  const broken = [...judgeOutage(samples), ...judgeHeaps(liveHeapMiB)];
  for (const line of broken) say(`  BROKEN ${line}`);
  const seconds = (Date.now() - startedAt) / 1_000;
  return { ok: broken.length === 0, seconds, compressedHours: (seconds * divisor) / 3_600, samples, liveHeapMiB, broken };
}

async function takeSample({ fleet, requests }: Stage, startedAt: number, callsPerMinute: number): Promise<Sample> {
  const sizes = [...requests.store.list()].map((request) => JSON.stringify(request).length);
  return {
    seconds: Math.round((Date.now() - startedAt) / 1_000),
    callsPerMinute: Math.round(callsPerMinute * 10) / 10,
    memoryMiB: await Promise.all(
      fleet.operators.map(async ({ process }) => (process ? await residentMiB(process.pid) : undefined)),
    ),
    requests: sizes.length,
    largestObjectBytes: Math.max(0, ...sizes),
  };
}

/** judgeHeaps says which operators hold more after the outage than an operator at rest does. */
export function judgeHeaps(liveHeapMiB: readonly (number | undefined)[]): string[] {
  return liveHeapMiB.flatMap((heap, index) => {
    if (heap === undefined) return [`the heap of operator ${index + 1} cannot be read`];
    return heap > invariantBounds.liveHeapMiB ? [`the heap of operator ${index + 1} holds ${heap} MiB`] : [];
  });
}

/** judgeOutage compares the end with a time at which everything had been tried once. */
export function judgeOutage(samples: readonly Sample[]): string[] {
  const settled = samples.slice(Math.floor(samples.length / 3));
  const [first, last] = [settled[0], settled.at(-1)];
  if (first === undefined || last === undefined) return ["the outage was too short to be measured"];
  const broken: string[] = [];
  const average = settled.reduce((sum, { callsPerMinute }) => sum + callsPerMinute, 0) / settled.length;
  if (average > bounds.callsPerMinute) broken.push(`${average.toFixed(0)} calls a minute to a GitHub that is away`);
  last.memoryMiB.forEach((end, index) => {
    const begin = first.memoryMiB[index];
    if (begin !== undefined && end !== undefined && end > begin + bounds.growthMiB) {
      broken.push(`an operator grew from ${begin} to ${end} MiB`);
    }
  });
  if (last.memoryMiB.includes(undefined)) broken.push("an operator ended");
  if (last.largestObjectBytes > bounds.objectBytes) broken.push(`an object has ${last.largestObjectBytes} bytes`);
  return broken;
}
