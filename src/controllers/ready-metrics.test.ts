import { expect, test } from "vitest";
import { Registry } from "../telemetry/metrics.ts";
import { addReadyMetrics, type ReadyMetricsOptions } from "./ready-metrics.ts";

type Objects = ReadyMetricsOptions["objects"];

function object(status: "True" | "False", reason: string, generations: readonly [now: number, seen: number] = [1, 1]) {
  const [generation, observedGeneration] = generations;
  const lastTransitionTime = "2026-01-15T10:00:00Z";
  return {
    apiVersion: "getabako.dev/v1alpha1",
    kind: "RunnerTarget",
    metadata: { name: "a", generation },
    status: { conditions: [{ type: "Ready", status, reason, message: "", observedGeneration, lastTransitionTime }] },
  };
}

async function shown(objects: Partial<Objects>, leads = true): Promise<string[]> {
  const registry = new Registry();
  const none = (): [] => [];
  addReadyMetrics(registry, {
    objects: { GitHubApp: none, ECSRunnerClass: none, RunnerTarget: none, ...objects },
    leads: () => leads,
  });
  await registry.metrics();
  return (await registry.metrics()).split("\n").filter((line) => line.startsWith("getabako_objects{"));
}

test("objects are counted by what their condition Ready says", async () => {
  const targets = [
    object("True", "Ready"),
    object("True", "Ready"),
    object("True", "Paused"),
    object("False", "ClassNotFound"),
    object("False", "WrittenByAnother"),
    // Changed since it was looked at.
    object("True", "Ready", [2, 1]),
    { apiVersion: "getabako.dev/v1alpha1", kind: "RunnerTarget", metadata: { name: "new", generation: 1 } },
  ];
  expect(await shown({ RunnerTarget: () => targets })).toEqual([
    'getabako_objects{kind="GitHubApp",ready="True",reason="Ready"} 0',
    'getabako_objects{kind="ECSRunnerClass",ready="True",reason="Ready"} 0',
    'getabako_objects{kind="RunnerTarget",ready="True",reason="Ready"} 2',
    'getabako_objects{kind="RunnerTarget",ready="True",reason="Paused"} 1',
    'getabako_objects{kind="RunnerTarget",ready="False",reason="ClassNotFound"} 1',
    'getabako_objects{kind="RunnerTarget",ready="False",reason="Other"} 1',
    'getabako_objects{kind="RunnerTarget",ready="Unknown",reason="AwaitingCheck"} 2',
  ]);
});

test("only the leader counts", async () => {
  expect(await shown({ RunnerTarget: () => [object("True", "Ready")] }, false)).toEqual([]);
});
