import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "../telemetry/log.ts";
import type { Clock } from "../util/clock.ts";
import { apiUrl } from "./api-url.ts";
import { AppJwtSigner } from "./app-jwt.ts";
import { Caller, type Timeouts } from "./caller.ts";
import { deleteRunner } from "./delete-runner.ts";
import { type ProxyEnvironment, createDispatcher } from "./dispatcher.ts";
import { GitHubError } from "./errors.ts";
import { Exchange, type Sleep } from "./exchange.ts";
import { getApp } from "./get-app.ts";
import { getHookConfig } from "./get-hook-config.ts";
import { getJob } from "./get-job.ts";
import { getOfferedRunner } from "./get-offered-runner.ts";
import { getRunner } from "./get-runner.ts";
import { listDeliveries } from "./list-deliveries.ts";
import { listInstallations } from "./list-installations.ts";
import { listRunJobs } from "./list-run-jobs.ts";
import { listRunnerGroups } from "./list-runner-groups.ts";
import { findRunner, listRunners } from "./list-runners.ts";
import { listRuns } from "./list-runs.ts";
import type { GitHubMetrics } from "./metrics.ts";
import { mintJitConfig } from "./mint-jit-config.ts";
import { verifyPrivateKey } from "./private-key.ts";
import { appOwner, RateLimits } from "./rate-limits.ts";
import { redeliver } from "./redeliver.ts";
import { RetryBudget } from "./retry-budget.ts";
import { RunnerGroups } from "./runner-groups.ts";
import { readable } from "./shape.ts";
import { createTransport } from "./transport.ts";
import type { GitHub, HookConfig, RunnerGroupInfo, Scope } from "./types.ts";
import { type Pacing, WritePacer, defaultPacing } from "./write-pacer.ts";

/** GitHubOptions says which App on which host, and what the client shares with the rest of the process. */
export interface GitHubOptions {
  /** The address people open in a browser: https://github.com, https://TENANT.ghe.com or that of an Enterprise Server. */
  readonly webUrl: string;
  /** The base of the REST API, where it cannot be derived from webUrl. */
  readonly apiUrl?: string | undefined;
  readonly appId: string | number;
  /** RSA key in PEM form, PKCS#1 or PKCS#8. */
  readonly privateKey: string;
  /** PEM certificates to trust in addition to the machine's. */
  readonly caBundle?: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: GitHubMetrics;
  /** Default: 10 s a call, 20 s a registration. */
  readonly timeouts?: Partial<Timeouts>;
  readonly pacing?: Partial<Pacing>;
  /** Where proxy variables are read from; default process.env. */
  readonly env?: ProxyEnvironment;
  readonly userAgent?: string;
  /** Waits between tries; tests pass one that does not wait. */
  readonly sleep?: Sleep;
}

/** GitHubClient is a GitHub that owns connections and can be told what events already know. */
export interface GitHubClient extends GitHub {
  /** Takes the installation id that came with an event as a hint: it saves one lookup per account, and is checked on the first 404. */
  rememberInstallation(scope: Scope, installationId: string): void;
  /** GitHub's clock minus this machine's, as learnt from refused JWTs; 0 while nothing was refused. */
  clockSkewMs(): number;
  /** Reads how GitHub sends the App's webhooks. */
  getHookConfig(signal: AbortSignal): Promise<HookConfig>;
  /** Reads the runner groups of an organization: all, or those that admit one of its repositories (the name without its owner). */
  listRunnerGroups(organization: string, signal: AbortSignal, visibleTo?: string): Promise<readonly RunnerGroupInfo[]>;
  /** Lets calls under way finish, then closes the connections. */
  close(): Promise<void>;
}

/**
 * createGitHub makes the client of one App on one host. A rotated key or CA means a new client; only caches are lost with the old one.
 * @throws GitHubError Invalid when an address, the key or the CA bundle cannot be used as it is.
 */
