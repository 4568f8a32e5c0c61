import type { RunRecord } from "../../github/types.ts";

/** An unchanged run is read again at the third look: its updated_at may not move with every job. */
const skipsBetweenReads = 2;

interface Look {
  readonly updatedAt: string;
  readonly skipped: number;
  /** Counts sweeps of the repository. */
  readonly readAt: number;
}

/** RunMemory remembers which runs of one repository were read and how they were then, so that a run that stands still is rarely read. */
export class RunMemory {
  /** Only of runs that the newest list had. */
  #looks = new Map<string, Look>();
  #sweep = 0;

  /** choose picks the runs to read now, those that were never read first, then those that waited longest. */
  choose(runs: readonly RunRecord[], limit: number): readonly RunRecord[] {
    this.#sweep += 1;
    const before = this.#looks;
    this.#looks = new Map();
    const due: { run: RunRecord; readAt: number }[] = [];
    // GitHub lists the newest run first; the oldest has waited longest.
    for (const run of runs.toReversed()) {
      const look = before.get(run.id);
      if (look === undefined) {
        due.push({ run, readAt: 0 });
      } else if (look.updatedAt !== run.updatedAt || look.skipped >= skipsBetweenReads) {
        this.#looks.set(run.id, look);
        due.push({ run, readAt: look.readAt });
      } else {
        this.#looks.set(run.id, { ...look, skipped: look.skipped + 1 });
      }
    }
    return due
      .sort((a, b) => a.readAt - b.readAt)
      .slice(0, limit)
      .map(({ run }) => run);
  }

  /** read notes that the jobs of a run were read. */
  read(run: RunRecord): void {
    this.#looks.set(run.id, { updatedAt: run.updatedAt, skipped: 0, readAt: this.#sweep });
  }
}
