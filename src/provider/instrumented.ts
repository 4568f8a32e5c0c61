import type { OverridePolicy, Overrides } from "../api/v1alpha1/overrides.ts";
import { Counter, Histogram, type Registry } from "../telemetry/metrics.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import { isProviderError, ProviderError, providerErrorCodes } from "./errors.ts";
import type { CheckResult, Created, Instance, Launch, Place, Provider, Resolution, ResolvedClass } from "./types.ts";

/** providerMethods are the calls that are counted, timed and bounded. */
export const providerMethods = ["create", "get", "delete", "list", "check"] as const;
export type ProviderMethod = (typeof providerMethods)[number];

/** providerCallCodes is the closed set behind the `code` label: how a call ended. */
export const providerCallCodes = ["OK", ...providerErrorCodes, "Cancelled"] as const;
export type ProviderCallCode = (typeof providerCallCodes)[number];

/** defaultDeadlinesMs bounds each call. They are shorter than a reconcile's own deadline, so that a pass can still write what happened. */
export const defaultDeadlinesMs: Readonly<Record<ProviderMethod, number>> = {
  create: 40_000,
  get: 20_000,
  delete: 20_000,
  list: 50_000,
  check: 40_000,
};

/** ProviderMetrics holds the metrics of all providers; made once for a registry. */
export class ProviderMetrics {
  readonly #calls: Counter<"provider" | "method" | "code">;
  readonly #duration: Histogram<"provider" | "method">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#calls = new Counter({
      name: "getabako_provider_calls_total",
      help: "Calls to providers by method and outcome.",
      labelNames: ["provider", "method", "code"],
      registers,
    });
    this.#duration = new Histogram({
      name: "getabako_provider_call_duration_seconds",
      help: "Duration of calls to providers.",
      labelNames: ["provider", "method"],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40],
      registers,
    });
  }

  /** zero makes every series of a provider exist, so that a graph never says "no data". */
  zero(provider: string): void {
    for (const method of providerMethods) {
      for (const code of providerCallCodes) this.#calls.inc({ provider, method, code }, 0);
      this.#duration.zero({ provider, method });
    }
  }

  observe(provider: string, method: ProviderMethod, code: ProviderCallCode, seconds: number): void {
    this.#calls.inc({ provider, method, code });
    this.#duration.observe({ provider, method }, seconds);
  }
}

/**
 * InstrumentedProvider gives any provider what all of them need: metrics, a deadline for each call, and one kind of error.
 *
 * A call ends in one of four ways, and callers see no other:
 * 1. an answer;
 * 2. a ProviderError of the provider's own;
 * 3. the deadline passed: ProviderError Unavailable, since the outcome is unknown;
 * 4. the caller's signal was aborted: its reason, as it is.
 * Anything else that a provider throws becomes ProviderError Internal with that as its cause.
 */
export class InstrumentedProvider implements Provider {
  readonly classKind: string;
  readonly capabilities: Provider["capabilities"];
  readonly feed?: NonNullable<Provider["feed"]>;
  readonly #inner: Provider;
  readonly #metrics: ProviderMetrics;
  readonly #deadlinesMs: Readonly<Record<ProviderMethod, number>>;

  constructor(inner: Provider, metrics: ProviderMetrics, deadlinesMs: Partial<Record<ProviderMethod, number>> = {}) {
    this.classKind = inner.classKind;
    this.capabilities = inner.capabilities;
    this.#inner = inner;
    this.#metrics = metrics;
    this.#deadlinesMs = { ...defaultDeadlinesMs, ...deadlinesMs };
    // A feed lasts as long as its reader wants: its calls are neither counted here nor bounded.
    if (inner.feed !== undefined) this.feed = inner.feed.bind(inner);
    metrics.zero(this.classKind);
  }

  connection(cls: ResolvedClass): Readonly<Record<string, string>> {
    return this.#inner.connection(cls);
  }

  resolve(cls: ResolvedClass, overrides: Overrides, policy?: OverridePolicy): Resolution {
    return this.#inner.resolve(cls, overrides, policy);
  }

  create(launch: Launch, signal: AbortSignal): Promise<Created> {
    return this.#call("create", signal, (inner) => this.#inner.create(launch, inner));
  }

  get(place: Place, ids: readonly string[], signal: AbortSignal): Promise<Map<string, Instance | "gone">> {
    return this.#call("get", signal, (inner) => this.#inner.get(place, ids, inner));
  }

  delete(place: Place, id: string, reason: string, signal: AbortSignal): Promise<void> {
    return this.#call("delete", signal, (inner) => this.#inner.delete(place, id, reason, inner));
  }

  check(cls: ResolvedClass, signal: AbortSignal): Promise<CheckResult> {
    return this.#call("check", signal, (inner) => this.#inner.check(cls, inner));
  }

  /** The deadline covers the whole iteration, the consumer's own work in between included; a caller that stops early counts as OK. */
  async *list(
    cls: ResolvedClass,
    filter: { readonly requestUid?: string },
    signal: AbortSignal,
  ): AsyncGenerator<Instance, void, undefined> {
    const call = this.#begin("list", signal);
    const instances = this.#inner.list(cls, filter, call.signal)[Symbol.asyncIterator]();
    let code: ProviderCallCode = "OK";
    try {
      while (true) {
        let next: IteratorResult<Instance, unknown>;
        try {
          next = await call.race(instances.next());
        } catch (error) {
          const failure = call.failure(error);
          code = failure.code;
          throw failure.error;
        }
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      call.end(code);
      // Not awaited: an iterator that hangs in next() would never answer, and the signal has told it to stop.
      if (code === "OK") await instances.return?.();
      else void instances.return?.().then(undefined, () => {});
    }
  }

  async #call<T>(method: ProviderMethod, signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const call = this.#begin(method, signal);
    try {
      const answer = await call.race(run(call.signal));
      call.end("OK");
      return answer;
    } catch (error) {
      const failure = call.failure(error);
      call.end(failure.code);
      throw failure.error;
    }
  }

  #begin(method: ProviderMethod, callerSignal: AbortSignal) {
    const startedAt = performance.now();
    const deadlineMs = this.#deadlinesMs[method];
    const deadline = AbortSignal.timeout(deadlineMs);
    const signal = AbortSignal.any([callerSignal, deadline]);
    return {
      signal,
      /** Ends with the signal even if the provider does not: a step that takes no signal (a credential lookup) must not hang a worker. */
      race: <T>(work: Promise<T>): Promise<T> => unlessAborted(work, signal),
      failure: (error: unknown): { readonly code: ProviderCallCode; readonly error: unknown } => {
        if (isProviderError(error)) return { code: error.code, error };
        if (callerSignal.aborted) return { code: "Cancelled", error: callerSignal.reason };
        if (deadline.aborted) {
          const message = `${this.classKind}: ${method} did not end within ${deadlineMs / 1000} s, so its outcome is unknown; it is repeated`;
          return { code: "Unavailable", error: new ProviderError("Unavailable", message, { cause: error }) };
        }
        const message = `${this.classKind}: ${method} failed in a way that has no name; the operator's log holds the cause`;
        return { code: "Internal", error: new ProviderError("Internal", message, { cause: error }) };
      },
      end: (code: ProviderCallCode): void => {
        this.#metrics.observe(this.classKind, method, code, (performance.now() - startedAt) / 1000);
      },
    };
  }
}
