import { runnerRequestReasons } from "../../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { getCondition } from "../../kube/conditions.ts";
import { type DeepReadonly, keyOf, keyText } from "../../kube/object.ts";
import type { Change } from "../../kube/store.ts";
import { isFinished, phaseOf } from "../../request/phase.ts";
import { Gauge, type Registry } from "../../telemetry/metrics.ts";

type Request = DeepReadonly<RunnerRequest>;

/** The steps to a job, in order: the first that is not done is what a request waits for. */
const steps = ["Admitted", "Launched", "Registered", "Assigned"] as const;

/** waitReasons is the closed set behind the `reason` label of what waits; Other is one that another version of the program wrote. */
export const waitReasons: readonly string[] = [
  ...new Set(steps.flatMap((step) => Object.keys(runnerRequestReasons[step]))),
  "Other",
];

/** requestPhases is the closed set behind the `phase` label. */
export const requestPhases = [
  "Pending",
  "Launching",
  "Starting",
  "Idle",
  "Running",
  "Finishing",
  "Succeeded",
  "Failed",
] as const satisfies readonly ReturnType<typeof phaseOf>[];

interface Waiting {
  readonly reason: string;
  /** When the job was queued at GitHub, in milliseconds. */
  readonly sinceMs: number;
}

/** StandingMetricsOptions say whom to ask when scraped. */
export interface StandingMetricsOptions {
  /** Milliseconds. */
  readonly now: () => number;
  /** Replicas that do not lead show nothing, so that a sum over pods is right. */
  readonly leads: () => boolean;
}

/**
 * StandingMetrics answers "are jobs waiting, for what, and since when" from what the informer sees. A change costs the same however many
 * requests there are, and a scrape goes over those that wait: a tenth of a millisecond for ten thousand.
 */
export class StandingMetrics {
  readonly #waiting = new Map<string, Waiting>();
  readonly #phases = new Map<string, ReturnType<typeof phaseOf>>();
  readonly #perPhase = new Map<string, number>(requestPhases.map((phase) => [phase, 0]));

  constructor(registry: Registry, { now, leads }: StandingMetricsOptions) {
    const registers = [registry];
    const whenLeading = (gauge: { reset(): void }, fill: () => void): void => {
      // Also of the time when this process led.
      if (leads()) fill();
      else gauge.reset();
    };
    const [waiting, perPhase] = [this.#waiting, this.#perPhase];
    new Gauge({
      name: "getabako_jobs_waiting",
      help: "RunnerRequests whose job is still queued at GitHub, by what they wait for.",
      labelNames: ["reason"],
      registers,
      collect(): void {
        whenLeading(this, () => {
          const counts = new Map(waitReasons.map((reason) => [reason, 0]));
          for (const { reason } of waiting.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
          for (const [reason, count] of counts) this.set({ reason }, count);
        });
      },
    });
    new Gauge({
      name: "getabako_oldest_waiting_seconds",
      help: "Seconds since the oldest job that still waits was queued at GitHub, by what it waits for; 0 where none waits.",
      labelNames: ["reason"],
      registers,
      collect(): void {
        whenLeading(this, () => {
          const nowMs = now();
          const oldestMs = new Map(waitReasons.map((reason) => [reason, nowMs]));
          for (const { reason, sinceMs } of waiting.values()) {
            if (sinceMs < (oldestMs.get(reason) ?? nowMs)) oldestMs.set(reason, sinceMs);
          }
          for (const [reason, sinceMs] of oldestMs) this.set({ reason }, (nowMs - sinceMs) / 1_000);
        });
      },
    });
    new Gauge({
      name: "getabako_runner_requests",
      help: "RunnerRequests by phase, those that are kept as history included.",
      labelNames: ["phase"],
      registers,
      collect(): void {
        whenLeading(this, () => {
          for (const [phase, count] of perPhase) this.set({ phase }, count);
        });
      },
    });
  }

  /** follow is an informer's handler, for the leader and for those who may become it. */
  follow(change: Change<Request>): void {
    const request = change.type === "delete" ? change.old : change.new;
    const key = keyText(keyOf(request));
    const gone = change.type === "delete";
    this.#move(key, gone ? undefined : phaseOf(request.status ?? {}));
    const waits = gone ? undefined : waitingOf(request);
    if (waits === undefined) this.#waiting.delete(key);
    else this.#waiting.set(key, waits);
  }

  #move(key: string, to: ReturnType<typeof phaseOf> | undefined): void {
    const from = this.#phases.get(key);
    if (from === to) return;
    if (from !== undefined) this.#perPhase.set(from, (this.#perPhase.get(from) ?? 0) - 1);
    if (to === undefined) this.#phases.delete(key);
    else {
      this.#phases.set(key, to);
      this.#perPhase.set(to, (this.#perPhase.get(to) ?? 0) + 1);
    }
  }
}

/** What a request's job waits for, if it waits. A request that is being deleted does nothing for it any more. */
function waitingOf({ metadata, spec, status }: Request): Waiting | undefined {
  if (isFinished(status) || metadata.deletionTimestamp !== undefined) return undefined;
  if ((status?.job?.state ?? spec.job.state) !== "Queued") return undefined;
  const conditions = steps.map((step) => getCondition(status?.conditions, step));
  // With a runner that works for another job, its own still waits: all steps are done, and the last one says with what.
  const next = conditions.find((condition) => condition?.status !== "True");
  const done = conditions.every((condition) => condition?.status === "True");
  return { reason: known((done ? conditions.at(-1) : next)?.reason), sinceMs: Date.parse(spec.job.queuedAt) };
}

function known(reason: string | undefined): string {
  if (reason === undefined) return "AwaitingAdmission";
  return waitReasons.includes(reason) ? reason : "Other";
}
