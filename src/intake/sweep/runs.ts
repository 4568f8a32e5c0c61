import type { RunRecord } from "../../github/types.ts";

/** An unchanged run is read again at the third look: its updated_at may not move with every job. */
const skipsBetweenReads = 2;

interface Look {
  /** As it was when it was last read; undefined while that has not worked out. */
  readonly updatedAt: string | undefined;
  readonly skipped: number;
  /** When it was last looked at, or first listed: counts looks and lists. */
  readonly at: number;
}

/** RunMemory remembers which runs of one repository were read and how they were then, so that a run that stands still is rarely read. */
export class RunMemory {
  /** Only of runs that the newest list had. */
  #looks = new Map<string, Look>();
  #order = 0;

  /** choose picks the runs to read now, those that have waited longest first: a stream of new ones keeps no old one from its turn. */
  choose(runs: readonly RunRecord[], limit: number): readonly RunRecord[] {
    this.#order += 1;
    const before = this.#looks;
    this.#looks = new Map();
    const due: { run: RunRecord; at: number }[] = [];
    // GitHub lists the newest run first; the oldest has waited longest.
    for (const run of runs.toReversed()) {
      const look = before.get(run.id) ?? { updatedAt: undefined, skipped: 0, at: this.#order };
      if (look.updatedAt !== run.updatedAt || look.skipped >= skipsBetweenReads) {
        this.#looks.set(run.id, look);
        due.push({ run, at: look.at });
      } else {
        this.#looks.set(run.id, { ...look, skipped: look.skipped + 1 });
      }
    }
    return due
      .sort((a, b) => a.at - b.at)
      .slice(0, limit)
      .map(({ run }) => run);
  }

  /** read notes that the jobs of a run were read. */
  read(run: RunRecord): void {
    this.#order += 1;
    this.#looks.set(run.id, { updatedAt: run.updatedAt, skipped: 0, at: this.#order });
  }

  /** unsettled notes that a run must be read again: at the next sweep, but behind those that wait longer. */
  unsettled(run: RunRecord): void {
    this.#order += 1;
    this.#looks.set(run.id, { updatedAt: undefined, skipped: 0, at: this.#order });
  }
}
