import { describe, expect, it, vi } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { GitHubError } from "../../github/errors.ts";
import type { GitHub, RunnerRecord } from "../../github/types.ts";
import { keyText } from "../../kube/object.ts";
import { silentLogger } from "../../telemetry/log.ts";
import type { VersionStatus } from "./runner-version.ts";
import { RunnerVersions, runnerVersionPeriods } from "./runner-versions.ts";

const never = new AbortController().signal;
const scope = { app: { namespace: "team-web", name: "acme" }, scope: { organization: "acme" } };

const record = (id: number, version: string | undefined, more: Partial<RunnerRecord> = {}): RunnerRecord => ({
  id,
  name: `job-${id}-1`,
  status: "online",
  busy: false,
  labels: [],
  ...(version !== undefined && { version }),
  ...more,
});

function start(
  options: {
    readonly stored?: VersionStatus;
    readonly remaining?: number;
    readonly offered?: () => Promise<string | undefined>;
  } = {},
) {
  let nowMs = Date.parse("2026-11-01T00:00:00Z");
  const offered = vi.fn<() => Promise<string | undefined>>(options.offered ?? (async () => "2.336.0"));
  const github = {
    getOfferedRunner: offered,
    rateLimits: () => ({ core: { limit: 5_000, remaining: options.remaining ?? 5_000, resetAt: "" } }),
  } as unknown as GitHub;
  const changed: string[] = [];
  const targets = new Map<string, string>();
  const versions = new RunnerVersions({
    named: (name) => {
      const target = targets.get(name) ?? "web";
      if (target === "none") return [];
      const runner = { name: `${name}-1`, id: Number(name.slice(4)) };
      const status = { runner, timings: { launchedAt: `2026-11-01T00:00:0${runner.id % 10}Z` } };
      return [
        { metadata: { name, namespace: "team-web" }, spec: { targetRef: { name: target } }, status } as unknown as RunnerRequest,
      ];
    },
    targetOf: (request) => ({ namespace: request.metadata.namespace ?? "", name: request.spec.targetRef.name }),
    stored: () => options.stored,
    changed: (target) => changed.push(keyText(target)),
    clock: { now: () => nowMs },
    log: silentLogger(),
    periods: runnerVersionPeriods,
  });
  const sweep = async (...runners: RunnerRecord[]): Promise<string[]> => {
    changed.length = 0;
    await versions.swept(scope, github, runners, never);
    return [...new Set(changed)];
  };
  return { versions, sweep, offered, targets, pass: (ms: number) => (nowMs += ms) };
}

const web = { namespace: "team-web", name: "web" };
const seenOf = (versions: RunnerVersions, target = web): readonly string[] => versions.seen(target).map(({ version }) => version);

