import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { testCluster } from "../support/test-cluster.ts";
import { runnerTarget } from "../../src/intake/test-objects.ts";
import { callsAfterSync, faultProxy, newWorld, type World } from "./harness.ts";

const cluster = testCluster();

const own = "job-31415926535";
const started = { started_at: "2026-01-15T09:01:00Z" };

/** Two jobs that GitHub queued, each with a request. */
async function twoJobs(world: World) {
  const receiver = await world.receiver();
  await receiver.deliverJob({ job: { id: 1 } });
  await receiver.deliverJob({ job: { id: 2 } });
  return receiver;
}

describe("a queued job", () => {
  test("becomes one request, with its finalizer and its delivery, before the answer", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const answer = await receiver.deliverJob({}, { id: "72d3162e-cc78-11e3-81ab-4c9367dc0958" });

    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ outcome: "created", request: `${world.namespace}/${own}` });
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const request = await world.request(own);
    expect(request.metadata).toMatchObject({
      finalizers: ["getabako.dev/runner"],
      labels: { "getabako.dev/target": "web" },
      annotations: { "getabako.dev/delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958" },
    });
    expect(request.spec).toMatchObject({
      targetRef: { name: "web" },
      source: "Webhook",
      job: { host: "github.com", id: "31415926535", repository: "acme/web", labels: ["self-hosted", "ecs"], state: "Queued" },
    });
    expect(request.status).toBeUndefined();
    // The store has it without waiting for the watch.
    expect(receiver.requests.store.get({ namespace: world.namespace, name: own })).toBeDefined();
    expect(await receiver.metric("getabako_runner_requests_created_total", 'source="Webhook"')).toBe(1);
    expect(
      await receiver.metric("getabako_webhook_requests_total", 'event="workflow_job",action="queued",outcome="created"'),
    ).toBe(1);
  });

  test("that asks for more than its target allows is stored, and the answer says why it gets no runner", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const answer = await receiver.deliverJob({ job: { labels: ["self-hosted", "ecs", "cpu=64"] } });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      outcome: "created",
      reason: "the job gets no runner: cpu=64: RunnerTarget web allows no overrides",
      request: `${world.namespace}/${own}`,
    });
    expect((await world.request(own)).spec.overrides).toEqual({ cpu: 64 });
  });

  test("that was rejected gets another request as soon as another target gives it what it asks for", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const asking = { job: { labels: ["self-hosted", "ecs", "cpu=64"] } };
    await receiver.deliverJob(asking);
    const rejected = await world.request(own);
    const lastTransitionTime = "2026-01-15T09:00:02Z";
    const condition = { type: "Succeeded", status: "False", reason: "Rejected", message: "no", lastTransitionTime } as const;
    const { client } = world;
    const written = await client.requests.patchStatus(rejected, { conditions: [condition] });
    const target = { labels: ["self-hosted", "linux", "x64", "ecs"], overrides: { cpu: { max: 64 } } };
    await client.targets.create(runnerTarget(target, { namespace: world.namespace, name: "big" }));
    await expect.poll(() => [...receiver.targets.store.list()].length).toBe(2);
    const store = () => receiver.requests.store.get({ namespace: world.namespace, name: own });
    await expect.poll(() => store()?.status?.conditions?.length).toBe(1);
    // What it may have made is still being removed.
    expect((await receiver.deliverJob(asking)).body.outcome).toBe("exists");

    await client.requests.patchMetadata(written, { finalizers: [] });
    await expect.poll(() => store()?.metadata.finalizers).toBeUndefined();
    // A receiver without the right to delete, as in a Deployment of its own, leaves that to the leader's sweep.
    const proxy = await faultProxy(cluster);
    const deletions = proxy.inject({ method: "DELETE" }, { kind: "status", code: 403 });
    const limited = await world.receiver({ kubeconfig: proxy.kubeconfig, synced: true });
    expect(await limited.deliverJob(asking)).toMatchObject({ status: 200, body: { outcome: "exists" } });
    expect(deletions.hits).toBe(1);
    expect((await receiver.deliverJob(asking)).body).toEqual({ outcome: "created", request: `${world.namespace}/${own}` });
    const next = await world.request(own);
    expect(next.metadata.uid).not.toBe(rejected.metadata.uid);
    expect(next.spec).toMatchObject({ targetRef: { name: "big" }, overrides: { cpu: 64 } });
    expect((await receiver.deliverJob(asking)).body.outcome).toBe("exists");
  });

  test("that is announced again finds its request, and that is a success", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    await receiver.deliverJob();
    const answer = await receiver.deliverJob();
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ outcome: "exists", request: `${world.namespace}/${own}` });
    expect(await world.requestNames()).toEqual([own]);
  });

  test("delivered 50 times at once to three receivers is one request", async () => {
    const world = await newWorld(cluster);
    const receivers = [await world.receiver(), await world.receiver(), await world.receiver()];
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => await receivers[index % receivers.length]?.deliverJob()),
    );
    expect(answers.filter((answer) => answer?.body.outcome === "created")).toHaveLength(1);
    expect(answers.filter((answer) => answer?.body.outcome === "exists")).toHaveLength(49);
    expect(await world.requestNames()).toEqual([own]);
  });

  test("of a re-run has another id, so another request", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    await receiver.deliverJob({ job: { id: 1 } });
    await receiver.deliverJob({ job: { id: 2, run_attempt: 2 } });
    expect(await world.requestNames()).toEqual(["job-1", "job-2"]);
  });

  test("with the longest and strangest texts is stored, cut to what the schema takes", async () => {
    const labels = Array.from({ length: 32 }, (_, index) => `${index}-${"é".repeat(120)}`);
    const world = await newWorld(cluster, { target: { labels } });
    const receiver = await world.receiver();
    const name = `ビルド 🚀\u001b[31m "quoted" \ud83d ${"長".repeat(400)}`;
    const answer = await receiver.deliverJob({
      job: {
        id: 9007199254740991,
        name,
        workflow_name: "🚀".repeat(400),
        head_branch: "b".repeat(900),
        labels: labels.map((label) => label.toUpperCase()),
      },
    });
    expect(answer.body).toMatchObject({ outcome: "created" });
    const { job } = (await world.request("job-9007199254740991")).spec;
    expect(job.name.startsWith('ビルド 🚀 [31m "quoted" \ufffd 長')).toBe(true);
    expect(job.name).toHaveLength(300);
    expect(job.workflowName).toBe("🚀".repeat(150));
    expect(job.labels).toHaveLength(32);
  });

  test("of another host has its own name, and does not meet the same id on github.com", async () => {
    const world = await newWorld(cluster, { app: { url: "https://ghe.corp.example" } });
    const receiver = await world.receiver();
    const answer = await receiver.deliverJob({}, { headers: { "x-github-enterprise-host": "ghe.corp.example" } });
    expect(answer.body.request).toMatch(/\/job-31415926535-[0-9a-f]{8}$/);
    const [name] = await world.requestNames();
    expect((await world.request(name ?? "")).spec.job.host).toBe("ghe.corp.example");
  });
});

