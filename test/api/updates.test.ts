import { beforeAll, describe, expect, it } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { apiServer } from "./api-server.ts";
import { edited, type Edits, type KindName, manifest, type Manifest } from "./manifests.ts";

const cluster = testCluster();
const server = apiServer(cluster);
let namespace: string;
beforeAll(async () => {
  namespace = await cluster.namespace("api");
});

async function created(kind: KindName, edits: Edits = {}): Promise<Manifest> {
  const answer = await server.create(manifest(kind, namespace, edits));
  expect(answer.message).toBe("");
  return answer.object;
}

describe("an update", () => {
  const immutable = "a RunnerRequest cannot be changed; delete it, or make another one";
  const lost = "scope cannot be changed, runners that exist would be lost: make a new RunnerTarget and delete this one";
  const refused: readonly (readonly [title: string, kind: KindName, edits: Edits, message: string])[] = [
    ["of a RunnerRequest's target", "RunnerRequest", { "spec.targetRef.name": "other" }, immutable],
    ["of a RunnerRequest's job", "RunnerRequest", { "spec.job.labels": ["self-hosted", "large"] }, immutable],
    ["that adds a field to a RunnerRequest", "RunnerRequest", { "spec.job.headBranch": "main" }, immutable],
    ["of a target's organization", "RunnerTarget", { "spec.scope.organization": "other" }, lost],
    ["from an organization to a repository", "RunnerTarget", { "spec.scope": { repository: "acme/web" } }, lost],
    ["that breaks a rule", "ECSRunnerClass", { "spec.resources.memory": "9Gi" }, "Fargate runs cpu 1 with memory of 2Gi to 8Gi"],
  ];
  it.each(refused)("%s is refused", async (_title, kind, edits, message) => {
    const before = await created(kind);
    const answer = await server.replace(edited(before, edits));
    expect(answer.message).toContain(message);
    expect(answer.status).toBe(422);
    expect((await server.read(before)).object.spec).toEqual(before.spec);
  });

  const allowed: readonly (readonly [title: string, kind: KindName, edits: Edits])[] = [
    [
      "of a target's labels, class and limits",
      "RunnerTarget",
      { "spec.labels": ["x"], "spec.classRef.name": "y", "spec.maxRunners": 1 },
    ],
    ["of a class' image", "ECSRunnerClass", { "spec.image": "ghcr.io/acme/runner:2" }],
    ["of an App's webhook secrets", "GitHubApp", { "spec.webhookSecretRefs": [{ name: "app", key: "new" }] }],
    ["of a RunnerRequest's annotations", "RunnerRequest", { "metadata.annotations": { "getabako.dev/release": "true" } }],
    ["of a RunnerRequest's finalizers", "RunnerRequest", { "metadata.finalizers": [] }],
  ];
  it.each(allowed)("%s is accepted", async (_title, kind, edits) => {
    const answer = await server.replace(edited(await created(kind), edits));
    expect(answer.message).toBe("");
    expect(answer.status).toBe(200);
  });
});

describe("the status", () => {
  const condition = {
    type: "Ready",
    status: "True",
    reason: "Ready",
    message: "all is well",
    lastTransitionTime: "2026-05-04T03:02:01Z",
  };
  const kinds: readonly KindName[] = ["GitHubApp", "ECSRunnerClass", "RunnerTarget", "RunnerRequest"];

  it.each(kinds)("of a %s is not written with the spec, nor the spec with it", async (kind) => {
    const first = await created(kind, { "status.conditions": [condition] });
    expect(first.status).toBeUndefined();

    const ignored = await server.replace(edited(first, { "status.conditions": [condition] }));
    expect(ignored.message).toBe("");
    expect(ignored.object.status).toBeUndefined();

    const written = await server.replace(edited(first, { "status.conditions": [condition], spec: {} }), "status");
    expect(written.message).toBe("");
    expect(written.object.status).toEqual({ conditions: [condition] });
    expect(written.object.spec).toEqual(first.spec);
    // A change of status is no new generation: observedGeneration counts what people changed.
    expect(written.object.metadata["generation"]).toBe(1);
  });

  const wrong: readonly (readonly [title: string, kind: KindName, edits: Edits, message: string])[] = [
    [
      "one condition twice",
      "GitHubApp",
      { "status.conditions": [condition, condition] },
      'status.conditions[1]: Duplicate value: {"type":"Ready"}',
    ],
    [
      "a condition without a reason",
      "RunnerTarget",
      { "status.conditions": [{ ...condition, reason: "" }] },
      "conditions[0].reason in body should be at least 1 chars long",
    ],
    [
      "a negative count",
      "RunnerTarget",
      { "status.running": -1 },
      "status.running: Invalid value: -1: running in body should be greater than or equal to 0",
    ],
    ["an unknown phase", "RunnerRequest", { "status.phase": "Lost" }, 'status.phase: Unsupported value: "Lost"'],
    [
      "six attempts",
      "RunnerRequest",
      { "status.attempts": Array.from({ length: 6 }, (_, index) => ({ number: index + 1, startedAt: "2026-05-04T03:02:01Z" })) },
      "status.attempts: Too many: 6: must have at most 5 items",
    ],
    ["a field that nobody knows", "RunnerRequest", { "status.jitConfig": "secret" }, 'unknown field "status.jitConfig"'],
    [
      "a task definition twice",
      "ECSRunnerClass",
      {
        "status.taskDefinitions": [
          { image: "a", arn: "b", hash: "c" },
          { image: "d", arn: "e", hash: "c" },
        ],
      },
      'status.taskDefinitions[1]: Duplicate value: {"hash":"c"}',
    ],
  ];
  it.each(wrong)("with %s is refused", async (_title, kind, edits, message) => {
    const answer = await server.replace(edited(await created(kind), edits), "status");
    expect(answer.message).toContain(message);
  });
});
