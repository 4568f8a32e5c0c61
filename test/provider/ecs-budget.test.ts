import { expect, onTestFinished, test, vi } from "vitest";
import { createEcsProvider } from "../../src/provider/ecs/provider.ts";
import { isProviderError, type ProviderError } from "../../src/provider/errors.ts";
import { AwsMetrics } from "../../src/provider/aws-metrics.ts";
import type { Created } from "../../src/provider/types.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { Registry } from "../../src/telemetry/metrics.ts";
import { systemClock } from "../../src/util/clock.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import { ecsClass } from "./ecs-class.ts";
import { makeLaunch, unaborted } from "./launches.ts";

/* The provider and the real SDK against an account whose token buckets are those that AWS documents. */

async function bench() {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIASIMULATOR");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "simulator");
  onTestFinished(() => void vi.unstubAllEnvs());
  const sim = await startEcsSim({ throttle: true });
  const registry = new Registry();
  const provider = createEcsProvider({ clock: systemClock, log: silentLogger(), awsCalls: new AwsMetrics(registry) });
  onTestFinished(async () => {
    await provider.close();
    await sim.close();
    expect(sim.violations).toEqual([]);
  });
  const classOf = (name: string) =>
    ecsClass({
      region: sim.region,
      endpoint: sim.url,
      cluster: name,
      capacity: [{ name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] }],
    });
  return { sim, registry, provider, classes: [classOf("runners"), classOf("default")] };
}

test("a crowd of launches in two clusters is accepted one and all, each once, and AWS throttles none", async () => {
  const { sim, registry, provider, classes } = await bench();
  const turnedAway: ProviderError[] = [];
  const launch = async (index: number): Promise<Created> => {
    const [a, b] = classes;
    const of = makeLaunch((index % 2 === 0 ? a : b) ?? ecsClass());
    for (;;) {
      try {
        return await provider.create(of, unaborted());
      } catch (error) {
        if (!isProviderError(error) || error.retryAfterMs === undefined) throw error;
        turnedAway.push(error);
        // The pause that was asked for.
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
      }
    }
  };
  const began = performance.now();
  const created = await Promise.all(Array.from({ length: 60 }, (_, index) => launch(index)));
  expect(new Set(created.map(({ instance }) => instance.id)).size).toBe(60);
  expect(created.every(({ adopted }) => !adopted)).toBe(true);
  expect(sim.report()).toMatchObject({ launched: 60, doubled: [], throttled: {} });
  expect(sim.calls.outcomes()["RunTask"]).toEqual({ ok: 60 });
  // 10 at once, and 50 more at 19 a second: however slow the machine is, it takes no less.
  expect(performance.now() - began).toBeGreaterThanOrEqual((50 / 19) * 1_000 - 50);
  // 10 at once, and as many as the machine can let ask within a second: the others were told that nothing was asked for on their behalf.
  expect(turnedAway.length).toBeGreaterThan(0);
  expect(turnedAway.every(({ code, unsent }) => code === "Throttled" && unsent)).toBe(true);
  const text = await registry.metrics();
  expect(text).toContain('getabako_aws_calls_total{operation="RunTask",code="OK"} 60');
  expect(text).toContain('getabako_aws_budget_wait_seconds_count{bucket="fargate-run-task"} 60');
  expect(text).toContain('getabako_aws_budget_rate{bucket="fargate-run-task",region="us-east-1"} 19');
});

test("a neighbour who uses the account up slows the launches down, and all of them come through", async () => {
  const { sim, registry, provider, classes } = await bench();
  const [cls = ecsClass()] = classes;
  await provider.create(makeLaunch(cls), unaborted());
  sim.faults.throttle(1);
  const of = makeLaunch(cls);
  const refused = await provider.create(of, unaborted()).catch((error: unknown) => error as ProviderError);
  // AWS was asked: what became of it is for the next call to find.
  expect(refused).toMatchObject({ code: "Throttled", unsent: false, retryAfterMs: 100 });
  expect(await registry.metrics()).toMatch(/aws_budget_rate\{bucket="fargate-launch",region="us-east-1"\} (9\.5|9\.[5-9])/);
  await provider.create(of, unaborted());
  expect(await registry.metrics()).toContain('getabako_aws_throttled_total{operation="RunTask"} 1');
  expect(sim.report()).toMatchObject({ launched: 2, doubled: [] });
});
