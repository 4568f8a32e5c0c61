import { Counter, Gauge, Histogram, type Registry } from "../telemetry/metrics.ts";

/** WatchEnd is why a watch ended; the label `cause` of kube_watch_restarts_total. */
export type WatchEnd = (typeof watchEnds)[number];
const watchEnds = ["closed", "expired", "idle", "list", "forbidden", "error"] as const;

/** ReconcileOutcome is the label `result` of controller_runtime_reconcile_total. */
export type ReconcileOutcome = (typeof outcomes)[number];
const outcomes = ["success", "error", "requeue", "requeue_after"] as const;

/** EventResult is what became of an Event that a controller wanted published. */
export type EventResult = (typeof eventResults)[number];
const eventResults = ["created", "updated", "dropped", "failed"] as const;

// client-go's buckets for its work queue and controller-runtime's for a pass, so that existing dashboards fit.
const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
const passBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** QueueObserver is asked at scrape time how long the work in hand has been going on, in seconds. */
export interface QueueObserver {
  unfinishedSeconds(): number;
  longestSeconds(): number;
}

/** SizedStore is what kube_cached_objects asks when scraped. */
export interface SizedStore {
  readonly size: number;
}

/** WatchMetrics are the metrics of one informer. */
export interface WatchMetrics {
  restarted(cause: WatchEnd): void;
  running(): void;
  stopped(): void;
}

/** QueueMetrics are the metrics of one work queue. */
export interface QueueMetrics {
  depth(value: number): void;
  added(): void;
  retried(): void;
  waited(seconds: number): void;
  worked(seconds: number): void;
}

/** ControllerMetrics are the metrics of one controller. */
export interface ControllerMetrics {
  finished(outcome: ReconcileOutcome, seconds: number): void;
  failed(): void;
  terminal(): void;
  panicked(): void;
  activeWorkers(change: 1 | -1): void;
}

/**
 * KubeMetrics holds this layer's metrics under the names that controller-runtime and client-go gave them. Every label
 * set that is known beforehand starts at zero, so that a graph never says "no data" about something that is fine.
 */
export class KubeMetrics {
  readonly #queues = new Map<string, QueueObserver>();
  readonly #stores = new Map<string, Set<SizedStore>>();
  readonly #reconciles: Counter<"controller" | "result">;
  readonly #errors: Counter<"controller">;
  readonly #terminalErrors: Counter<"controller">;
  readonly #panics: Counter<"controller">;
  readonly #passSeconds: Histogram<"controller">;
  readonly #activeWorkers: Gauge<"controller">;
  readonly #maxWorkers: Gauge<"controller">;
  readonly #depth: Gauge<"name">;
  readonly #adds: Counter<"name">;
  readonly #retries: Counter<"name">;
  readonly #queueSeconds: Histogram<"name">;
  readonly #workSeconds: Histogram<"name">;
  readonly #leader: Gauge<"name">;
  readonly #requests: Counter<"code" | "method" | "host">;
  readonly #requestSeconds: Histogram<"verb">;
  readonly #watchRestarts: Counter<"kind" | "cause">;
  readonly #events: Counter<"result">;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = <L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
      new Counter({ name, help, labelNames, registers });
    const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> =>
      new Gauge({ name, help, labelNames, registers });
    const histogram = <L extends string>(name: string, help: string, buckets: number[], ...labelNames: L[]): Histogram<L> =>
      new Histogram({ name, help, labelNames, buckets, registers });

