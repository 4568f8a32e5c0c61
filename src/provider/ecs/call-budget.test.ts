import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../util/clock.ts";
import type { AwsCallRecorder, BucketRate } from "../aws-metrics.ts";
import { isProviderError, ProviderError } from "../errors.ts";
import { CallBudgets, type CallBudget, documentedBuckets, type EcsOperation, type Permit, TurnedAway } from "./call-budget.ts";
import { TokenBucket } from "./token-bucket.ts";

const forever = new AbortController().signal;
const connection = { region: "us-east-1", cluster: "runners" };

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
});
afterEach(() => {
  vi.useRealTimers();
});

function launch(token: string, ...providers: string[]) {
  return {
    clientToken: token,
    capacityProviderStrategy: (providers.length > 0 ? providers : ["FARGATE"]).map((capacityProvider) => ({
      capacityProvider,
      weight: 1,
    })),
  };
}

/** How many of these calls may be made at once. */
async function atOnce(budget: CallBudget, operation: EcsOperation, input: (call: number) => object, most = 200): Promise<number> {
  const stop = new AbortController();
  let entered = 0;
  const calls = Array.from({ length: most }, (_, call) =>
    budget.enter(operation, input(call), stop.signal).then(
      () => (entered += 1),
      () => undefined,
    ),
  );
  await vi.advanceTimersByTimeAsync(0);
  stop.abort();
  await Promise.all(calls);
  return entered;
}

/** Calls until it is not told to come back, as a controller does. */
async function enterAtLast(budget: CallBudget, operation: EcsOperation, input: object): Promise<Permit> {
  for (;;) {
    try {
      return await budget.enter(operation, input, forever);
    } catch (error) {
      if (!isProviderError(error) || error.retryAfterMs === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    }
  }
}

describe("the buckets", () => {
  const task = (call: number) => ({ task: `t${call}` });
  it.each<[EcsOperation, number, (call: number) => object]>([
    ["RunTask", 10, (call) => launch(`l${call}`)],
    ["RunTask", 10, (call) => launch(`l${call}`, "FARGATE", "FARGATE_SPOT")],
    ["RunTask", 50, (call) => launch(`l${call}`, "my-instances")],
    ["StopTask", 50, task],
    ["DescribeTasks", 50, (call) => ({ tasks: [`t${call}`] })],
    ["ListTasks", 50, (call) => ({ startedBy: `r${call}` })],
    ["DescribeClusters", 25, (call) => ({ clusters: [`c${call}`] })],
    ["DescribeTaskDefinition", 25, (call) => ({ taskDefinition: `d${call}` })],
    ["RegisterTaskDefinition", 10, (call) => ({ family: `f${call}` })],
    ["DeregisterTaskDefinition", 10, (call) => ({ taskDefinition: `d${call}` })],
  ])("let half of AWS' burst of %s through at once: %i", async (operation, burst, input) => {
    expect(await atOnce(new CallBudgets({ clock: systemClock }).of(connection), operation, input)).toBe(burst);
  });

  it("are shared by the clusters and classes of an account and Region, and by no others", async () => {
    const budgets = new CallBudgets({ clock: systemClock });
    const stops = (overrides: object) => atOnce(budgets.of({ ...connection, ...overrides }), "StopTask", task);
    expect(await stops({})).toBe(50);
    expect(await stops({ cluster: "others" })).toBe(0);
    expect(await stops({ region: "eu-west-1" })).toBe(50);
    expect(await stops({ assumeRoleArn: "arn:aws:iam::111111111111:role/a" })).toBe(50);
    expect(await stops({ assumeRoleArn: "arn:aws:iam::111111111111:role/b" })).toBe(0);
    expect(await stops({ assumeRoleArn: "arn:aws:iam::222222222222:role/a" })).toBe(50);
  });

  it("are one for RunTask and StopTask: the first who ask are served first, whatever they ask for", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const order: string[] = [];
    const ask = (name: string, operation: EcsOperation, input: object) =>
      enterAtLast(budget, operation, input).then(() => order.push(name));
    const all: Promise<number>[] = [];
    for (let call = 0; call < 100; call++) {
      all.push(ask(`launch ${call}`, "RunTask", launch(`l${call}`, "my-instances")));
      all.push(ask(`stop ${call}`, "StopTask", task(call)));
    }
    await vi.runAllTimersAsync();
    await Promise.all(all);
    expect(order).toEqual(Array.from({ length: 100 }, (_, call) => [`launch ${call}`, `stop ${call}`]).flat());
  });

  it("let stops through while launches wait for Fargate's own bucket", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const launches = Array.from({ length: 300 }, (_, call) => enterAtLast(budget, "RunTask", launch(`l${call}`)));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await atOnce(budget, "StopTask", task, 10)).toBe(10);
    await vi.runAllTimersAsync();
    await Promise.all(launches);
  });
});

