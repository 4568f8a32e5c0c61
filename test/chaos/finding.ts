import type { Evidence, JobFacts } from "./evidence.ts";

/** Finding is one thing that does not hold, with the jobs that it is about. */
export interface Finding {
  readonly invariant: string;
  readonly detail: string;
  readonly jobs: readonly number[];
}

/** Detail is a finding before it is known which invariant it belongs to. */
export type Detail = Omit<Finding, "invariant">;

/** Check is the judge of one invariant. */
export type Check = (evidence: Evidence) => readonly Detail[];

export function about(detail: string, jobs: readonly number[] = []): Detail {
  return { detail, jobs };
}

export function each(items: readonly string[], say: (item: string) => string): Detail[] {
  return items.map((item) => about(say(item), idsIn([item])));
}

/** idsIn finds the jobs in texts: request, runner and task group are named after the job, whose ids are long. */
export function idsIn(texts: readonly string[]): number[] {
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/\bjob[- ](\d{9,})/g)].map(([, id]) => Number(id))))];
}

export function named({ id, name, coverage }: JobFacts): string {
  return `job ${id} "${name}" for ${coverage}`;
}

export function some(items: readonly string[]): string {
  const shown = items.slice(0, 5).join("; ");
  return items.length > 5 ? `${shown}; and ${items.length - 5} more` : shown;
}

/** time is a moment as findings tell it. */
export function time(at: number): string {
  return new Date(at).toISOString();
}
