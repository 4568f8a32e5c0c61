import { isLive, type TaskRecord } from "./state/task.ts";

/** Overlap is a key under which more than one task lived at a time. */
export interface Overlap {
  readonly key: string;
  readonly tasks: readonly string[];
}

/** Ledger remembers when tasks came and went, so that a test can ask afterwards how many lived at a time. */
export class Ledger {
  // In the order of what happened; a task appears once when it comes and once when it goes.
  readonly #log: { readonly task: TaskRecord; readonly delta: 1 | -1 }[] = [];
  readonly #tasks = new Set<TaskRecord>();

  observe(task: TaskRecord): void {
    if (!this.#tasks.has(task)) {
      this.#tasks.add(task);
      this.#log.push({ task, delta: 1 });
    }
    if (!isLive(task)) {
      this.#log.push({ task, delta: -1 });
    }
  }

  /** Every task ever launched, also those that API calls have forgotten. */
  launched(): readonly TaskRecord[] {
    return [...this.#tasks];
  }

  /** The highest number of tasks that lived at the same time, per key; tasks without a key do not count. */
  maxLive(keyOf: (task: TaskRecord) => string | undefined): Map<string, number> {
    const live = new Map<string, number>();
    const max = new Map<string, number>();
    for (const { task, delta } of this.#log) {
      const key = keyOf(task);
      if (key !== undefined) {
        const now = (live.get(key) ?? 0) + delta;
        live.set(key, now);
        max.set(key, Math.max(max.get(key) ?? 0, now));
      }
    }
    return max;
  }

  /** The keys under which two or more tasks ever lived at the same time. */
  overlaps(keyOf: (task: TaskRecord) => string | undefined): readonly Overlap[] {
    return [...this.maxLive(keyOf)]
      .filter(([, max]) => max > 1)
      .map(([key]) => ({
        key,
        tasks: this.launched()
          .filter((task) => keyOf(task) === key)
          .map((task) => task.arn),
      }));
  }

  clear(): void {
    this.#log.length = 0;
    this.#tasks.clear();
  }
}
