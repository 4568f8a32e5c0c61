import { beforeAll, expect, it } from "vitest";
import { readyReasons, runnerRequestReasons } from "../../src/api/v1alpha1/reasons.ts";
import { titleOf } from "../../src/request/title.ts";
import { apiServer } from "../api/api-server.ts";
import { type Edits, type KindName, manifest } from "../api/manifests.ts";
import { testCluster } from "../support/test-cluster.ts";
import { longRepository } from "./scene.ts";
import { tooWide } from "./screen.ts";

/* The widest objects that are likely: kubectl cuts nothing, so every column has to be narrow by itself. */

const cluster = testCluster();
const server = apiServer(cluster);
let namespace: string;

const seen = "2026-05-04T03:02:01Z";
/** The longest reason of all that a column may show. */
const longest = (...reasons: readonly object[]): string =>
  reasons.flatMap((some) => Object.keys(some)).toSorted((a, b) => b.length - a.length)[0] ?? "";
const condition = (type: string, status: string, reason: string): object => ({
  ...{ type, status, reason },
  ...{ message: "in words", lastTransitionTime: seen },
});
const ready = (kind: keyof typeof readyReasons): object => condition("Ready", "Unknown", longest(readyReasons[kind]));

const name = "integration tests (postgres 17, node 24, linux/arm64)";
const objects: readonly (readonly [KindName, Edits])[] = [
  [
    "GitHubApp",
    { "metadata.name": "acme-platform-engineering", "spec.appId": 1234567, "status.conditions": [ready("GitHubApp")] },
  ],
  [
    "ECSRunnerClass",
    {
      "metadata.name": "fargate-arm64-large",
      "status.conditions": [ready("ECSRunnerClass")],
      "status.circuit": [
        { capacity: "on-demand", state: "Open", reason: "Interruptions", message: "5 of 8", since: seen, until: seen },
      ],
    },
  ],
  [
    "RunnerTarget",
    {
      "metadata.name": "web-fargate-arm64-large",
      "spec.maxRunners": 1000,
      "status.queued": 12_345,
      "status.starting": 1000,
      "status.idle": 1000,
      "status.running": 1000,
      "status.conditions": [ready("RunnerTarget")],
    },
  ],
  ...(["Succeeded", "Finishing"] as const).map((phase, index): readonly [KindName, Edits] => [
    "RunnerRequest",
    {
      // A replacement has the longest name.
      "metadata.name": `job-${50_000_000_001 + index}-r1`,
      "spec.targetRef": { name: "fargate-arm64-large" },
      "spec.job.repository": longRepository,
      "spec.job.name": name,
      "status.phase": phase,
      "status.title": titleOf({ repository: longRepository, name }),
      "status.instance": {
        providerId: "arn:aws:ecs:ap-northeast-1:123456789012:task/runners/0123456789abcdef0123456789abcdef",
        state: "Running",
        capacity: "on-demand",
        classRef: { kind: "ECSRunnerClass", namespace: "ci", name: "fargate" },
        connection: {},
      },
      "status.conditions": [condition("Succeeded", "Unknown", longest(...Object.values(runnerRequestReasons)))],
    },
  ]),
];

beforeAll(async () => {
  namespace = await cluster.namespace("widths");
  for (const [kind, edits] of objects) await server.createWhole(manifest(kind, namespace, edits));
  // kubectl keeps on disk which short names a server has: make it ask again.
  await cluster.kubectl(["api-resources", "--api-group=getabako.dev"]);
});

it.each(["rr", "rr -o wide", "rt", "ecsrc", "gha", "getabako"])("kubectl get %s fits a terminal", async (what) => {
  const printed = await cluster.kubectl(["get", ...what.split(" "), "-n", namespace]);
  expect(printed.split("\n").length).toBeGreaterThan(2);
  expect(tooWide(printed)).toEqual([]);
});
