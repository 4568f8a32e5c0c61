import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { type DeepReadonly, keyOf, keyText } from "../../kube/object.ts";
import type { Wait } from "../../util/wait.ts";
import { SlotQueue, type Waiting } from "./slot-queue.ts";

type Request = DeepReadonly<RunnerRequest>;

/** Found is a runner that a stored status does not mention. */
interface Found {
  readonly repository: string;
  /** The newest attempt of that status: as long as it is the same, the status says nothing about the runner. */
  readonly newest: string;
  /** How long the provider's list may not show its instance yet. */
  readonly lag: Wait;
}

/**
 * TargetSlots is who holds and who waits for the slots of one target. A request is in one of four places at most: it holds a slot, was
 * granted one, has a runner that was found, or waits.
 */
export class TargetSlots {
  max = 0;
  /** All requests that neither hold a slot nor are finished, whatever they wait for: any of them may have a runner that was not found yet. */
  readonly #alive = new Set<string>();
  /** Requests whose stored status says that they hold a slot, with their repository. */
  readonly #held = new Map<string, string>();
  /** Requests that were granted a slot in this process and whose stored status does not say so yet; a stale event must not free them. */
  readonly #reserved = new Map<string, string>();
  /** Requests with a runner that was found: neither an event nor a release frees its slot while the status says nothing about it. */
  readonly #found = new Map<string, Found>();
  readonly #queue = new SlotQueue();

  /** How many slots are taken. */
  get taken(): number {
    return this.#held.size + this.#reserved.size + this.#found.size;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** All requests that may have a runner, with those that have not asked for one. */
  get population(): number {
    return this.#held.size + this.#alive.size;
  }

  get isEmpty(): boolean {
    return this.taken + this.#alive.size + this.#queue.size === 0;
  }

  /** Whether a request has a slot, by whichever way. */
  hasSlot(request: Request): boolean {
    const text = textOf(request);
    return this.#held.has(text) || this.#reserved.has(text) || this.#found.has(text);
  }

  /** hold notes that the stored status of a request says that it has a slot. */
  hold(request: Request): void {
    const text = textOf(request);
    // Most events of a runner's life tell what is known: whoever is here is in no other place.
    if (this.#held.has(text)) return;
    this.forget(request);
    this.#held.set(text, request.spec.job.repository);
  }

  /** unhold notes that it does not say so: a grant that is not stored yet stays, and so does a found runner that it does not speak of. */
  unhold(request: Request, isOver: boolean): void {
    const text = textOf(request);
    this.#held.delete(text);
    if (isOver) {
      this.#reserved.delete(text);
      this.#alive.delete(text);
    } else this.#alive.add(text);
    const found = this.#found.get(text);
    // A pass has dealt with that attempt: it was refused, or it ended.
    if (isOver || (found !== undefined && found.newest !== newestOf(request))) this.#found.delete(text);
  }

  /** enqueue has a request wait that has no slot. */
  enqueue(request: Request): void {
    this.#queue.add(waiting(request));
  }

  /** dequeue takes a request out of the queue that may not have waited. */
  dequeue(request: Request): void {
    this.#queue.remove(waiting(request));
  }

  /** ask has a request wait that is perhaps not in the store yet. */
  ask(request: Request): void {
    this.#alive.add(textOf(request));
    this.enqueue(request);
  }

  /** grant gives a slot to a request that waits. */
  grant(request: Request): void {
    this.dequeue(request);
    this.#reserved.set(textOf(request), request.spec.job.repository);
  }

  /** revoke takes a grant back that is not stored. Returns false when there was none. */
  revoke(request: Request): boolean {
    return this.#reserved.delete(textOf(request));
  }

  /** discover counts a runner that was found; of one that is known already the first `lag` stays. */
  discover(request: Request, lag: Wait): void {
    const text = textOf(request);
    if (this.#held.has(text)) return;
    this.#reserved.delete(text);
    this.dequeue(request);
    this.#alive.add(text);
    const known = this.#found.get(text)?.lag;
    this.#found.set(text, { repository: request.spec.job.repository, newest: newestOf(request), lag: known ?? lag });
  }

  isFound(request: Request): boolean {
    return this.#found.has(textOf(request));
  }

  /** lagOf is how long the instance of a found runner may not be listed yet. */
  lagOf(request: Request): Wait | undefined {
    return this.#found.get(textOf(request))?.lag;
  }

  /** undiscover takes back that a runner was found. Returns false when none was. */
  undiscover(request: Request): boolean {
    return this.#found.delete(textOf(request));
  }

  /** forget takes a request out of everything. */
  forget(request: Request): void {
    const text = textOf(request);
    for (const place of [this.#held, this.#reserved, this.#found, this.#alive]) place.delete(text);
    this.dequeue(request);
  }

  /** next names those who get the free slots now. */
  next(): string[] {
    const free = this.max - this.taken;
    // Counted only where somebody may be next: it takes a look at every runner.
    return free <= 0 || this.#queue.size === 0 ? [] : this.#queue.next(free, this.#runnersByRepository());
  }

  /** ahead tells how many of those who wait get a slot before a request. */
  ahead(request: Request): number {
    return this.#queue.ahead(waiting(request), this.#runnersByRepository());
  }

  #runnersByRepository(): Map<string, number> {
    const runners = new Map<string, number>();
    const found = [...this.#found.values()].map(({ repository }) => repository);
    for (const repositories of [this.#held.values(), this.#reserved.values(), found]) {
      for (const repository of repositories) runners.set(repository, (runners.get(repository) ?? 0) + 1);
    }
    return runners;
  }
}

function textOf(request: Request): string {
  return keyText(keyOf(request));
}

function waiting(request: Request): Waiting {
  const { repository, queuedAt } = request.spec.job;
  return { text: textOf(request), repository, queuedAt };
}

function newestOf(request: Request): string {
  return JSON.stringify(request.status?.attempts?.at(-1) ?? null);
}
