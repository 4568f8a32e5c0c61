import type { CapacityProviderStrategyItem } from "@aws-sdk/client-ecs";
import type { Clock } from "../../util/clock.ts";
import { Wait } from "../../util/wait.ts";
import type { AwsCallRecorder } from "../aws-metrics.ts";
import { isProviderError, ProviderError } from "../errors.ts";
import { BoundedMap } from "./bounded-map.ts";
import { CallLine, OutOfPatience, type Ticket } from "./call-line.ts";
import type { EcsConnection } from "./connection.ts";
import { awsCause } from "./errors.ts";
import { type BucketSize, TokenBucket } from "./token-bucket.ts";

/**
 * documentedBuckets are AWS' throttles for one account and Region (Amazon ECS API reference, "Request throttling"; AWS Fargate service
 * quotas, "Throttling quotas"). A launch on Fargate needs a token of three of them.
 */
export const documentedBuckets = {
  "cluster-modify": { burst: 100, perSecond: 40 },
  "cluster-read": { burst: 100, perSecond: 20 },
  "cluster-describe": { burst: 50, perSecond: 20 },
  "task-definition-modify": { burst: 20, perSecond: 1 },
  "task-definition-read": { burst: 50, perSecond: 20 },
  "fargate-run-task": { burst: 20, perSecond: 20 },
  "fargate-launch": { burst: 100, perSecond: 20 },
  "fargate-spot-launch": { burst: 100, perSecond: 20 },
} as const satisfies Readonly<Record<string, BucketSize>>;
export type BucketName = keyof typeof documentedBuckets;

/** Of the sustained rate one call in twenty is left to others of the account: people, deployments, another operator. */
const rateShare = 0.95;
/**
 * Half of each burst is left: for others, for calls that are late on their way and meet those after them, and for the process that
 * takes over in the middle of a burst of ours, which begins with a full bucket.
 */
const burstShare = 0.5;

/**
 * How near a call's token must be for the call to wait. Whoever waits holds a worker: at Fargate's 20 launches a second, a second is some
 * 20 of the 32 workers that there are by default, and the others go on with jobs that begin and end. It is also short beside the
 * deadlines of the provider's methods, the shortest of which is 20 s.
 */
const nearMs = 1_000;
/** A call that waits is sent away after this: AWS may have cut the rate meanwhile. */
const patienceMs = 2_000;
/** As many as there are clients; one that is forgotten begins with a full bucket again, and AWS says so if that is too much. */
const maxBudgets = 64;

/** The parts of requests that say which buckets a call draws on, and which call it is when it comes back. */
interface CallInput {
  readonly clientToken?: string | undefined;
  readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[] | undefined;
  readonly cluster?: string | undefined;
  readonly clusters?: readonly string[] | undefined;
  readonly task?: string | undefined;
  readonly tasks?: readonly string[] | undefined;
  readonly startedBy?: string | undefined;
  readonly nextToken?: string | undefined;
  readonly family?: string | undefined;
  readonly taskDefinition?: string | undefined;
}

interface Row {
  /** The bucket that is peculiar to the call comes first: AWS names none when it refuses, and that one is slowed down. */
  readonly buckets: (input: CallInput) => readonly BucketName[];
  /** The same for a call that is repeated. Never the whole request: that of RunTask holds a secret. */
  readonly identity: (input: CallInput) => string | undefined;
}

const byDefinition = (input: CallInput): string | undefined => input.taskDefinition ?? input.family;

/** callTable has a row for every operation that the provider uses. */
const callTable = {
  RunTask: { buckets: launchBuckets, identity: (input) => input.clientToken },
  StopTask: { buckets: () => ["cluster-modify"], identity: (input) => input.task },
  DescribeTasks: { buckets: () => ["cluster-read"], identity: (input) => input.tasks?.[0] },
  ListTasks: {
    buckets: () => ["cluster-read"],
    identity: (input) => [input.cluster, input.startedBy, input.nextToken].join(" "),
  },
  DescribeClusters: { buckets: () => ["cluster-describe"], identity: (input) => input.clusters?.join(" ") },
  DescribeCapacityProviders: { buckets: () => ["cluster-describe"], identity: (input) => input.cluster },
  DescribeTaskDefinition: { buckets: () => ["task-definition-read"], identity: byDefinition },
  RegisterTaskDefinition: { buckets: () => ["task-definition-modify"], identity: byDefinition },
  DeregisterTaskDefinition: { buckets: () => ["task-definition-modify"], identity: byDefinition },
} as const satisfies Readonly<Record<string, Row>>;
export type EcsOperation = keyof typeof callTable;

