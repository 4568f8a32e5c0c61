/** HarmedTask is a task as far as it tells whom it belongs to; startedBy is the uid of its request. */
export interface HarmedTask {
  readonly id: string;
  readonly startedBy: string | undefined;
}

/** Harm is what the script did to the world that may cost a job its runner: nothing else excuses a job that was lost. */
export class Harm {
  /** Tasks by id, with what was done to them. */
  readonly #tasks = new Map<string, string>();
  /** Requests that a person deleted: a request that is made again has the same name, and its runners no excuse. */
  readonly #uids = new Set<string>();
  readonly #names = new Set<string>();
  /** When targets went away, and when they were back. */
  readonly #away: { readonly target: string; readonly from: number; to: number }[] = [];
  #pranks = 0;

  /** Registrations that the script made to be in the way. */
  readonly foreignRunners = new Set<number>();

  /** A registration that is nobody's leftover. */
  foreign(runnerId: number): void {
    this.foreignRunners.add(runnerId);
  }

  task(id: string, what: string): void {
    this.#tasks.set(id, what);
  }

  request(name: string, uid: string | undefined): void {
    this.#names.add(name);
    if (uid !== undefined) this.#uids.add(uid);
  }

  /** A runner that did something else than its work, or was taken off GitHub's list, before it had a job. */
  prank(): void {
    this.#pranks += 1;
  }

  /** A target is away until the answer is called. */
  away(target: string): () => void {
    const time = { target, from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.#away.push(time);
    return () => (time.to = Date.now());
  }

  /** How many runners and requests were hit. */
  get hits(): number {
    return this.#tasks.size + this.#uids.size + this.#pranks;
  }

  wasDeleted(request: string): boolean {
    return this.#names.has(request);
  }

  /** Whether a target was away at any time since a moment. */
  wasAway(target: string, from: number): boolean {
    return this.#away.some((time) => time.target === target && time.to >= from);
  }

  /** Why a runner may have been lost, by the tasks that may be it; undefined if nobody touched them. */
  excuse(tasks: readonly HarmedTask[]): string | undefined {
    for (const { id, startedBy } of tasks) {
      const what = this.#tasks.get(id);
      if (what !== undefined) return what;
      if (startedBy !== undefined && this.#uids.has(startedBy)) return "a person deleted its request";
    }
    return undefined;
  }
}
