import { organization } from "./layout.ts";
import type { ScriptJob, ScriptOptions } from "./script.ts";

/** Who loses events, or all of them, may lose these. */
const losing: readonly ScriptOptions["profile"][] = ["all", "webhooks"];
/** Where operators are killed. */
const killing: readonly ScriptOptions["profile"][] = ["all", "crashes"];
/** Where people take finalizers away. */
const releasing: readonly ScriptOptions["profile"][] = ["all", "kube"];

/**
 * lonelyJobs are jobs that only one net can save, since no other runner has their labels and no other event tells of them:
 *
 * - the only job of a repository with a target of its own, whose event is never sent: the queued-job sweep;
 * - the only job of a repository of an organisation's target, whose delivery fails: the redelivery sweep, since nobody asks a repository
 *   that was never heard of;
 * - a job that waits at a full target and is cancelled unheard: the job refresh, or its request waits for ever.
 *
 * And two that leave something which only one net can find, since GitHub keeps them back until they are cancelled, and somebody lets their
 * requests go: an instance that never connects, and a registration without an instance.
 *
 * And some for which only the count of a new leader keeps `maxRunners` (2): one runs; the leader dies while it launches the second, which
 * nobody has stored; and before there is another leader come two of a repository that has no runner, so that a slot would be theirs first.
 * Two, since webhooks go to the operators in turn, and one of these is dead.
 */
export function lonelyJobs({ profile }: ScriptOptions, lengthMs: number): ScriptJob[] {
  const job = (name: "rare" | "lone" | "full" | "handed", part: number): ScriptJob => ({
    name: `${name} job`,
    atMs: Math.round(lengthMs * part),
    run: `run-${name}`,
    repository: `${organization}/${name}`,
    labels: ["self-hosted", name],
    coverage: name,
    durationMs: 200,
    outcome: "success",
  });
  const lost: ScriptJob[] = [
    { ...job("rare", 0.3), announced: "dropped" },
    { ...job("lone", 0.4), announced: "failed" },
    { ...job("full", 0.1), cancel: { when: "queued", afterMs: 2_000 }, unheardEnd: true },
  ];
  const keptBack = { assignAfterMs: 60_000, cancel: { when: "queued", afterMs: 6_000 } } as const;
  const left: ScriptJob[] = [
    { ...job("rare", 0.6), ...keptBack, name: "rare job that leaves an instance", run: "run-rare-left", released: "instance" },
    {
      ...job("lone", 0.7),
      ...keptBack,
      name: "lone job that leaves a registration",
      run: "run-lone-left",
      released: "registration",
    },
  ];
  const handed = (name: string, repository: string, laterMs: number, durationMs: number): ScriptJob => {
    // In repositories that others know of: in one that nobody ever heard of, a job whose event comes while the target is away is lost, as
    // docs/how-it-works.md says of an organization's target. At the beginning: there is a leader, and few faults so far.
    const atMs = 500 + laterMs;
    return { ...job("handed", 0), name, run: `run-${name}`, repository: `${organization}/${repository}`, atMs, durationMs };
  };
  const handedOver: ScriptJob[] = [
    handed("handed job that runs", "api", 0, 8_000),
    // GitHub keeps these back: a runner with a job would be known by its event.
    { ...handed("handed job whose launcher dies", "api", 2_000, 500), launcherDiesForMs: 1_000, assignAfterMs: 5_000 },
    { ...handed("handed job of a newcomer", "tools", 2_600, 500), assignAfterMs: 5_000 },
    { ...handed("another handed job of a newcomer", "tools", 2_601, 500), assignAfterMs: 5_000 },
  ];
  return [
    ...(killing.includes(profile) ? handedOver : []),
    ...(losing.includes(profile) ? lost : []),
    ...(releasing.includes(profile) ? left : []),
  ];
}
