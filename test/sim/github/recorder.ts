import type { World } from "./state/world.ts";

/** Violation is a request that GitHub would not understand, or an answer of the simulator that GitHub would not give. */
export interface Violation {
  readonly kind: "request" | "response" | "route";
  readonly method: string;
  readonly path: string;
  readonly operationId: string | undefined;
  readonly errors: readonly string[];
}

/** RecordedRequest is one REST or broker call, without any secret. */
export interface RecordedRequest {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly operation: string;
  /** 0: the caller got no answer. */
  readonly status: number;
  readonly caller: string | undefined;
  readonly durationMs: number;
  readonly fault: string | undefined;
  readonly requestBody?: string;
  readonly responseBody?: string;
}

/** Counters are what the accounting of a demo or benchmark asks for. */
export interface Counters {
  /** Calls by operation: GitHub's operation ids, and `broker/...` for the runner's side. */
  readonly operations: Readonly<Record<string, number>>;
  /** The same by operation and status, as `operation 201`. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly rest: number;
  readonly webhooks: number;
  readonly mostConcurrent: number;
}

const requestLimit = 100_000;

/** Recorder keeps what was asked and answered. */
export class Recorder {
  readonly violations: Violation[] = [];
  readonly requests: RecordedRequest[] = [];
  readonly #world: World;
  readonly #operations: Record<string, number> = {};
  readonly #statuses: Record<string, number> = {};
  #rest = 0;
  #webhooks = 0;
  #open = 0;
  #mostConcurrent = 0;

  constructor(world: World) {
    this.#world = world;
    world.listen((entry) => {
      if (entry.kind === "webhook-sent") this.#webhooks += 1;
    });
  }

  opened(): void {
    this.#open += 1;
    this.#mostConcurrent = Math.max(this.#mostConcurrent, this.#open);
  }

  closed(): void {
    this.#open -= 1;
  }

  add(request: RecordedRequest): void {
    const bodies = this.#world.settings.recordBodies;
    const { requestBody, responseBody, ...rest } = request;
    const kept = {
      ...rest,
      ...(bodies && requestBody !== undefined && { requestBody: this.#redact(requestBody) }),
      ...(bodies && responseBody !== undefined && { responseBody: this.#redact(responseBody) }),
    };
    this.requests.push(kept);
    if (this.requests.length > requestLimit) this.requests.splice(0, requestLimit / 10);
    this.#operations[request.operation] = (this.#operations[request.operation] ?? 0) + 1;
    const status = `${request.operation} ${request.status}`;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (!request.operation.startsWith("broker/")) this.#rest += 1;
    this.#world.record("api-call", { detail: `${request.method} ${request.path} ${request.status}` });
  }

  counters(): Counters {
    return {
      operations: { ...this.#operations },
      statuses: { ...this.#statuses },
      rest: this.#rest,
      webhooks: this.#webhooks,
      mostConcurrent: this.#mostConcurrent,
    };
  }

  #redact(text: string): string {
    let clean = text;
    // Bodies are JSON, so a key's line breaks stand there escaped.
    for (const secret of this.#world.secrets) clean = clean.replaceAll(JSON.stringify(secret).slice(1, -1), "***");
    return clean;
  }
}