describe("a call whose turn is far away", () => {
  it("is turned away at once with the time to come back, and no word that changes", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const outcomes = Array.from({ length: 60 }, (_, call) =>
      budget.enter("RunTask", launch(`l${call}`), forever).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    const last = (await outcomes.at(-1)) as ProviderError;
    const before = (await outcomes.at(-2)) as ProviderError;
    expect(last).toMatchObject({ code: "Throttled", message: before.message });
    expect(last.message).toContain("us-east-1");
    expect(last.cause).toBeInstanceOf(TurnedAway);
    // 10 at once, 49 before it at 19 a second, and half a second early.
    expect(last.retryAfterMs).toBeCloseTo((50 / 19) * 1_000 - 500, -1);
    expect((last.retryAfterMs ?? 0) - (before.retryAfterMs ?? 0)).toBeCloseTo(1_000 / 19, -1);
    await vi.runAllTimersAsync();
  });

  it("keeps its place, also against one that asks at its time for the first time", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const order: string[] = [];
    const ask = (name: string) => enterAtLast(budget, "RunTask", launch(name)).then(() => order.push(name));
    const all = Array.from({ length: 60 }, (_, call) => ask(`l${call}`));
    await vi.advanceTimersByTimeAsync(2_100);
    all.push(ask("late"));
    await vi.runAllTimersAsync();
    await Promise.all(all);
    expect(order.indexOf("late")).toBe(60);
  });

  it("that does not come back holds nobody up for longer than its grace", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const gone = Array.from({ length: 100 }, (_, call) => budget.enter("RunTask", launch(`l${call}`), forever).catch(() => {}));
    await vi.advanceTimersByTimeAsync(2_000);
    await Promise.all(gone);
    // The tokens that nobody came for are there for whoever comes.
    expect(await atOnce(budget, "RunTask", (call) => launch(`new ${call}`), 20)).toBe(10);
    await vi.advanceTimersByTimeAsync(20_000);
    await budget.enter("RunTask", launch("another"), forever);
  });
});

describe("a crowd of 500 launches, 32 at a time, at the documented buckets", () => {
  /** Workers with a queue in which who was turned away is put back when told to come again; the network takes up to 100 ms. */
  async function play(
    jobs: number,
  ): Promise<{ seconds: number; refused: number; calls: number; order: number[]; asked: number }> {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const aws = Object.values(documentedBuckets).map((size) => new TokenBucket(size, Date.now()));
    const startedAt = Date.now();
    const seen = { seconds: 0, refused: 0, calls: 0, asked: 0, order: [] as number[] };
    const queue = Array.from({ length: jobs }, (_, job) => job);
    const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const work = async (job: number): Promise<void> => {
      seen.asked += 1;
      // Its registration at GitHub.
      await sleep(120);
      try {
        const permit = await budget.enter("RunTask", launch(`l${job}`, "FARGATE_SPOT"), forever);
        await sleep(20 + ((job * 37) % 80));
        seen.calls += 1;
        const [modify, , , , , run, , spot] = aws;
        if (![modify, run, spot].every((bucket) => bucket?.take(Date.now()) === true)) {
          seen.refused += 1;
          throw budget.refused(permit, new ProviderError("Throttled", "AWS asks for fewer"));
        }
        seen.seconds = (Date.now() - startedAt) / 1_000;
        seen.order.push(job);
      } catch (error) {
        setTimeout(() => queue.push(job), (error as ProviderError).retryAfterMs);
      }
    };
    const worker = async (): Promise<void> => {
      while (seen.order.length < jobs) {
        const job = queue.shift();
        if (job === undefined) await sleep(5);
        else await work(job);
      }
    };
    const all = Promise.all(Array.from({ length: 32 }, worker));
    await vi.advanceTimersByTimeAsync(60_000);
    await all;
    return seen;
  }

  it("goes out within 1.2 times the time that AWS allows, in order, with hardly a refusal", async () => {
    const { seconds, refused, calls, order, asked } = await play(500);
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, job) => job));
    // 20 at once, then 20 a second.
    expect(seconds).toBeLessThan(1.2 * ((500 - 20) / 20));
    expect(refused / calls).toBeLessThan(0.02);
    // Turned away once, or twice where one of the crowd was not back yet and its token went to somebody who was there.
    expect(asked).toBeLessThan(1_300);
    // Those few overtook the others, by their number; the rest is the network.
    const moved = order.map((job, at) => Math.abs(job - at)).toSorted((a, b) => a - b);
    expect(moved[449]).toBeLessThan(40);
  });
});

