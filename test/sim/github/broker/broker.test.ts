import { constants, createPrivateKey, type JsonWebKey, type KeyObject, randomUUID, sign } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type GitHubSim, startGitHubSim } from "../sim.ts";
import type { Runner } from "../state/model.ts";
import { mintRunner } from "../state/runners.ts";
import { call, ManualClock, type Reply } from "../testing.ts";

let clock: ManualClock;
let sim: GitHubSim;

beforeEach(async () => {
  clock = new ManualClock();
  sim = await startGitHubSim({ clock, tickMs: 0, pollMs: 30 });
});

afterEach(async () => {
  await sim.close();
});

function mint(name: string): Runner {
  const scope = { kind: "organization", account: sim.addOrganization("acme") } as const;
  return mintRunner(sim.world, scope, { name, labels: ["ecs"], runner_group_id: 1 });
}

interface Client {
  readonly clientId: string;
  readonly tokenUrl: string;
  readonly key: KeyObject;
}

function clientOf(runner: Runner): Client {
  const files = JSON.parse(Buffer.from(runner.jit.encoded, "base64").toString()) as Record<string, string>;
  const file = (name: string) => JSON.parse(Buffer.from(files[name] ?? "", "base64").toString()) as Record<string, string>;
  const { Data: data } = file(".credentials") as unknown as { Data: Record<string, string> };
  const number = (name: string) => Buffer.from(file(".credentials_rsaparams")[name] ?? "", "base64").toString("base64url");
  const jwk: JsonWebKey = {
    kty: "RSA",
    e: number("exponent"),
    n: number("modulus"),
    d: number("d"),
    p: number("p"),
    q: number("q"),
    dp: number("dp"),
    dq: number("dq"),
    qi: number("inverseQ"),
  };
  return {
    clientId: data["clientId"] ?? "",
    tokenUrl: data["authorizationUrlV2"] ?? "",
    key: createPrivateKey({ key: jwk, format: "jwk" }),
  };
}

function assertion(client: Client, alg: "RS256" | "PS256", claims: Record<string, unknown> = {}): string {
  const now = Math.floor(clock.now() / 1000);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const all = { iss: client.clientId, sub: client.clientId, aud: client.tokenUrl, jti: randomUUID(), exp: now + 300, ...claims };
  const unsigned = `${part({ alg })}.${part(all)}`;
  const padding =
    alg === "PS256" ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  return `${unsigned}.${sign("RSA-SHA256", Buffer.from(unsigned), { key: client.key, ...padding }).toString("base64url")}`;
}

async function exchange(client: Client, text: string): Promise<Reply> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: text,
  });
  const path = client.tokenUrl.slice(sim.url.length);
  return call(sim, "POST", path, undefined, form.toString(), { "content-type": "application/x-www-form-urlencoded" });
}

async function login(runner: Runner): Promise<string> {
  const client = clientOf(runner);
  const reply = await exchange(client, assertion(client, "PS256"));
  expect(reply.status).toBe(200);
  return reply.body.access_token as string;
}

const openSession = (token: string, version = "2.336.0") =>
  call(sim, "POST", "/session", token, { ownerName: "test", agent: { id: 1, name: "r", version, osDescription: "linux" } });
const poll = (token: string, session: string) =>
  call(sim, "GET", `/message?sessionId=${session}&status=Online&runnerVersion=2.336.0`, token);
const queue = () => sim.queueJob({ repository: "acme/web", labels: ["ecs"], durationMs: 1234 });

async function online(name: string): Promise<{ runner: Runner; token: string; session: string }> {
  const runner = mint(name);
  const token = await login(runner);
  return { runner, token, session: (await openSession(token)).body.sessionId as string };
}

