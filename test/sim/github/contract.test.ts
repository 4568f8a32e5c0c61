import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type GitHubSim, startGitHubSim } from "./sim.ts";
import type { Installation } from "./state/model.ts";
import { appJwt, call, installationToken, jit, type ManualClock, mintRunner, setScene } from "./testing.ts";

const hour = 3_600_000;
let clock: ManualClock;
let sim: GitHubSim;
let installation: Installation;
let token: string;

beforeEach(async () => {
  ({ clock, sim, installation, token } = await setScene());
});

afterEach(async () => {
  await sim.close();
});

const mint = (name: string): Promise<number> => mintRunner({ sim, token }, name);

describe("the contract", () => {
  it.each([
    { what: "an unknown path", method: "GET", path: "/repos/acme/web/actions/secrets", status: 404, kind: "route" },
    {
      what: "a misspelt query parameter",
      method: "GET",
      path: "/orgs/acme/actions/runners?perpage=1",
      status: 400,
      kind: "request",
    },
    {
      what: "a page that is no number",
      method: "GET",
      path: "/orgs/acme/actions/runners?page=two",
      status: 400,
      kind: "request",
    },
    { what: "an id that is no number", method: "GET", path: "/repos/acme/web/actions/jobs/job-1", status: 400, kind: "request" },
    {
      what: "an unknown status",
      method: "GET",
      path: "/repos/acme/web/actions/runs?status=running",
      status: 400,
      kind: "request",
    },
  ])("refuses $what and remembers it", async ({ method, path, status, kind }) => {
    expect((await call(sim, method, path, token)).status).toBe(status);
    expect(sim.violations).toMatchObject([{ kind, path: path.split("?")[0] }]);
  });

  it("refuses a body that is no JSON", async () => {
    const reply = await call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, "{");
    expect(reply.status).toBe(400);
    expect(reply.body.message).toBe("Problems parsing JSON");
  });

  it("covers the simulator's own answers", async () => {
    installation.permissions = { actions: "sometimes" };
    expect((await call(sim, "GET", "/app/installations", appJwt(sim))).status).toBe(200);
    expect(sim.violations).toMatchObject([{ kind: "response", operationId: "apps/list-installations" }]);
    expect(sim.violations[0]?.errors[0]).toContain("/0/permissions/actions");
  });

  it("is not broken by a caller that dies in the middle of its request", async () => {
    const socket = connect(Number(new URL(sim.url).port), "127.0.0.1");
    socket.write("POST /app/installations/1/access_tokens HTTP/1.1\r\nHost: sim\r\nContent-Length: 100\r\n\r\n{");
    await once(socket, "connect");
    // The server has read the head once it serves somebody who came later.
    await call(sim, "GET", "/app", appJwt(sim));
    socket.destroy();
    await once(socket, "close");
    await call(sim, "GET", "/app", appJwt(sim));
    expect(sim.violations).toEqual([]);
  });

  it("wants a User-Agent, as GitHub does", async () => {
    const reply = await call(sim, "GET", "/app", appJwt(sim), undefined, { "user-agent": "" });
    expect(reply.status).toBe(403);
  });

  it("is served under the prefix of GitHub Enterprise Server too", async () => {
    expect((await call(sim, "GET", "/api/v3/app", appJwt(sim))).status).toBe(200);
  });
});

describe("rate limits", () => {
  it("show in every answer, by bucket", async () => {
    const read = await call(sim, "GET", "/orgs/acme/actions/runners", token);
    expect(read.headers.get("x-ratelimit-resource")).toBe("core");
    expect(read.headers.get("x-ratelimit-remaining")).toBe("4999");
    expect(Number(read.headers.get("x-ratelimit-reset"))).toBe((clock.now() + hour) / 1000);
    const minted = await call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, jit);
    expect(minted.headers.get("x-ratelimit-resource")).toBe("actions_runner_registration");
    const overview = await call(sim, "GET", "/rate_limit", token);
    expect(overview.body.resources).toMatchObject({ core: { used: 1 }, actions_runner_registration: { used: 1 } });
    expect(sim.violations).toEqual([]);
  });

  it.each([403, 429] as const)("run out with %i until the window ends", async (status) => {
    sim.settings.limits = { ...sim.settings.limits, core: 2, status };
    await call(sim, "GET", "/orgs/acme/actions/runners", token);
    await call(sim, "GET", "/orgs/acme/actions/runners", token);
    const refused = await call(sim, "GET", "/orgs/acme/actions/runners", token);
    expect(refused.status).toBe(status);
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
    expect((await call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, jit)).status).toBe(201);
    clock.advance(hour);
    const fresh = await installationToken(sim, installation);
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", fresh)).status).toBe(200);
  });

  it("can be used up by a neighbour", async () => {
    sim.exhaust(installation);
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", token)).status).toBe(403);
  });

  it("are not touched by a 304", async () => {
    const first = await call(sim, "GET", "/orgs/acme/actions/runners", token);
    const etag = first.headers.get("etag") ?? "";
    const second = await call(sim, "GET", "/orgs/acme/actions/runners", token, undefined, { "if-none-match": etag });
    expect(second.status).toBe(304);
    expect(second.headers.get("x-ratelimit-remaining")).toBe("4999");
    await mint("r1");
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", token, undefined, { "if-none-match": etag })).status).toBe(200);
  });
});

describe("the books", () => {
  it("count calls by operation and status, and keep no secret", async () => {
    await sim.close();
    sim = await startGitHubSim({ clock, tickMs: 0, recordBodies: true });
    token = await installationToken(sim, sim.install("acme"));
    await mint("r1");
    expect(sim.counters().operations).toMatchObject({ "actions/generate-runner-jitconfig-for-org": 1 });
    expect(sim.counters().statuses).toMatchObject({ "apps/create-installation-access-token 201": 1 });
    const books = JSON.stringify([sim.requests(), sim.journal().map(({ detail }) => detail)]);
    expect(sim.requests().some((request) => request.responseBody?.includes("encoded_jit_config"))).toBe(true);
    expect(sim.secrets().length).toBeGreaterThanOrEqual(4);
    for (const secret of sim.secrets()) expect(books).not.toContain(secret);
  });
});
