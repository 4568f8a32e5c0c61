import type { FaultKind, Profile } from "./fault-kinds.ts";
import type { Coverage, TargetName } from "./layout.ts";

/** Cancellation is when somebody presses "Cancel" at GitHub. */
export type Cancellation =
  /** So long after the job was queued, wherever it is then. */
  | { readonly when: "queued"; readonly afterMs: number }
  /** Between the assignment to a runner and the start. */
  | { readonly when: "assigned" }
  /** So long after it began to run. */
  | { readonly when: "running"; readonly afterMs: number };

/** ScriptJob is one job of the script. */
export interface ScriptJob {
  readonly name: string;
  readonly atMs: number;
  /** Jobs with the same text belong to one run, as those of a matrix do. */
  readonly run: string;
  readonly repository: string;
  readonly labels: readonly string[];
  readonly coverage: Coverage;
  readonly durationMs: number;
  readonly outcome: "success" | "failure";
  /** GitHub keeps it back for so long although a runner idles. */
  readonly assignAfterMs?: number;
  readonly cancel?: Cancellation;
  /** The failed jobs of its run are run again, once. */
  readonly rerun?: true;
  /** What becomes of its first event: never sent, or its delivery fails, and nothing else of its repository tells of it. */
  readonly announced?: "dropped" | "failed";
  /** The event of its end is never sent. */
  readonly unheardEnd?: true;
  /** Once its instance is there it is cancelled and somebody lets its request go, so that only this is left. */
  readonly released?: "instance" | "registration";
  /** The operator that makes its first task is killed before it hears so, and started again after this time. */
  readonly launcherDiesForMs?: number;
  /** It would run for longer than timeouts.job: its runner has to be stopped. */
  readonly overlong?: true;
}

/** ScriptFault is one thing that goes wrong. */
export interface ScriptFault {
  readonly atMs: number;
  readonly kind: FaultKind;
  /** 0 for what happens in one moment. */
  readonly forMs: number;
  readonly times: number;
  /** Chooses among what is there at that moment: the operator, the task, the target. */
  readonly pick: number;
}

/** Script is a whole run, decided before it begins; nothing in it depends on what the operator does. */
export interface Script {
  readonly seed: number;
  readonly profile: Profile | "all";
  /** When the faults end. */
  readonly lengthMs: number;
  readonly assignment: "oldest" | "random";
  /** When GitHub takes idle runners away; absent if it never does, so that one which the operator forgets stays. */
  readonly idleReapMs?: number;
  /** maxRunners of each target. */
  readonly slots: Readonly<Record<TargetName, number>>;
  readonly jobs: readonly ScriptJob[];
  readonly faults: readonly ScriptFault[];
}

/** ScriptOptions are all that a script is made of. */
export interface ScriptOptions {
  readonly seed: number;
  readonly jobs: number;
  readonly minutes: number;
  readonly profile: Profile | "all";
}

/** jobTimeoutMs is timeouts.job of every target. */
export const jobTimeoutMs = 15_000;
