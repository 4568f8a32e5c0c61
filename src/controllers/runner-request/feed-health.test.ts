import { beforeEach, describe, expect, it } from "vitest";
import { FeedHealth } from "./feed-health.ts";

const minute = 60_000;
const a = { kind: "ECSRunnerClass", namespace: "default", name: "a" };
const b = { ...a, name: "b" };

describe("FeedHealth", () => {
  let nowMs: number;
  let health: FeedHealth;
  beforeEach(() => {
    nowMs = 100 * minute;
    health = new FeedHealth({ now: () => nowMs }, { feedSuspectMs: minute });
    health.assign(new Map([["q", [a, b]]]));
  });

  it("trusts a feed that lives once it has told of an instance of the class, and not before", () => {
    health.heard(a);
    expect(health.fedMs(a)).toBe(0);
    expect(health.received("q")).toBe(true);
    expect(health.fedMs(a)).toBe(0);
    health.heard(a);
    expect(health.fedMs(a)).toBe(minute);
    expect(health.fedMs(b)).toBe(0);
  });

  it("ends the trust a minute after the last read, and it has to be earned again", () => {
    health.received("q");
    health.heard(a);
    nowMs += minute - 1;
    expect(health.received("q")).toBe(false);
    nowMs += minute - 1;
    expect(health.fedMs(a)).toBe(1);
    nowMs += 1;
    expect([health.fedMs(a), health.isLive("q"), health.liveSinceMs(a)]).toEqual([0, false, Number.POSITIVE_INFINITY]);
    expect(health.received("q")).toBe(true);
    expect([health.fedMs(a), health.liveSinceMs(a)]).toEqual([0, nowMs]);
  });

  it("gives a feed a minute to tell what a read brought, and calls it deaf once if nothing comes", () => {
    health.received("q");
    health.heard(a);
    health.missed(a);
    nowMs += minute / 2;
    health.received("q");
    health.missed(a);
    expect([health.fedMs(a), health.takeDeaf("q")]).toEqual([minute / 2, []]);
    nowMs += minute / 2;
    health.received("q");
    expect(health.fedMs(a)).toBe(0);
    expect([health.takeDeaf("q"), health.takeDeaf("q")]).toEqual([[a], []]);
    health.heard(a);
    expect(health.fedMs(a)).toBe(minute);
  });

  it("takes any event of the class as a sign that the feed is well", () => {
    health.received("q");
    health.heard(a);
    health.missed(a);
    health.heard(a);
    for (const _ of [1, 2, 3]) {
      nowMs += minute / 2;
      health.received("q");
    }
    expect([health.takeDeaf("q"), health.fedMs(a)]).toEqual([[], minute]);
  });

  it("expects nothing of a feed that never told", () => {
    health.received("q");
    health.missed(a);
    for (const _ of [1, 2, 3]) {
      nowMs += minute / 2;
      health.received("q");
    }
    expect(health.takeDeaf("q")).toEqual([]);
  });

  it("begins anew for a class that got another feed, and keeps the others", () => {
    health.received("q");
    health.heard(a);
    health.heard(b);
    health.assign(
      new Map([
        ["q", [a]],
        ["other", [b]],
      ]),
    );
    expect([health.fedMs(a), health.fedMs(b)]).toEqual([minute, 0]);
    health.assign(new Map());
    expect([health.fedMs(a), health.received("q")]).toEqual([0, false]);
  });
});