export function createGitHub(options: GitHubOptions): GitHubClient {
  const { clock, log, metrics, sleep = (ms, signal) => wait(ms, undefined, { signal }) } = options;
  const app = String(options.appId);
  const finding = verifyPrivateKey(options.privateKey);
  if (!finding.ok) throw new GitHubError("Invalid", finding.problem);
  const baseUrl = usable(() => apiUrl(options.webUrl, options.apiUrl));
  const dispatcher = usable(() => createDispatcher({ caBundle: options.caBundle, env: options.env ?? process.env }));
  const pacing: Pacing = { ...defaultPacing, ...options.pacing };
  const timeouts: Timeouts = { callMs: 10_000, mintMs: 20_000, ...options.timeouts };
  const transport = createTransport({ baseUrl, dispatcher, userAgent: options.userAgent ?? "getabako" });
  const limits = new RateLimits(clock);
  const exchange = new Exchange({
    app,
    host: new URL(baseUrl).host,
    transport,
    limits,
    pacer: new WritePacer(clock, pacing),
    retryBudget: new RetryBudget(clock),
    clock,
    log,
    metrics,
    sleep,
  });
  const signer = new AppJwtSigner(app, finding.key, clock);
  const caller = new Caller({ exchange, signer, timeouts, paceWaitMs: pacing.maxWaitMs, clock, sleep, log });
  const groups = new RunnerGroups(caller, clock);
  metrics.opened(app);
  let closing: Promise<void> | undefined;
  return {
    mintJitConfig: (scope, body, signal) =>
      readable("mintJitConfig", signal, mintJitConfig({ caller, groups }, scope, body, signal)),
    getRunner: (scope, id, signal) => readable("getRunner", signal, getRunner(caller, scope, id, signal)),
    findRunner: (scope, name, signal) => readable("findRunner", signal, findRunner(caller, scope, name, signal)),
    listRunners: (scope, signal) => readable("listRunners", signal, listRunners(caller, scope, signal)),
    getOfferedRunner: (scope, signal) => readable("getOfferedRunner", signal, getOfferedRunner(caller, scope, signal)),
    deleteRunner: (scope, id, signal) => readable("deleteRunner", signal, deleteRunner(caller, scope, id, signal)),
    getJob: (repository, jobId, signal) => readable("getJob", signal, getJob(caller, repository, jobId, signal)),
    listRuns: (repository, status, signal) => readable("listRuns", signal, listRuns(caller, repository, status, signal)),
    listRunJobs: (repository, runId, signal) => readable("listRunJobs", signal, listRunJobs(caller, repository, runId, signal)),
    listDeliveries: (query, signal) => readable("listDeliveries", signal, listDeliveries(caller, query, signal)),
    redeliver: (deliveryId, signal) => readable("redeliver", signal, redeliver(caller, deliveryId, signal)),
    getApp: (signal) => readable("getApp", signal, getApp(caller, signal)),
    getHookConfig: (signal) => readable("getHookConfig", signal, getHookConfig(caller, signal)),
    listRunnerGroups: (organization, signal, visibleTo) =>
      readable("listRunnerGroups", signal, listRunnerGroups(caller, organization, signal, visibleTo)),
    listInstallations: (signal) => readable("listInstallations", signal, listInstallations(caller, signal)),
    rateLimits: (of) => {
      if (of === undefined) return limits.current();
      return limits.of(of === "app" ? appOwner : caller.installations.known(of));
    },
    clockSkewMs: () => signer.skewMs,
    rememberInstallation: (scope, installationId) => caller.installations.remember(scope, installationId),
    close: () => {
      if (closing === undefined) {
        metrics.closed(app);
        closing = transport.close();
      }
      return closing;
    },
  };
}

/** usable turns the RangeErrors of the pure parts, whose texts are ours, into the one error of this folder. */
function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new GitHubError("Invalid", error.message);
    throw error;
  }
}
