import { describe, expect, it } from "vitest";
import { FakeClock } from "../support/clock.ts";
import { startBench } from "./setup.ts";

const never = new AbortController().signal;
const organization = { organization: "acme" };
const repository = { repository: "acme/web" };
const mints = /POST .*generate-jitconfig/;
const body = (name: string, more: { labels?: string[]; runnerGroup?: string } = {}) => ({
  name,
  labels: ["self-hosted", "linux"],
  runnerGroup: "Default",
  ...more,
});

describe("runners", () => {
  it.each([organization, repository])("registers in %j, reads, finds, lists and removes", async (scope) => {
    const { sim, github } = await startBench();
    sim.install("acme");
    const { runner, jitConfig } = await github.mintJitConfig(scope, body("r-1"), never);
    expect(runner).toEqual({
      id: expect.any(Number),
      name: "r-1",
      status: "offline",
      busy: false,
      labels: ["self-hosted", "linux"],
    });
    expect(sim.secrets()).toContain(jitConfig);
    await expect(github.getRunner(scope, runner.id, never)).resolves.toEqual(runner);
    await expect(github.findRunner(scope, "r-1", never)).resolves.toEqual(runner);
    await expect(github.findRunner(scope, "r", never)).resolves.toBeUndefined();
    await expect(github.listRunners(scope, never)).resolves.toEqual([runner]);
    await expect(github.deleteRunner(scope, runner.id, never)).resolves.toBe("deleted");
    await expect(github.deleteRunner(scope, runner.id, never)).resolves.toBe("gone");
    await expect(github.getRunner(scope, runner.id, never)).resolves.toBeUndefined();
    expect(sim.violations).toEqual([]);
  });

  it.each([organization, repository])("tells of runners in %j their version, and which one GitHub offers", async (scope) => {
    const { sim, github } = await startBench();
    sim.install("acme");
    await github.mintJitConfig(scope, body("r-1"), never);
    sim.runners.connect("r-1", "2.335.1");
    await expect(github.listRunners(scope, never)).resolves.toMatchObject([{ name: "r-1", version: "2.335.1" }]);
    sim.settings.offeredRunnerVersion = "2.337.10";
    await expect(github.getOfferedRunner(scope, never)).resolves.toBe("2.337.10");
    sim.settings.offeredRunnerVersion = "next";
    await expect(github.getOfferedRunner(scope, never)).resolves.toBeUndefined();
    expect(sim.violations).toEqual([]);
  });

  it("costs one call a registration once group, installation and token are known", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    await Promise.all(Array.from({ length: 6 }, (_, index) => github.mintJitConfig(organization, body(`r-${index}`), never)));
    expect(sim.counters().rest).toBe(9);
    expect(sim.registrations()).toHaveLength(6);
  });

  it("lists more runners than fit on a page", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    const { runner } = await github.mintJitConfig(organization, body("r-0"), never);
    const first = sim.runners.find(runner.id);
    for (let index = 1; index < 101; index += 1)
      sim.world.runners.set(runner.id + index, { ...first, id: runner.id + index, name: `r-${index}` });
    const runners = await github.listRunners(organization, never);
    expect(new Set(runners.map(({ name }) => name)).size).toBe(101);
    expect(calls(/GET \/orgs\/acme\/actions\/runners$/)).toBe(2);
  });

  it("reports a runner that found work as busy", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    const { runner, jitConfig } = await github.mintJitConfig(repository, body("r-1"), never);
    sim.queueJob({ repository: "acme/web", labels: ["linux"] });
    sim.runners.connect(jitConfig);
    await expect(github.deleteRunner(repository, runner.id, never)).resolves.toBe("busy");
    await expect(github.getRunner(repository, runner.id, never)).resolves.toMatchObject({ status: "online", busy: true });
  });

  it("never repeats a registration whose answer was lost; the next try learns that the name is taken and finds the record", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    sim.faults.add({ kind: "lost-answer", path: "generate-jitconfig" });
    await expect(github.mintJitConfig(organization, body("r-1"), never)).rejects.toMatchObject({ code: "Unavailable" });
    expect(calls(mints)).toBe(1);
    await expect(github.mintJitConfig(organization, body("r-1"), never)).rejects.toMatchObject({
      code: "NameTaken",
      status: 409,
      message: expect.stringMatching(/r-1.*acme/),
    });
    const stale = await github.findRunner(organization, "r-1", never);
    await expect(github.deleteRunner(organization, stale?.id ?? 0, never)).resolves.toBe("deleted");
    await expect(github.mintJitConfig(organization, body("r-2"), never)).resolves.toMatchObject({ runner: { name: "r-2" } });
    expect(sim.registrations().map(({ name }) => name)).toEqual(["r-2"]);
  });

  it.each([500, 502, 503])("never repeats a registration after %i either", async (status) => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    sim.faults.add({ kind: "status", status, path: "generate-jitconfig" });
    await expect(github.mintJitConfig(organization, body("r-1"), never)).rejects.toMatchObject({ code: "Unavailable", status });
    expect(calls(mints)).toBe(1);
  });

  it("takes half a configuration for no configuration", async () => {
    const { sim, github } = await startBench({ client: { timeouts: { mintMs: 1_500 }, pacing: { maxWaitMs: 0 } } });
    sim.install("acme");
    // Tokens and the runner group are asked for once, and take of the first one's time.
    await github.mintJitConfig(organization, body("r-0"), never);
    const slow = sim.faults.add({ kind: "slow-body", path: "generate-jitconfig", ms: 60_000 });
    await expect(github.mintJitConfig(organization, body("r-1"), never)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringMatching(/within 1.5 s/),
    });
    expect(slow.hits).toBe(1);
  });

  it.each([
    ["a lost answer", { kind: "lost-answer" } as const],
    ["a broken connection", { kind: "reset" } as const],
    ["a server error", { kind: "status", status: 502 } as const],
  ])("repeats a removal after %s", async (_name, fault) => {
    const { sim, github } = await startBench();
    sim.install("acme");
    const { runner } = await github.mintJitConfig(organization, body("r-1"), never);
    sim.faults.add({ ...fault, method: "DELETE" });
    expect(["deleted", "gone"]).toContain(await github.deleteRunner(organization, runner.id, never));
    expect(sim.registrations()).toEqual([]);
  });

  it("resolves runner groups by name, in any case, and registers there", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    const group = sim.addRunnerGroup("acme", { name: "Linux builders" });
    await github.mintJitConfig(organization, body("r-1", { runnerGroup: "linux BUILDERS" }), never);
    await github.mintJitConfig(organization, body("r-2", { runnerGroup: "Linux builders" }), never);
    expect(sim.registrations().map((runner) => runner.group.id)).toEqual([group.id, group.id]);
    expect(calls(/runner-groups/)).toBe(1);
  });

  it("asks for the groups again when one was made anew, and after ten minutes", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    sim.install("acme");
    const old = sim.addRunnerGroup("acme", { name: "builders" });
    await github.mintJitConfig(organization, body("r-1", { runnerGroup: "builders" }), never);
    const { groups } = sim.addOrganization("acme");
    groups.splice(groups.indexOf(old), 1);
    const fresh = sim.addRunnerGroup("acme", { name: "builders" });
    clock.advance(61_000);
    await github.mintJitConfig(organization, body("r-2", { runnerGroup: "builders" }), never);
    expect(sim.registrations().at(-1)?.group.id).toBe(fresh.id);
    expect(calls(/runner-groups/)).toBe(2);
    clock.advance(600_000);
    await github.mintJitConfig(organization, body("r-3", { runnerGroup: "builders" }), never);
    expect(calls(/runner-groups/)).toBe(3);
  });

  it("says that a group does not exist, asks GitHub about it once a minute, and finds it once it does", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    sim.install("acme");
    const wish = body("r-1", { runnerGroup: "builders" });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(github.mintJitConfig(organization, wish, never)).rejects.toMatchObject({
        code: "NotFound",
        message: expect.stringMatching(/acme has no runner group "builders"/),
      });
    }
    expect(calls(/runner-groups/)).toBe(1);
    sim.addRunnerGroup("acme", { name: "builders" });
    clock.advance(60_000);
    await expect(github.mintJitConfig(organization, wish, never)).resolves.toMatchObject({ runner: { name: "r-1" } });
  });

  it("knows that repositories have no groups but Default", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    await expect(github.mintJitConfig(repository, body("r-1", { runnerGroup: "builders" }), never)).rejects.toMatchObject({
      code: "Invalid",
      message: expect.stringMatching(/only has Default/),
    });
    expect(calls(/./)).toBe(0);
  });

  it.each([
    ["a name that is too long", { name: "r".repeat(65) }, /1 to 64/],
    ["a name with a slash", { name: "acme/web" }, /letters, digits and hyphens/],
    ["no name", { name: "" }, /1 to 64/],
    ["no labels", { labels: [] }, /1 to 100 labels/],
    ["too many labels", { labels: Array.from({ length: 101 }, (_, index) => `l${index}`) }, /not 101/],
    ["an empty label", { labels: ["linux", " "] }, /label is empty/],
  ])("does not even send %s", async (_name, wrong, message) => {
    const { github, calls } = await startBench();
    await expect(github.mintJitConfig(organization, { ...body("r-1"), ...wrong }, never)).rejects.toMatchObject({
      code: "Invalid",
      message: expect.stringMatching(message),
    });
    expect(calls(/./)).toBe(0);
  });

  it("refuses a registration that came without the labels it was asked for, and leaves no record", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    sim.listen((entry) => {
      if (entry.kind === "runner-minted" && entry.runner) Object.assign(entry.runner, { labels: ["linux"] });
    });
    await expect(github.mintJitConfig(organization, body("r-1"), never)).rejects.toMatchObject({
      code: "Invalid",
      message: expect.stringMatching(/without the labels self-hosted/),
    });
    expect(sim.registrations()).toEqual([]);
  });

  it("does not mind labels that come back in another case", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    sim.listen((entry) => {
      if (entry.kind === "runner-minted" && entry.runner) Object.assign(entry.runner, { labels: ["Self-Hosted", "LINUX"] });
    });
    await expect(github.mintJitConfig(organization, body("r-1"), never)).resolves.toMatchObject({
      runner: { labels: ["Self-Hosted", "LINUX"] },
    });
  });

  it.each([
    [
      organization,
      { organization_self_hosted_runners: "read" },
      /Self-hosted runners: Read and write.*organization_self_hosted_runners=write/,
    ],
    [repository, { administration: "read" }, /Administration: Read and write.*administration=write/],
  ])("names the permission that is missing in %j", async (scope, permissions, message) => {
    const { sim, github } = await startBench();
    sim.install("acme", { permissions: { metadata: "read", ...permissions } });
    await expect(github.mintJitConfig(scope, body("r-1"), never)).rejects.toMatchObject({
      code: "Forbidden",
      status: 403,
      message: expect.stringMatching(message),
    });
  });

  it("says for a 422 what was asked for", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    sim.faults.add({ kind: "status", status: 422, path: "generate-jitconfig" });
    await expect(github.mintJitConfig(organization, body("r-1"), never)).rejects.toMatchObject({
      code: "Invalid",
      status: 422,
      message: expect.stringMatching(/r-1 in acme.*group Default, 2 labels/),
    });
  });

  it("gives up when the caller does, with the caller's reason", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    const held = sim.faults.add({ kind: "hang", path: "generate-jitconfig" });
    const caller = new AbortController();
    const minting = github.mintJitConfig(organization, body("r-1"), caller.signal);
    await held.struck();
    caller.abort(new Error("shutting down"));
    await expect(minting).rejects.toThrow("shutting down");
    await expect(github.listRunners(organization, AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late");
  });

  it("gives up by itself when GitHub hangs", async () => {
    const { sim, github, calls } = await startBench({ client: { timeouts: { callMs: 1_500 } } });
    sim.install("acme");
    // Tokens are asked for once, and take of the first one's time.
    await github.listRunners(organization, never);
    const hung = sim.faults.add({ kind: "hang", path: "/actions/runners$", times: 5 });
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringMatching(/did not list the runners within 1.5 s/),
    });
    expect(hung.hits).toBe(1);
    expect(calls(/actions\/runners$/)).toBe(2);
  });
});
