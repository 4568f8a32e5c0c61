import { beforeAll, describe, expect, it } from "vitest";
import { titleOf } from "../../src/request/title.ts";
import { testCluster } from "../support/test-cluster.ts";
import { apiServer } from "./api-server.ts";
import { edited, type Edits, type KindName, manifest } from "./manifests.ts";

const cluster = testCluster();
const server = apiServer(cluster);
let namespace: string;

const seen = "2026-05-04T03:02:01Z";
const ready = { type: "Ready", status: "False", reason: "SecretNotFound", message: "no Secret app", lastTransitionTime: seen };
const taskArn = "arn:aws:ecs:ap-northeast-1:123456789012:task/runners/0123456789abcdef0123456789abcdef";

/** One object a kind; test/kubectl has those with long names. */
const objects: readonly (readonly [KindName, Edits])[] = [
  ["GitHubApp", { "metadata.name": "acme", "status.slug": "acme-runners", "status.conditions": [ready] }],
  [
    "ECSRunnerClass",
    {
      "metadata.name": "fargate",
      "status.conditions": [{ ...ready, status: "True", reason: "Ready" }],
      "status.circuit": [
        { capacity: "spot", state: "Open", reason: "Interruptions", message: "5 of 8", since: seen, until: seen },
      ],
    },
  ],
  [
    "RunnerTarget",
    {
      "metadata.name": "web",
      "status.queued": 4,
      "status.starting": 3,
      "status.idle": 2,
      "status.running": 11,
      "status.conditions": [ready],
    },
  ],
  ["RunnerTarget", { "metadata.name": "site", "spec.scope": { repository: "acme/web" }, "status.queued": 0 }],
  [
    "RunnerRequest",
    {
      "metadata.name": "job-31415926535",
      "status.phase": "Running",
      "status.title": titleOf({ repository: "acme/web", name: "build" }),
      "status.attempt": 1,
      "status.attempts": [
        { number: 1, runnerName: "job-31415926535-0", startedAt: "2026-01-15T09:00:00Z", endedAt: "2026-01-15T09:01:00Z" },
        { number: 2, runnerName: "job-31415926535-1", startedAt: "2026-01-15T09:02:00Z" },
      ],
      "status.runner": {
        name: "job-31415926535-1",
        scope: { organization: "acme" },
        githubAppRef: { namespace: "ci", name: "acme" },
      },
      "status.instance": {
        providerId: taskArn,
        state: "Running",
        capacity: "on-demand",
        classRef: { kind: "ECSRunnerClass", namespace: "ci", name: "fargate" },
        connection: {},
      },
      "status.conditions": [{ ...ready, type: "Succeeded", status: "Unknown", reason: "AwaitingRegistration" }],
    },
  ],
];

beforeAll(async () => {
  namespace = await cluster.namespace("api");
  for (const [kind, edits] of objects) await server.createWhole(manifest(kind, namespace, edits));
  // kubectl keeps on disk which short names a server has, by its port, and believes it for hours: make it ask again.
  await cluster.kubectl(["api-resources", "--api-group=getabako.dev"]);
});

/** get returns the cells of a table that kubectl prints, and how wide the table is. */
async function get(...args: string[]): Promise<{ rows: string[][]; width: number }> {
  const text = await cluster.kubectl(["get", "-n", namespace, ...args]);
  const lines = text.trimEnd().split("\n");
  return {
    rows: lines.map((line) => line.trim().split(/ {2,}/)),
    width: Math.max(...lines.map((line) => line.trimEnd().length)),
  };
}

const age = expect.stringMatching(/^\d+s$/) as unknown;