describe("a job that begins and ends", () => {
  test("on its own runner is recorded as both, in one write an event", async () => {
    const world = await newWorld(cluster);
    const proxy = await faultProxy(cluster);
    const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig });
    await receiver.deliverJob();
    const answer = await receiver.deliverJob({ action: "in_progress", job: { ...started, runner_name: `${own}-1` } });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ outcome: "recorded", request: `${world.namespace}/${own}` });

    const running = await world.request(own);
    expect(running.status).toMatchObject({
      phase: "Running",
      job: { state: "InProgress", runnerName: `${own}-1` },
      assignedJob: { id: "31415926535", state: "InProgress", startedAt: "2026-01-15T09:01:00Z" },
      timings: { queuedAt: "2026-01-15T09:00:00Z", registeredAt: "2026-01-15T09:01:00Z", startedAt: "2026-01-15T09:01:00Z" },
    });
    expect(getCondition(running.status?.conditions, "Assigned")).toMatchObject({ status: "True", reason: "JobInProgress" });
    expect(callsAfterSync(proxy)).toEqual(["POST runnerrequests", `PATCH runnerrequests/${own}/status`]);

    await receiver.deliverJob({ action: "completed", job: { ...started, runner_name: `${own}-1`, conclusion: "failure" } });
    expect((await world.request(own)).status).toMatchObject({
      job: { state: "Completed", conclusion: "failure" },
      assignedJob: { state: "Completed", conclusion: "failure", completedAt: "2026-01-15T09:04:00Z" },
    });
  });

  test("is recorded with nothing that is only for show, so that kinds which a rollback took back store it too", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    await receiver.deliverJob({});
    const answer = await receiver.deliverJob({ action: "in_progress", job: { ...started, runner_name: `${own}-1` } });
    expect(answer.status).toBe(202);
    const { status = {} } = await world.request(own);
    expect(status).toMatchObject({ job: { state: "InProgress" } });
    expect(Object.keys(status).toSorted()).toEqual(["assignedJob", "attempts", "conditions", "job", "phase", "timings"]);
  });

  test("told of twice changes nothing the second time, and costs no call", async () => {
    const world = await newWorld(cluster);
    const proxy = await faultProxy(cluster);
    const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig });
    await receiver.deliverJob();
    const event = { action: "completed", job: { ...started, runner_name: `${own}-1` } };
    await receiver.deliverJob(event);
    const before = await world.request(own);
    const calls = callsAfterSync(proxy).length;
    const answer = await receiver.deliverJob(event);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ outcome: "unchanged", request: `${world.namespace}/${own}` });
    expect(callsAfterSync(proxy)).toHaveLength(calls);
    expect(await world.request(own)).toEqual(before);
  });

  test("on each other's runners: each request keeps its job, and its runner's job apart", async () => {
    const world = await newWorld(cluster);
    const receiver = await twoJobs(world);
    await receiver.deliverJob({ action: "in_progress", job: { id: 1, runner_name: "job-2-1", ...started } });
    await receiver.deliverJob({ action: "in_progress", job: { id: 2, runner_name: "job-1-1", ...started } });
    await receiver.deliverJob({ action: "completed", job: { id: 1, runner_name: "job-2-1", ...started } });

    // The end is stored with the runner that ran the job; the controller takes it over with the next thing it writes to the other.
    expect((await world.request("job-1")).status).toMatchObject({
      job: { state: "InProgress", runnerName: "job-2-1" },
      assignedJob: { id: "2", state: "InProgress" },
    });
    expect((await world.request("job-2")).status).toMatchObject({
      job: { state: "InProgress", runnerName: "job-1-1" },
      assignedJob: { id: "1", state: "Completed" },
    });
  });

  test("on a foreign runner is recorded on its request alone", async () => {
    const world = await newWorld(cluster);
    const receiver = await twoJobs(world);
    const answer = await receiver.deliverJob({ action: "in_progress", job: { id: 1, runner_name: "my runner", ...started } });
    expect(answer.body).toMatchObject({ outcome: "recorded" });
    const request = await world.request("job-1");
    expect(request.status).toMatchObject({ phase: "Pending", job: { state: "InProgress", runnerName: "my runner" } });
    expect(request.status?.assignedJob).toBeUndefined();
    expect((await world.request("job-2")).status).toBeUndefined();
  });

  test("before it was announced leaves a request that remembers it, and the late announcement starts nothing", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const completed = await receiver.deliverJob({ action: "completed", job: { ...started, conclusion: "cancelled" } });
    expect(completed.status).toBe(202);
    expect(completed.body).toMatchObject({ outcome: "created" });
    const remembered = await world.request(own);
    expect(remembered.spec.job.state).toBe("Completed");
    expect(remembered.status?.job).toMatchObject({ state: "Completed", conclusion: "cancelled" });

    expect((await receiver.deliverJob()).body).toMatchObject({ outcome: "exists" });
    expect((await receiver.deliverJob({ action: "in_progress", job: started })).body).toMatchObject({ outcome: "unchanged" });
    expect(await world.request(own)).toEqual(remembered);
  });

  test("is recorded on the runner's request although no target covers it any more", async () => {
    const world = await newWorld(cluster);
    const receiver = await twoJobs(world);
    const answer = await receiver.deliverJob({
      action: "in_progress",
      job: { id: 77, labels: ["gpu"], runner_name: "job-1-1", ...started },
    });
    expect(answer.body).toEqual({ outcome: "recorded", request: `${world.namespace}/job-1` });
    expect((await world.request("job-1")).status?.assignedJob).toMatchObject({ id: "77" });
    expect(await world.requestNames()).toEqual(["job-1", "job-2"]);
  });

  test("is recorded on its own request although its target's labels have changed since", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    await receiver.deliverJob();
    const answer = await receiver.deliverJob({ action: "completed", job: { labels: ["gpu"], conclusion: "cancelled" } });
    expect(answer.body).toEqual({ outcome: "recorded", request: `${world.namespace}/${own}` });
    expect((await world.request(own)).status?.job).toMatchObject({ state: "Completed", conclusion: "cancelled" });
  });

  test("told to many receivers at once, while a controller writes too, loses nothing", async () => {
    const world = await newWorld(cluster);
    const receivers = [await world.receiver(), await world.receiver(), await world.receiver()];
    await receivers[0]?.deliverJob();
    const events = [
      { action: "in_progress", job: { ...started, runner_name: `${own}-1` } },
      { action: "completed", job: { ...started, runner_name: `${own}-1` } },
    ];
    const answers = await Promise.all(
      Array.from({ length: 24 }, async (_, index) => await receivers[index % 3]?.deliverJob(events[index % 2])),
    );
    expect(answers.map((answer) => answer?.status).filter((status) => status !== 200 && status !== 202)).toEqual([]);
    expect((await world.request(own)).status).toMatchObject({ job: { state: "Completed" }, assignedJob: { state: "Completed" } });
  });
});

