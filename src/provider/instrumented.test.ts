import { expect, test, vi } from "vitest";
import { Registry } from "../telemetry/metrics.ts";
import { ProviderError } from "./errors.ts";
import { InstrumentedProvider, ProviderMetrics, providerCallCodes, providerMethods } from "./instrumented.ts";
import type { Created, Instance, Launch, Place, Provider, ResolvedClass } from "./types.ts";

const place: Place = { classRef: { kind: "K", namespace: "n", name: "c" }, connection: {} };
const cls: ResolvedClass = { kind: "K", namespace: "n", name: "c", uid: "u", generation: 1, spec: {} };
const launch = { class: cls } as Launch;
const instance: Instance = { id: "i", state: "Pending", version: 1 };
const forever = <T>(): Promise<T> => new Promise<T>(() => {});

function bench(overrides: Partial<Provider> = {}, deadlineMs = 60_000) {
  const registry = new Registry();
  const inner: Provider = {
    classKind: "K",
    capabilities: { idempotentCreate: true, observable: true, listable: true },
    connection: () => ({ a: "b" }),
    resolve: (_, overrides) => ({ ok: true, overrides }),
    create: async () => ({ instance, adopted: false, refusals: [] }),
    get: async () => new Map([["i", instance]]),
    delete: async () => {},
    list: async function* () {
      yield instance;
      yield { ...instance, id: "j" };
    },
    check: async () => ({ findings: [] }),
    ...overrides,
  };
  const deadlines = Object.fromEntries(providerMethods.map((method) => [method, deadlineMs]));
  const provider = new InstrumentedProvider(inner, new ProviderMetrics(registry), deadlines);
  const calls = async (): Promise<Record<string, number>> => {
    const metric = await registry.getSingleMetric("getabako_provider_calls_total")?.get();
    const counted = metric?.values.filter(({ value }) => value > 0) ?? [];
    return Object.fromEntries(counted.map(({ labels, value }) => [`${labels["method"]} ${labels["code"]}`, value]));
  };
  return { provider, registry, calls };
}

const call = {
  create: (provider: Provider, signal: AbortSignal): Promise<unknown> => provider.create(launch, signal),
  get: (provider: Provider, signal: AbortSignal): Promise<unknown> => provider.get(place, ["i"], signal),
  delete: (provider: Provider, signal: AbortSignal): Promise<unknown> => provider.delete(place, "i", "why", signal),
  check: (provider: Provider, signal: AbortSignal): Promise<unknown> => provider.check(cls, signal),
  list: async (provider: Provider, signal: AbortSignal): Promise<unknown> => {
    const all: Instance[] = [];
    for await (const each of provider.list(cls, {}, signal)) all.push(each);
    return all;
  },
};
const signal = (): AbortSignal => new AbortController().signal;
const methods = [...providerMethods];

/** A provider whose method does this, whatever it returns. */
function doing(method: (typeof methods)[number], work: (signal: AbortSignal) => Promise<never>): Partial<Provider> {
  const run = async (...args: readonly unknown[]): Promise<never> => work(args.at(-1) as AbortSignal);
  async function* list(...args: readonly unknown[]): AsyncGenerator<Instance> {
    yield instance;
    await work(args.at(-1) as AbortSignal);
  }
  return { [method]: method === "list" ? list : run };
}

test("every series is there before the first call, and no other ever comes", async () => {
  const { registry } = bench();
  const values = (await registry.getSingleMetric("getabako_provider_calls_total")?.get())?.values ?? [];
  expect(values).toHaveLength(providerMethods.length * providerCallCodes.length);
  expect(values.every(({ value, labels }) => value === 0 && labels["provider"] === "K")).toBe(true);
  const text = await registry.metrics();
  for (const method of providerMethods) {
    expect(text).toContain(`getabako_provider_call_duration_seconds_count{provider="K",method="${method}"} 0`);
  }
});

test.each(methods)("%s passes its answer on and counts as OK", async (method) => {
  const { provider, calls, registry } = bench();
  await expect(call[method](provider, signal())).resolves.toEqual(await call[method](bench().provider, signal()));
  expect(await calls()).toEqual({ [`${method} OK`]: 1 });
  expect(await registry.metrics()).toContain(`getabako_provider_call_duration_seconds_count{provider="K",method="${method}"} 1`);
});

test.each(methods)("%s passes a ProviderError on as it is and counts its code", async (method) => {
  const error = new ProviderError("Throttled", "slow down please", { retryAfterMs: 7 });
  const { provider, calls } = bench(doing(method, async () => Promise.reject(error)));
  await expect(call[method](provider, signal())).rejects.toBe(error);
  expect(await calls()).toEqual({ [`${method} Throttled`]: 1 });
});

test.each(methods)("%s turns anything else into Internal, with it as the cause", async (method) => {
  const cause = new TypeError("x is not a function");
  const { provider, calls } = bench(doing(method, async () => Promise.reject(cause)));
  await expect(call[method](provider, signal())).rejects.toMatchObject({ name: "ProviderError", code: "Internal", cause });
  expect(await calls()).toEqual({ [`${method} Internal`]: 1 });
});

test.each(methods)(
  "%s that does not end is Unavailable after its deadline, though it never looks at the signal",
  async (method) => {
    const { provider, calls } = bench(
      doing(method, () => forever()),
      20,
    );
    await expect(call[method](provider, signal())).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringContaining(`${method} did not end within 0.02 s`),
    });
    expect(await calls()).toEqual({ [`${method} Unavailable`]: 1 });
  },
);

test.each(methods)("%s hands its provider a signal that the deadline aborts", async (method) => {
  const aborted = vi.fn<() => void>();
  const { provider } = bench(
    doing(
      method,
      (inner) => new Promise((_, reject) => inner.addEventListener("abort", () => (aborted(), reject(inner.reason as Error)))),
    ),
    20,
  );
  await expect(call[method](provider, signal())).rejects.toMatchObject({ code: "Unavailable" });
  expect(aborted).toHaveBeenCalledOnce();
});

test.each(methods)("%s ends with the caller's own reason when the caller aborts", async (method) => {
  const controller = new AbortController();
  const reason = new Error("shutting down");
  const { provider, calls } = bench(doing(method, () => forever()));
  const called = call[method](provider, controller.signal);
  controller.abort(reason);
  await expect(called).rejects.toBe(reason);
  expect(await calls()).toEqual({ [`${method} Cancelled`]: 1 });
});

test("a signal that is aborted already ends a call at once", async () => {
  const { provider } = bench({ create: () => forever<Created>() });
  const reason = new Error("too late");
  await expect(provider.create(launch, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("a caller that stops listing early ends the provider's iterator, and it counts as OK", async () => {
  const ended = vi.fn<() => void>();
  const { provider, calls } = bench({
    list: async function* () {
      try {
        yield instance;
        yield instance;
      } finally {
        ended();
      }
    },
  });
  for await (const each of provider.list(cls, {}, signal())) {
    expect(each).toBe(instance);
    break;
  }
  expect(ended).toHaveBeenCalledOnce();
  expect(await calls()).toEqual({ "list OK": 1 });
});

test("kind, capabilities and connection are the provider's own, and feed is there only if it has one", () => {
  const { provider } = bench();
  expect(provider.classKind).toBe("K");
  expect(provider.capabilities.listable).toBe(true);
  expect(provider.connection(cls)).toEqual({ a: "b" });
  expect("feed" in provider && provider.feed !== undefined).toBe(false);
  const feed = { key: "k", address: "a", open: async function* () {} };
  expect(bench({ feed: () => feed }).provider.feed?.(cls)).toBe(feed);
});