describe("a refusal of AWS", () => {
  const refusal = (retryAfterMs?: number) =>
    new ProviderError("Throttled", "AWS asks for fewer", { ...(retryAfterMs !== undefined && { retryAfterMs }) });

  it("slows down the bucket that is peculiar to the call, and brings the call back first", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const permit = await budget.enter("RunTask", launch("first", "FARGATE_SPOT"), forever);
    const error = budget.refused(permit, refusal());
    expect(error).toMatchObject({ code: "Throttled", message: "AWS asks for fewer", retryAfterMs: 100 });
    const rates = Object.fromEntries([...budget.rates()].map(({ bucket, perSecond }) => [bucket, perSecond]));
    expect(rates).toEqual({ "fargate-spot-launch": 9.5, "fargate-run-task": 19, "cluster-modify": 38 });
    const order: string[] = [];
    const others = Array.from({ length: 3 }, (_, call) =>
      enterAtLast(budget, "RunTask", launch(`l${call}`, "FARGATE_SPOT")).then(() => order.push(`l${call}`)),
    );
    await vi.advanceTimersByTimeAsync(100);
    const again = enterAtLast(budget, "RunTask", launch("first", "FARGATE_SPOT")).then(() => order.push("first"));
    await vi.runAllTimersAsync();
    await Promise.all([again, ...others]);
    expect(order[0]).toBe("first");
    // On-demand launches have a bucket of their own.
    expect(await atOnce(budget, "RunTask", (call) => launch(`d${call}`))).toBe(10);
  });

  it("with Retry-After stops the bucket until then", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const permit = await budget.enter("StopTask", { task: "a" }, forever);
    expect(budget.refused(permit, refusal(7_000)).retryAfterMs).toBeGreaterThanOrEqual(7_000);
    await expect(budget.enter("StopTask", { task: "b" }, forever)).rejects.toMatchObject({
      code: "Throttled",
      retryAfterMs: expect.closeTo(6_605, -1),
    });
  });
});

describe("waiting", () => {
  it("ends with the caller's signal, and gives back what the call had taken in another bucket", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    expect(await atOnce(budget, "StopTask", (call) => ({ task: `t${call}` }))).toBe(50);
    const stop = new AbortController();
    const reason = new Error("shutting down");
    const waiting = budget.enter("RunTask", launch("a"), stop.signal);
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(budget.enter("RunTask", launch("b"), stop.signal)).rejects.toBe(reason);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await atOnce(budget, "RunTask", (call) => launch(`l${call}`))).toBe(10);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends with close, which leaves no timer; the budget goes on afterwards", async () => {
    const budgets = new CallBudgets({ clock: systemClock });
    const budget = budgets.of(connection);
    await atOnce(budget, "RunTask", (call) => launch(`l${call}`), 10);
    const waiting = budget.enter("RunTask", launch("a"), forever).catch((error: unknown) => error);
    expect(vi.getTimerCount()).toBe(1);
    budgets.close();
    expect(await waiting).toMatchObject({ code: "Throttled" });
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(1_000);
    await budget.enter("RunTask", launch("b"), forever);
  });

  it("ends when AWS cuts the rate so much that the turn is far away by then", async () => {
    const budget = new CallBudgets({ clock: systemClock }).of(connection);
    const permit = await budget.enter("StopTask", { task: "a" }, forever);
    await atOnce(budget, "StopTask", (call) => ({ task: `t${call}` }), 49);
    const waiting = budget.enter("StopTask", { task: "b" }, forever).catch((error: unknown) => error);
    budget.refused(permit, refusalOf(60_000));
    await vi.advanceTimersByTimeAsync(2_000);
    const error = (await waiting) as ProviderError;
    expect(error.code).toBe("Throttled");
    expect(error.retryAfterMs).toBeGreaterThan(57_000);
  });

  const refusalOf = (retryAfterMs: number) => new ProviderError("Throttled", "AWS asks for fewer", { retryAfterMs });
});

describe("what is recorded", () => {
  it("is each wait from the first asking, who was turned away, refusals and the present rates", async () => {
    const seen: string[] = [];
    let rates: () => Iterable<BucketRate> = () => [];
    const metrics: AwsCallRecorder = {
      zero: (operations, buckets) => seen.push(`zero ${operations.length} ${buckets.length}`),
      called: () => seen.push("called"),
      throttled: (operation) => seen.push(`throttled ${operation}`),
      turnedAway: (bucket) => seen.push(`turned away ${bucket}`),
      waited: (bucket, seconds) => seen.push(`waited ${bucket} ${seconds.toFixed(1)}`),
      followRates: (read) => (rates = read),
    };
    const budget = new CallBudgets({ clock: systemClock, metrics }).of(connection);
    await atOnce(budget, "RegisterTaskDefinition", (call) => ({ family: `f${call}` }), 10);
    const waiting = enterAtLast(budget, "RegisterTaskDefinition", { family: "last" });
    await vi.advanceTimersByTimeAsync(2_000);
    const permit = await waiting;
    expect(seen.filter((line) => !line.endsWith(" 0.0"))).toEqual([
      "zero 9 8",
      "turned away task-definition-modify",
      "waited task-definition-modify 1.1",
    ]);
    expect([...rates()]).toEqual([{ bucket: "task-definition-modify", region: "us-east-1", perSecond: 0.95 }]);
    budget.refused(permit, new ProviderError("Throttled", "AWS asks for fewer"));
    expect(seen.at(-1)).toBe("throttled RegisterTaskDefinition");
    expect([...rates()]).toMatchObject([{ perSecond: 0.475 }]);
  });
});
