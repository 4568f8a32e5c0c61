import type { Script } from "./script.ts";
import type { SeedResult } from "./run-seed.ts";
import { type Weakness, weaknesses, type WeaknessName } from "./weaknesses.ts";

/** TakenAway is what the seeds said about an operator without one of its protections. */
export interface TakenAway {
  readonly found: boolean;
  readonly results: readonly SeedResult[];
}

/** holesOf are the findings that count: invariants that break for this weakness, and not for any trouble beside it. */
export function holesOf(name: WeaknessName, { findings }: Pick<SeedResult, "findings">): string[] {
  const { breaks }: Weakness = weaknesses[name];
  const broken = new Set(findings.map(({ invariant }) => invariant));
  return breaks.filter((invariant) => broken.has(invariant));
}

/**
 * takeAway plays seeds without a protection until one finds the hole, and then the same seed with it: only if what broke holds there, it
 * was the protection that was missing.
 */
export async function takeAway(
  name: WeaknessName,
  scripts: Iterable<Script>,
  play: (script: Script, build: "weakened" | "whole") => Promise<SeedResult>,
  say: (line: string) => void,
): Promise<TakenAway> {
  const results: SeedResult[] = [];
  const { what } = weaknesses[name];
  for (const script of scripts) {
    const weakened = await play(script, "weakened");
    results.push(weakened);
    const holes = holesOf(name, weakened);
    if (holes.length === 0) continue;
    say(`${name}: seed ${script.seed} broke "${holes.join('", "')}"; the same seed with the protection:`);
    const whole = await play(script, "whole");
    results.push(whole);
    const anyway = holesOf(name, whole);
    const shown = holes.filter((hole) => !anyway.includes(hole));
    if (shown.length > 0) {
      say(`${name} was taken away (${what}): seed ${script.seed}, profile ${script.profile}, found it: ${shown.join("; ")}`);
      say(whole.ok ? "  with it, every invariant held" : `  with it, what broke is another matter: ${brokenIn(whole)}`);
      return { found: true, results };
    }
    say(`  it breaks the same with the protection, so that proves nothing`);
  }
  say(`${name} was taken away (${what}), and ${results.length} runs did not notice`);
  return { found: false, results };
}

function brokenIn({ findings }: SeedResult): string {
  return [...new Set(findings.map(({ invariant }) => invariant))].join("; ");
}
