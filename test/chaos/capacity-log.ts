import { group } from "../../src/api/kind.ts";
import { isLive, type TaskRecord } from "../sim/ecs/state/task.ts";
import { bounds } from "./bounds.ts";
import type { TargetName } from "./layout.ts";

/** targetTag is the tag in which a task carries the name of its RunnerTarget. */
const targetTag = `${group}/target`;

/** CountedTask is a task as far as it tells whether it lives, and for whom; startedBy is the uid of its request. */
export type CountedTask = Pick<TaskRecord, "id" | "startedBy" | "launchTags" | "lastStatus">;

/** Count is how many tasks of a target lived from a moment on. */
export interface Count {
  readonly at: number;
  readonly target: string;
  readonly live: number;
}

/** Limit is maxRunners of a target from a moment on. */
export interface Limit {
  readonly at: number;
  readonly target: string;
  readonly max: number;
}

/** CapacityLog writes down how many tasks each target had at every instant, and how many it was allowed. */
export class CapacityLog {
  readonly counts: Count[] = [];
  readonly limits: Limit[];
  readonly #live = new Map<string, Set<string>>();
  /** By uid, requests whose finalizer somebody took away: until when their tasks are excused. */
  readonly #released = new Map<string, number>();
  readonly #excused = new Set<string>();

  constructor(slots: Readonly<Record<TargetName, number>>) {
    this.limits = Object.entries(slots).map(([target, max]) => ({ at: 0, target, max }));
  }

  observe(task: CountedTask): void {
    const target = task.launchTags.find(({ key }) => key === targetTag)?.value ?? "(no target)";
    const live = this.#live.get(target) ?? new Set();
    this.#live.set(target, live);
    const before = live.size;
    if ((this.#released.get(task.startedBy ?? "") ?? 0) > Date.now()) this.#excused.add(task.id);
    if (isLive(task) && !this.#excused.has(task.id)) live.add(task.id);
    else live.delete(task.id);
    if (live.size !== before) this.counts.push({ at: Date.now(), target, live: live.size });
  }

  /**
   * Told before a person takes a request's finalizer away: with it goes the slot, as docs/how-it-works.md says, so its tasks are counted
   * no longer, nor one whose launch is under way. That they do not stay is another invariant. The answer takes it back, for when it failed.
   */
  release(requestUid: string, tasks: readonly CountedTask[]): () => void {
    this.#released.set(requestUid, Date.now() + bounds.loweringMs);
    const its = tasks.filter(({ startedBy }) => startedBy === requestUid);
    for (const task of its) this.observe(task);
    return () => {
      this.#released.delete(requestUid);
      for (const task of its) {
        this.#excused.delete(task.id);
        this.observe(task);
      }
    };
  }

  /** Told before a limit is raised and after it was lowered: the operator may use the larger one meanwhile. */
  limit(target: string, max: number): void {
    this.limits.push({ at: Date.now(), target, max });
  }
}