/**
 * A strategy of both FARGATE and FARGATE_SPOT may take either bucket, so it takes a token of each. A launch that ECS refuses keeps its
 * tokens: whether AWS counts it is not documented.
 */
function launchBuckets({ capacityProviderStrategy: strategy = [] }: CallInput): readonly BucketName[] {
  const used = strategy.filter(({ weight = 0, base = 0 }) => strategy.length === 1 || weight > 0 || base > 0);
  const names = used.map(({ capacityProvider }) => capacityProvider);
  const launches: BucketName[] = [];
  if (names.includes("FARGATE")) launches.push("fargate-launch");
  if (names.includes("FARGATE_SPOT")) launches.push("fargate-spot-launch");
  return launches.length > 0 ? [...launches, "fargate-run-task", "cluster-modify"] : ["cluster-modify"];
}

/** One bucket's part in a call. */
interface Stand {
  readonly name: BucketName;
  readonly line: CallLine;
  readonly ticket: Ticket;
}

/** Permit is a call that may be made now. */
export interface Permit {
  readonly operation: EcsOperation;
  readonly identity: string;
  readonly stands: readonly (Stand & { readonly cuts: number })[];
}

/** TurnedAway is the cause of a Throttled error of a call that was not made: its turn is too far away. */
export class TurnedAway extends Error {
  override readonly name = "TurnedAway";
}

/**
 * CallBudget keeps the calls to one account and Region below AWS' throttles. Calls of one bucket go in the order in which they asked
 * first, whatever they do: launches and stops share one, and so neither can starve the other. Each waits at most for what came before it.
 */
export class CallBudget {
  readonly region: string;
  readonly #clock: Clock;
  readonly #pace: number;
  readonly #metrics: AwsCallRecorder | undefined;
  /** Made when first used; at most one for each documented bucket. */
  readonly #lines = new Map<BucketName, CallLine>();

  constructor(region: string, clock: Clock, pace: number, metrics: AwsCallRecorder | undefined) {
    this.region = region;
    this.#clock = clock;
    this.#pace = pace;
    this.#metrics = metrics;
  }

  /**
   * enter resolves when the call may be made.
   * @throws ProviderError Throttled, with TurnedAway as its cause, when its turn is far away; or the signal's reason.
   */
  async enter(operation: EcsOperation, input: CallInput, signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    const row: Row = callTable[operation];
    const identity = `${operation} ${row.identity(input) ?? ""}`;
    const stands = row.buckets(input).map((name) => {
      const line = this.#line(name);
      return { name, line, ...line.claim(identity) };
    });
    if (stands.some(({ waitMs }) => waitMs > nearMs)) throw this.#turnAway(operation, identity, stands);
    const patience = new Wait(this.#clock.now(), patienceMs);
    // In all lines at once, so that each knows of everybody who is before a later call.
    const joined = await Promise.allSettled(stands.map(({ line, ticket }) => line.join(ticket, patience, signal)));
    const failed = joined.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      for (const [at, { line }] of stands.entries()) if (joined[at]?.status === "fulfilled") line.giveBack();
      throw failed.reason instanceof OutOfPatience ? this.#turnAway(operation, identity, stands) : failed.reason;
    }
    const taken = stands.map((stand) => ({ ...stand, cuts: stand.line.bucket.cuts }));
    const nowMs = this.#clock.now();
    for (const { name, ticket } of taken) this.#metrics?.waited(name, Math.max(0, nowMs - ticket.sinceMs) / 1_000);
    return { operation, identity, stands: taken };
  }

