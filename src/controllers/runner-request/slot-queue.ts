/** Waiting is one who waits for a slot. */
export interface Waiting {
  /** The request as "namespace/name". */
  readonly text: string;
  readonly repository: string;
  readonly queuedAt: string;
}

/** Runners is how many runners each repository has; one that has none may be missing. */
export type Runners = ReadonlyMap<string, number>;

/**
 * SlotQueue is who waits for the slots of one target. The order is fair between repositories (the one with the fewest runners is next)
 * and first come, first served inside one. It depends on who waits and who has runners, not on when anybody was put in.
 */
export class SlotQueue {
  /** By repository, oldest first. */
  readonly #queues = new Map<string, Waiting[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** add puts somebody in his place; one who waits already keeps it. */
  add(entry: Waiting): void {
    const { repository } = entry;
    let queue = this.#queues.get(repository);
    if (queue === undefined) this.#queues.set(repository, (queue = []));
    const at = lowerBound(queue, entry);
    if (queue[at]?.text === entry.text) return;
    queue.splice(at, 0, entry);
    this.#size += 1;
  }

  /** remove takes somebody out, who may not have waited. */
  remove(entry: Waiting): void {
    const { repository } = entry;
    const queue = this.#queues.get(repository);
    if (queue === undefined) return;
    const at = lowerBound(queue, entry);
    if (queue[at]?.text !== entry.text) return;
    queue.splice(at, 1);
    this.#size -= 1;
    if (queue.length === 0) this.#queues.delete(repository);
  }

  /** next names the next `free` of those who wait: always the oldest of the repository that has the fewest runners, ties by age. */
  next(free: number, runners: Runners): string[] {
    if (free <= 0 || this.#size === 0) return [];
    const counts = new Map(runners);
    const position = new Map<string, number>();
    const chosen: string[] = [];
    while (chosen.length < Math.min(free, this.#size)) {
      const head = this.#head(counts, position);
      if (head === undefined) break;
      chosen.push(head.text);
      position.set(head.repository, (position.get(head.repository) ?? 0) + 1);
      counts.set(head.repository, (counts.get(head.repository) ?? 0) + 1);
    }
    return chosen;
  }

  /**
   * ahead tells how many of those who wait come before somebody: he stands at the level of the runners that his repository has, plus his
   * place among the repository's own; lower levels come first, equal ones by age.
   */
  ahead(entry: Waiting, runners: Runners): number {
    const { repository } = entry;
    const at = lowerBound(this.#queues.get(repository) ?? [], entry);
    const level = (runners.get(repository) ?? 0) + at;
    let ahead = at;
    for (const [other, queue] of this.#queues) {
      if (other === repository) continue;
      const below = Math.min(Math.max(level - (runners.get(other) ?? 0), 0), queue.length);
      const equal = queue[level - (runners.get(other) ?? 0)];
      ahead += below + (equal !== undefined && before(equal, entry) ? 1 : 0);
    }
    return ahead;
  }

  /** Who is next, after those of each repository that were chosen already. */
  #head(counts: Runners, position: ReadonlyMap<string, number>): Waiting | undefined {
    let best: { readonly head: Waiting; readonly count: number } | undefined;
    for (const [repository, queue] of this.#queues) {
      const head = queue[position.get(repository) ?? 0];
      if (head === undefined) continue;
      const count = counts.get(repository) ?? 0;
      if (best === undefined || count < best.count || (count === best.count && before(head, best.head))) best = { head, count };
    }
    return best?.head;
  }
}

function before(a: Waiting, b: Waiting): boolean {
  return a.queuedAt < b.queuedAt || (a.queuedAt === b.queuedAt && a.text < b.text);
}

function lowerBound(queue: readonly Waiting[], entry: Waiting): number {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = queue[middle];
    if (at !== undefined && before(at, entry)) low = middle + 1;
    else high = middle;
  }
  return low;
}
