import { describe, expect, it } from "vitest";
import { planBurst } from "./plan.ts";
import { plannedJobs } from "./verdict.ts";

describe("the plan of the burst", () => {
  it.each([16, 100, 2_000])("has %i jobs that targets cover", (jobs) => {
    expect(plannedJobs(planBurst(jobs))).toBe(jobs);
  });

  it("is the same for the same number, so that two runs can be compared", () => {
    expect(planBurst(100)).toEqual(planBurst(100));
  });

  it("has everything that a burst should have, also when it is small", () => {
    for (const jobs of [16, 100]) {
      const { burst, heavy, spotRefusals } = planBurst(jobs);
      expect(new Set(burst.map(({ repository }) => repository))).toEqual(new Set(["acme/web", "acme/api"]));
      expect(heavy.length).toBeGreaterThan(4);
      expect(spotRefusals).toBeGreaterThan(0);
      expect(burst.length).toBeGreaterThanOrEqual(spotRefusals);
      expect(burst.some(({ twice }) => twice)).toBe(true);
    }
    expect(planBurst(100).burst.some(({ outcome }) => outcome === "failure")).toBe(true);
    expect(planBurst(100).burst.some(({ labels }) => labels.includes("FARGATE"))).toBe(true);
  });

  it("gives every job a name of its own, since webhook faults go by name", () => {
    const { burst, heavy, shaped, rejected, cancelledEarly, cancelledLate, uncovered, hosted } = planBurst(100);
    const names = [...burst, ...heavy, ...shaped, rejected, cancelledEarly, cancelledLate, ...uncovered, ...hosted].map(
      ({ name }) => name,
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it("has jobs that choose their runner, none of which another's runner could take", () => {
    const { shaped } = planBurst(100);
    expect(shaped.length).toBeGreaterThan(3);
    const among = shaped.flatMap((one) =>
      shaped.filter((other) => one !== other && one.labels.every((label) => other.labels.includes(label))),
    );
    expect(among).toEqual([]);
  });
});
