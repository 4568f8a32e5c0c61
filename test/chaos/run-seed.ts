import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { collectEvidence, type Evidence, readMemory, readMetrics } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { invariants, judge } from "./invariants.ts";
import { type Played, play } from "./play.ts";
import { untilRest } from "./rest.ts";
import type { Script } from "./script.ts";
import { setStage, type Stage, type StageOptions } from "./stage.ts";
import { writeStory } from "./story.ts";

const progressEveryMs = 5_000;

/** SeedResult is what one seed came to; it is printed as JSON. */
export interface SeedResult {
  readonly seed: number;
  readonly profile: string;
  readonly ok: boolean;
  readonly seconds: number;
  /** From the last fault until the world was at rest. */
  readonly restSeconds: number;
  readonly restBoundSeconds: number;
  readonly jobs: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly tasks: number;
  /** Those that no job came of, and what explains them. */
  readonly idle: Omit<Evidence["launches"], "tasks">;
  /** How much there was to judge in its moment: a check that saw nothing held for no reason. */
  readonly judged: { readonly answers: number; readonly stops: number; readonly versions: number };
  readonly faults: Readonly<Record<string, number>>;
  /** Faults that found nothing to hit. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly memory: Evidence["memory"];
  readonly outages: Evidence["outages"];
  /** How often an operator ended by itself because it had lost its Lease, and for how long nobody got an answer in time. */
  readonly lostLeases: number;
  readonly slowSeconds: number;
  readonly invariants: number;
  readonly findings: readonly Finding[];
  /** Where everything about the findings is. */
  readonly stories?: readonly string[];
}

/** SeedOptions are those of the stage and of the wait. */
export interface SeedOptions extends StageOptions {
  readonly restSeconds: number;
  /** Writes the story also when everything held. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** runSeed plays one script from an empty namespace to its verdict. */
export async function runSeed(script: Script, options: SeedOptions): Promise<SeedResult> {
  const { say, signal } = options;
  const directory = join(options.directory, `seed-${script.seed}`);
  await mkdir(directory, { recursive: true });
  const startedAt = Date.now();
  say(
    `seed ${script.seed}, profile ${script.profile}: ${script.jobs.length} jobs and ${script.faults.length} faults in ${script.lengthMs / 1_000} s, assignment ${script.assignment}`,
  );
  await using stage = await setStage(script, { ...options, directory });
  let state = "the script runs";
  const show = setInterval(() => say(`  ${progress(stage, startedAt)}; ${state}`), progressEveryMs);
  try {
    const played = await play(stage, signal);
    const rest = await untilRest(stage, played, options.restSeconds * 1_000, (text) => (state = text), signal);
    const memory = await readMemory(stage);
    const metrics = await readMetrics(stage);
    for (const operator of stage.fleet.operators) await operator.end("SIGTERM");
    const evidence = await collectEvidence(stage, played, { rest, memory, metrics });
    const findings = judge(evidence);
    const stories = findings.length === 0 && !options.keep ? [] : await writeStory(stage, evidence, findings, directory);
    return summary({ stage, played, evidence, findings, stories, startedAt });
  } finally {
    clearInterval(show);
  }
}

function summary(run: {
  stage: Stage;
  played: Played;
  evidence: Evidence;
  findings: readonly Finding[];
  stories: readonly string[];
  startedAt: number;
}): SeedResult {
  const { stage, played, evidence, findings, stories } = run;
  const { launches } = evidence;
  const count = (test: (job: Evidence["jobs"][number]) => boolean): number => evidence.jobs.filter(test).length;
  return {
    seed: stage.script.seed,
    profile: stage.script.profile,
    ok: findings.length === 0,
    seconds: Math.round((Date.now() - run.startedAt) / 100) / 10,
    restSeconds: Math.round(evidence.rest.afterMs / 100) / 10,
    restBoundSeconds: evidence.rest.boundMs / 1_000,
    jobs: {
      queued: evidence.jobs.length,
      ran: count(({ startedBy }) => startedBy.length > 0),
      cancelled: count(({ cancelled }) => cancelled),
      lostByTheScript: count(({ excuse, conclusion, wanted }) => excuse !== undefined && conclusion !== wanted),
      stolenByOthers: count(({ coverage, startedBy }) => coverage === "thief" && startedBy.length > 0),
    },
    requests: stage.requests.store.size,
    tasks: launches.tasks,
    idle: { idle: launches.idle, keptBack: launches.keptBack, hits: launches.hits },
    judged: { answers: stage.answers.looks, stops: stage.stops.seen.size, versions: stage.log.versions },
    faults: played.applied,
    skipped: played.skipped,
    memory: evidence.memory,
    outages: evidence.outages,
    lostLeases: evidence.exits.filter(({ lostLease, told }) => lostLease && told === undefined).length,
    slowSeconds: Math.round(stage.pulse.slowSeconds * 10) / 10,
    invariants: Object.keys(invariants).length,
    findings,
    ...(stories.length > 0 && { stories }),
  };
}

function progress({ github, ecs, requests }: Stage, startedAt: number): string {
  const { completed, running, queued } = github.report().jobs;
  const live = [...requests.store.list()].filter(({ metadata }) => (metadata.finalizers ?? []).length > 0).length;
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0).padStart(4);
  return `${seconds} s  jobs ${completed} done, ${running} running, ${queued} queued; ${live} live requests, ${ecs.liveTasks().length} tasks`;
}
