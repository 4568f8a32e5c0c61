import { expect, test } from "vitest";
import { Registry } from "../telemetry/metrics.ts";
import { AwsMetrics } from "./aws-metrics.ts";

/** The samples of a metric that are not zero, as "label value ...: number". */
async function samples(registry: Registry, name: string): Promise<string[]> {
  const metric = await registry.getSingleMetric(name)?.get();
  return (metric?.values ?? [])
    .filter(({ value }) => value !== 0)
    .map(({ labels, value }) => `${Object.values(labels).join(" ")}: ${value}`);
}

test("every series exists from the start", async () => {
  const registry = new Registry();
  new AwsMetrics(registry).zero(["RunTask"], ["cluster-modify"]);
  const text = await registry.metrics();
  for (const series of [
    'getabako_aws_calls_total{operation="RunTask",code="OK"} 0',
    'getabako_aws_calls_total{operation="RunTask",code="Throttled"} 0',
    'getabako_aws_throttled_total{operation="RunTask"} 0',
    'getabako_aws_budget_turned_away_total{bucket="cluster-modify"} 0',
    'getabako_aws_budget_wait_seconds_count{bucket="cluster-modify"} 0',
  ])
    expect(text).toContain(series);
});

test("calls, refusals, turns and waits are counted", async () => {
  const registry = new Registry();
  const metrics = new AwsMetrics(registry);
  metrics.called("RunTask", "OK");
  metrics.called("RunTask", "Throttled");
  metrics.throttled("RunTask");
  metrics.turnedAway("fargate-run-task");
  metrics.waited("fargate-run-task", 12);
  expect(await samples(registry, "getabako_aws_calls_total")).toEqual(["RunTask OK: 1", "RunTask Throttled: 1"]);
  expect(await samples(registry, "getabako_aws_throttled_total")).toEqual(["RunTask: 1"]);
  expect(await samples(registry, "getabako_aws_budget_turned_away_total")).toEqual(["fargate-run-task: 1"]);
  expect(await registry.metrics()).toContain('getabako_aws_budget_wait_seconds_sum{bucket="fargate-run-task"} 12');
});

test("the rate is read when it is asked for: of several accounts in a Region the slowest, and none that is gone", async () => {
  const registry = new Registry();
  const metrics = new AwsMetrics(registry);
  let rates = [
    { bucket: "cluster-read", region: "eu-west-1", perSecond: 19 },
    { bucket: "cluster-read", region: "us-east-1", perSecond: 19 },
    { bucket: "cluster-read", region: "us-east-1", perSecond: 4.75 },
  ];
  metrics.followRates(() => rates);
  expect(await samples(registry, "getabako_aws_budget_rate")).toEqual([
    "cluster-read eu-west-1: 19",
    "cluster-read us-east-1: 4.75",
  ]);
  rates = rates.slice(0, 1);
  expect(await samples(registry, "getabako_aws_budget_rate")).toEqual(["cluster-read eu-west-1: 19"]);
});
