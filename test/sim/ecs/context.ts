import type { Failure } from "@aws-sdk/client-ecs";
import type { Capacity } from "./capacity.ts";
import type { Account, SimClock } from "./state/account.ts";
import type { Clusters } from "./state/clusters.ts";
import type { Definitions } from "./state/definitions.ts";
import type { Life } from "./state/life.ts";
import type { Network } from "./state/network.ts";
import type { Tasks } from "./state/tasks.ts";
import type { Tokens } from "./state/tokens.ts";
import type { Throttle } from "./throttle.ts";

/** Context is the simulated account as operations see it. */
export interface Context {
  readonly account: Account;
  readonly clock: SimClock;
  readonly clusters: Clusters;
  readonly network: Network;
  readonly definitions: Definitions;
  readonly tasks: Tasks;
  readonly tokens: Tokens;
  readonly life: Life;
  readonly capacity: Capacity;
  readonly throttle: Throttle;
  /** Reads that miss a task after RunTask. */
  readonly hiddenReads: () => number;
  readonly tokensSurviveFailures: boolean;
}

/** Call is what an operation knows about the call besides its request. */
export interface Call {
  readonly accessKeyId: string;
  /** Failures that a fault put in the place of tasks. */
  readonly failures: readonly Failure[] | undefined;
}

/** Operation answers one kind of call; it throws ApiError for anything but a 200. */
export type Operation<Request> = (context: Context, request: Request, call: Call) => Readonly<Record<string, unknown>>;
