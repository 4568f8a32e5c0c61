import type { Clock } from "../../../src/util/clock.ts";

/** routeClasses groups operations for latencies, as a person would tune them. */
export const routeClasses = ["token", "mint", "runner", "read", "write", "webhook", "broker"] as const;
export type RouteClass = (typeof routeClasses)[number];

/** GitHubSimOptions: everything has a default that is as strict as GitHub and as fast as possible. */
export interface GitHubSimOptions {
  /** 0 picks a free port. */
  readonly port?: number;
  readonly host?: string;
  /** How runners and operators reach the simulator, when that is not the address it listens on. */
  readonly publicUrl?: string;
  /** The website that `html_url`s point to. */
  readonly htmlUrl?: string;
  /** Sent as X-GitHub-Enterprise-Host with every webhook. */
  readonly enterpriseHost?: string;
  readonly clock?: Clock;
  readonly seed?: number;
  /** Who gets which job: "oldest" first, or at random, which is how runners get stolen. */
  readonly assignment?: "oldest" | "random";
  /** "alternate" issues short and long tokens in turn. */
  readonly tokens?: "short" | "long" | "alternate";
  readonly tokenLifetimeMs?: number;
  /** A byte-identical App JWT is answered with 404 by the token endpoint, as GitHub was seen to do. */
  readonly refuseReplayedJwt?: boolean;
  readonly jitLifetimeMs?: number;
  /** JIT runners that idle for this long vanish; Infinity by default. */
  readonly idleReapMs?: number;
  /** GitHub removes an ephemeral runner that is not connected after a day. */
  readonly offlineReapMs?: number;
  /** An assignment that the runner does not acquire in this time goes back to the queue. */
  readonly acquireMs?: number;
  /** A job whose runner stops renewing its lock fails after this time. */
  readonly lockMs?: number;
  /** How long a runner that vanished in the middle of a job stays busy in the API. */
  readonly busyLagMs?: number;
  /** How long the name of a runner that ended stays taken. */
  readonly nameReuseMs?: number;
  /** A job that waited for this long is cancelled. */
  readonly queueLimitMs?: number;
  /** How long a message poll is held when there is nothing to say, in real time. */
  readonly pollMs?: number;
  /** A runner whose session is silent for this long is offline. */
  readonly sessionMs?: number;
  /** Older runners are refused. */
  readonly minimumRunnerVersion?: string;
  /** What GitHub offers for download. */
  readonly offeredRunnerVersion?: string;
  readonly latencyMs?: Partial<Record<RouteClass, number>>;
  readonly limits?: Partial<RateLimits>;
  /** Which bucket the JIT call is charged to; both were seen at GitHub. */
  readonly mintBucket?: "actions_runner_registration" | "core";
  readonly receivers?: readonly string[];
  readonly webhookDeadlineMs?: number;
  /** How often time-driven changes are looked for, in real time; 0 leaves it to `tick()`. */
  readonly tickMs?: number;
  /** Keep request and answer bodies in `requests()`, with tokens and configurations cut out. */
  readonly recordBodies?: boolean;
}

export interface RateLimits {
  readonly core: number;
  readonly actions_runner_registration: number;
  /** GitHub answers an exhausted budget with either. */
  readonly status: 403 | 429;
  readonly windowMs: number;
}

/** Settings are the options with their defaults filled in. */
export interface Settings {
  readonly htmlUrl: string;
  readonly enterpriseHost: string | undefined;
  readonly seed: number;
  assignment: "oldest" | "random";
  tokens: "short" | "long" | "alternate";
  tokenLifetimeMs: number;
  refuseReplayedJwt: boolean;
  jitLifetimeMs: number;
  idleReapMs: number;
  offlineReapMs: number;
  acquireMs: number;
  lockMs: number;
  busyLagMs: number;
  nameReuseMs: number;
  queueLimitMs: number;
  pollMs: number;
  sessionMs: number;
  minimumRunnerVersion: string;
  offeredRunnerVersion: string;
  latencyMs: Partial<Record<RouteClass, number>>;
  limits: RateLimits;
  mintBucket: "actions_runner_registration" | "core";
  webhookDeadlineMs: number;
  readonly recordBodies: boolean;
}

const minute = 60_000;
const hour = 60 * minute;

const defaults: Omit<Settings, "htmlUrl" | "enterpriseHost" | "latencyMs" | "limits"> = {
  seed: 1,
  assignment: "oldest",
  tokens: "alternate",
  tokenLifetimeMs: hour,
  refuseReplayedJwt: true,
  jitLifetimeMs: hour,
  idleReapMs: Number.POSITIVE_INFINITY,
  offlineReapMs: 24 * hour,
  acquireMs: minute,
  lockMs: 10 * minute,
  busyLagMs: 10 * minute,
  nameReuseMs: minute,
  queueLimitMs: 24 * hour,
  pollMs: 50_000,
  sessionMs: minute,
  minimumRunnerVersion: "2.329.0",
  offeredRunnerVersion: "2.336.0",
  mintBucket: "actions_runner_registration",
  webhookDeadlineMs: 10_000,
  recordBodies: false,
};

const defaultLimits: RateLimits = { core: 5_000, actions_runner_registration: 10_000, status: 403, windowMs: hour };

/** resolveSettings fills in the defaults. */
export function resolveSettings(options: GitHubSimOptions): Settings {
  return {
    ...defaults,
    ...options,
    htmlUrl: (options.htmlUrl ?? "https://github.com").replace(/\/+$/, ""),
    enterpriseHost: options.enterpriseHost,
    latencyMs: { ...options.latencyMs },
    limits: { ...defaultLimits, ...options.limits },
  };
}
