import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GitHubSim } from "./sim.ts";
import type { Installation } from "./state/model.ts";
import { appJwt, call, installationToken, jit, type ManualClock, setScene } from "./testing.ts";

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

describe("the App's JWT", () => {
  it.each([
    {
      what: "one that has run out",
      claims: (now: number) => ({ exp: now - 1 }),
      message: "'Expiration time' claim ('exp') must be",
    },
    { what: "one that lives too long", claims: (now: number) => ({ exp: now + 3600 }), message: "too far in the future" },
    { what: "one from the future", claims: (now: number) => ({ iat: now + 120 }), message: "'Issued at' claim ('iat') must be" },
    { what: "one without a time", claims: () => ({ exp: Number.NaN }), message: "'Expiration time' claim ('exp') must be" },
  ])("is refused with 401: $what", async ({ claims, message }) => {
    const reply = await call(sim, "GET", "/app", appJwt(sim, claims(Math.floor(clock.now() / 1000))));
    expect(reply.status).toBe(401);
    expect(reply.body.message).toContain(message);
  });

  it("is judged by GitHub's clock, not by the caller's", async () => {
    const jwt = appJwt(sim, { exp: Math.floor(clock.now() / 1000) + 300 });
    sim.skew(-90_000);
    expect((await call(sim, "GET", "/app", jwt)).body.message).toContain("'Issued at'");
    sim.skew(600_000);
    const late = await call(sim, "GET", "/app", jwt);
    expect(late.body.message).toContain("'Expiration time'");
    // The way out for clients: the answer carries GitHub's time.
    expect(Date.parse(late.headers.get("date") ?? "")).toBe(clock.now() + 600_000);
  });

  it("is refused when another key signed it, and accepted from every key that is valid", async () => {
    const other = sim.addApp({ slug: "other" });
    const stranger = appJwt(sim, {}, { key: other.keys[0]?.privateKey ?? "" });
    expect((await call(sim, "GET", "/app", stranger)).status).toBe(401);
    const second = sim.addKey();
    expect((await call(sim, "GET", "/app", appJwt(sim, {}, { key: second }))).status).toBe(200);
    sim.revokeKey(second);
    expect((await call(sim, "GET", "/app", appJwt(sim, {}, { key: second }))).status).toBe(401);
  });

  it("may name the client id", async () => {
    const reply = await call(sim, "GET", "/app", appJwt(sim, { iss: sim.app.clientId }));
    expect(reply.body).toMatchObject({ id: sim.app.id, slug: "getabako", events: ["workflow_job"], installations_count: 1 });
  });

  it("of an App that does not exist, a broken one and none at all are refused", async () => {
    expect((await call(sim, "GET", "/app", appJwt(sim, { iss: 1 }))).status).toBe(404);
    expect((await call(sim, "GET", "/app", "a.b.c")).status).toBe(401);
    expect((await call(sim, "GET", "/app", appJwt(sim, {}, { alg: "HS256" }))).status).toBe(401);
    expect((await call(sim, "GET", "/app")).status).toBe(401);
  });

  it("works for one token only when it is byte for byte the same, unless that is switched off", async () => {
    const path = `/app/installations/${installation.id}/access_tokens`;
    const jwt = appJwt(sim);
    expect((await call(sim, "POST", path, jwt, {})).status).toBe(201);
    expect((await call(sim, "POST", path, jwt, {})).status).toBe(404);
    sim.settings.refuseReplayedJwt = false;
    expect((await call(sim, "POST", path, jwt, {})).status).toBe(201);
  });
});

