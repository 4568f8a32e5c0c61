import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../support/clock.ts";
import { startBench } from "./setup.ts";

const never = new AbortController().signal;
const organization = { organization: "acme" };
const repository = { repository: "acme/web" };
const anyToken = /POST \/app\/installations\/\d+\/access_tokens/;
const anyLookup = /GET \/(orgs|repos)\/.*\/installation$/;

describe("authentication", () => {
  it.each(["pkcs1", "pkcs8"] as const)("works with a %s key, also with its line breaks written out", async (format) => {
    const { sim, client } = await startBench();
    const privateKey = sim.addKey(sim.app, format);
    await expect(client({ privateKey }).getApp(never)).resolves.toMatchObject({ slug: "getabako" });
    await expect(client({ privateKey: privateKey.replaceAll("\n", "\\n") }).getApp(never)).resolves.toMatchObject({
      slug: "getabako",
    });
  });

  it.each(["short", "long"] as const)("works with %s tokens", async (tokens) => {
    const { sim, github } = await startBench({ sim: { tokens } });
    sim.install("acme");
    await expect(github.listRunners(organization, never)).resolves.toEqual([]);
    expect(sim.violations).toEqual([]);
  });

  it("looks the installation up once and mints one token for everything that starts together", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    await Promise.all(Array.from({ length: 20 }, () => github.listRunners(organization, never)));
    await github.listRunners(repository, never);
    expect(calls(anyLookup)).toBe(1);
    expect(calls(anyToken)).toBe(1);
  });

  it("saves the lookup when an event has named the installation, and mends a wrong hint", async () => {
    const { sim, github, calls, client } = await startBench();
    const { id } = sim.install("acme");
    github.rememberInstallation(organization, String(id));
    await github.listRunners(organization, never);
    expect(calls(anyLookup)).toBe(0);
    const misled = client();
    misled.rememberInstallation(organization, "999");
    await expect(misled.listRunners(organization, never)).resolves.toEqual([]);
    expect(calls(anyLookup)).toBe(1);
  });

  it("mints a new token a minute before the old one expires, and not earlier", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    sim.install("acme");
    await github.listRunners(organization, never);
    clock.advance(59 * 60_000 - 1_000);
    await github.listRunners(organization, never);
    expect(calls(anyToken)).toBe(1);
    clock.advance(1_000);
    await github.listRunners(organization, never);
    expect(calls(anyToken)).toBe(2);
    expect(sim.violations).toEqual([]);
  });

  it("replaces a token that GitHub no longer accepts", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    sim.install("acme");
    await github.listRunners(organization, never);
    clock.advance(10_000);
    sim.revokeTokens();
    await expect(
      github.mintJitConfig(organization, { name: "r-1", labels: ["x"], runnerGroup: "Default" }, never),
    ).resolves.toMatchObject({
      runner: { name: "r-1" },
    });
    expect(calls(anyToken)).toBe(2);
    expect(sim.registrations()).toHaveLength(1);
  });

  it.each([401, 403])("waits a moment when a fresh token is answered with %i, and keeps the token", async (status) => {
    const { sim, github, calls, slept } = await startBench();
    sim.install("acme");
    sim.faults.add({ kind: "status", status, path: "generate-jitconfig", times: 2 });
    const { runner } = await github.mintJitConfig(organization, { name: "r-1", labels: ["x"], runnerGroup: "Default" }, never);
    expect(runner.name).toBe("r-1");
    expect(slept).toEqual([500, 1_000]);
    expect(calls(anyToken)).toBe(1);
  });

  it("does not wait for a token that is older than five seconds", async () => {
    const clock = new FakeClock();
    const { sim, github, slept } = await startBench({ clock });
    sim.install("acme");
    await github.listRunners(organization, never);
    clock.advance(5_000);
    sim.faults.add({ kind: "status", status: 403, path: "/actions/runners$" });
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({ code: "Forbidden" });
    expect(slept).toEqual([]);
  });

  it("finds the installation again when the App was installed anew", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    const old = sim.install("acme");
    await github.listRunners(organization, never);
    const fresh = sim.reinstall(old);
    clock.advance(3_600_000);
    await expect(github.listRunners(organization, never)).resolves.toEqual([]);
    // A second JWT rules out that GitHub took the first for a repetition.
    expect(calls(new RegExp(`/installations/${old.id}/access_tokens`))).toBe(3);
    expect(calls(new RegExp(`/installations/${fresh.id}/access_tokens`))).toBe(1);
    expect(calls(anyLookup)).toBe(2);
  });

  it("survives the transient 404 that GitHub answers to a JWT it takes for a repetition", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    sim.faults.add({ kind: "status", status: 404, path: "access_tokens" });
    await expect(github.listRunners(organization, never)).resolves.toEqual([]);
    expect(calls(anyLookup)).toBe(1);
    expect(calls(anyToken)).toBe(2);
  });

  it("never has a JWT refused as a repetition, however many clients start in the same second", async () => {
    const clock = new FakeClock();
    const { sim, client } = await startBench({ clock, sim: { refuseReplayedJwt: true } });
    sim.install("acme");
    const replicas = Array.from({ length: 8 }, () => client());
    await Promise.all(replicas.map((replica) => replica.listRunners(organization, never)));
    expect(sim.counters().statuses["apps/create-installation-access-token 404"]).toBeUndefined();
    expect(sim.counters().statuses["apps/create-installation-access-token 201"]).toBe(8);
  });

  it.each([
    ["ahead", 900_000],
    ["behind", -900_000],
  ])("works although this machine's clock is a quarter of an hour %s", async (_name, offMs) => {
    const truth = new FakeClock();
    const { sim, github, log, calls } = await startBench({ clock: truth, client: { clock: { now: () => truth.now() + offMs } } });
    sim.install("acme");
    await expect(github.getApp(never)).resolves.toMatchObject({ slug: "getabako" });
    await github.listRunners(organization, never);
    await github.listRunners(organization, never);
    expect(github.clockSkewMs()).toBe(-offMs);
    expect(calls(/GET \/app$/)).toBe(2);
    expect(calls(anyToken)).toBe(1);
    // The token's end is a moment on GitHub's clock, too.
    truth.advance(3_590_000);
    await github.listRunners(organization, never);
    expect(sim.counters().statuses["actions/list-self-hosted-runners-for-org 401"]).toBeUndefined();
    expect(calls(anyToken)).toBe(2);
    expect(log.lines("corrected the clock after github refused a jwt")).toEqual([expect.objectContaining({ skewMs: -offMs })]);
  });

  it("says what to check when the key does not belong to the App", async () => {
    const { client, calls } = await startBench();
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const stranger = client({ privateKey: privateKey.export({ type: "pkcs1", format: "pem" }).toString() });
    await expect(stranger.getApp(never)).rejects.toMatchObject({
      code: "Unauthorized",
      message: expect.stringMatching(/appId and private key belong together/),
    });
    expect(calls(/./)).toBe(1);
  });

  it("says that there is no App with this id on this host", async () => {
    const { client } = await startBench();
    await expect(client({ appId: 1 }).getApp(never)).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringMatching(/appId/),
    });
  });

  it.each([
    [organization, /not installed on the organisation acme.*install it/],
    [repository, /not installed on the repository acme\/web/],
  ])("says that the App is not installed on %j", async (scope, message) => {
    const { github } = await startBench();
    await expect(github.listRunners(scope, never)).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringMatching(message),
    });
  });

  it("does not take a removed installation for a removed runner", async () => {
    const clock = new FakeClock();
    const { sim, github } = await startBench({ clock });
    sim.install("acme", { repositories: ["acme/web"] });
    const { runner } = await github.mintJitConfig(repository, { name: "r-1", labels: ["x"], runnerGroup: "Default" }, never);
    await expect(github.getRunner(repository, runner.id + 1_000, never)).resolves.toBeUndefined();
    clock.advance(120_000);
    // Somebody takes the repository out of the installation's selection.
    for (const installation of sim.world.installations.values()) installation.repositories.clear();
    await expect(github.getRunner(repository, runner.id, never)).rejects.toMatchObject({ code: "NotFound" });
    await expect(github.deleteRunner(repository, runner.id, never)).rejects.toMatchObject({ code: "NotFound" });
    expect(sim.registrations()).toHaveLength(1);
  });

  it("asks GitHub about the installation at most once a minute while runners are gone", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    sim.install("acme");
    for (let id = 1; id <= 5; id += 1) await expect(github.deleteRunner(organization, 900_000 + id, never)).resolves.toBe("gone");
    expect(calls(anyLookup)).toBe(1);
    clock.advance(61_000);
    await expect(github.deleteRunner(organization, 900_001, never)).resolves.toBe("gone");
    expect(calls(anyLookup)).toBe(2);
  });

  it("asks once a call, and not with dead ids, once the App was removed", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    const installation = sim.install("acme");
    await github.listRunners(repository, never);
    sim.uninstall(installation);
    clock.advance(3_600_000);
    await expect(github.listRunners(repository, never)).rejects.toMatchObject({ code: "NotFound" });
    const before = calls(/./);
    await expect(github.listRunners(repository, never)).rejects.toMatchObject({ code: "NotFound" });
    expect(calls(/./)).toBe(before + 1);
  });

  it("says that an installation is suspended", async () => {
    const { sim, github } = await startBench();
    sim.suspend(sim.install("acme"));
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({
      code: "Forbidden",
      message: expect.stringMatching(/on acme is suspended; unsuspend it in the settings of acme/),
    });
  });

  it("refuses a repository that has moved to another account, instead of registering there", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    const moved = sim.renameRepository("acme/web", "web-2");
    sim.world.repositories.set("umbrella/web-2", Object.assign(moved, { owner: sim.addOrganization("umbrella") }));
    sim.install("umbrella");
    await expect(github.listRunners(repository, never)).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringMatching(/moved/),
    });
  });

  it("goes on when one caller of a shared lookup gives up", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    const held = sim.faults.add({ kind: "hold", path: "/installation$" });
    const first = new AbortController();
    const impatient = github.listRunners(organization, first.signal);
    const patient = github.listRunners(organization, never);
    await held.struck();
    first.abort(new Error("gave up"));
    await expect(impatient).rejects.toThrow("gave up");
    held.release();
    await expect(patient).resolves.toEqual([]);
  });
});