describe("what GitHub's lists say of versions", () => {
  it("is each version of a target's runners that are online, and when the last of them was launched", async () => {
    const { versions, sweep, targets } = start();
    targets.set("job-4", "api");
    await sweep(
      record(1, "2.336.0"),
      record(2, "2.329.10"),
      record(5, "2.329.10"),
      record(3, "2.329.9", { status: "offline" }),
      record(4, "2.300.0"),
    );
    expect(versions.seen(web)).toEqual([
      { version: "2.336.0", launchedMs: Date.parse("2026-11-01T00:00:01Z") },
      { version: "2.329.10", launchedMs: Date.parse("2026-11-01T00:00:05Z") },
    ]);
    expect(seenOf(versions, { ...web, name: "api" })).toEqual(["2.300.0"]);
  });

  it("lasts for a day after a version was seen last: a list shows one of several images at a time", async () => {
    const { versions, sweep, pass } = start();
    await sweep(record(1, "2.335.0"), record(2, "2.336.0"));
    pass(runnerVersionPeriods.holdMs - 1);
    // A list of another image is no news, as long as the images are the same.
    expect(await sweep(record(2, "2.336.0"))).toEqual([]);
    expect(seenOf(versions)).toEqual(["2.335.0", "2.336.0"]);
    expect(await sweep(record(1, "2.335.0"))).toEqual([]);
    pass(runnerVersionPeriods.holdMs - 1);
    await sweep(record(2, "2.336.0"));
    expect(seenOf(versions)).toEqual(["2.335.0", "2.336.0"]);
    pass(1);
    await sweep(record(2, "2.336.0"));
    expect(seenOf(versions)).toEqual(["2.336.0"]);
  });

  it("holds what the status keeps for a day after a restart", async () => {
    const { versions, sweep, pass } = start({ stored: { connected: "2.335.0", acceptedAt: "2026-10-30T00:00:00Z" } });
    await sweep(record(2, "2.336.0"));
    expect(versions.seen(web)[0]).toEqual({ version: "2.335.0", launchedMs: Date.parse("2026-10-30T00:00:00Z") });
    expect(seenOf(versions)).toEqual(["2.335.0", "2.336.0"]);
    pass(runnerVersionPeriods.holdMs);
    await sweep(record(2, "2.336.0"));
    expect(seenOf(versions)).toEqual(["2.336.0"]);
  });

  it("is of our own runners alone", async () => {
    const { versions, sweep, targets, offered } = start();
    targets.set("job-1", "none");
    await sweep(
      record(1, "2.336.0"),
      record(2, "2.336.0", { id: 99 }),
      record(3, undefined),
      record(4, "2.336.0", { name: "theirs" }),
    );
    expect(versions.seen(web)).toEqual([]);
    expect(offered).not.toHaveBeenCalled();
  });

  it("wakes a target when it is news, and no sweep after that", async () => {
    const { sweep } = start();
    expect(await sweep(record(1, "2.335.0"))).toEqual(["team-web/web"]);
    expect(await sweep(record(1, "2.335.0"))).toEqual([]);
    expect(await sweep(record(1, "2.335.0"), record(2, "2.336.0"))).toEqual(["team-web/web"]);
  });

  it("lasts while the target has no runners", async () => {
    const { versions, sweep } = start();
    await sweep(record(1, "2.335.0"));
    expect(await sweep()).toEqual([]);
    expect(seenOf(versions)).toEqual(["2.335.0"]);
    versions.forget(web);
    expect(versions.seen(web)).toEqual([]);
  });
});

describe("the release that GitHub offers", () => {
  it("is asked for once a day, while there are runners", async () => {
    const { versions, sweep, offered, pass } = start();
    await sweep();
    expect(offered).not.toHaveBeenCalled();
    await sweep(record(1, "2.335.0"));
    expect(versions.offered(scope)).toBe("2.336.0");
    pass(runnerVersionPeriods.askEveryMs - 1);
    await sweep(record(1, "2.335.0"));
    expect(offered).toHaveBeenCalledTimes(1);
    pass(1);
    expect(await sweep(record(1, "2.335.0"))).toEqual(["team-web/web"]);
    expect(offered).toHaveBeenCalledTimes(2);
  });

  it("is not asked for while little of the rate limit is left", async () => {
    const { sweep, offered } = start({ remaining: 1_000 });
    await sweep(record(1, "2.335.0"));
    expect(offered).not.toHaveBeenCalled();
  });

  it("is asked for again after an hour when GitHub did not say, and what was known holds", async () => {
    let answer = async (): Promise<string | undefined> => "2.336.0";
    const { versions, sweep, offered, pass } = start({ offered: () => answer() });
    await sweep(record(1, "2.335.0"));
    answer = () => Promise.reject(new GitHubError("Unavailable", "GitHub is away"));
    pass(runnerVersionPeriods.askEveryMs);
    await sweep(record(1, "2.335.0"));
    expect(versions.offered(scope)).toBe("2.336.0");
    pass(runnerVersionPeriods.askAgainMs - 1);
    await sweep(record(1, "2.335.0"));
    expect(offered).toHaveBeenCalledTimes(2);
    answer = async () => undefined;
    pass(1);
    await sweep(record(1, "2.335.0"));
    expect(offered).toHaveBeenCalledTimes(3);
    expect(versions.offered(scope)).toBe("2.336.0");
  });

  it("lets what is no fault of GitHub's through", async () => {
    const { sweep } = start({ offered: () => Promise.reject(new TypeError("a fault of ours")) });
    await expect(sweep(record(1, "2.335.0"))).rejects.toThrow("a fault of ours");
  });
});
