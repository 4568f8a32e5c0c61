/** Snapshot is how far the burst is. */
export interface Snapshot {
  readonly seconds: number;
  readonly planned: number;
  /** Jobs as GitHub sees them. */
  readonly jobs: { readonly queued: number; readonly running: number; readonly completed: number };
  /** RunnerRequests by phase. */
  readonly phases: Readonly<Record<string, number>>;
  /** Live tasks by capacity provider. */
  readonly tasks: Readonly<Record<string, number>>;
}

const barWidth = 30;
const phaseOrder = ["Pending", "Launching", "Starting", "Idle", "Running", "Finishing", "Succeeded", "Failed"];

/** progressLines shows a snapshot in a few lines. */
export function progressLines({ seconds, planned, jobs, phases, tasks }: Snapshot): string[] {
  const done = Math.round((Math.min(jobs.completed, planned) / planned) * barWidth);
  const bar = `${"#".repeat(done)}${".".repeat(barWidth - done)}`;
  const ordered = phaseOrder.filter((phase) => phases[phase] !== undefined).map((phase) => `${phase} ${phases[phase]}`);
  const live = Object.entries(tasks)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([capacity, count]) => `${capacity} ${count}`);
  return [
    `${seconds.toFixed(0).padStart(4)} s  [${bar}] ${jobs.completed} of ${planned} jobs done`,
    `        jobs at GitHub    queued ${jobs.queued}, running ${jobs.running}`,
    `        RunnerRequests    ${ordered.join(", ") || "none yet"}`,
    `        live ECS tasks    ${live.join(", ") || "none"}`,
  ];
}

/** countBy counts items by what the function says of them. */
export function countBy<T>(items: Iterable<T>, of: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const name = of(item);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