describe("installations", () => {
  it("are found by repository, organisation and user, whatever the case, and never by a prefix", async () => {
    sim.addUser("dev");
    const personal = sim.install("dev");
    const jwt = appJwt(sim);
    expect((await call(sim, "GET", "/repos/ACME/Web/installation", jwt)).body.id).toBe(installation.id);
    expect((await call(sim, "GET", "/orgs/acme/installation", jwt)).body.account.login).toBe("acme");
    expect((await call(sim, "GET", "/users/dev/installation", jwt)).body.id).toBe(personal.id);
    expect((await call(sim, "GET", "/orgs/acm/installation", jwt)).status).toBe(404);
    expect((await call(sim, "GET", "/orgs/dev/installation", jwt)).status).toBe(404);
    expect((await call(sim, "GET", `/app/installations/${personal.id}`, jwt)).body.target_type).toBe("User");
    expect((await call(sim, "GET", "/app/installations", jwt)).body).toHaveLength(2);
    expect(sim.violations).toEqual([]);
  });

  it("of a renamed repository are found through the redirect", async () => {
    sim.renameRepository("acme/web", "site");
    const moved = await call(sim, "GET", "/repos/acme/web/installation", appJwt(sim));
    expect(moved.status).toBe(301);
    const location = moved.headers.get("location")?.slice(sim.url.length) ?? "";
    expect((await call(sim, "GET", location, appJwt(sim))).body.id).toBe(installation.id);
  });

  it("answer 404 under their old id once the App was installed anew, and their tokens are dead", async () => {
    const fresh = sim.reinstall(installation);
    expect((await call(sim, "POST", `/app/installations/${installation.id}/access_tokens`, appJwt(sim), {})).status).toBe(404);
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", token)).status).toBe(401);
    expect((await call(sim, "GET", "/orgs/acme/installation", appJwt(sim))).body.id).toBe(fresh.id);
  });

  it("that are suspended give no token and say so", async () => {
    sim.suspend(installation);
    expect((await call(sim, "POST", `/app/installations/${installation.id}/access_tokens`, appJwt(sim), {})).status).toBe(403);
    expect((await call(sim, "GET", "/app/installations", appJwt(sim))).body[0].suspended_at).toBe("2026-10-01T12:00:00Z");
    expect(sim.violations).toEqual([]);
  });
});

describe("installation tokens", () => {
  it("come short and in the new long form with dots", async () => {
    sim.settings.tokens = "alternate";
    const tokens = await Promise.all([installationToken(sim, installation), installationToken(sim, installation)]);
    const [short, long] = tokens.sort((a, b) => a.length - b.length);
    expect(short).toMatch(/^ghs_[A-Za-z0-9]{36}$/);
    expect(long).toMatch(new RegExp(`^ghs_${sim.app.id}_[\\w-]+\\.[\\w-]+\\.[\\w-]+$`));
    expect(long?.length).toBeGreaterThan(450);
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", long)).status).toBe(200);
  });

  it("come long when the header asks for it", async () => {
    const path = `/app/installations/${installation.id}/access_tokens`;
    const reply = await call(sim, "POST", path, appJwt(sim), {}, { "x-github-stateless-s2s-token": "enabled" });
    expect(reply.body.token.length).toBeGreaterThan(450);
  });

  it("live for an hour by the simulator's clock", async () => {
    clock.advance(hour - 1000);
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", token)).status).toBe(200);
    clock.advance(1000);
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", token)).status).toBe(401);
  });

  it("can be revoked by their holder and by everybody's misfortune", async () => {
    const other = await installationToken(sim, installation);
    expect((await call(sim, "DELETE", "/installation/token", other)).status).toBe(204);
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", other)).status).toBe(401);
    sim.revokeTokens();
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", token)).status).toBe(401);
  });

  it("reach no other account and no repository that was not selected", async () => {
    sim.addRepository("other/thing");
    expect((await call(sim, "GET", "/repos/other/thing/actions/runners", token)).status).toBe(404);
    expect((await call(sim, "GET", "/orgs/other/actions/runners", token)).status).toBe(404);
    sim.addRepository("acme/secret");
    const narrow = await installationToken(sim, installation, { repositories: ["web"] });
    expect((await call(sim, "GET", "/repos/acme/web/actions/runners", narrow)).status).toBe(200);
    expect((await call(sim, "GET", "/repos/acme/secret/actions/runners", narrow)).status).toBe(404);
    expect(sim.violations).toEqual([]);
  });

  it("cannot be asked for more than the installation has", async () => {
    const path = `/app/installations/${installation.id}/access_tokens`;
    expect((await call(sim, "POST", path, appJwt(sim), { permissions: { contents: "write" } })).status).toBe(422);
    expect((await call(sim, "POST", path, appJwt(sim), { repositories: ["nothing"] })).status).toBe(422);
  });

  it("without a permission get 403 that names it", async () => {
    const weak = await installationToken(sim, installation, { permissions: { metadata: "read", administration: "read" } });
    const reply = await call(sim, "POST", "/repos/acme/web/actions/runners/generate-jitconfig", weak, jit);
    expect(reply.status).toBe(403);
    expect(reply.headers.get("x-accepted-github-permissions")).toBe("administration=write");
    expect((await call(sim, "GET", "/repos/acme/web/actions/runners", weak)).status).toBe(200);
  });

  it("do not open what is the App's, and the JWT does not open what is the installation's", async () => {
    expect((await call(sim, "GET", "/app", token)).status).toBe(401);
    expect((await call(sim, "GET", "/orgs/acme/actions/runners", appJwt(sim))).status).toBe(403);
  });
});
