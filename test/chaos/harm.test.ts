import { describe, expect, it } from "vitest";
import { Harm } from "./harm.ts";

describe("an excuse", () => {
  it("is there for runners whose task or request the script touched, and for no others", () => {
    const harm = new Harm();
    harm.task("t1", "ecs-spot-busy");
    harm.request("job-7", "uid-7");
    expect(
      harm.excuse([
        { id: "t0", startedBy: "uid-8" },
        { id: "t1", startedBy: "uid-8" },
      ]),
    ).toBe("ecs-spot-busy");
    expect(harm.excuse([{ id: "t2", startedBy: "uid-7" }])).toBe("a person deleted its request");
    expect(harm.excuse([{ id: "t3", startedBy: "uid-8" }])).toBeUndefined();
    expect(harm.excuse([])).toBeUndefined();
  });

  it("does not pass to the request that is made again under the same name", () => {
    const harm = new Harm();
    harm.request("job-7", "uid-7");
    expect(harm.excuse([{ id: "t1", startedBy: "uid-7-again" }])).toBeUndefined();
    expect(harm.wasDeleted("job-7")).toBe(true);
  });

  it("of a target that is away ends when it is back", () => {
    const harm = new Harm();
    const isBack = harm.away("org");
    expect(harm.wasAway("org", Date.now())).toBe(true);
    expect(harm.wasAway("web", Date.now())).toBe(false);
    isBack();
    expect(harm.wasAway("org", Date.now() + 1)).toBe(false);
  });
});