describe("kubectl get", () => {
  it("shows a GitHubApp with its reason, and its addresses when asked for more", async () => {
    const { rows } = await get("gha");
    expect(rows).toEqual([
      ["NAME", "READY", "REASON", "APP", "AGE"],
      ["acme", "False", "SecretNotFound", "1", age],
    ]);
    expect((await get("gha", "-o", "wide")).rows).toEqual([
      ["NAME", "READY", "REASON", "APP", "URL", "SLUG", "AGE"],
      ["acme", "False", "SecretNotFound", "1", "https://github.com", "acme-runners", age],
    ]);
  });

  it("shows an ECSRunnerClass with a rung that is passed over, and its cluster and image when asked for more", async () => {
    expect((await get("ecsrc")).rows).toEqual([
      ["NAME", "READY", "REASON", "CIRCUIT", "REGION", "AGE"],
      ["fargate", "True", "Ready", "spot", "ap-northeast-1", age],
    ]);
    expect((await get("ecsrc", "-o", "wide")).rows).toEqual([
      ["NAME", "READY", "REASON", "CIRCUIT", "REGION", "CLUSTER", "IMAGE", "AGE"],
      ["fargate", "True", "Ready", "spot", "ap-northeast-1", "runners", "ghcr.io/acme/runner:1", age],
    ]);
  });

  it("shows a RunnerTarget with its counts, and whom it serves when asked for more", async () => {
    const { rows } = await get("rt", "web");
    expect(rows).toEqual([
      ["NAME", "READY", "QUEUED", "STARTING", "IDLE", "RUNNING", "MAX", "AGE"],
      ["web", "False", "4", "3", "2", "11", "20", age],
    ]);
    expect((await get("rt", "web", "-o", "wide")).rows).toEqual([
      ["NAME", "READY", "REASON", "QUEUED", "STARTING", "IDLE", "RUNNING", "MAX", "SCOPE", "CLASS", "AGE"],
      ["web", "False", "SecretNotFound", "4", "3", "2", "11", "20", "acme", "fargate", age],
    ]);
    expect((await get("rt", "site", "-o", "wide")).rows[1]).toContain("acme/web");
  });

  it("shows what a RunnerRequest does, and where its runner is when asked for more", async () => {
    expect((await get("rr")).rows).toEqual([
      ["NAME", "PHASE", "REASON", "JOB", "AGE"],
      ["job-31415926535", "Running", "AwaitingRegistration", "acme/web: build", age],
    ]);
    expect((await get("rr", "-o", "wide")).rows).toEqual([
      ["NAME", "PHASE", "REASON", "JOB", "TARGET", "CAPACITY", "AGE"],
      ["job-31415926535", "Running", "AwaitingRegistration", "acme/web: build", "web", "on-demand", age],
    ]);
  });

  it.each([
    ["githubapps", "githubapp", "gha"],
    ["ecsrunnerclasses", "ecsrunnerclass", "ecsrc"],
    ["runnertargets", "runnertarget", "rt"],
    ["runnerrequests", "runnerrequest", "rr"],
  ])("knows %s as %s and %s too", async (...names) => {
    const answers = await Promise.all(
      names.map(async (name) => await cluster.kubectl(["get", "-n", namespace, name, "-o", "name"])),
    );
    expect(answers[0]).not.toBe("");
    expect(new Set(answers).size).toBe(1);
  });

  it("lists every kind as getabako", async () => {
    const names = await cluster.kubectl(["get", "-n", namespace, "getabako", "-o", "name"]);
    expect(names.trim().split("\n").toSorted()).toEqual([
      "ecsrunnerclass.getabako.dev/fargate",
      "githubapp.getabako.dev/acme",
      "runnerrequest.getabako.dev/job-31415926535",
      "runnertarget.getabako.dev/site",
      "runnertarget.getabako.dev/web",
    ]);
  });

  it.each([
    ["spec.targetRef.name", "web", "api"],
    ["spec.job.repository", "acme/web", "acme/api"],
    ["status.phase", "Running", "Pending"],
  ])("selects RunnerRequests by %s", async (field, there, elsewhere) => {
    const select = async (value: string): Promise<string> =>
      await cluster.kubectl(["get", "-n", namespace, "rr", "-o", "name", "--field-selector", `${field}=${value}`]);
    expect((await select(there)).trim()).toBe("runnerrequest.getabako.dev/job-31415926535");
    expect(await select(elsewhere)).toBe("");
  });
});

describe("kubectl explain", () => {
  const texts = [
    ["gha", "GitHubApp is one GitHub App on one host"],
    ["gha.spec.webhookSecretRefs.key", "Key in the Secret."],
    ["ecsrc.spec.capacity", "The ladder: rungs are tried in order"],
    ["ecsrc.spec.resources.cpu", "vCPUs of a runner: 0.25, 0.5, 1, 2, 4, 8 or 16 on Fargate."],
    ["rt.spec.timeouts.idle", "How long a registered runner may wait for a job."],
    ["rt.spec.classRef.namespace", "by default the referring object's own"],
    ["rr.status.assignedJob", "GitHub assigns by labels"],
    ["rr.status.conditions.reason", "one CamelCase word from a documented list"],
  ] as const;
  it.each(texts)("shows what %s is", async (field, text) => {
    const printed = await cluster.kubectl(["explain", field]);
    expect(printed.replaceAll(/\s+/g, " ")).toContain(text);
  });
});

describe("kubectl apply", () => {
  it("refuses an unknown field by default, and names it", async () => {
    const object = edited(manifest("RunnerTarget", namespace), { "spec.maxRuners": 3 });
    const { code, stderr } = await cluster.tryKubectl(["apply", "-f", "-"], JSON.stringify(object));
    expect(code).not.toBe(0);
    expect(stderr).toContain('unknown field "spec.maxRuners"');
  });

  it("merges list entries of two field managers by their key", async () => {
    // Elsewhere: the listings above count what is in their namespace.
    const { apiVersion, kind, metadata, ...rest } = manifest("ECSRunnerClass", await cluster.namespace("api"));
    await server.create({ apiVersion, kind, metadata, ...rest });
    const part = { apiVersion, kind, metadata, spec: { container: { environment: [{ name: "A", value: "1" }] } } };
    const other = { apiVersion, kind, metadata, spec: { container: { environment: [{ name: "B", value: "2" }] } } };
    await cluster.kubectl(["apply", "--server-side", "--field-manager=one", "-f", "-"], JSON.stringify(part));
    await cluster.kubectl(["apply", "--server-side", "--field-manager=two", "-f", "-"], JSON.stringify(other));
    const { object } = await server.read({ apiVersion, kind, metadata });
    expect(object.spec).toMatchObject({
      container: {
        environment: [
          { name: "A", value: "1" },
          { name: "B", value: "2" },
        ],
      },
    });
  });
});
