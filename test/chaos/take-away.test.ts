import { describe, expect, it } from "vitest";
import { generateScript } from "./generate.ts";
import { invariants, type InvariantName } from "./invariants.ts";
import type { SeedResult } from "./run-seed.ts";
import { holesOf, takeAway } from "./take-away.ts";
import { weaknesses, weaknessNames } from "./weaknesses.ts";

const scripts = [1, 2].map((seed) => generateScript({ seed, jobs: 5, minutes: 0.1, profile: "kube" }));
const broken = (...names: InvariantName[]): Pick<SeedResult, "findings" | "ok"> => ({
  ok: names.length === 0,
  findings: names.map((invariant) => ({ invariant, detail: "", jobs: [] })),
});

/** Plays the verdicts one after the other, and says what was played. */
async function take(verdicts: readonly Pick<SeedResult, "findings" | "ok">[]): Promise<{ found: boolean; played: string[] }> {
  const played: string[] = [];
  const play = async (script: { seed: number }, build: string): Promise<SeedResult> => {
    played.push(`${script.seed} ${build}`);
    return verdicts[played.length - 1] as SeedResult;
  };
  const { found } = await takeAway("instance-sweep", scripts, play, () => undefined);
  return { found, played };
}

describe("a protection that was taken away", () => {
  it("is found by a seed that breaks what the protection holds, and holds it with the protection", async () => {
    expect(await take([broken("no instance is left"), broken()])).toEqual({
      found: true,
      played: ["1 weakened", "1 whole"],
    });
  });

  it("is not found by trouble of another kind", async () => {
    expect(await take([broken("no secret is shown"), broken()])).toEqual({
      found: false,
      played: ["1 weakened", "2 weakened"],
    });
    expect(holesOf("instance-sweep", broken("no secret is shown"))).toEqual([]);
  });

  it("is not found by what breaks with the protection as well", async () => {
    const both = broken("no instance is left");
    expect(await take([both, both, broken(), broken()])).toEqual({
      found: false,
      played: ["1 weakened", "1 whole", "2 weakened"],
    });
  });

  it.each(weaknessNames)("has invariants that are there: %s", (name) => {
    expect(weaknesses[name].breaks.length).toBeGreaterThan(0);
    for (const invariant of weaknesses[name].breaks) expect(Object.keys(invariants)).toContain(invariant);
  });
});
