import type { Entry } from "../sim/github/state/world.ts";

/**
 * doubleAssigned finds jobs that GitHub gave to a second runner although the first had not lost them. The simulator cannot do that, as
 * GitHub cannot: this holds the simulator to it, since "runs exactly once" would prove little without.
 */
export function doubleAssigned(
  entries: readonly (Pick<Entry, "kind"> & { job?: { readonly id: number }; runner?: { readonly name: string } })[],
): string[] {
  const holders = new Map<number, string>();
  const found: string[] = [];
  for (const { kind, job, runner } of entries) {
    if (job === undefined) continue;
    if (kind === "job-requeued" || kind === "job-completed") holders.delete(job.id);
    if (kind !== "job-assigned") continue;
    const holder = holders.get(job.id);
    if (holder !== undefined) found.push(`job ${job.id} was given to ${runner?.name} while ${holder} had it`);
    holders.set(job.id, runner?.name ?? "");
  }
  return found;
}
