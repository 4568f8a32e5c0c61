import type { GitHubApp } from "../api/v1alpha1/github-app.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import type { Client } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Registry } from "../telemetry/metrics.ts";
import type { Clock } from "../util/clock.ts";
import type { ConnectionWatch } from "../util/guarded-server.ts";
import { Handler } from "./handler.ts";
import { IntakeMetrics } from "./metrics.ts";
import { Apps, type WebhookSecrets } from "./webhook/apps.ts";
import { BodyReader } from "./webhook/body.ts";
import { Receiver } from "./webhook/receiver.ts";
import { WebhookServer } from "./webhook/server.ts";
import { Writer } from "./writer.ts";

/** CoreOptions are what handling events needs of the rest of the program, whatever brings them. */
export interface CoreOptions {
  readonly targets: Informer<RunnerTarget>;
  /** With runnerRequestIndexes among its indexes. */
  readonly requests: Informer<RunnerRequest>;
  readonly requestClient: Client<RunnerRequest>;
  readonly clock: Clock;
  readonly registry: Registry;
}

/** IntakeCore is what the sources of events share in a process: webhooks on every replica, sweeps on the leader. */
export interface IntakeCore {
  readonly handler: Handler;
  readonly metrics: IntakeMetrics;
}

/** createIntakeCore makes it, once for a registry. */
export function createIntakeCore({ targets, requests, requestClient, clock, registry }: CoreOptions): IntakeCore {
  const metrics = new IntakeMetrics(registry);
  const writer = new Writer({ client: requestClient, informer: requests, clock, metrics });
  return { handler: new Handler({ targets: targets.store, writer, clock }), metrics };
}

/** IntakeOptions are what the webhook's side of intake needs beside that. */
export interface IntakeOptions extends CoreOptions {
  /** With githubAppIndexes among its indexes. */
  readonly apps: Informer<GitHubApp>;
  readonly secrets: WebhookSecrets;
  readonly log: Logger;
  /** Shared with sweeps of this process; made anew if absent. */
  readonly core?: IntakeCore;
  /** 0 takes a free port. */
  readonly port: number;
  /** By default every address. */
  readonly host?: string;
  /** When an answer is due; GitHub waits for 10 s. */
  readonly answerWithinMs?: number;
  readonly watch?: ConnectionWatch;
  readonly maxConnections?: number;
}

/** Intake is the part of the operator that takes webhooks: on every replica, whoever leads. */
export interface Intake {
  readonly server: WebhookServer;
}

/** GitHub's limit for a payload; a larger event is not delivered at all. */
const maxBodyBytes = 25 * 1024 * 1024;
/** GitHub's examples of workflow_job, ping and installation events take up to 12 kB. */
const uncountedBodyBytes = 32 * 1024;
/** For what bodies that are being read take beyond that: they come from strangers until their signature is checked. */
const maxTotalBodyBytes = 2 * maxBodyBytes;

/** createIntake puts intake together; the caller runs its server once the informers have synced, and stops it first. */
export function createIntake(options: IntakeOptions): Intake {
  const { requests, targets, port, host, watch, maxConnections } = options;
  const log = options.log.child({ component: "intake" });
  const { handler, metrics } = options.core ?? createIntakeCore(options);
  const apps = new Apps(options.apps, options.secrets);
  const receiver = new Receiver({
    apps,
    handler,
    bodies: new BodyReader({
      maxBytes: maxBodyBytes,
      uncountedBytes: uncountedBodyBytes,
      maxTotalBytes: maxTotalBodyBytes,
    }),
    hasSynced: () => options.apps.hasSynced && targets.hasSynced && requests.hasSynced,
    log,
    metrics,
    answerWithinMs: options.answerWithinMs ?? 8_000,
  });
  const limits = { ...(watch !== undefined && { watch }), ...(maxConnections !== undefined && { maxConnections }) };
  return { server: new WebhookServer({ receiver, apps, port, host, log, ...limits }) };
}
