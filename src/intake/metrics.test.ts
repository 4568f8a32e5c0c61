import { expect, test } from "vitest";
import { Registry } from "../telemetry/metrics.ts";
import { IntakeMetrics } from "./metrics.ts";

async function lines(registry: Registry, name: string): Promise<readonly string[]> {
  return (await registry.metrics()).split("\n").filter((line) => line.startsWith(name));
}

test("what is known beforehand starts at zero", async () => {
  const registry = new Registry();
  new IntakeMetrics(registry);
  const deliveries = await lines(registry, "getabako_webhook_requests_total");
  expect(deliveries).toContain('getabako_webhook_requests_total{event="workflow_job",action="queued",outcome="created"} 0');
  expect(deliveries).toContain(
    'getabako_webhook_requests_total{event="workflow_job",action="completed",outcome="unavailable"} 0',
  );
  expect(deliveries).toContain('getabako_webhook_requests_total{event="workflow_job",action="none",outcome="rejected"} 0');
  expect(await lines(registry, "getabako_runner_requests_created_total")).toEqual([
    'getabako_runner_requests_created_total{source="Webhook"} 0',
    'getabako_runner_requests_created_total{source="Sweep"} 0',
  ]);
  expect(await lines(registry, "getabako_webhook_duration_seconds_count")).toHaveLength(8);
});

test("events and actions that nobody knows are other, and what was not read is none", async () => {
  const registry = new Registry();
  const metrics = new IntakeMetrics(registry);
  metrics.answered({ event: "made_up", action: "made_up", outcome: "ignored", seconds: 0.1 });
  metrics.answered({ outcome: "rejected", seconds: 0.1 });
  const deliveries = await lines(registry, "getabako_webhook_requests_total");
  expect(deliveries).toContain('getabako_webhook_requests_total{event="other",action="other",outcome="ignored"} 1');
  expect(deliveries).toContain('getabako_webhook_requests_total{event="none",action="none",outcome="rejected"} 1');
});
