import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type GitHubSim, startGitHubSim } from "./sim.ts";
import { call, installationToken, type Receiver, startReceiver } from "./testing.ts";

let sim: GitHubSim;
let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
  sim = await startGitHubSim();
});

afterEach(async () => {
  await sim.close();
  await receiver[Symbol.asyncDispose]();
});

const get = async (path: string) => (await call(sim, "GET", `/_sim/${path}`)).body;
const post = (path: string, body: unknown = {}) => call(sim, "POST", `/_sim/${path}`, undefined, body);

describe("the control surface of a simulator that runs alone", () => {
  it("takes a job from the queue to its end", async () => {
    const credentials = await get("credentials");
    expect(credentials).toMatchObject({ appId: sim.app.id, webhookSecret: sim.app.hook.secret });
    expect(credentials.privateKey).toContain("BEGIN RSA PRIVATE KEY");
    await post("receivers", { receivers: [receiver.url] });
    const { id } = (await post("installations", { account: "acme" })).body;
    expect((await get("state")).installations).toEqual([{ id, account: "acme" }]);
    const job = (await post("jobs", { repository: "acme/web", labels: ["ecs"], durationMs: 5 })).body;
    const installation = [...sim.world.installations.values()][0];
    if (!installation) throw new Error("no installation");
    const token = await installationToken(sim, installation);
    const minted = await call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, {
      name: "r",
      runner_group_id: 1,
      labels: ["ecs"],
    });
    const exit = await post("runner/run", { jitConfig: minted.body.encoded_jit_config });
    expect(exit.body).toEqual({ exitCode: 0, reason: "job-finished", jobId: job.id });
    await post("settled");
    expect(await get(`jobs/${job.id}`)).toMatchObject({ status: "completed", conclusion: "success", startedBy: ["r"] });
    expect(await get("deliveries")).toHaveLength(3);
    expect(await get("report")).toMatchObject({ neverRun: [], ranTwice: [], leftBehind: [] });
    expect((await get("counters")).operations).toMatchObject({ "actions/generate-runner-jitconfig-for-org": 1 });
    expect(await get("violations")).toEqual([]);
    expect((await get("journal")).map(({ kind }: { kind: string }) => kind)).toContain("job-started");
    expect(await get("secrets")).toContain(minted.body.encoded_jit_config);
    expect(JSON.stringify(await get("requests"))).not.toContain(token);
  });

  it("drives runners step by step, and says what is wrong without repeating a configuration", async () => {
    await post("installations", { account: "acme" });
    const wrong = await post("runner/connect", { jitConfig: "very-secret" });
    expect(wrong.status).toBe(404);
    expect(wrong.text).not.toContain("very-secret");
    expect((await post("runner/connect", {})).body.error).toBe('"name" must be a text');
  });

  it("plants and lifts faults", async () => {
    const { id } = (await post("faults", { kind: "status", status: 503, path: "^/app$", times: 5 })).body;
    expect(await get("faults")).toMatchObject([{ id, kind: "status", hits: 0 }]);
    expect((await call(sim, "GET", "/app")).status).toBe(503);
    await call(sim, "DELETE", "/_sim/faults");
    expect((await call(sim, "GET", "/app")).status).toBe(401);
    await post("webhook-faults", { kind: "drop" });
    expect(sim.webhooks.faults()).toHaveLength(1);
    await call(sim, "DELETE", "/_sim/webhook-faults");
    expect(sim.webhooks.faults()).toHaveLength(0);
  });

  it("cancels, approves and reruns jobs, and sends GitHub's examples", async () => {
    await post("receivers", { receivers: [receiver.url] });
    const job = (await post("jobs", { repository: "acme/web", labels: ["ecs"], waiting: true })).body;
    await post(`jobs/${job.id}/approve`);
    await post(`jobs/${job.id}/cancel`);
    expect(await get(`jobs/${job.id}`)).toMatchObject({ status: "completed", conclusion: "cancelled" });
    const run = sim.job(job.id).run.id;
    expect((await post(`runs/${run}/rerun`)).body).toMatchObject([{ status: "queued" }]);
    expect((await post("examples/1")).body).toMatchObject({ status: "OK", event: "workflow_job", action: "completed" });
  });

  it("changes settings, the clock, tokens and installations while it runs", async () => {
    await post("settings", { assignment: "random", lockMs: 5 });
    expect(sim.settings).toMatchObject({ assignment: "random", lockMs: 5 });
    expect((await post("settings", { lockMs: "soon" })).status).toBe(400);
    expect((await post("settings", { nonsense: 1 })).status).toBe(400);
    const before = sim.world.now();
    await post("clock", { skewMs: 3_600_000 });
    expect(sim.world.now() - before).toBeGreaterThanOrEqual(3_600_000);
    const { id } = (await post("installations", { account: "acme" })).body;
    const fresh = (await post(`installations/${id}/reinstall`)).body.id;
    expect(fresh).not.toBe(id);
    expect((await post(`installations/${id}/reinstall`)).status).toBe(400);
    await post("assignments", { held: true });
    expect(sim.world.assignmentsHeld).toBe(true);
    await post("revoke-tokens");
  });

  it("lists its paths to whoever is lost, and suffers no fault itself", async () => {
    sim.faults.add({ kind: "status", status: 500, times: 5 });
    const lost = await call(sim, "GET", "/_sim/nothing");
    expect(lost.status).toBe(404);
    expect(lost.body.known.length).toBeGreaterThan(20);
    expect((await call(sim, "GET", "/_sim")).body).toContain("POST /_sim/runner/run");
    expect((await call(sim, "POST", "/_sim/jobs", undefined, "{")).status).toBe(400);
  });
});
