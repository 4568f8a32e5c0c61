import type { Dice } from "./dice.ts";
import { type FaultKind, faultKinds, type Profile, profiles, traitsOf } from "./fault-kinds.ts";
import type { ScriptFault, ScriptOptions } from "./script.ts";

/** Nothing breaks before there is something to break, and the last faults must not be cut short by the end. */
const [firstAt, lastAt] = [0.04, 0.92];
const earlyUntil = 0.25;
/** Faults a second, of one profile alone; crashes are rarer, since a process that is down all the time meets nothing. */
const rates: Readonly<Record<Profile, number>> = { webhooks: 0.8, crashes: 0.35, github: 0.8, ecs: 0.8, kube: 0.6 };
/** The part of that while all are at work. */
const together = 0.5;

/** generateFaults draws faults of the profile, or of all, spread over the script. */
export function generateFaults(diceFor: (purpose: string) => Dice, { profile }: ScriptOptions, lengthMs: number): ScriptFault[] {
  const chosen = profile === "all" ? profiles : [profile];
  const faults: ScriptFault[] = [];
  for (const one of chosen) {
    const dice = diceFor(`faults of ${one}`);
    const kinds = faultKinds.filter((kind) => traitsOf(kind).profile === one && dice.chance(traitsOf(kind).share ?? 1));
    const rate = rates[one] * (profile === "all" ? together : 1);
    const count = Math.max(1, Math.round((lengthMs / 1_000) * rate));
    const drawn = new Map<FaultKind, number>();
    for (let index = 0; index < count; index++) {
      const kind = draw(
        dice,
        kinds.filter((candidate) => (drawn.get(candidate) ?? 0) < (traitsOf(candidate).most ?? Number.POSITIVE_INFINITY)),
      );
      drawn.set(kind, (drawn.get(kind) ?? 0) + 1);
      faults.push(fault(dice, kind, lengthMs));
    }
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs || (a.kind < b.kind ? -1 : 1));
}

function fault(dice: Dice, kind: FaultKind, lengthMs: number): ScriptFault {
  const { forMs = [0, 0], times = [1, 1], early } = traitsOf(kind);
  const [from, to] = [lengthMs * firstAt, lengthMs * (early === true ? earlyUntil : lastAt)];
  return {
    atMs: dice.between(Math.round(from), Math.round(to)),
    kind,
    forMs: dice.between(forMs[0], forMs[1]),
    times: dice.between(times[0], times[1]),
    pick: dice.between(0, 9_999),
  };
}

function draw(dice: Dice, kinds: readonly FaultKind[]): FaultKind {
  let left = dice.next() * kinds.reduce((sum, kind) => sum + traitsOf(kind).weight, 0);
  for (const kind of kinds) {
    left -= traitsOf(kind).weight;
    if (left < 0) return kind;
  }
  return dice.pick(kinds);
}
