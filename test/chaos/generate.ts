import { Dice } from "./dice.ts";
import { generateFaults } from "./generate-faults.ts";
import { generateJobs } from "./generate-jobs.ts";
import { type TargetName, targetNames, targets } from "./layout.ts";
import type { Script, ScriptOptions } from "./script.ts";

/** The load that the slots of the layout are meant for, in jobs a second. */
const usualRate = 4;

/**
 * generateScript decides a whole run: the same options give the same script, byte for byte. It is a pure function, so a script can be
 * printed, compared and judged without anything being started.
 */
export function generateScript(options: ScriptOptions): Script {
  const { seed, profile, minutes } = options;
  const diceFor = (purpose: string): Dice => new Dice(seed, purpose);
  const lengthMs = Math.round(minutes * 60_000);
  const load = options.jobs / (lengthMs / 1_000) / usualRate;
  const dice = diceFor("settings");
  return {
    seed,
    profile,
    lengthMs,
    assignment: (profile === "all" || profile === "github") && dice.chance(0.6) ? "random" : "oldest",
    ...idleReap(dice),
    slots: Object.fromEntries(
      targetNames.map((name) => {
        const { slots, fixed } = targets[name];
        return [name, fixed === true ? slots : Math.max(2, Math.round(slots * load))];
      }),
    ) as Record<TargetName, number>,
    jobs: generateJobs(diceFor("jobs"), options, lengthMs),
    faults: generateFaults(diceFor, options, lengthMs),
  };
}

/** In half of the scripts: a GitHub that reaps mends what the operator leaves behind. */
function idleReap(dice: Dice): Pick<Script, "idleReapMs"> {
  const idleReapMs = dice.between(8_000, 15_000);
  return dice.chance(0.5) ? { idleReapMs } : {};
}
