import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GitHubSim } from "./sim.ts";
import { call, installationToken, jit, type ManualClock, mintRunner, setScene } from "./testing.ts";

const hour = 3_600_000;
let clock: ManualClock;
let sim: GitHubSim;
let token: string;

beforeEach(async () => {
  ({ clock, sim, token } = await setScene());
});

afterEach(async () => {
  await sim.close();
});

const mint = (name: string): Promise<number> => mintRunner({ sim, token }, name);

describe("just-in-time configurations", () => {
  it("register an offline runner at once, with exactly the labels that were passed", async () => {
    const reply = await call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, jit);
    expect(reply.status).toBe(201);
    expect(reply.body.runner).toMatchObject({ name: "r1", status: "offline", busy: false, version: null, runner_group_id: 1 });
    expect(reply.body.runner.labels.map((label: { name: string }) => label.name)).toEqual(["self-hosted", "ECS"]);
    const listed = await call(sim, "GET", "/orgs/acme/actions/runners?name=r1", token);
    expect(listed.body).toMatchObject({ total_count: 1, runners: [{ id: reply.body.runner.id }] });
    expect(sim.violations).toEqual([]);
  });

  it("are as large as GitHub's and hold the runner's own key", async () => {
    const reply = await call(sim, "POST", "/repos/acme/web/actions/runners/generate-jitconfig", token, jit);
    const encoded = reply.body.encoded_jit_config as string;
    expect(encoded.length).toBeGreaterThan(4_096);
    expect(encoded.length).toBeLessThan(4_400);
    const files = JSON.parse(Buffer.from(encoded, "base64").toString()) as Record<string, string>;
    expect(Object.keys(files)).toEqual([".runner", ".credentials", ".credentials_rsaparams"]);
    const runner = JSON.parse(Buffer.from(files[".runner"] ?? "", "base64").toString()) as Record<string, string>;
    expect(runner).toMatchObject({ AgentName: "r1", Ephemeral: "true", UseV2Flow: "true", ServerUrlV2: sim.url });
  });

  it("answer 409 for a name that exists", async () => {
    await mint("r1");
    const again = await call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, jit);
    expect(again.status).toBe(409);
    expect(again.body.message).toContain("Already exists");
    expect(sim.violations).toEqual([]);
  });

  it.each([
    { what: "no group", body: { name: "r", labels: ["a"] } },
    { what: "no labels", body: { name: "r", runner_group_id: 1, labels: [] } },
    {
      what: "101 labels",
      body: { name: "r", runner_group_id: 1, labels: Array.from({ length: 101 }, (_, index) => `l${index}`) },
    },
    { what: "a group's name", body: { name: "r", runner_group_id: "Default", labels: ["a"] } },
    { what: "a field that does not exist", body: { name: "r", runner_group_id: 1, labels: ["a"], ephemeral: true } },
  ])("answer 422 to $what, and the violation is noted", async ({ body }) => {
    const reply = await call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, body);
    expect(reply.status).toBe(422);
    expect(sim.violations).toMatchObject([{ kind: "request", operationId: "actions/generate-runner-jitconfig-for-org" }]);
    expect(sim.registrations()).toEqual([]);
  });

  it("answer 422 to a name that GitHub refuses, 404 to an unknown group and 403 to GitHub's own", async () => {
    const post = (body: object) => call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, { ...jit, ...body });
    expect((await post({ name: "a/b" })).status).toBe(422);
    expect((await post({ runner_group_id: 77 })).status).toBe(404);
    expect((await post({ runner_group_id: 2 })).status).toBe(403);
    expect(sim.violations).toEqual([]);
  });

  it("know only the default group at repository level, and no organisation of a person", async () => {
    const group = sim.addRunnerGroup("acme", { name: "big" });
    const inRepository = await call(sim, "POST", "/repos/acme/web/actions/runners/generate-jitconfig", token, {
      ...jit,
      runner_group_id: group.id,
    });
    expect(inRepository.status).toBe(404);
    sim.addUser("dev");
    const personal = await installationToken(sim, sim.install("dev"));
    expect((await call(sim, "POST", "/orgs/dev/actions/runners/generate-jitconfig", personal, jit)).status).toBe(404);
  });
});

