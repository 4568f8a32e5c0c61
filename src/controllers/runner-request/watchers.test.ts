import { describe, expect, it } from "vitest";
import type { GitHub } from "../../github/types.ts";
import { ProviderError } from "../../provider/errors.ts";
import type { Provider } from "../../provider/types.ts";
import { createLogger } from "../../telemetry/log.ts";
import { InstanceWatcher } from "./instances.ts";
import { requestPeriods } from "./periods.ts";
import { RegistrationWatcher } from "./registrations.ts";

const never = new AbortController().signal;
const log = createLogger({ level: "fatal", destination: { write: () => undefined } });
const key = { namespace: "default", name: "job-1" };
const hourMs = 3_600_000;

describe("InstanceWatcher", () => {
  const place = { classRef: { kind: "ECSRunnerClass", namespace: "default", name: "fargate" }, connection: {} };

  function watcher() {
    const state = { nowMs: 2 * hourMs, reads: 0, failure: undefined as Error | undefined };
    const provider: Partial<Provider> = {
      get: async () => {
        state.reads += 1;
        if (state.failure !== undefined) throw state.failure;
        return new Map();
      },
    };
    const instances = new InstanceWatcher({
      provider: () => provider as Provider,
      changed: () => undefined,
      clock: { now: () => state.nowMs },
      periods: requestPeriods,
      log,
    });
    return { state, instances };
  }

  it("reads an instance no later than asked when the clock is set back", async () => {
    const { state, instances } = watcher();
    instances.watch("i-1", place, key, 60_000);
    state.nowMs -= hourMs;
    await instances.readDue(never);
    expect(state.reads).toBe(0);
    state.nowMs += 60_000;
    await instances.readDue(never);
    expect(state.reads).toBe(1);
    state.nowMs += hourMs;
    await instances.readDue(never);
    expect(state.reads).toBe(1);
  });

  it("rests after a failed read for as long as it was meant to, wherever the clock goes", async () => {
    const { state, instances } = watcher();
    state.failure = new ProviderError("Throttled", "slow down", { retryAfterMs: 30_000 });
    instances.watch("i-1", place, key, 0);
    await instances.readDue(never);
    state.nowMs -= hourMs;
    await instances.readDue(never);
    expect(state.reads).toBe(1);
    state.nowMs += 30_000;
    await instances.readDue(never);
    expect(state.reads).toBe(2);
  });

  it("keeps a sooner wish when a later one follows", async () => {
    const { state, instances } = watcher();
    instances.watch("i-1", place, key, 10_000);
    instances.watch("i-1", place, key, 60_000);
    state.nowMs += 10_000;
    await instances.readDue(never);
    expect(state.reads).toBe(1);
  });
});

describe("RegistrationWatcher", () => {
  it("lists once the grace is over and then once a minute, wherever the clock goes", async () => {
    const state = { nowMs: 2 * hourMs, lists: 0 };
    const github: Partial<GitHub> = {
      listRunners: async () => {
        state.lists += 1;
        return [];
      },
    };
    const registrations = new RegistrationWatcher({
      github: () => github as GitHub,
      changed: () => undefined,
      clock: { now: () => state.nowMs },
      periods: requestPeriods,
      log,
    });
    const at = async (nowMs: number): Promise<number> => {
      state.nowMs = nowMs;
      await registrations.listDue(never);
      return state.lists;
    };
    registrations.want({ namespace: "default", name: "acme" }, { organization: "acme" }, "job-1-1", key);
    expect(await at(hourMs)).toBe(0);
    expect(await at(hourMs + requestPeriods.registrationGraceMs)).toBe(1);
    expect(await at(0)).toBe(1);
    expect(await at(requestPeriods.listRunnersEveryMs)).toBe(2);
    expect(await at(2 * hourMs)).toBe(3);
  });
});
