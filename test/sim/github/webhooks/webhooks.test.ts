import { createHmac } from "node:crypto";
import { Webhooks as OctokitWebhooks } from "@octokit/webhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type GitHubSim, startGitHubSim } from "../sim.ts";
import type { Installation } from "../state/model.ts";
import { appJwt, call, ManualClock, type Receiver, startReceiver } from "../testing.ts";
import { workflowJobExamples } from "./examples.ts";

const day = 24 * 3_600_000;
let clock: ManualClock;
let receiver: Receiver;
let sim: GitHubSim;
let installation: Installation;

beforeEach(async () => {
  clock = new ManualClock();
  receiver = await startReceiver();
  sim = await startGitHubSim({ clock, tickMs: 0, receivers: [receiver.url] });
  sim.addRepository("acme/web");
  installation = sim.install("acme");
});

afterEach(async () => {
  await sim.close();
  await receiver[Symbol.asyncDispose]();
});

const queue = (name = "build") => sim.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], name });
const actions = () => receiver.received.map(({ payload }) => `${payload.workflow_job.name} ${payload.action}`);

async function runJob(runner: string): Promise<void> {
  const scope = { kind: "organization", account: installation.account } as const;
  const { mintRunner } = await import("../state/runners.ts");
  mintRunner(sim.world, scope, { name: runner, labels: ["self-hosted", "ecs"], runner_group_id: 1 });
  sim.runners.connect(runner);
  sim.runners.poll(runner);
  sim.runners.finish(runner);
}

describe("a delivery", () => {
  it("is signed over its raw bytes and carries GitHub's headers", async () => {
    const job = queue();
    await sim.webhooks.settled();
    const [delivery] = receiver.received;
    const secret = sim.app.hook.secret ?? "";
    const expected = `sha256=${createHmac("sha256", secret)
      .update(delivery?.raw ?? "")
      .digest("hex")}`;
    expect(delivery?.headers).toMatchObject({
      "x-hub-signature-256": expected,
      "x-github-event": "workflow_job",
      "x-github-hook-id": String(sim.app.hook.id),
      "x-github-hook-installation-target-id": String(sim.app.id),
      "x-github-hook-installation-target-type": "integration",
      "content-type": "application/json",
    });
    expect(delivery?.payload).toMatchObject({
      action: "queued",
      workflow_job: { id: job.id, labels: ["self-hosted", "ecs"], runner_name: null },
      installation: { id: installation.id },
      organization: { login: "acme" },
    });
    const octokit = new OctokitWebhooks({ secret });
    expect(await octokit.verify(delivery?.raw ?? "", expected)).toBe(true);
  });

  it("has no signature without a secret", async () => {
    sim.app.hook.secret = undefined;
    queue();
    await sim.webhooks.settled();
    expect(receiver.received[0]?.headers["x-hub-signature-256"]).toBeUndefined();
  });

  it("names the host when GitHub is an Enterprise Server", async () => {
    const ghes = await startGitHubSim({ enterpriseHost: "ghes.example", receivers: [receiver.url] });
    ghes.install("acme");
    ghes.queueJob({ repository: "acme/web" });
    await ghes.webhooks.settled();
    await ghes.close();
    expect(receiver.received[0]?.headers["x-github-enterprise-host"]).toBe("ghes.example");
  });

  it("goes only to Apps that are installed there, listen, may read and are not suspended", async () => {
    sim.addRepository("other/repo");
    sim.queueJob({ repository: "other/repo" });
    installation.permissions = { metadata: "read" };
    queue("no permission");
    installation.permissions = { actions: "read" };
    installation.events = ["push"];
    queue("no event");
    installation.events = ["workflow_job"];
    sim.suspend(installation);
    queue("suspended");
    sim.suspend(installation, false);
    queue("heard");
    await sim.webhooks.settled();
    expect(actions()).toEqual(["heard queued"]);
  });

  it("tells the whole story of a job, in order", async () => {
    queue();
    await runJob("r1");
    await sim.webhooks.settled();
    expect(actions()).toEqual(["build queued", "build in_progress", "build completed"]);
    expect(receiver.received[1]?.payload.workflow_job).toMatchObject({ status: "in_progress", runner_name: "r1" });
    expect(receiver.received[2]?.payload.workflow_job).toMatchObject({ conclusion: "success", runner_name: "r1" });
  });

  it("of a cancelled job is completed without in_progress", async () => {
    const job = queue();
    sim.cancelJob(job.id);
    await sim.webhooks.settled();
    expect(actions()).toEqual(["build queued", "build completed"]);
    const cancelled = receiver.received[1]?.payload.workflow_job;
    expect(cancelled).toMatchObject({ started_at: cancelled.completed_at, steps: [], runner_id: null });
  });

  it("goes to several receivers in turn", async () => {
    await using second = await startReceiver();
    sim.setReceivers([receiver.url, second.url]);
    for (let index = 0; index < 4; index += 1) {
      queue();
      await sim.webhooks.settled();
    }
    expect([receiver.received.length, second.received.length]).toEqual([2, 2]);
  });

  it("comes for GitHub's own jobs too", async () => {
    sim.queueJob({ repository: "acme/web", labels: ["ubuntu-latest"], name: "hosted" });
    await expect.poll(() => actions()).toContain("hosted completed");
    expect(receiver.received.at(-1)?.payload.workflow_job.runner_name).toMatch(/^GitHub Actions \d+$/);
    expect(sim.report().jobs.total).toBe(0);
  });
});