describe("events that ask for nothing", () => {
  test("GitHub's eight published examples are signed, understood and ignored, except that of a covered job", async () => {
    const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as {
      name: string;
      examples: { action: string }[];
    }[];
    const published = examples.find(({ name }) => name === "workflow_job")?.examples ?? [];
    const world = await newWorld(cluster, {
      target: {
        scope: { organization: "lineville" },
        labels: ["self-hosted", "k8s"],
        repositories: { exclude: [], allowPublic: true },
      },
    });
    const receiver = await world.receiver();
    const answers = [];
    for (const payload of published) answers.push([payload.action, (await receiver.deliver({ payload })).body]);
    expect(answers).toEqual([
      ["in_progress", { outcome: "ignored", reason: "no RunnerTarget has octo-org/example-workflow in its scope" }],
      ["completed", { outcome: "ignored", reason: "no RunnerTarget has Codertocat/Hello-World in its scope" }],
      ["completed", { outcome: "ignored", reason: "no RunnerTarget has Codertocat/Hello-World in its scope" }],
      ["in_progress", { outcome: "ignored", reason: "no RunnerTarget has Codertocat/Hello-World in its scope" }],
      ["in_progress", { outcome: "ignored", reason: "no RunnerTarget has wolfy1339/github-events-schemas in its scope" }],
      ["queued", { outcome: "ignored", reason: "no RunnerTarget has Codertocat/Hello-World in its scope" }],
      ["queued", { outcome: "created", request: `${world.namespace}/job-12877621891` }],
      [
        "waiting",
        {
          outcome: "ignored",
          reason: "lineville/elastic-machines-testing job 12877621891 waits for approval; it is announced again as queued",
        },
      ],
    ]);
    expect(await world.requestNames()).toEqual(["job-12877621891"]);
  });

  test("each of GitHub's examples becomes a request or a record when a target covers it", async () => {
    const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as {
      name: string;
      examples: Record<string, object>[];
    }[];
    const published = examples.find(({ name }) => name === "workflow_job")?.examples ?? [];
    const world = await newWorld(cluster, {
      target: {
        labels: ["ubuntu-latest", "self-hosted", "k8s", "gpu", "db-app", "dc-03"],
        repositories: { exclude: [], allowPublic: true },
      },
    });
    const receiver = await world.receiver();
    const outcomes = [];
    for (const payload of published) {
      // As if all of these repositories were acme's.
      const repository = { ...payload["repository"], full_name: "acme/web" };
      outcomes.push((await receiver.deliver({ payload: { ...payload, repository } })).body.outcome);
    }
    expect(outcomes).toEqual(["created", "created", "unchanged", "unchanged", "created", "exists", "created", "ignored"]);
    expect(await world.requestNames()).toEqual(["job-12877621891", "job-14541957942", "job-2832853555", "job-289782451"]);
  });

  test("jobs that no target covers cost no call to the API server", async () => {
    const world = await newWorld(cluster);
    const proxy = await faultProxy(cluster);
    const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig });
    for (const action of ["queued", "waiting", "in_progress", "completed", "something_new"]) {
      const answer = await receiver.deliverJob({ action, job: { labels: ["ubuntu-latest"], runner_name: "GitHub Actions 12" } });
      expect(answer.status).toBe(200);
      expect(answer.body.outcome).toBe("ignored");
    }
    await receiver.deliver({ event: "check_run", payload: { action: "completed" } });
    expect(callsAfterSync(proxy)).toEqual([]);

    // The same count sees the call of a job that is covered.
    await receiver.deliverJob();
    expect(callsAfterSync(proxy)).toEqual(["POST runnerrequests"]);
  });

  test("ping is answered, and what is unknown is ignored in words and counted as other", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    expect((await receiver.deliver({ event: "ping", payload: { zen: "x", hook_id: 1 } })).body).toMatchObject({
      outcome: "pong",
    });
    expect((await receiver.deliver({ event: "star", payload: { action: "created" } })).body).toEqual({
      outcome: "ignored",
      reason: "star events ask for nothing here; only workflow_job is needed",
    });
    expect((await receiver.deliverJob({ action: "paused" })).body).toEqual({
      outcome: "ignored",
      reason: 'workflow_job action "paused" asks for nothing',
    });
    expect(await receiver.metric("getabako_webhook_requests_total", 'event="ping",action="none",outcome="pong"')).toBe(1);
    expect(await receiver.metric("getabako_webhook_requests_total", 'event="other",action="other",outcome="ignored"')).toBe(1);
    expect(
      await receiver.metric("getabako_webhook_requests_total", 'event="workflow_job",action="other",outcome="ignored"'),
    ).toBe(1);
  });
});
