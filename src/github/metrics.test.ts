import { beforeEach, describe, expect, it } from "vitest";
import { Registry } from "../telemetry/metrics.ts";
import { GitHubMetrics, requestCodes } from "./metrics.ts";
import { operations } from "./operations.ts";

describe("GitHubMetrics", () => {
  let registry: Registry;
  let metrics: GitHubMetrics;

  beforeEach(() => {
    registry = new Registry();
    metrics = new GitHubMetrics(registry);
  });

  it("has every series of the closed label sets from the start", async () => {
    const text = await registry.metrics();
    const series = text.split("\n").filter((line) => line.startsWith("getabako_github_requests_total{"));
    expect(series).toHaveLength(Object.keys(operations).length * requestCodes.length);
    expect(series.every((line) => line.endsWith(" 0"))).toBe(true);
    expect(text).toContain('getabako_github_requests_withheld_total{operation="mintJitConfig",reason="Pacing"} 0');
    expect(text).toContain('getabako_github_request_duration_seconds_count{operation="getJob"} 0');
  });

  it("drops an App's gauges with its last client, so that a removed App does not alarm for ever", async () => {
    metrics.opened("4711");
    metrics.opened("4711");
    metrics.setRateLimit("4711", "core", { limit: 5_000, remaining: 3, resetAt: "" });
    metrics.closed("4711");
    expect(await registry.metrics()).toContain('getabako_github_rate_limit_remaining{app="4711",resource="core"} 3');
    metrics.closed("4711");
    expect(await registry.metrics()).not.toContain("4711");
  });

  it("bounds the resources that a server can name", async () => {
    for (let i = 0; i < 100; i += 1) metrics.setRateLimit("4711", `r${i}`, { limit: 1, remaining: 1, resetAt: "" });
    const text = await registry.metrics();
    expect(text.match(/getabako_github_rate_limit_limit\{/g)).toHaveLength(20);
  });
});