  /**
   * refused takes in that AWS threw ThrottlingException at a call, and returns the error with the time to come back: the call has had its
   * turn, so it is the first again once AWS can be asked.
   */
  refused({ operation, identity, stands }: Permit, error: ProviderError): ProviderError {
    this.#metrics?.throttled(operation);
    const [peculiar, ...others] = stands;
    // A strategy of both kinds of Fargate: which of the two buckets was empty cannot be known.
    const both = others.filter(({ name }) => name === "fargate-spot-launch");
    for (const stand of peculiar === undefined ? [] : [peculiar, ...both]) stand.line.cut(stand.cuts, error.retryAfterMs);
    const retryAfterMs = Math.max(this.#sendAway(identity, stands), error.retryAfterMs ?? 0);
    return new ProviderError("Throttled", error.message, { cause: error.cause, retryAfterMs });
  }

  /** rates are the present rates of the buckets that were used. */
  *rates(): Generator<{ readonly bucket: BucketName; readonly region: string; readonly perSecond: number }> {
    const nowMs = this.#clock.now();
    for (const [bucket, line] of this.#lines) yield { bucket, region: this.region, perSecond: line.bucket.rate(nowMs) };
  }

  /** close sends all who wait away and leaves no timer. */
  close(): void {
    for (const line of this.#lines.values()) line.close();
  }

  #turnAway(operation: EcsOperation, identity: string, stands: readonly Stand[]): ProviderError {
    const furthest = stands.reduce((a, b) => (b.line.estimateMs(b.ticket) > a.line.estimateMs(a.ticket) ? b : a));
    this.#metrics?.turnedAway(furthest.name);
    // Without a number: a condition that says where in the line it stands would be written anew each time.
    return new ProviderError(
      "Throttled",
      `calls before this ${operation} use up what AWS allows the account in ${this.region} (${furthest.name}); it is made in its turn`,
      { cause: new TurnedAway(`the turn of ${operation} is too far away`), retryAfterMs: this.#sendAway(identity, stands) },
    );
  }

  /** In every line the place is kept for the moment at which the slowest of them lets the call through. */
  #sendAway(identity: string, stands: readonly Stand[]): number {
    const waitMs = Math.max(...stands.map(({ line, ticket }) => line.estimateMs(ticket)));
    return Math.max(...stands.map(({ line, ticket }) => line.sendAway(identity, ticket, waitMs)));
  }

  #line(name: BucketName): CallLine {
    let line = this.#lines.get(name);
    if (line === undefined) {
      const { burst, perSecond } = documentedBuckets[name];
      const size = { burst: burst * burstShare * this.#pace, perSecond: perSecond * rateShare * this.#pace };
      line = new CallLine(new TokenBucket(size, this.#clock.now()), this.#clock);
      this.#lines.set(name, line);
    }
    return line;
  }
}

/** CallBudgetsOptions: `pace` is how many times faster than AWS usually allows calls may go: where it has raised its throttles, or time goes faster. */
export interface CallBudgetsOptions {
  readonly clock: Clock;
  readonly pace?: number | undefined;
  readonly metrics?: AwsCallRecorder | undefined;
}

/** CallBudgets has a budget for each account and Region: all classes and clusters there share it, as they share AWS' throttles. */
export class CallBudgets {
  readonly #clock: Clock;
  readonly #pace: number;
  readonly #metrics: AwsCallRecorder | undefined;
  readonly #budgets = new BoundedMap<string, CallBudget>(maxBudgets);

  constructor({ clock, pace = 1, metrics }: CallBudgetsOptions) {
    this.#clock = clock;
    this.#pace = pace;
    this.#metrics = metrics;
    metrics?.zero(Object.keys(callTable), Object.keys(documentedBuckets));
    metrics?.followRates(() => [...this.#budgets.values()].flatMap((budget) => [...budget.rates()]));
  }

  /** of is the budget of a connection. */
  of(connection: EcsConnection): CallBudget {
    const key = budgetKey(connection);
    const budget = this.#budgets.get(key) ?? new CallBudget(connection.region, this.#clock, this.#pace, this.#metrics);
    this.#budgets.set(key, budget);
    return budget;
  }

  /** close sends everybody away who waits. */
  close(): void {
    for (const budget of this.#budgets.values()) budget.close();
  }
}

/** isTurnedAway tells whether a call was not made because its turn is too far away. */
export function isTurnedAway(error: unknown): error is ProviderError {
  return isProviderError(error) && error.cause instanceof TurnedAway;
}

/** isThrottle tells AWS' own refusals from a call that was turned away here, and from used-up quotas, which slower calls do not mend. */
export function isThrottle(error: ProviderError): boolean {
  return error.code === "Throttled" && awsCause(error)?.reason === "Throttled";
}

/** Two roles of one account share its throttles, though not their clients. Which account the operator's own identity is in is not known. */
function budgetKey({ region, endpoint, assumeRoleArn }: EcsConnection): string {
  const account =
    assumeRoleArn === undefined ? null : (/^arn:[a-z-]+:iam::([0-9]{12}):/.exec(assumeRoleArn)?.[1] ?? assumeRoleArn);
  return JSON.stringify([region, endpoint ?? null, account]);
}
