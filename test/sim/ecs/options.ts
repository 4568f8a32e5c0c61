import type { Clock } from "../../../src/util/clock.ts";
import type { EventOptions } from "./events.ts";
import type { ReadEnvironmentFile } from "./runner/environment.ts";
import type { SpawnOptions } from "./runner/spawn.ts";
import type { RunnerHook } from "./runner/types.ts";
import type { ClusterOptions, ProviderOptions } from "./state/clusters.ts";
import type { Timings } from "./state/life.ts";
import { type TaskStatus, taskStatuses } from "./state/task.ts";

/** EcsSimOptions describe the simulated account. Everything has a default. */
export interface EcsSimOptions {
  /** Where to listen; a free port of 127.0.0.1 if absent. */
  readonly host?: string;
  readonly port?: number;
  /** Signing region of the account, `us-east-1` if absent; calls signed for another one are refused. */
  readonly region?: string;
  readonly accountId?: string;
  /** `default` and `runners`, both with FARGATE and FARGATE_SPOT, if absent. */
  readonly clusters?: readonly ClusterOptions[];
  /** Capacity providers other than AWS' own two. */
  readonly capacityProviders?: readonly ProviderOptions[];
  /** The only subnets and security groups that exist; without them every well-formed id does. */
  readonly subnets?: readonly string[];
  readonly securityGroups?: readonly string[];
  readonly clock?: Clock;
  /** Milliseconds in each state: one number for all or per state; 0 waits for a test to move the task on. 5 if absent. */
  readonly timings?: number | Partial<Timings>;
  /** What runs in place of the tasks' main containers: a function, or a program started once per task. */
  readonly runner?: RunnerHook | SpawnOptions;
  /** Milliseconds between SIGTERM and SIGKILL, instead of the task definition's stopTimeout. */
  readonly stopTimeoutMs?: number;
  /** Reads environment files that tasks name; without it they are only recorded. */
  readonly readEnvironmentFile?: ReadEnvironmentFile;
  readonly events?: EventOptions;
  /** Turns AWS' documented token buckets on. */
  readonly throttle?: boolean;
  /** Keeps values of environment variables in the call log. */
  readonly keepSecrets?: boolean;
  /** Whether a call that gave nothing but failures uses up its clientToken; AWS does not say. */
  readonly tokensSurviveFailures?: boolean;
}

const defaultMs = 5;

/** resolveTimings fills in the milliseconds of every state. */
export function resolveTimings(timings: EcsSimOptions["timings"]): Timings {
  const of = (status: TaskStatus): number => (typeof timings === "number" ? timings : (timings?.[status] ?? defaultMs));
  return Object.fromEntries(taskStatuses.map((status) => [status, of(status)])) as Timings;
}
