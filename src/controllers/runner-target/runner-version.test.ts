import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { isoTime } from "../../util/clock.ts";
import { follow, judgeVersion, newsOf, type VersionNews, type VersionStatus } from "./runner-version.ts";

const day = 86_400_000;
const start = Date.parse("2026-11-01T00:00:00Z");

/** What is known after some days of news, one status after the other as the API server stores them. */
function after(...news: readonly (Partial<VersionNews> & { readonly day: number })[]): VersionStatus | undefined {
  return news.reduce<VersionStatus | undefined>(
    (status, { day: at, ...each }) =>
      follow(status, { seen: [], offered: undefined, refusedMs: undefined, ...each }, start + at * day),
    undefined,
  );
}

const sighting = (version: string, launchedDay = 0): VersionNews["seen"] => [{ version, launchedMs: start + launchedDay * day }];
const judged = (status: VersionStatus | undefined, at: number): string => {
  const verdict = judgeVersion(status, start + at * day);
  return verdict === undefined ? "nothing" : `${verdict.status} ${verdict.reason}: ${verdict.message}`;
};

describe("a target's runner version", () => {
  it("is not spoken of before a runner has told it", () => {
    expect(judged(after({ day: 0, offered: "2.336.0" }), 0)).toBe("nothing");
    expect(judged(undefined, 0)).toBe("nothing");
  });

  it("is not compared before GitHub has said what it offers", () => {
    expect(judged(after({ day: 0, seen: sighting("2.336.0") }), 0)).toMatch(
      /^Unknown NotCompared: runners connect with 2\.336\.0/,
    );
  });

  it.each(["2.336.0", "2.337.0"])("is current with %s while 2.336.0 is offered", (version) => {
    expect(judged(after({ day: 0, seen: sighting(version), offered: "2.336.0" }), 0)).toMatch(/^True Current/);
  });

  it("is outdated from the first release that it lacks, for thirty days", () => {
    const status = after(
      { day: 0, seen: sighting("2.335.0"), offered: "2.335.0" },
      { day: 2, offered: "2.336.0" },
      { day: 20, offered: "2.337.0" },
    );
    expect(judgeVersion(status, start + 20 * day)?.deadlineMs).toBe(start + 32 * day);
    expect(judged(status, 20)).toBe(
      "False Outdated: runners connect with 2.335.0, and GitHub offers 2.337.0. It gives them no more jobs from 2026-12-03 on, or " +
        "sooner: 2.336.0 was first seen on 2026-11-03. Build the image with the newest runner, and name it in the class",
    );
    expect(judged(status, 32)).toContain("Since 2026-12-03 it may give them no jobs: they lack 2.336.0.");
  });

  it("has its days counted anew when the image has caught up with a part of them", () => {
    const status = after(
      { day: 0, seen: sighting("2.335.0"), offered: "2.335.0" },
      { day: 2, offered: "2.336.0" },
      { day: 20, offered: "2.337.0" },
      { day: 21, seen: sighting("2.336.0") },
    );
    expect(judgeVersion(status, start + 21 * day)?.deadlineMs).toBe(start + 50 * day);
    // And one that still runs the image before it is as old as it was.
    const older = follow(status, { seen: sighting("2.335.0"), offered: undefined, refusedMs: undefined }, start + 22 * day);
    expect(judgeVersion(older, start + 22 * day)?.deadlineMs).toBe(start + 32 * day);
  });

  it("is current again when GitHub takes a release back", () => {
    const status = after({ day: 0, seen: sighting("2.336.0"), offered: "2.337.0" }, { day: 1, offered: "2.336.0" });
    expect(judged(status, 1)).toMatch(/^True Current/);
  });

  it("has its days go on when GitHub takes a release back and brings it again", () => {
    const status = after(
      { day: 0, seen: sighting("2.336.0"), offered: "2.337.0" },
      { day: 10, offered: "2.336.0" },
      { day: 11, offered: "2.337.0" },
    );
    expect(judgeVersion(status, start + 11 * day)?.deadlineMs).toBe(start + 30 * day);
    // And what is offered outlasts a restart.
    const restarted = follow(
      after({ day: 0, seen: sighting("2.336.0"), offered: "2.337.0" }, { day: 1, offered: "2.336.0" }),
      { seen: sighting("2.335.0"), offered: undefined, refusedMs: undefined },
      start + 2 * day,
    );
    expect(judged(restarted, 2)).toContain("connect with 2.335.0, and GitHub offers 2.336.0.");
  });

  it("keeps a few of the releases that were taken back, beside those that count", () => {
    const downFrom = (...minors: number[]): VersionStatus | undefined =>
      after(...minors.map((minor, at) => ({ day: at, seen: sighting("2.330.0"), offered: `2.${minor}.0` })));
    expect(downFrom(345, 344, 343, 342, 341)?.releases?.map(({ version }) => version)).toEqual([
      "2.341.0",
      "2.342.0",
      "2.343.0",
      "2.344.0",
    ]);
    const full = downFrom(331, 332, 333, 334, 335, 336, 337, 338, 339, 340, 341, 340);
    expect(full?.releases?.map(({ version }) => version).slice(-2)).toEqual(["2.340.0", "2.341.0"]);
    expect(full?.releases).toHaveLength(10);
  });

  it("reads a status that does not say what is offered", () => {
    const old = { connected: "2.335.0", releases: [{ version: "2.336.0", seenAt: isoTime(start) }] };
    const status = follow(old, { seen: [], offered: undefined, refusedMs: undefined }, start + day);
    expect(judged(old, 1)).toBe(judged(status, 1));
    expect(judged(status, 1)).toMatch(/^False Outdated/);
  });

  it("is refused below what GitHub registers, except where a server itself offers an older one", () => {
    const compared = (seen: string, offered: string): string => judged(after({ day: 0, seen: sighting(seen), offered }), 0);
    expect(compared("2.328.9", "2.336.0")).toMatch(
      /^False Refused: .*2\.328\.9.* older than 2\.329\.0; GitHub offers 2\.336\.0 now/,
    );
    expect(compared("2.329.0", "2.336.0")).toMatch(/^False Outdated/);
    expect(compared("2.322.0", "2.322.0")).toMatch(/^True Current/);
    expect(compared("2.321.0", "2.322.0")).toMatch(/^False Outdated/);
  });

  it("is refused when a runner ended with code 7, also before any connected", () => {
    const status = after({ day: 3, refusedMs: start + 3 * day });
    expect(judged(status, 3)).toMatch(
      /^False Refused: .* ended with code 7, which the runner uses when GitHub accepts its version no longer, last at 2026-11-04T00:00:00Z\. Build/,
    );
  });

  it("stays refused while only runners from before are seen, and is well with the first that was launched after", () => {
    const refused = after({ day: 1, seen: sighting("2.335.0"), offered: "2.336.0" }, { day: 3, refusedMs: start + 3 * day });
    expect(judged(refused, 3)).toMatch(/^False Refused/);
    const still = follow(
      refused,
      { seen: sighting("2.335.0", 2), offered: undefined, refusedMs: start + 3 * day },
      start + 4 * day,
    );
    expect(judged(still, 4)).toMatch(/^False Refused/);
    const well = follow(still, { seen: sighting("2.336.0", 4), offered: undefined, refusedMs: start + 3 * day }, start + 5 * day);
    expect(judged(well, 5)).toMatch(/^True Current/);
    // A restart has seen nothing, and the requests still tell of the old refusal.
    const restarted = follow(well, { seen: [], offered: undefined, refusedMs: start + 3 * day }, start + 6 * day);
    expect(restarted).toEqual(well);
    const again = follow(restarted, { seen: [], offered: undefined, refusedMs: start + 7 * day }, start + 7 * day);
    expect(judged(again, 7)).toMatch(/^False Refused/);
  });

  it("is the oldest of those that were seen", () => {
    const status = after({
      day: 0,
      seen: [...sighting("2.336.0"), ...sighting("2.335.10"), ...sighting("2.335.9")],
      offered: "2.336.0",
    });
    expect(status?.connected).toBe("2.335.9");
  });

  it("is that of the runners from after a refusal once it has settled, whatever older ones still work", () => {
    const refused = after({ day: 1, seen: sighting("2.335.0"), offered: "2.336.0" }, { day: 3, refusedMs: start + 3 * day });
    const both = [...sighting("2.335.0", 2), ...sighting("2.336.0", 4)];
    const well = follow(refused, { seen: both, offered: undefined, refusedMs: start + 3 * day }, start + 4 * day);
    expect(judged(well, 4)).toMatch(/^True Current: runners connect with 2\.336\.0/);
    const older = [...both, ...sighting("2.335.0", 5)];
    expect(judged(follow(well, { seen: older, offered: undefined, refusedMs: undefined }, start + 5 * day), 5)).toMatch(
      /^False Outdated: runners connect with 2\.335\.0/,
    );
  });

  it("is not that from before a refusal once a runner has registered that no list showed", () => {
    const settled = after(
      { day: 0, seen: sighting("2.335.0"), offered: "2.336.0" },
      { day: 40, refusedMs: start + 40 * day },
      { day: 41, seen: sighting("2.335.0"), registeredMs: start + 41 * day },
    );
    expect(judged(settled, 41)).toBe(
      "True Current: runners register again since 2026-12-12T00:00:00Z; none of GitHub's lists has shown their version yet; " +
        "GitHub offers 2.336.0 now",
    );
    expect(
      judged(follow(settled, { seen: sighting("2.336.0", 42), offered: undefined, refusedMs: undefined }, start), 42),
    ).toMatch(/^True Current: runners connect with 2\.336\.0/);
  });

  it("has a status that only news change, that stays small, and a message that is not cut", () => {
    const version = fc.tuple(fc.integer({ min: 300, max: 340 }), fc.integer({ min: 0, max: 2 })).map(([a, b]) => `2.${a}.${b}`);
    const news = fc.record({
      day: fc.integer({ min: 0, max: 400 }),
      seen: fc.array(fc.record({ version, launchedMs: fc.integer({ min: 0, max: 400 }).map((at) => start + at * day) }), {
        maxLength: 3,
      }),
      offered: fc.option(version, { nil: undefined }),
      refusedMs: fc.option(
        fc.integer({ min: 0, max: 400 }).map((at) => start + at * day),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(fc.array(news, { maxLength: 30 }), (all) => {
        const times = all.toSorted((a, b) => a.day - b.day);
        const status = after(...times);
        const last = times.at(-1);
        if (last === undefined || status === undefined) return;
        const { day: at, ...same } = last;
        expect(follow(status, same, start + (at + 1) * day)).toEqual(status);
        expect(follow(status, { seen: [], offered: undefined, refusedMs: undefined }, start + 500 * day)).toEqual(status);
        expect((status.releases ?? []).length).toBeLessThanOrEqual(10);
        expect(judgeVersion(status, start + at * day)?.message.length ?? 0).toBeLessThanOrEqual(300);
      }),
    );
  });
});

describe("the last refusal that requests tell of", () => {
  const request = (...attempts: readonly { reason: string; day?: number }[]): RunnerRequest =>
    ({
      status: {
        attempts: attempts.map(({ reason, day: at }, index) => ({
          number: index + 1,
          reason,
          startedAt: isoTime(start),
          ...(at !== undefined && { endedAt: isoTime(start + at * day) }),
        })),
      },
    }) as unknown as RunnerRequest;

  it("is the last end of a runner whose version was refused", () => {
    const requests = [
      request(
        { reason: "RunnerVersionRefused", day: 1 },
        { reason: "RunnerVersionRefused", day: 3 },
        { reason: "NoJob", day: 9 },
      ),
      request({ reason: "RunnerVersionRefused", day: 2 }),
      request(),
    ];
    expect(newsOf(requests).refusedMs).toBe(start + 3 * day);
    expect(newsOf([request({ reason: "Misconfigured", day: 1 })]).refusedMs).toBeUndefined();
    expect(newsOf([request({ reason: "RunnerVersionRefused" })]).refusedMs).toBeUndefined();
  });

  const registered = (launchedDay: number): RunnerRequest =>
    ({
      status: {
        conditions: [{ type: "Registered", status: "True" }],
        timings: { launchedAt: isoTime(start + launchedDay * day) },
        attempts: [],
      },
    }) as unknown as RunnerRequest;

  it("is none where it ended so once, or a runner registered in between", () => {
    const once = request({ reason: "RunnerVersionRefused", day: 1 });
    expect(newsOf([once]).refusedMs).toBeUndefined();
    const later = request({ reason: "RunnerVersionRefused", day: 3 });
    expect(newsOf([once, later]).refusedMs).toBe(start + 3 * day);
    expect(newsOf([once, registered(2), later]).refusedMs).toBeUndefined();
    expect(newsOf([registered(0), once, later]).refusedMs).toBe(start + 3 * day);
  });

  it("is settled by a runner that was launched later and registered, whether or not any list showed it", () => {
    const requests = [registered(0), registered(5)];
    expect(newsOf(requests).registeredMs).toBe(start + 5 * day);
    const refused = after({ day: 0, seen: sighting("2.335.0"), offered: "2.335.0" }, { day: 3, refusedMs: start + 3 * day });
    expect(judged(refused, 3)).toMatch(/^False Refused/);
    const settled = follow(
      refused,
      { seen: [], offered: undefined, refusedMs: undefined, registeredMs: newsOf(requests).registeredMs },
      start + 6 * day,
    );
    expect(judged(settled, 6)).toMatch(/^True Current/);
  });
});
