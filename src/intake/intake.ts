import type { GitHubApp } from "../api/v1alpha1/github-app.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import type { Client } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Registry } from "../telemetry/metrics.ts";
import type { Clock } from "../util/clock.ts";
import { Handler } from "./handler.ts";
import { IntakeMetrics } from "./metrics.ts";
import { Apps, type WebhookSecrets } from "./webhook/apps.ts";
import { BodyReader } from "./webhook/body.ts";
import { Receiver } from "./webhook/receiver.ts";
import { WebhookServer } from "./webhook/server.ts";
import { Writer } from "./writer.ts";

/** IntakeOptions are what intake needs of the rest of the program. */
export interface IntakeOptions {
  /** With githubAppIndexes among its indexes. */
  readonly apps: Informer<GitHubApp>;
  readonly targets: Informer<RunnerTarget>;
  /** With runnerRequestIndexes among its indexes. */
  readonly requests: Informer<RunnerRequest>;
  readonly requestClient: Client<RunnerRequest>;
  readonly secrets: WebhookSecrets;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  /** 0 takes a free port. */
  readonly port: number;
  /** By default every address. */
  readonly host?: string;
  /** When an answer is due; GitHub waits for 10 s. */
  readonly answerWithinMs?: number;
}

/** Intake is the part of the operator that takes webhooks: on every replica, whoever leads. */
export interface Intake {
  readonly server: WebhookServer;
}

/** GitHub's limit for a payload; a larger event is not delivered at all. */
const maxBodyBytes = 25 * 1024 * 1024;
/** For all bodies that are being read: they come from strangers until their signature is checked. */
const maxTotalBodyBytes = 4 * maxBodyBytes;

/** createIntake puts intake together; the caller runs its server once the informers have synced, and stops it first. */
export function createIntake(options: IntakeOptions): Intake {
  const { clock, requests, targets } = options;
  const log = options.log.child({ component: "intake" });
  const metrics = new IntakeMetrics(options.registry);
  const apps = new Apps(options.apps, options.secrets);
  const writer = new Writer({ client: options.requestClient, informer: requests, clock, metrics });
  const handler = new Handler({ targets: targets.store, writer, clock });
  const receiver = new Receiver({
    apps,
    handler,
    bodies: new BodyReader({ maxBytes: maxBodyBytes, maxTotalBytes: maxTotalBodyBytes }),
    hasSynced: () => options.apps.hasSynced && targets.hasSynced && requests.hasSynced,
    log,
    metrics,
    answerWithinMs: options.answerWithinMs ?? 8_000,
  });
  return { server: new WebhookServer({ receiver, apps, port: options.port, host: options.host, log }) };
}
