import { expect, test } from "vitest";
import { attemptReasons, runnerRequestReasons } from "../../api/v1alpha1/reasons.ts";
import { Registry } from "../../telemetry/metrics.ts";
import { RunnerRequestMetrics } from "./metrics.ts";

test("every way to end is there from the start, so that the first of its kind is an increase", async () => {
  const registry = new Registry();
  new RunnerRequestMetrics(registry);
  const text = await registry.metrics();
  for (const reason of Object.keys(attemptReasons)) {
    expect(text).toContain(`getabako_runner_attempts_ended_total{reason="${reason}"} 0`);
  }
  for (const reason of Object.keys(runnerRequestReasons.Succeeded)) {
    expect(text).toContain(`getabako_runner_requests_finished_total{reason="${reason}"} 0`);
  }
});