describe("the runner's token", () => {
  it.each(["RS256", "PS256"] as const)("is given for an assertion signed with %s", async (alg) => {
    const client = clientOf(mint("r"));
    const reply = await exchange(client, assertion(client, alg));
    expect(reply.body).toMatchObject({ token_type: "bearer", expires_in: 3600 });
    expect(sim.secrets()).toContain(reply.body.access_token);
  });

  it("is refused as invalid_client for a registration that is gone, or whose hour has passed", async () => {
    const gone = mint("gone");
    const client = clientOf(gone);
    sim.reap("gone");
    expect((await exchange(client, assertion(client, "RS256"))).body).toEqual({ error: "invalid_client" });
    const late = clientOf(mint("late"));
    clock.advance(3_600_000);
    expect((await exchange(late, assertion(late, "RS256"))).body).toEqual({ error: "invalid_client" });
  });

  it.each([
    { what: "for another audience", claims: { aud: "https://elsewhere" } },
    { what: "that has run out", claims: { exp: 1 } },
    { what: "with another subject", claims: { sub: "x" } },
    { what: "without an id", claims: { jti: undefined } },
  ])("is refused to an assertion $what", async ({ claims }) => {
    const client = clientOf(mint("r"));
    expect((await exchange(client, assertion(client, "RS256", claims))).status).toBe(400);
  });

  it("is refused to an assertion that was here before, and to one signed with another key", async () => {
    const client = clientOf(mint("r"));
    const text = assertion(client, "RS256");
    expect((await exchange(client, text)).status).toBe(200);
    expect((await exchange(client, text)).status).toBe(400);
    const stranger = createPrivateKey(sim.app.keys[0]?.privateKey ?? "");
    expect((await exchange(client, assertion({ ...client, key: stranger }, "RS256"))).status).toBe(400);
  });

  it("is asked for at every door", async () => {
    for (const [method, path] of [
      ["POST", "/session"],
      ["GET", "/message"],
      ["POST", "/acknowledge"],
      ["POST", "/_run/acquirejob"],
      ["DELETE", "/session"],
    ] as const) {
      expect((await call(sim, method, path)).status, `${method} ${path}`).toBe(401);
    }
  });
});

describe("a session", () => {
  it("brings the runner online, once", async () => {
    const { runner, token } = await online("r");
    expect(runner).toMatchObject({ phase: "online", version: "2.336.0" });
    const second = await openSession(token);
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ source: "actions-broker-listener", errorKind: "SessionConflict" });
  });

  it("is refused to an old runner", async () => {
    const token = await login(mint("r"));
    const reply = await openSession(token, "2.328.9");
    expect(reply.status).toBe(403);
    expect(reply.body.errorKind).toBe("RunnerVersionTooOld");
  });

  it("ends with its runner offline and its registration left behind", async () => {
    const { runner, token, session } = await online("r");
    expect((await call(sim, "DELETE", "/session", token)).status).toBe(204);
    expect(runner.phase).toBe("offline");
    expect((await poll(token, session)).body.errorKind).toBe("RunnerSessionInvalid");
    expect(sim.report().leftBehind).toMatchObject([{ name: "r" }]);
  });

  it("that falls silent makes its runner offline", async () => {
    const { runner } = await online("r");
    clock.advance(sim.settings.sessionMs - 1);
    sim.tick();
    expect(runner.phase).toBe("online");
    clock.advance(2);
    sim.tick();
    expect(runner.phase).toBe("offline");
  });
});

describe("messages", () => {
  it("are empty while there is nothing to do", async () => {
    const { token, session } = await online("r");
    expect((await poll(token, session)).status).toBe(204);
  });

  it("tell of a job as soon as it is assigned, once", async () => {
    sim.settings.pollMs = 5_000;
    const { token, session } = await online("r");
    const polling = poll(token, session);
    const job = queue();
    const message = (await polling).body;
    expect(message).toMatchObject({ messageType: "RunnerJobRequest" });
    expect(JSON.parse(message.body)).toMatchObject({
      runner_request_id: String(job.id),
      run_service_url: `${sim.url}/_run/`,
      should_acknowledge: true,
    });
    sim.settings.pollMs = 10;
    expect((await poll(token, session)).status).toBe(204);
  });

  it("tell a reaped runner that it is gone", async () => {
    const { token, session } = await online("r");
    sim.reap("r");
    const reply = await poll(token, session);
    expect(reply.status).toBe(404);
    expect(reply.body.errorKind).toBe("RunnerNotFound");
  });

  it("never come for a runner whose job was cancelled before it acquired it, though GitHub has forgotten the runner", async () => {
    const { token, session } = await online("r");
    const job = queue();
    const message = (await poll(token, session)).body;
    sim.cancelJob(job.id);
    const { id } = JSON.parse(message.body) as { id: string };
    expect((await call(sim, "POST", "/_run/acquirejob", token, { jobMessageId: id })).body).toMatchObject({
      source: "actions-run-service",
      statusCode: 422,
    });
    expect(sim.registrations()).toEqual([]);
    expect((await poll(token, session)).status).toBe(204);
  });

  it("acknowledge what is assigned, and nothing else", async () => {
    const { token } = await online("r");
    const job = queue();
    expect((await call(sim, "POST", "/acknowledge", token, { runnerRequestId: String(job.id) })).status).toBe(200);
    const reply = await call(sim, "POST", "/acknowledge", token, { runnerRequestId: "1" });
    expect(reply.body.errorKind).toBe("AcknowledgeJobNotFound");
  });
});

