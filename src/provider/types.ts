import type { OverridePolicy, Overrides } from "../api/v1alpha1/overrides.ts";
import type { ClassReason } from "../api/v1alpha1/reasons.ts";
import type { Refusal } from "./errors.ts";

/** ResolvedClass is a runner class as a provider sees it: plain data read from the API server, nothing of Kubernetes' machinery. */
export interface ResolvedClass<Spec = unknown> {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly spec: Spec;
  /** What earlier checks have left in the class' status, in the provider's own fields; for check() alone. */
  readonly status?: Readonly<Record<string, unknown>>;
}

/**
 * Place is how to reach the instances of a class, and all that is stored with them: an instance can be read and removed although
 * its class was changed or deleted meanwhile. `connection` is made by Provider.connection and holds no secret.
 */
export interface Place {
  readonly classRef: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly connection: Readonly<Record<string, string>>;
}

/** Launch is everything a provider needs to start one runner. */
export interface Launch<Spec = unknown> {
  /** The RunnerRequest's uid: with `attempt` and `tries` it identifies the launch for ever. */
  readonly requestUid: string;
  readonly requestNamespace: string;
  readonly requestName: string;
  /** Counts the request's attempts from 1. Every attempt has a runner name and a JIT configuration of its own. */
  readonly attempt: number;
  /**
   * How often every rung of the ladder has refused this attempt before. A refusal is definite, so the next try is another call
   * (with ECS: another clientToken) and may hand over the same JIT configuration, which no instance received.
   */
  readonly tries: number;
  readonly runnerName: string;
  readonly registeredIn: RegisteredIn;
  readonly labels: readonly string[];
  readonly class: ResolvedClass<Spec>;
  /** What the job chose of the class, as resolve() returned it. */
  readonly overrides: Overrides;
  /**
   * Rungs of the ladder to pass over, because they were interrupted or refused again and again: they come last, in their own order, when
   * every other one that the runner may come from has refused or there is none.
   */
  readonly avoid: readonly string[];
  /** The single-use JIT configuration. A secret: never logged, never put in an error, a tag or a name. */
  readonly jitConfig: string;
  /** Facts for cost allocation, written where the backend has tags: repository, workflow, job and target. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * RegisteredIn is where a runner is registered. It is kept with the instance, so that whoever finds one that nobody wants knows where to
 * ask about its work, also when its request and target are gone.
 */
export interface RegisteredIn {
  /** The GitHubApp, as "namespace/name". */
  readonly app: string;
  /** An organization, or "owner/repository". */
  readonly scope: string;
}

/** instanceStates in the order of an instance's life; a state never goes back. */
export const instanceStates = ["Pending", "Running", "Stopping", "Stopped"] as const;
export type InstanceState = (typeof instanceStates)[number];

/**
 * StopCause says why an instance ended, as far as the backend knows; the controllers decide from it what to do next.
 * `message` is a sentence of ours with the next step, at most 300 characters.
 *
 * | category | meaning |
 * |---|---|
 * | Exited | the runner process ended by itself |
 * | Requested | stopped through delete() |
 * | Interrupted | the backend took the capacity away (Spot) |
 * | StartFailed | it never ran for a passing reason (network interface, registry time-out) |
 * | Misconfigured | it cannot run as the class describes it (image, role, secret) |
 * | OutOfMemory | killed for memory |
 * | HostFailure | the machine below it failed |
 * | Unknown | the backend does not say |
 */
export interface StopCause {
  readonly category:
    | "Exited"
    | "Requested"
    | "Interrupted"
    | "StartFailed"
    | "Misconfigured"
    | "OutOfMemory"
    | "HostFailure"
    | "Unknown";
  /** As the backend names it, such as `EssentialContainerExited`; at most 100 characters. */
  readonly reason: string;
  readonly message: string;
}

/** Instance is one runner's compute as the backend reports it. Times are RFC 3339. */
export interface Instance {
  readonly id: string;
  readonly state: InstanceState;
  /** Rises with each change the backend reports; an observation with a lower version is older. 0 where there is none. */
  readonly version: number;
  readonly requestUid?: string | undefined;
  readonly attempt?: number | undefined;
  readonly runnerName?: string | undefined;
  /** Where the backend has tags. */
  readonly registeredIn?: RegisteredIn | undefined;
  /** Name of the rung of the class' ladder, where known. */
  readonly capacity?: string | undefined;
  readonly zone?: string | undefined;
  readonly createdAt?: string | undefined;
  readonly startedAt?: string | undefined;
  readonly stoppedAt?: string | undefined;
  readonly stop?: StopCause | undefined;
  readonly exitCode?: number | undefined;
}

/** Resolution says whether a class can give a job the runner that it asks for. */
export type Resolution =
  /** What follows from the job's choice is filled in, so that the launch needs no policy. */
  | { readonly ok: true; readonly overrides: Overrides }
  /** Sentences that begin with the label that cannot be followed, and say what could. */
  | { readonly ok: false; readonly problems: readonly string[] };

export interface Created {
  readonly instance: Instance;
  /**
   * True when the backend already had an instance for this attempt, started by an earlier call whose answer was lost. It holds
   * the JIT configuration of that call, not necessarily the one handed over now.
   */
  readonly adopted: boolean;
  /** Rungs of the ladder that refused before one accepted. */
  readonly refusals: readonly Refusal[];
}

/** Finding is one result of check(): a thing that is wrong with a class, in words that say what to do. */
export interface Finding {
  readonly severity: "Error" | "Warning";
  /** Becomes the reason of the class' Ready condition, or of a Warning event. */
  readonly reason: ClassReason;
  readonly message: string;
}

export interface CheckResult {
  readonly findings: readonly Finding[];
  /** Facts for the class' status, in the provider's own fields; merged into `status`. */
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface Capabilities {
  /** create() with the same uid, attempt and tries can never give a second instance. Without it the controller stores an intent first. */
  readonly idempotentCreate: boolean;
  /** get() reports states; without it only deadlines and GitHub tell how a runner fares. */
  readonly observable: boolean;
  /** list() finds instances whose id was lost. */
  readonly listable: boolean;
}

/**
 * Provider runs runners somewhere. It gets resolved values, holds no Kubernetes client and remembers nothing that it cannot
 * rebuild. Every method takes an AbortSignal, may be repeated at any time, and throws only ProviderError (or the signal's reason).
 */
export interface Provider<Spec = unknown> {
  readonly classKind: string;
  readonly capabilities: Capabilities;
  /** The part of a class that leads to its instances, such as Region and cluster; at most 8 short strings, none of them a secret. */
  connection(cls: ResolvedClass<Spec>): Readonly<Record<string, string>>;
  /**
   * Looks a job's overrides up in a class. Pure and quick: it is asked before anything is launched, so that what cannot be is refused at
   * no cost. What the job left open may follow from what it chose as far as `policy` allows, and without a policy nothing follows.
   */
  resolve(cls: ResolvedClass<Spec>, overrides: Overrides, policy?: OverridePolicy): Resolution;
  /**
   * Starts the runner and resolves once the backend accepted it, not when it runs. The rungs of the class' ladder are tried in
   * order; only a definite refusal moves on to the next one. An unknown outcome throws Unavailable: repeat the same launch.
   */
  create(launch: Launch<Spec>, signal: AbortSignal): Promise<Created>;
  /** Reads many instances in as few calls as the backend allows; "gone" for those it does not know (any more). */
  get(place: Place, ids: readonly string[], signal: AbortSignal): Promise<Map<string, Instance | "gone">>;
  /** Asks for removal and returns; repeat until get() says Stopped or "gone". An unknown instance is a success. */
  delete(place: Place, id: string, reason: string, signal: AbortSignal): Promise<void>;
  /** Every live instance that this operator started through the class; with `requestUid`, those of one request. */
  list(cls: ResolvedClass<Spec>, filter: { readonly requestUid?: string }, signal: AbortSignal): AsyncIterable<Instance>;
  /** What stands behind the class' Ready condition, and behind doctor. */
  check(cls: ResolvedClass<Spec>, signal: AbortSignal): Promise<CheckResult>;
  /** Where the backend pushes changes of a class' instances, if the class says so. Pure and quick; polling stays as the net below it. */
  feed?(cls: ResolvedClass<Spec>): Feed | undefined;
}

/** Delivery is what a feed brought at once; one without instances says that the feed works and has nothing to tell. */
export interface Delivery {
  /** Changed instances, in no order: an older version may come after a newer one, and anything may come twice. */
  readonly instances: readonly Instance[];
  /** How many messages were about something else than a runner. */
  readonly foreign: number;
  /** Why a message could not be read, in words of ours, for each one. */
  readonly unreadable: readonly string[];
}

/** Feed is a stream of changes that a backend pushes; several classes may share one. */
export interface Feed {
  /** Equal for classes that share the stream, which is then read once. Holds no secret. */
  readonly key: string;
  /** Where people find it: in the log and in events. */
  readonly address: string;
  /**
   * Reads until the signal aborts. A delivery is settled with the backend when the next one is asked for, so one whose reader crashed
   * comes again. The first one follows at once, others at least every half minute, empty if need be.
   * @throws ProviderError when the stream cannot be read (any more); it may be opened again.
   */
  open(signal: AbortSignal): AsyncIterable<Delivery>;
}
