import { organization } from "./layout.ts";
import type { ScriptJob, ScriptOptions } from "./script.ts";

/** Who loses events, or all of them, may lose these. */
const losing: readonly ScriptOptions["profile"][] = ["all", "webhooks"];

/**
 * lonelyJobs are jobs that only one net can save, since no other runner has their labels and no other event tells of them:
 *
 * - the only job of a repository with a target of its own, whose event is never sent: the queued-job sweep;
 * - the only job of a repository of an organisation's target, whose delivery fails: the redelivery sweep, since nobody asks a repository
 *   that was never heard of;
 * - a job that waits at a full target and is cancelled unheard: the job refresh, or its request waits for ever.
 */
export function lonelyJobs({ profile }: ScriptOptions, lengthMs: number): ScriptJob[] {
  if (!losing.includes(profile)) return [];
  const job = (name: "rare" | "lone" | "full", part: number): ScriptJob => ({
    name: `${name} job`,
    atMs: Math.round(lengthMs * part),
    run: `run-${name}`,
    repository: `${organization}/${name}`,
    labels: ["self-hosted", name],
    coverage: name,
    durationMs: 200,
    outcome: "success",
  });
  return [
    { ...job("rare", 0.3), announced: "dropped" },
    { ...job("lone", 0.4), announced: "failed" },
    { ...job("full", 0.1), cancel: { when: "queued", afterMs: 2_000 }, unheardEnd: true },
  ];
}
