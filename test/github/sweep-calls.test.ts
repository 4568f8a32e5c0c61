import { describe, expect, it, onTestFinished } from "vitest";
import { startLocalServer } from "./local-server.ts";
import { startBench } from "./setup.ts";

const never = new AbortController().signal;
const repository = "acme/web";
// Nobody listens there, so every delivery is listed as failed.
const deaf = "http://127.0.0.1:9/webhook";

describe("webhook deliveries", () => {
  it("are listed newest first, in pages, under ids that no number could hold", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    sim.setReceivers([deaf]);
    for (let index = 0; index < 105; index += 1) sim.queueJob({ repository });
    await sim.webhooks.settled();
    const first = await github.listDeliveries({}, never);
    const second = await github.listDeliveries({ cursor: first.next }, never);
    expect([first.deliveries.length, second.deliveries.length, second.next]).toEqual([100, 5, undefined]);
    const known = sim.webhooks.log.list().map(({ id }) => id.toString());
    expect([...first.deliveries, ...second.deliveries].map(({ id }) => id)).toEqual(known);
    expect(BigInt(first.deliveries[0]?.id ?? "0")).toBeGreaterThan(2n ** 53n);
    expect(first.deliveries[0]).toMatchObject({ event: "workflow_job", action: "queued", redelivery: false, succeeded: false });
    expect(calls(/GET \/app\/hook\/deliveries$/)).toBe(2);
    expect(sim.violations).toEqual([]);
  });

  it("are sent again under the same guid, and can be asked for by their failure", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    sim.setReceivers([deaf]);
    sim.queueJob({ repository });
    await sim.webhooks.settled();
    const server = await startLocalServer((request, response) => {
      request.resume();
      response.writeHead(202).end();
    });
    onTestFinished(() => server.close());
    sim.setReceivers([server.url]);
    const [failed] = (await github.listDeliveries({ failed: true }, never)).deliveries;
    await expect(github.redeliver(failed?.id ?? "", never)).resolves.toBe("accepted");
    await sim.webhooks.settled();
    const { deliveries } = await github.listDeliveries({}, never);
    expect(deliveries).toMatchObject([
      { guid: failed?.guid, redelivery: true, succeeded: true },
      { guid: failed?.guid, redelivery: false, succeeded: false },
    ]);
    expect((await github.listDeliveries({ failed: true }, never)).deliveries.map(({ id }) => id)).toEqual([failed?.id]);
    expect(sim.violations).toEqual([]);
  });

  it.each([404, 422])("are gone when GitHub answers %i", async (status) => {
    const { sim, github } = await startBench();
    sim.faults.add({ kind: "status", status, path: "/attempts$" });
    await expect(github.redeliver("1900000000000000001", never)).resolves.toBe("gone");
  });

  it.each(["", "abc", "1.5", "../1", "123456789012345678901"])("are not asked for by the id %j", async (id) => {
    const { github, calls } = await startBench();
    await expect(github.redeliver(id, never)).rejects.toMatchObject({ code: "Invalid" });
    expect(calls(/./)).toBe(0);
  });
});

describe("runs and their jobs", () => {
  it("are listed by state, with what a webhook would tell", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    sim.addRepository("acme/open", { private: false });
    const job = sim.queueJob({ repository, labels: ["linux", "GPU"], name: "build", workflowName: "CI", headBranch: "main" });
    const open = sim.queueJob({ repository: "acme/open" });
    const [run] = await github.listRuns(repository, "queued", never);
    expect(run).toEqual({
      id: String(job.run.id),
      updatedAt: expect.stringMatching(/Z$/),
      repository,
      visibility: "private",
    });
    await expect(github.listRuns("acme/open", "queued", never)).resolves.toMatchObject([
      { id: String(open.run.id), visibility: "public" },
    ]);
    await expect(github.listRuns(repository, "in_progress", never)).resolves.toEqual([]);
    await expect(github.listRunJobs(repository, run?.id ?? "", never)).resolves.toEqual([
      {
        id: String(job.id),
        runId: String(job.run.id),
        runAttempt: 1,
        status: "queued",
        conclusion: undefined,
        runnerName: undefined,
        name: "build",
        labels: ["linux", "GPU"],
        workflowName: "CI",
        headBranch: "main",
        htmlUrl: expect.stringContaining(String(job.id)),
        createdAt: expect.stringMatching(/Z$/),
        startedAt: expect.stringMatching(/Z$/),
        completedAt: undefined,
      },
    ]);
    expect(sim.violations).toEqual([]);
  });

  it("are read page after page, and only the newest attempt of each job", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    const { run } = sim.queueJob({ repository });
    for (let index = 1; index < 130; index += 1) sim.queueJob({ repository, runId: run.id });
    for (let index = 0; index < 120; index += 1) sim.queueJob({ repository });
    await expect(github.listRuns(repository, "queued", never)).resolves.toHaveLength(121);
    await expect(github.listRunJobs(repository, String(run.id), never)).resolves.toHaveLength(130);
    expect(calls(/\/jobs$/)).toBe(2);
    for (const job of run.jobs) sim.cancelJob(job.id);
    const again = sim.rerun(run.id, "all").map(({ id }) => String(id));
    const jobs = await github.listRunJobs(repository, String(run.id), never);
    expect(jobs?.map(({ id }) => id).toSorted()).toEqual(again.toSorted());
    expect(sim.violations).toEqual([]);
  });

  it("end at the thousandth run, where GitHub's list ends, whatever the server says", async () => {
    let asked = 0;
    const server = await startLocalServer((request, response) => {
      const runs = (): object[] =>
        Array.from({ length: 100 }, (_, index) => ({
          id: asked * 1_000 + index,
          updated_at: "2026-01-15T09:00:00Z",
          repository: { full_name: repository, private: true },
        }));
      const answer = request.url?.endsWith("/installation")
        ? { id: 1, account: { login: "acme" } }
        : request.url?.endsWith("/access_tokens")
          ? { token: "ghs_x", expires_at: "2999-01-01T00:00:00Z" }
          : { total_count: 1_000_000, workflow_runs: (asked++, runs()) };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
    onTestFinished(() => server.close());
    const { client } = await startBench();
    await expect(client({ webUrl: server.url }).listRuns(repository, "queued", never)).resolves.toHaveLength(1_000);
    expect(asked).toBe(10);
  });

  it("of a run that GitHub does not have are undefined", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    await expect(github.listRunJobs(repository, "1", never)).resolves.toBeUndefined();
    await expect(github.listRunJobs(repository, "../1", never)).rejects.toMatchObject({ code: "Invalid" });
  });

  it("name the permission that the App lacks", async () => {
    const { sim, github } = await startBench();
    sim.install("acme", { permissions: { metadata: "read" } });
    await expect(github.listRuns(repository, "queued", never)).rejects.toMatchObject({
      code: "Forbidden",
      message: expect.stringContaining("Actions: Read-only"),
    });
  });
});