describe("runner records", () => {
  it("turn online, busy and gone", async () => {
    const id = await mint("r1");
    const path = `/orgs/acme/actions/runners/${id}`;
    sim.runners.connect("r1");
    expect((await call(sim, "GET", path, token)).body).toMatchObject({ status: "online", busy: false, version: "2.336.0" });
    sim.queueJob({ repository: "acme/web", labels: ["ecs"] });
    const refused = await call(sim, "DELETE", path, token);
    expect(refused.status).toBe(422);
    expect(refused.body.message).toContain("is still running a job");
    sim.runners.finish("r1");
    expect((await call(sim, "GET", path, token)).status).toBe(404);
    expect((await call(sim, "DELETE", path, token)).status).toBe(404);
    expect(sim.violations).toEqual([]);
  });

  it("have a version once they have connected", async () => {
    await mint("r1");
    const versions = async () =>
      (await call(sim, "GET", "/orgs/acme/actions/runners", token)).body.runners.map(
        ({ version }: { version: string | null }) => version,
      );
    expect(await versions()).toEqual([null]);
    sim.runners.connect("r1", "2.335.1");
    expect(await versions()).toEqual(["2.335.1"]);
    expect(sim.violations).toEqual([]);
  });

  it("come from the application that GitHub offers", async () => {
    const offered = async (path: string): Promise<string[]> =>
      (await call(sim, "GET", path, token)).body.map(({ filename }: { filename: string }) => filename);
    expect(await offered("/orgs/acme/actions/runners/downloads")).toContain("actions-runner-linux-arm64-2.336.0.tar.gz");
    sim.settings.offeredRunnerVersion = "2.337.0";
    expect(await offered("/repos/acme/web/actions/runners/downloads")).toContain("actions-runner-linux-x64-2.337.0.tar.gz");
    expect(sim.violations).toEqual([]);
  });

  it("are deleted while they idle", async () => {
    const id = await mint("r1");
    expect((await call(sim, "DELETE", `/orgs/acme/actions/runners/${id}`, token)).status).toBe(204);
    expect(sim.registrations()).toEqual([]);
  });

  it("come in pages with a Link header", async () => {
    for (let index = 0; index < 5; index += 1) await mint(`r${index}`);
    const second = await call(sim, "GET", "/orgs/acme/actions/runners?per_page=2&page=2", token);
    expect(second.body.runners.map((runner: { name: string }) => runner.name)).toEqual(["r2", "r3"]);
    const link = second.headers.get("link") ?? "";
    expect(link).toContain('page=3>; rel="next"');
    expect(link).toContain('page=1>; rel="prev"');
    const last = await call(sim, "GET", "/orgs/acme/actions/runners?per_page=2&page=3", token);
    expect(last.headers.get("link")).not.toContain("next");
  });

  it("belong to one scope", async () => {
    await mint("r1");
    expect((await call(sim, "GET", "/repos/acme/web/actions/runners", token)).body.total_count).toBe(0);
  });

  it("have groups that can be asked for by the repository they serve", async () => {
    sim.addRunnerGroup("acme", { name: "special", repositories: ["acme/other"] });
    const all = await call(sim, "GET", "/orgs/acme/actions/runner-groups", token);
    expect(all.body.runner_groups.map((group: { name: string }) => group.name)).toEqual(["Default", "special"]);
    const visible = await call(sim, "GET", "/orgs/acme/actions/runner-groups?visible_to_repository=web", token);
    expect(visible.body.runner_groups.map((group: { name: string }) => group.name)).toEqual(["Default"]);
    expect(sim.violations).toEqual([]);
  });
});

describe("jobs and runs", () => {
  it("show the runner only once it started the job, and started_at long before", async () => {
    const job = sim.queueJob({ repository: "acme/web", labels: ["ecs"] });
    await mint("r1");
    sim.runners.connect("r1");
    const path = `/repos/acme/web/actions/jobs/${job.id}`;
    const queued = (await call(sim, "GET", path, token)).body;
    expect(queued).toMatchObject({ status: "queued", conclusion: null, runner_id: null, runner_name: null, steps: [] });
    expect(queued.started_at).toBe(queued.created_at);
    sim.runners.poll("r1");
    expect((await call(sim, "GET", path, token)).body).toMatchObject({
      status: "in_progress",
      runner_name: "r1",
      runner_group_name: "Default",
    });
    sim.runners.finish("r1", "failure");
    expect((await call(sim, "GET", path, token)).body).toMatchObject({
      status: "completed",
      conclusion: "failure",
      runner_name: "r1",
    });
    expect(sim.violations).toEqual([]);
  });

  it("are found by status and time", async () => {
    const early = sim.queueJob({ repository: "acme/web", labels: ["ecs"] });
    clock.advance(hour / 2);
    sim.queueJob({ repository: "acme/web", labels: ["ecs"] });
    const list = (query: string) => call(sim, "GET", `/repos/acme/web/actions/runs?${query}`, token);
    expect((await list("status=queued")).body.total_count).toBe(2);
    expect((await list("status=in_progress")).body.total_count).toBe(0);
    expect((await list("status=queued&created=%3E%3D2026-10-01T12:15:00Z")).body.total_count).toBe(1);
    expect((await list("created=2026-10-01T11:00:00Z..2026-10-01T12:10:00Z")).body.workflow_runs[0].id).toBe(early.run.id);
    expect((await list("per_page=1")).headers.get("link")).toContain('rel="next"');
    const jobs = await call(sim, "GET", `/repos/acme/web/actions/runs/${early.run.id}/jobs?filter=latest`, token);
    expect(jobs.body).toMatchObject({ total_count: 1, jobs: [{ id: early.id }] });
    expect(sim.violations).toEqual([]);
  });

  it("can be cancelled and run again", async () => {
    const job = sim.queueJob({ repository: "acme/web", labels: ["ecs"] });
    const run = `/repos/acme/web/actions/runs/${job.run.id}`;
    expect((await call(sim, "POST", `/repos/acme/web/actions/jobs/${job.id}/rerun`, token)).status).toBe(403);
    expect((await call(sim, "POST", `${run}/cancel`, token)).status).toBe(202);
    expect((await call(sim, "POST", `${run}/cancel`, token)).status).toBe(409);
    expect((await call(sim, "POST", `${run}/rerun-failed-jobs`, token)).status).toBe(201);
    const latest = await call(sim, "GET", `${run}/jobs`, token);
    expect(latest.body).toMatchObject({ total_count: 1, jobs: [{ status: "queued", run_attempt: 2 }] });
    expect((await call(sim, "GET", `${run}/jobs?filter=all`, token)).body.total_count).toBe(2);
    expect((await call(sim, "GET", run, token)).body).toMatchObject({ run_attempt: 2, status: "queued" });
    expect(sim.violations).toEqual([]);
  });

  it("of another repository do not exist", async () => {
    const job = sim.queueJob({ repository: "acme/other" });
    expect((await call(sim, "GET", `/repos/acme/web/actions/jobs/${job.id}`, token)).status).toBe(404);
  });
});
