import type { Dice } from "./dice.ts";
import { lonelyJobs } from "./lonely.ts";
import { type Coverage, isCovered, type JobKind, jobKinds } from "./layout.ts";
import { type Cancellation, jobTimeoutMs, type ScriptJob, type ScriptOptions } from "./script.ts";

/** Jobs come in the first part of a script, so that the last ones meet faults as well. */
const lastJobAt = 0.85;
const mostInMatrix = 8;

/** Without faults of GitHub nobody steals, so that a profile shows its own holes; jobs of `org` would take the runners of `big`. */
const thieving: readonly ScriptOptions["profile"][] = ["all", "github"];
const ofThieves: readonly Coverage[] = ["thief", "big"];

/** generateJobs draws exactly as many jobs as wanted, in runs of one or, for a matrix, several; a few are there in every script. */
export function generateJobs(dice: Dice, options: ScriptOptions, lengthMs: number): ScriptJob[] {
  const { jobs: wanted, profile } = options;
  const kinds = jobKinds.filter(({ coverage }) => !ofThieves.includes(coverage) || thieving.includes(profile));
  const lonely = lonelyJobs(options, lengthMs).slice(0, wanted);
  const jobs: ScriptJob[] = [...lonely];
  for (let run = 1; jobs.length < wanted; run++) {
    const kind = weighted(dice, kinds);
    const size = Math.min(wanted - jobs.length, dice.chance(0.12) ? dice.between(3, mostInMatrix) : 1);
    const atMs = dice.between(0, Math.round(lengthMs * lastJobAt));
    const shared = {
      run: `run-${run}`,
      repository: dice.pick(kind.repositories),
      labels: dice.pick(kind.labels),
      coverage: kind.coverage,
      ...(dice.chance(0.08) && { rerun: true as const }),
    };
    for (let index = 0; index < size; index++) {
      // The jobs of a matrix are queued within a moment, not in one instant.
      jobs.push({
        name: `job ${jobs.length - lonely.length + 1}`,
        atMs: atMs + index * dice.between(5, 40),
        ...shared,
        ...life(dice, kind),
      });
    }
  }
  return jobs.toSorted((a, b) => a.atMs - b.atMs);
}

function life(
  dice: Dice,
  { coverage }: JobKind,
): Omit<ScriptJob, "name" | "atMs" | "run" | "repository" | "labels" | "coverage"> {
  const failure = dice.chance(0.15);
  const durationMs = dice.chance(0.1) ? dice.between(3_000, 6_000) : dice.between(100, 1_800);
  const fate = dice.next();
  const cancel = dice.chance(0.1) ? cancellation(dice, durationMs) : undefined;
  // A job that outlives its deadline is a case for our own runners only, and needs no further trouble.
  if (isCovered(coverage) && fate < 0.01) return { durationMs: 4 * jobTimeoutMs, outcome: "success", overlong: true };
  return {
    durationMs,
    outcome: failure ? "failure" : "success",
    ...(fate > 0.94 && { assignAfterMs: dice.between(500, 7_000) }),
    ...(cancel !== undefined && { cancel }),
  };
}

function cancellation(dice: Dice, durationMs: number): Cancellation {
  const when = dice.next();
  if (when < 0.55) return { when: "queued", afterMs: dice.between(0, 4_000) };
  if (when < 0.75) return { when: "assigned" };
  return { when: "running", afterMs: dice.between(0, durationMs) };
}

function weighted(dice: Dice, kinds: readonly JobKind[]): JobKind {
  let left = dice.next() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of kinds) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  return dice.pick(kinds);
}
