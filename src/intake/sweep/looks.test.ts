import { describe, expect, it } from "vitest";
import { Looks } from "./looks.ts";
import { periods } from "./periods.ts";

const minute = 60_000;

describe("Looks", () => {
  it("grow apart: 10, 20 and 40 minutes, then an hour; news begin anew", () => {
    const looks = new Looks(periods);
    // Led before, so nothing has to be spread.
    looks.due([], 0);
    const at: number[] = [];
    for (let now = 0; now <= 300 * minute; now += minute) {
      if (looks.due(["run"], now).length === 0) continue;
      at.push(now / minute);
      looks.looked("run", now === 190 * minute, now);
    }
    expect(at).toEqual([0, 10, 30, 70, 130, 190, 200, 220, 260]);
  });

  it("are spread over the first gap when the process begins", () => {
    const keys = Array.from({ length: 1_000 }, (_, index) => `acme/web ${index}`);
    const looks = new Looks(periods);
    const perMinute = Array.from({ length: 11 }, (_, now) => {
      const due = looks.due(keys, now * minute);
      for (const key of due) looks.looked(key, false, now * minute);
      return due.length;
    });
    expect(perMinute[0]).toBeLessThan(20);
    expect(perMinute.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...perMinute)).toBeLessThan(160);
  });

  it("do not wait for a clock that was set back", () => {
    const looks = new Looks(periods);
    looks.due([], 0);
    looks.due(["run"], 600 * minute);
    looks.looked("run", false, 600 * minute);
    expect(looks.due(["run"], 0)).toEqual([]);
    expect(looks.due(["run"], 60 * minute)).toEqual(["run"]);
  });

  it("of a run that could not be stored are due again, behind the others", () => {
    const looks = new Looks(periods);
    looks.due([], 0);
    expect(looks.due(["a", "b"], 1)).toEqual(["a", "b"]);
    looks.postpone("a", 2);
    expect(looks.due(["a", "b"], 3)).toEqual(["b", "a"]);
  });

  it("of a run that became stale later are due at once, those that wait longest first", () => {
    const looks = new Looks(periods);
    looks.due([], 0);
    expect(looks.due(["b"], 1)).toEqual(["b"]);
    expect(looks.due(["a", "b"], 2)).toEqual(["b", "a"]);
    // A run that is not stale any more is forgotten, and one that was never asked for is nobody's.
    looks.due([], 3);
    looks.looked("a", false, 3);
    expect(looks.due(["a"], 4)).toEqual(["a"]);
  });
});