describe("the delivery log", () => {
  const list = (query = "") => call(sim, "GET", `/app/hook/deliveries${query}`, appJwt(sim));

  it("shows ids that no double can hold, newest first", async () => {
    queue("first");
    await sim.webhooks.settled();
    queue("second");
    await sim.webhooks.settled();
    const reply = await list();
    const ids = [...reply.text.matchAll(/"id":(\d+)/g)].map(([, id]) => BigInt(id ?? 0));
    expect(ids).toHaveLength(2);
    for (const id of ids) expect(id).toBeGreaterThan(2n ** 53n);
    expect(ids[0]).toBeGreaterThan(ids[1] ?? 0n);
    expect(reply.body[0]).toMatchObject({
      status: "OK",
      status_code: 202,
      event: "workflow_job",
      action: "queued",
      redelivery: false,
    });
    expect(sim.violations).toEqual([]);
  });

  it("keeps failures, filters by them, and shows what was sent and answered", async () => {
    receiver.status = 503;
    queue();
    await sim.webhooks.settled();
    receiver.status = 202;
    queue();
    await sim.webhooks.settled();
    expect((await list("?status=failure")).body).toMatchObject([{ status: "Invalid HTTP Response: 503", status_code: 503 }]);
    expect((await list("?status=success")).body).toHaveLength(1);
    const id = /"id":(\d+)/.exec((await list("?status=failure")).text)?.[1];
    const one = await call(sim, "GET", `/app/hook/deliveries/${id}`, appJwt(sim));
    expect(one.body).toMatchObject({
      request: { payload: { action: "queued" }, headers: { "X-GitHub-Event": "workflow_job" } },
      response: { payload: '{"outcome":"stored"}' },
    });
    expect(sim.violations).toEqual([]);
  });

  it("comes in pages by cursor", async () => {
    for (const name of ["a", "b", "c"]) {
      queue(name);
      await sim.webhooks.settled();
    }
    const first = await list("?per_page=2");
    expect(first.body).toHaveLength(2);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const rest = await call(sim, "GET", next.slice(sim.url.length), appJwt(sim));
    expect(rest.body).toHaveLength(1);
    expect(rest.headers.get("link")).toBeNull();
    expect((await list("?cursor=nonsense")).status).toBe(400);
  });

  it("redelivers under the same guid and a new id", async () => {
    receiver.status = 500;
    queue();
    await sim.webhooks.settled();
    receiver.status = 202;
    const id = /"id":(\d+)/.exec((await list()).text)?.[1];
    const accepted = await call(sim, "POST", `/app/hook/deliveries/${id}/attempts`, appJwt(sim));
    expect(accepted.status).toBe(202);
    await sim.webhooks.settled();
    const [again, first] = (await list()).body;
    expect(again).toMatchObject({ redelivery: true, status: "OK", guid: first.guid });
    expect(receiver.received.map(({ headers }) => headers["x-github-delivery"])).toEqual([first.guid, first.guid]);
    expect(sim.violations).toEqual([]);
  });

  it("does not know an id whose last digits were lost", async () => {
    queue();
    await sim.webhooks.settled();
    const id = BigInt(/"id":(\d+)/.exec((await list()).text)?.[1] ?? 0);
    expect(BigInt(Number(id))).not.toBe(id);
    expect((await call(sim, "POST", `/app/hook/deliveries/${BigInt(Number(id))}/attempts`, appJwt(sim))).status).toBe(404);
  });

  it("forgets after three days", async () => {
    queue();
    await sim.webhooks.settled();
    clock.advance(3 * day + 1);
    expect((await list()).body).toEqual([]);
  });

  it("notes receivers that are away or too slow", async () => {
    sim.setReceivers(["http://127.0.0.1:1/"]);
    queue();
    await sim.webhooks.settled();
    expect((await list()).body[0]).toMatchObject({ status: "failed to connect to host", status_code: 502 });
    const { createServer } = await import("node:http");
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    sim.settings.webhookDeadlineMs = 50;
    sim.setReceivers([`http://127.0.0.1:${(silent.address() as { port: number }).port}/`]);
    queue();
    await sim.webhooks.settled();
    silent.close();
    expect((await list()).body[0]).toMatchObject({ status: "timed out" });
    expect(sim.violations).toEqual([]);
  });

  it("answers what GitHub knows of the webhook's configuration, without the secret", async () => {
    const config = await call(sim, "GET", "/app/hook/config", appJwt(sim));
    expect(config.body).toEqual({ url: receiver.url, content_type: "json", insecure_ssl: "0", secret: "********" });
    expect(sim.violations).toEqual([]);
  });
});