    const pass = "controller_runtime_reconcile";
    this.#reconciles = counter(`${pass}_total`, "Passes of a controller by result.", "controller", "result");
    this.#errors = counter(`${pass}_errors_total`, "Passes that ended with an error.", "controller");
    this.#terminalErrors = counter(
      "controller_runtime_terminal_reconcile_errors_total",
      "Passes that ended with an error that is not retried.",
      "controller",
    );
    this.#panics = counter(
      `${pass}_panics_total`,
      "Passes that ended with a bug instead of an error that was meant.",
      "controller",
    );
    this.#passSeconds = histogram(`${pass}_time_seconds`, "Time per pass.", passBuckets, "controller");
    this.#activeWorkers = gauge("controller_runtime_active_workers", "Workers that are in a pass right now.", "controller");
    this.#maxWorkers = gauge("controller_runtime_max_concurrent_reconciles", "Workers that a controller may use.", "controller");

    this.#depth = gauge("workqueue_depth", "Keys that wait for a worker.", "name");
    this.#adds = counter("workqueue_adds_total", "Keys added.", "name");
    this.#retries = counter("workqueue_retries_total", "Keys added again after a failure.", "name");
    this.#queueSeconds = histogram("workqueue_queue_duration_seconds", "Time a key waits for a worker.", queueBuckets, "name");
    this.#workSeconds = histogram("workqueue_work_duration_seconds", "Time a worker spends on a key.", queueBuckets, "name");
    this.#leader = gauge("leader_election_master_status", "1 while this process holds the Lease.", "name");
    this.#requests = counter("rest_client_requests_total", "Requests to the API server.", "code", "method", "host");
    this.#requestSeconds = histogram(
      "rest_client_request_duration_seconds",
      "Time per call to the API server, retries included and watches left out.",
      passBuckets,
      "verb",
    );
    this.#watchRestarts = counter(
      "kube_watch_restarts_total",
      "Watches that ended; only the cause `closed` is part of normal life.",
      "kind",
      "cause",
    );
    this.#events = counter("kube_events_total", "Kubernetes Events by what became of them.", "result");
    for (const result of eventResults) this.#events.inc({ result }, 0);
    this.#addScraped(registers);
  }

  /** Gauges that are asked for when scraped: a worker that hangs shows although it never finishes anything. */
  #addScraped(registers: Registry[]): void {
    new Gauge({
      name: "workqueue_unfinished_work_seconds",
      help: "Seconds of work in hand that no other metric has counted yet.",
      labelNames: ["name"],
      registers,
      collect: collectEach(this.#queues, (queue) => queue.unfinishedSeconds()),
    });
    new Gauge({
      name: "workqueue_longest_running_processor_seconds",
      help: "Seconds the longest running worker has been on its key.",
      labelNames: ["name"],
      registers,
      collect: collectEach(this.#queues, (queue) => queue.longestSeconds()),
    });
    const stores = this.#stores;
    new Gauge({
      name: "kube_cached_objects",
      help: "Objects in the local stores.",
      labelNames: ["kind"],
      registers,
      collect(): void {
        for (const [kind, ofKind] of stores) {
          this.set(
            { kind },
            [...ofKind].reduce((sum, store) => sum + store.size, 0),
          );
        }
      },
    });
  }

  /** forController starts a controller's metrics at zero. */
  forController(controller: string, maxConcurrent: number): ControllerMetrics {
    const labels = { controller };
    for (const result of outcomes) this.#reconciles.inc({ controller, result }, 0);
    for (const counter of [this.#errors, this.#terminalErrors, this.#panics]) counter.inc(labels, 0);
    this.#passSeconds.zero(labels);
    this.#activeWorkers.set(labels, 0);
    this.#maxWorkers.set(labels, maxConcurrent);
    return {
      finished: (result, seconds) => {
        this.#reconciles.inc({ controller, result });
        this.#passSeconds.observe(labels, seconds);
      },
      failed: () => this.#errors.inc(labels),
      terminal: () => this.#terminalErrors.inc(labels),
      panicked: () => this.#panics.inc(labels),
      activeWorkers: (change) => this.#activeWorkers.inc(labels, change),
    };
  }

  /** forQueue starts a queue's metrics at zero. */
  forQueue(name: string, observer: QueueObserver): QueueMetrics {
    const labels = { name };
    this.#queues.set(name, observer);
    this.#depth.set(labels, 0);
    this.#adds.inc(labels, 0);
    this.#retries.inc(labels, 0);
    this.#queueSeconds.zero(labels);
    this.#workSeconds.zero(labels);
    return {
      depth: (value) => this.#depth.set(labels, value),
      added: () => this.#adds.inc(labels),
      retried: () => this.#retries.inc(labels),
      waited: (seconds) => this.#queueSeconds.observe(labels, seconds),
      worked: (seconds) => this.#workSeconds.observe(labels, seconds),
    };
  }

  /** forWatch starts a kind's watch metrics at zero; `running` counts the store's objects until `stopped`. */
  forWatch(kind: string, store: SizedStore): WatchMetrics {
    for (const cause of watchEnds) this.#watchRestarts.inc({ kind, cause }, 0);
    const stores = this.#stores.get(kind) ?? new Set();
    this.#stores.set(kind, stores);
    return {
      restarted: (cause) => this.#watchRestarts.inc({ kind, cause }),
      running: () => void stores.add(store),
      stopped: () => void stores.delete(store),
    };
  }

  /** leading says whether this process holds the Lease of a name. */
  leading(name: string, leader: boolean): void {
    this.#leader.set({ name }, leader ? 1 : 0);
  }

  /** requested counts a request; code is the HTTP status, or "<error>" without an answer, as client-go has it. */
  requested(code: string, method: string, host: string): void {
    this.#requests.inc({ code, method, host });
  }

  /** answered observes how long a request took. */
  answered(verb: string, seconds: number): void {
    this.#requestSeconds.observe({ verb }, seconds);
  }

  /** published counts an Event. */
  published(result: EventResult): void {
    this.#events.inc({ result });
  }
}

function collectEach(queues: ReadonlyMap<string, QueueObserver>, read: (queue: QueueObserver) => number) {
  return function collect(this: Gauge<"name">): void {
    for (const [name, queue] of queues) this.set({ name }, read(queue));
  };
}
