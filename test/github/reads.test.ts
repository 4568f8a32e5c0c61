import { describe, expect, it, onTestFinished } from "vitest";
import { startLocalServer } from "./local-server.ts";
import { startBench } from "./setup.ts";
import { verbs } from "./verbs.ts";

const never = new AbortController().signal;

describe("reading", () => {
  it("reads a job through its life", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    const repository = "acme/web";
    const { jitConfig } = await github.mintJitConfig(
      { repository },
      { name: "r-1", labels: ["linux"], runnerGroup: "Default" },
      never,
    );
    const job = sim.queueJob({ repository, labels: ["linux"] });
    await expect(github.getJob(repository, String(job.id), never)).resolves.toEqual({
      id: String(job.id),
      runId: expect.stringMatching(/^\d+$/),
      status: "queued",
      conclusion: undefined,
      runnerName: undefined,
      startedAt: expect.stringMatching(/Z$/),
      completedAt: undefined,
    });
    sim.runners.connect(jitConfig);
    sim.runners.poll("r-1");
    await expect(github.getJob(repository, String(job.id), never)).resolves.toMatchObject({
      status: "in_progress",
      runnerName: "r-1",
    });
    sim.runners.finish("r-1", "failure");
    await expect(github.getJob(repository, String(job.id), never)).resolves.toMatchObject({
      status: "completed",
      conclusion: "failure",
      completedAt: expect.stringMatching(/Z$/),
    });
    await expect(github.getJob(repository, "1", never)).resolves.toBeUndefined();
    expect(sim.violations).toEqual([]);
  });

  it.each(["", "abc", "1.5", "../1", "123456789012345678901"])("does not ask for the job %j", async (id) => {
    const { github, calls } = await startBench();
    await expect(github.getJob("acme/web", id, never)).rejects.toMatchObject({ code: "Invalid" });
    expect(calls(/./)).toBe(0);
  });

  it("keeps ids exact, however large they grow", async () => {
    const asked: (string | undefined)[] = [];
    const server = await startLocalServer((request, response) => {
      asked.push(request.url);
      const answer = request.url?.includes("/actions/jobs/")
        ? '{"id":9223372036854775807,"run_id":9007199254740993,"status":"in_progress","conclusion":null,"runner_name":"","started_at":"","completed_at":null}'
        : request.url?.endsWith("/installation")
          ? '{"id":9007199254740995,"account":{"login":"acme"},"suspended_at":null}'
          : '{"token":"ghs_x","expires_at":"2999-01-01T00:00:00Z"}';
      response.writeHead(200, { "content-type": "application/json" }).end(answer);
    });
    onTestFinished(() => server.close());
    const { client } = await startBench();
    await expect(client({ webUrl: server.url }).getJob("acme/web", "9223372036854775807", never)).resolves.toEqual({
      id: "9223372036854775807",
      runId: "9007199254740993",
      status: "in_progress",
      conclusion: undefined,
      runnerName: undefined,
      startedAt: undefined,
      completedAt: undefined,
    });
    expect(asked).toEqual([
      "/api/v3/repos/acme/web/installation",
      "/api/v3/app/installations/9007199254740995/access_tokens",
      "/api/v3/repos/acme/web/actions/jobs/9223372036854775807",
    ]);
  });

  it("reads the App", async () => {
    const { sim, client } = await startBench();
    const app = sim.addApp({
      slug: "narrow",
      permissions: { actions: "read", metadata: "read" },
      events: ["workflow_job", "push"],
    });
    await expect(client({ appId: app.id, privateKey: app.keys[0]?.privateKey ?? "" }).getApp(never)).resolves.toEqual({
      slug: "narrow",
      permissions: { actions: "read", metadata: "read" },
      events: ["workflow_job", "push"],
    });
  });

  it("accepts the client id in place of the App's id", async () => {
    const { sim, client } = await startBench();
    await expect(client({ appId: sim.app.clientId }).getApp(never)).resolves.toMatchObject({ slug: "getabako" });
  });

  it("lists all installations, however many, with what each was given", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme", { repositories: ["acme/web"], permissions: { actions: "read" } });
    sim.suspend(sim.install("umbrella"));
    for (let index = 0; index < 100; index += 1) sim.install(`org-${index}`);
    const installations = await github.listInstallations(never);
    expect(installations).toHaveLength(102);
    expect(installations[0]).toEqual({
      id: expect.stringMatching(/^\d+$/),
      account: "acme",
      suspended: false,
      repositorySelection: "selected",
      permissions: { actions: "read" },
    });
    expect(installations[1]).toMatchObject({ account: "umbrella", suspended: true, repositorySelection: "all" });
    expect(calls(/GET \/app\/installations$/)).toBe(2);
    expect(sim.violations).toEqual([]);
  });

  it("finds the exact name on servers that do not filter by name", async () => {
    const server = await startLocalServer((request, response) => {
      const url = new URL(request.url ?? "", "http://x");
      const page = Number(url.searchParams.get("page"));
      const runners = Array.from({ length: page === 1 ? 100 : 3 }, (_, index) => ({
        id: page * 1_000 + index,
        name: `r-${page}-${index}`,
      }));
      const answer = url.pathname.endsWith("/installation")
        ? { id: 1, account: { login: "acme" } }
        : url.pathname.endsWith("/access_tokens")
          ? { token: "ghs_x", expires_at: "2999-01-01T00:00:00Z" }
          : { total_count: 103, runners };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
    onTestFinished(() => server.close());
    const { client } = await startBench();
    const github = client({ webUrl: server.url });
    // Fields that old servers lack read as an idle, offline runner without labels.
    const expected = { id: 2_002, name: "r-2-2", status: "offline", busy: false, labels: [] };
    await expect(github.findRunner({ organization: "acme" }, "r-2-2", never)).resolves.toEqual(expected);
    await expect(github.findRunner({ organization: "acme" }, "r-2-3", never)).resolves.toBeUndefined();
  });

  it.each([
    ["{}", "{}"],
    ["a list", "[]"],
    ["a registration of another form", '{"runner":{"id":1,"name":"r-1","labels":7},"encoded_jit_config":"x"}'],
    ["an object with nulls", '{"runners":null,"runner_groups":null,"runner":null,"events":null,"id":null,"token":null}'],
  ])("throws nothing but its own error when a server answers everything with %s", async (_name, strange) => {
    const server = await startLocalServer((request, response) => {
      const prelude = request.url?.endsWith("/installation")
        ? '{"id":1,"account":{"login":"acme"}}'
        : request.url?.endsWith("/access_tokens")
          ? '{"token":"ghs_x","expires_at":"2999-01-01T00:00:00Z"}'
          : request.url?.includes("/runner-groups")
            ? '{"runner_groups":[{"id":1,"name":"Default"}]}'
            : undefined;
      response.writeHead(200, { "content-type": "application/json" }).end(prelude ?? strange);
    });
    onTestFinished(() => server.close());
    const { client } = await startBench();
    const github = client({ webUrl: server.url });
    const outcomes = await Promise.allSettled(verbs.map((call) => call(github)));
    const [removed] = outcomes.splice(4, 1);
    // A removal and a redelivery have no answer to read.
    expect(removed).toEqual({ status: "fulfilled", value: "deleted" });
    expect(outcomes.pop()).toEqual({ status: "fulfilled", value: "accepted" });
    // An empty list is what these may well be answered with.
    const [deliveries] = outcomes.splice(10, 1);
    expect(deliveries).toMatchObject(strange === "[]" ? { value: { deliveries: [] } } : { reason: { code: "Unavailable" } });
    const [installations] = outcomes.splice(7, 1);
    expect(installations).toMatchObject(strange === "[]" ? { value: [] } : { reason: { code: "Unavailable" } });
    const [offered] = outcomes.splice(4, 1);
    expect(offered).toMatchObject(strange === "[]" ? { value: undefined } : { reason: { code: "Unavailable" } });
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { name: "GitHubError", code: "Unavailable" } });
  });

  it("says what to do when the host cannot be reached", async () => {
    const { client } = await startBench();
    const server = await startLocalServer(() => undefined);
    await server.close();
    await expect(client({ webUrl: server.url }).getApp(never)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringMatching(/ECONNREFUSED.*spec\.url/),
    });
  });

  it.each([
    [{ privateKey: "hunter2" }, /not a private key/],
    [{ webUrl: "github.com" }, /not an address/],
    [{ apiUrl: "api" }, /not an address/],
    [{ caBundle: "no PEM" }, /holds no certificate/],
  ])("refuses to be made of %j", async (options, message) => {
    const { client } = await startBench();
    expect(() => client(options)).toThrow(expect.objectContaining({ code: "Invalid", message: expect.stringMatching(message) }));
  });
});