describe("on its way an event", () => {
  it("is lost without a trace", async () => {
    sim.webhooks.addFault({ kind: "drop", action: "queued" });
    queue("lost");
    queue("heard");
    await sim.webhooks.settled();
    expect(actions()).toEqual(["heard queued"]);
    expect(sim.webhooks.log.list()).toHaveLength(1);
    expect(sim.journal().filter(({ kind }) => kind === "webhook-lost")).toHaveLength(1);
  });

  it("fails but can be redelivered", async () => {
    sim.webhooks.addFault({ kind: "fail" });
    queue();
    const [failed] = sim.webhooks.log.list();
    expect(failed).toMatchObject({ statusCode: 502 });
    if (failed) sim.webhooks.redeliver(failed);
    await sim.webhooks.settled();
    expect(actions()).toEqual(["build queued"]);
  });

  it("comes late, overtaken by others, and tells of its own moment", async () => {
    sim.webhooks.addFault({ kind: "delay", action: "queued", ms: 100 });
    queue();
    await runJob("r1");
    await sim.webhooks.settled();
    expect(actions()).toEqual(["build in_progress", "build completed", "build queued"]);
    expect(receiver.received.at(-1)?.payload.workflow_job.status).toBe("queued");
  });

  it("comes several times under one guid", async () => {
    sim.webhooks.addFault({ kind: "duplicate", copies: 3 });
    queue();
    await sim.webhooks.settled();
    expect(new Set(receiver.received.map(({ headers }) => headers["x-github-delivery"])).size).toBe(1);
    expect(receiver.received).toHaveLength(4);
    expect(new Set(sim.webhooks.log.list().map(({ id }) => id)).size).toBe(4);
  });

  it("is reordered, never into the same order", async () => {
    sim.webhooks.addFault({ kind: "reorder", times: 3, count: 3 });
    queue();
    await runJob("r1");
    await sim.webhooks.settled();
    const order = ["build queued", "build in_progress", "build completed"];
    expect(actions().toSorted()).toEqual(order.toSorted());
    expect(actions()).not.toEqual(order);
  });

  it("is held until it is let go", async () => {
    const hold = sim.webhooks.addFault({ kind: "hold", action: "queued", times: 2 });
    queue("a");
    queue("b");
    await sim.webhooks.settled();
    expect(actions()).toEqual([]);
    expect(hold.waiting).toBe(2);
    hold.release();
    await sim.webhooks.settled();
    expect(actions()).toEqual(["a queued", "b queued"]);
  });

  it("is throttled, and the log says so", async () => {
    sim.webhooks.addFault({ kind: "throttle", ms: 10 });
    queue();
    await sim.webhooks.settled();
    const reply = await call(sim, "GET", "/app/hook/deliveries", appJwt(sim));
    expect(reply.body[0].throttled_at).toBe("2026-10-01T12:00:00.000Z");
  });

  it("suffers only where the fault says", async () => {
    sim.webhooks.addFault({ kind: "drop", job: "b", times: 5 });
    for (const name of ["a", "b", "c"]) queue(name);
    await sim.webhooks.settled();
    expect(actions().toSorted()).toEqual(["a queued", "c queued"]);
    sim.webhooks.clearFaults();
    queue("b");
    await sim.webhooks.settled();
    expect(actions()).toContain("b queued");
  });
});

describe("GitHub's published examples", () => {
  it("are eight", () => {
    expect(workflowJobExamples()).toHaveLength(8);
  });

  it("are sent as they are, signed for the App", async () => {
    const delivery = await sim.sendExample(0);
    expect(delivery.status).toBe("OK");
    expect(receiver.received[0]?.payload).toEqual(workflowJobExamples()[0]);
    const signature = createHmac("sha256", sim.app.hook.secret ?? "")
      .update(receiver.received[0]?.raw ?? "")
      .digest("hex");
    expect(receiver.received[0]?.headers["x-hub-signature-256"]).toBe(`sha256=${signature}`);
  });

  it("can be given the installation that an App's event always has", async () => {
    await sim.sendExample(0, { installation });
    expect(receiver.received[0]?.payload.installation.id).toBe(installation.id);
  });

  it("stand beside any other event", async () => {
    await sim.webhooks.send(sim.app, "ping", { zen: "Keep it logically awesome." });
    expect(receiver.received[0]?.headers["x-github-event"]).toBe("ping");
  });
});
