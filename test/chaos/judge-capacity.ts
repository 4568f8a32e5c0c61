import { bounds } from "./bounds.ts";
import type { Count, Limit } from "./capacity-log.ts";
import type { Evidence } from "./evidence.ts";
import { about, type Detail, time } from "./finding.ts";

/**
 * exceeded finds instants with too many tasks of a target, the first of each. The limit is the newest maxRunners. After it was lowered,
 * the one before counts for bounds.loweringMs; from then on a number above the limit may only fall, so an operator that fills up again
 * what ended is found however slowly the excess goes.
 */
export function exceeded({ counts, limits }: Pick<Evidence, "counts" | "limits">): Detail[] {
  const findings: Detail[] = [];
  for (const [target, ofTarget] of Map.groupBy(counts, (count) => count.target)) {
    const finding = firstExcess(
      ofTarget,
      limits.filter((limit) => limit.target === target),
    );
    if (finding !== undefined) findings.push(about(`target ${target} ${finding}`));
  }
  return findings;
}

function firstExcess(counts: readonly Count[], limits: readonly Limit[]): string | undefined {
  let [next, current, allowed, settlesAt, before] = [0, 0, 0, 0, 0];
  for (const { at, live } of counts) {
    for (let change = limits[next]; change !== undefined && change.at <= at; change = limits[++next]) {
      if (change.at >= settlesAt) allowed = current;
      if (change.max < allowed) settlesAt = change.at + bounds.loweringMs;
      allowed = Math.max(allowed, change.max);
      current = change.max;
    }
    if (at >= settlesAt) allowed = current;
    if (live > allowed && live > before) {
      const why = allowed === current ? "" : `, since ${current} may be now and ${allowed} a moment ago`;
      return `had ${live} tasks at ${time(at)}, and ${allowed} may be${why}; there had been ${before}`;
    }
    before = live;
  }
  return undefined;
}