describe("a job", () => {
  async function acquired() {
    const there = await online("r");
    const job = queue();
    const { id } = JSON.parse((await poll(there.token, there.session)).body.body) as { id: string };
    const reply = await call(sim, "POST", "/_run/acquirejob", there.token, { jobMessageId: id, runnerOS: "Linux" });
    expect(reply.status).toBe(200);
    const jobToken = reply.body.resources.endpoints[0].authorization.parameters.AccessToken as string;
    return { ...there, job, message: reply.body, jobToken, planId: reply.body.plan.planId as string };
  }

  it("is acquired with what running it takes", async () => {
    const { job, message } = await acquired();
    expect(job).toMatchObject({ status: "in_progress", runnerName: "r" });
    expect(message).toMatchObject({
      messageType: "RunnerJobRequest",
      jobDisplayName: job.name,
      requestId: job.id,
      variables: { "sim.duration_ms": { value: "1234" }, "sim.conclusion": { value: "Succeeded" } },
    });
    expect(message.resources.endpoints).toMatchObject([{ name: "SystemVssConnection", url: `${sim.url}/_run/` }]);
  });

  it("cannot be acquired twice, nor when it does not exist", async () => {
    const { token, job } = await acquired();
    expect((await call(sim, "POST", "/_run/acquirejob", token, { jobMessageId: `${job.id}-1` })).status).toBe(409);
    expect((await call(sim, "POST", "/_run/acquirejob", token, { jobMessageId: "1-1" })).status).toBe(404);
  });

  it("stays alive while it is renewed with its own token", async () => {
    const { job, planId, jobToken, token } = await acquired();
    expect((await call(sim, "POST", "/_run/renewjob", token, { planId })).status).toBe(401);
    clock.advance(sim.settings.lockMs - 1);
    expect((await call(sim, "POST", "/_run/renewjob", jobToken, { planId })).status).toBe(200);
    clock.advance(sim.settings.lockMs - 1);
    sim.tick();
    expect(job.status).toBe("in_progress");
    clock.advance(1);
    sim.tick();
    expect(job.conclusion).toBe("failure");
    expect((await call(sim, "POST", "/_run/renewjob", jobToken, { planId })).status).toBe(404);
  });

  it.each([
    ["Succeeded", "success"],
    [1, "success"],
    ["Failed", "failure"],
    [3, "cancelled"],
    ["Skipped", "skipped"],
    [5, "failure"],
  ] as const)("completed as %j ends as %s, and its runner is gone", async (said, conclusion) => {
    const { job, planId, jobToken, runner } = await acquired();
    expect((await call(sim, "POST", "/_run/completejob", jobToken, { planId, conclusion: said })).status).toBe(204);
    expect(job).toMatchObject({ status: "completed", conclusion });
    expect(runner.removedBy).toBe("finished");
  });

  it("cannot end in a way that does not exist", async () => {
    const { planId, jobToken } = await acquired();
    expect((await call(sim, "POST", "/_run/completejob", jobToken, { planId, conclusion: "Fine" })).status).toBe(400);
  });

  it("that is cancelled while it runs is announced to the runner, which has five minutes", async () => {
    const { job, token, session, planId, jobToken } = await acquired();
    sim.cancelJob(job.id);
    expect(job.status).toBe("in_progress");
    expect((await poll(token, session)).body.messageType).toBe("JobCancellation");
    await call(sim, "POST", "/_run/completejob", jobToken, { planId, conclusion: "Succeeded" });
    expect(job.conclusion).toBe("cancelled");
  });

  it("that is cancelled ends without the runner when that stays silent", async () => {
    const { job } = await acquired();
    sim.cancelJob(job.id);
    clock.advance(5 * 60_000);
    sim.tick();
    expect(job).toMatchObject({ status: "completed", conclusion: "cancelled" });
  });

  it("counts the broker's calls apart from the REST calls", async () => {
    const before = sim.counters().rest;
    await acquired();
    expect(sim.counters().operations).toMatchObject({ "broker/token": 1, "broker/create-session": 1, "broker/acquire-job": 1 });
    expect(sim.counters().rest).toBe(before);
  });
});
