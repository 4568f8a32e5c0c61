import { randomUUID } from "node:crypto";
import { toJson } from "../http.ts";
import { installationCovers } from "../state/apps.ts";
import type { App, Job } from "../state/model.ts";
import { grants } from "../state/tokens.ts";
import { type EntryKind, fullName, type World } from "../state/world.ts";
import { PlantedFault, type WebhookFault, type WebhookFaultHandle } from "./faults.ts";
import { type Delivery, DeliveryLog, type Event } from "./log.ts";
import { type JobAction, workflowJobPayload } from "./payload.ts";
import { deliveryHeaders, post } from "./send.ts";

const actions: Partial<Record<EntryKind, JobAction>> = {
  "job-waiting": "waiting",
  "job-queued": "queued",
  "job-started": "in_progress",
  "job-completed": "completed",
};

/** How an attempt differs from the plain one. */
interface Attempt {
  readonly redelivery?: boolean;
  readonly throttledAt?: number;
}

/** Webhooks tells Apps what happens to jobs: signed, logged, and as badly as the planted faults want. */
export class Webhooks {
  readonly log: DeliveryLog;
  readonly #world: World;
  readonly #abort = new AbortController();
  readonly #pending = new Set<Promise<void>>();
  /** The end of the line of each job: without faults the events of one job arrive in order. */
  readonly #lines = new Map<Job, Promise<void>>();
  #faults: PlantedFault[] = [];
  #nextFault = 1;

  constructor(world: World) {
    this.#world = world;
    this.log = new DeliveryLog(world);
    world.listen((entry) => {
      const action = actions[entry.kind];
      if (action && entry.job) this.#announce(entry.job, action);
    });
  }

  /** Tells every App that is installed on the job's repository and listens. */
  #announce(job: Job, action: JobAction): void {
    const { repository } = job.run;
    for (const installation of this.#world.installations.values()) {
      if (!installationCovers(installation, repository) || installation.suspendedAt !== undefined) continue;
      if (!installation.events.includes("workflow_job") || !grants(installation.permissions, "actions", "read")) continue;
      if (installation.app.hook.receivers.length === 0) continue;
      this.#publish({
        guid: randomUUID(),
        name: "workflow_job",
        action,
        app: installation.app,
        // Rendered now: a delivery that waits still tells of this moment.
        body: toJson(workflowJobPayload(this.#world, job, action, installation)),
        installationId: installation.id,
        repositoryId: repository.id,
        repository: fullName(repository),
        job,
      });
    }
  }

  /** Sends any payload as an event of an App, signed, logged and redeliverable; resolves with the delivery. */
  async send(app: App, name: string, payload: unknown, options: { guid?: string } = {}): Promise<Delivery> {
    const body = typeof payload === "string" ? payload : toJson(payload);
    const fields = (typeof payload === "object" && payload !== null ? payload : {}) as {
      action?: string;
      installation?: { id: number };
      repository?: { id: number; full_name: string };
    };
    const guid = options.guid ?? randomUUID();
    const event: Event = {
      guid,
      name,
      action: fields.action,
      app,
      body,
      installationId: fields.installation?.id,
      repositoryId: fields.repository?.id,
      repository: fields.repository?.full_name,
      job: undefined,
    };
    return this.#attempt(event, {});
  }

  addFault(fault: WebhookFault): WebhookFaultHandle {
    const planted = new PlantedFault(this.#nextFault, fault, this.#world.random, (events) => this.#inOrder(events));
    this.#nextFault += 1;
    this.#faults.push(planted);
    return planted;
  }

  faults(): readonly WebhookFaultHandle[] {
    return this.#faults.filter((fault) => !fault.lifted);
  }

  clearFaults(): void {
    for (const fault of this.#faults) fault.remove();
    this.#faults = [];
  }

  /** Sends an event again under its guid, as a new delivery. */
  redeliver(delivery: Delivery): void {
    this.#track(this.#attempt(delivery.event, { redelivery: true }));
  }

  /** Resolves when nothing is on its way any more; events that a fault keeps do not count. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Cuts off deliveries in flight; they end as timed out. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.settled();
  }

  #publish(event: Event): void {
    const planted = this.#faults.find((candidate) => candidate.strikes(event));
    if (!planted) return this.#track(this.#inLine(event));
    const { fault } = planted;
    const later = fault.ms ?? 1_000;
    switch (fault.kind) {
      case "drop":
        return this.#world.record("webhook-lost", { job: event.job, detail: `${event.name} ${event.action} ${event.guid}` });
      case "fail":
        this.#log(event, {}, "", {}, { status: "failed to connect to host", statusCode: 502, headers: {}, body: "" }, 0);
        return;
      case "delay":
        return this.#track(this.#wait(later).then(() => this.#inLine(event)));
      case "throttle": {
        const throttledAt = this.#world.now();
        return this.#track(this.#wait(later).then(() => this.#attempt(event, { throttledAt })));
      }
      case "duplicate":
        for (let copy = 0; copy <= (fault.copies ?? 1); copy += 1) this.#track(this.#attempt(event, {}));
        return;
      case "reorder":
        planted.keep(event);
        if (planted.waiting >= (fault.count ?? 2)) planted.release();
        else if (fault.ms !== undefined) this.#track(this.#wait(fault.ms).then(() => planted.release()));
        return;
      case "hold":
        return planted.keep(event);
      default:
        return fault.kind satisfies never;
    }
  }

  /** One after the other, whatever jobs they belong to: the order that a fault chose is the point of it. */
  #inOrder(events: readonly Event[]): void {
    this.#track(
      (async () => {
        for (const event of events) await this.#attempt(event, {});
      })(),
    );
  }

  async #inLine(event: Event): Promise<void> {
    if (!event.job) {
      await this.#attempt(event, {});
      return;
    }
    const { job } = event;
    const turn = (this.#lines.get(job) ?? Promise.resolve()).then(() => this.#attempt(event, {})).then(() => undefined);
    this.#lines.set(job, turn);
    await turn;
    if (this.#lines.get(job) === turn) this.#lines.delete(job);
  }

  async #attempt(event: Event, attempt: Attempt): Promise<Delivery> {
    const { settings } = this.#world;
    if (settings.latencyMs.webhook) await this.#wait(settings.latencyMs.webhook);
    const { hook } = event.app;
    const url = hook.receivers[hook.cursor % Math.max(1, hook.receivers.length)] ?? "";
    hook.cursor += 1;
    const headers = deliveryHeaders(event, event.app, settings);
    const started = Date.now();
    const result = await post(url, headers, event.body, settings.webhookDeadlineMs, this.#abort.signal);
    return this.#log(event, attempt, url, headers, result, Date.now() - started);
  }

  #log(
    event: Event,
    attempt: Attempt,
    url: string,
    requestHeaders: Record<string, string>,
    result: Awaited<ReturnType<typeof post>>,
    durationMs: number,
  ): Delivery {
    const delivery = this.log.add({
      event,
      redelivery: attempt.redelivery ?? false,
      deliveredAt: this.#world.now(),
      throttledAt: attempt.throttledAt,
      url,
      requestHeaders,
      status: result.status,
      statusCode: result.statusCode,
      durationMs,
      responseHeaders: result.headers,
      responseBody: result.body,
    });
    this.#world.record("webhook-sent", {
      job: event.job,
      detail: `${event.name} ${event.action} ${event.guid} ${result.statusCode}`,
    });
    return delivery;
  }

  #track(work: Promise<unknown>): void {
    const done = work.then(() => undefined).finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#abort;
      if (signal.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
    });
  }
}
