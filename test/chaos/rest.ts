import { setTimeout as sleep } from "node:timers/promises";
import { isCovered } from "./layout.ts";
import type { Played } from "./play.ts";
import type { Stage } from "./stage.ts";

/** The world has to stay at rest for so long: what only pauses is not at rest. */
const quietMs = 2_000;

/** Rest tells whether the world came to rest, and what still moved if it did not. */
export interface Rest {
  readonly reached: boolean;
  /** From the end of the faults to the beginning of the rest. */
  readonly afterMs: number;
  readonly boundMs: number;
  readonly missing: readonly string[];
}

/** untilRest waits until nothing is left to do: no covered job that has not ended, no task, no registration, no finalizer. */
export async function untilRest(
  stage: Stage,
  played: Pick<Played, "jobs">,
  boundMs: number,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<Rest> {
  const startedAt = Date.now();
  let restingSince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    const missing = unrest(stage, played);
    const now = Date.now();
    if (missing.length > 0) restingSince = undefined;
    else restingSince ??= now;
    progress(missing.length === 0 ? "at rest" : `waiting for ${missing.length}: ${missing[0]}`);
    if (restingSince !== undefined && now - restingSince >= quietMs) {
      return { reached: true, afterMs: restingSince - startedAt, boundMs, missing: [] };
    }
    if (now - startedAt > boundMs + quietMs) return { reached: false, afterMs: now - startedAt, boundMs, missing };
    await sleep(200);
  }
}

function unrest({ github, ecs, requests, harm, fleet }: Stage, { jobs }: Pick<Played, "jobs">): string[] {
  const missing: string[] = [];
  for (const job of github.world.jobs.values()) {
    const planned = jobs.get(job.key);
    if (planned !== undefined && isCovered(planned.coverage) && job.status !== "completed") {
      missing.push(`job ${job.id} "${job.name}" for ${planned.coverage} is ${job.status}`);
    }
  }
  for (const task of ecs.liveTasks()) missing.push(`task ${task.id} (${task.group}) is ${task.lastStatus}`);
  for (const { id, name, phase } of github.registrations()) {
    if (!harm.foreignRunners.has(id)) missing.push(`runner ${name} is ${phase}`);
  }
  for (const { metadata, status } of requests.store.list()) {
    if ((metadata.finalizers ?? []).length > 0) missing.push(`request ${metadata.name} is ${status?.phase ?? "new"}`);
  }
  for (const { name, process } of fleet.operators) if (process === undefined) missing.push(`operator ${name} does not run`);
  return missing;
}
