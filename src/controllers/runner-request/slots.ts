import { isFinished, isLetGo } from "../../request/phase.ts";
import type { ReasonOf } from "../../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { getCondition, isTrue } from "../../kube/conditions.ts";
import type { Change } from "../../kube/store.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey, parseKey } from "../../kube/object.ts";
import type { Wait } from "../../util/wait.ts";
import { SlotQueue, type Waiting } from "./slot-queue.ts";
import { targetKeyOf } from "./world.ts";

type Request = DeepReadonly<RunnerRequest>;

/** Claim is the answer to a request that asks for one of its target's slots. */
export interface Claim {
  readonly granted: boolean;
  /** True when not everybody who asks fits: then the grant must be stored before it is used. */
  readonly contended: boolean;
  /** Nothing was granted because the runners of an earlier leader are not counted yet. */
  readonly counting?: true;
  /** The slot is for a runner that was found outside, and passes the limit: it may be adopted, but none may be started in its place. */
  readonly adoptOnly?: true;
}

interface TargetSlots {
  max: number;
  /** Requests whose stored status says that they hold a slot. */
  readonly held: Map<string, string>;
  /** Requests that were granted a slot in this process and whose stored status does not say so yet; a stale event must not free them. */
  readonly reserved: Map<string, string>;
  /**
   * Requests that have a runner which their stored status does not mention, with the newest attempt of that status: as long as it is the
   * same, the status says nothing about the runner, and neither an event nor a release frees the slot.
   */
  readonly unrecorded: Map<string, { readonly repository: string; readonly newest: string; readonly lag: Wait }>;
  /** All requests that neither hold a slot nor are finished, whatever they wait for: any of them may have an unrecorded runner. */
  readonly alive: Set<string>;
  readonly queue: SlotQueue;
}

/**
 * SlotLedger counts who holds and who waits for the slots of each target, so that maxRunners is never exceeded and nobody is
 * forgotten. It is a cache: everything in it follows from the requests in the store, and a restart rebuilds it. The order of the queue is
 * the same for every process that sees the same requests: a new leader admits those that the old one admitted without storing it.
 */
export class SlotLedger {
  readonly #targets = new Map<string, TargetSlots>();
  readonly #wake: (key: ObjectKey) => void;

  /** @param wake is called with a request whose turn has come. */
  constructor(wake: (key: ObjectKey) => void) {
    this.#wake = wake;
  }

  /** follow is the informer's handler. */
  follow(change: Change<Request>): void {
    if (change.type === "delete") {
      this.#drop(change.old);
      return;
    }
    const request = change.new;
    // Deleted and made again while the watch was cut: the one before is gone, with its target perhaps.
    if (change.type === "update" && change.old.metadata.uid !== request.metadata.uid) this.#drop(change.old);
    const slots = this.#slotsOf(request);
    const text = keyText(keyOf(request));
    const before = countsOf(slots);
    if (holdsSlot(request)) {
      slots.reserved.delete(text);
      slots.unrecorded.delete(text);
      slots.alive.delete(text);
      slots.queue.remove(waiting(request));
      slots.held.set(text, request.spec.job.repository);
    } else {
      slots.held.delete(text);
      // Not when it is being deleted: a launch may be under way, and its runner is there until the request has its end.
      const isOver = isFinished(request.status) || isLetGo(request);
      if (isOver) {
        slots.reserved.delete(text);
        slots.alive.delete(text);
      } else slots.alive.add(text);
      const found = slots.unrecorded.get(text);
      // A pass has dealt with that attempt: it was refused, or it ended.
      if (isOver || (found !== undefined && found.newest !== newestOf(request))) slots.unrecorded.delete(text);
      if (wantsSlot(request) && !isCounted(slots, text)) slots.queue.add(waiting(request));
      else slots.queue.remove(waiting(request));
    }
    this.#wakeAfter(slots, before);
  }

  /** limit tells the ledger a target's maxRunners; raising it wakes those whose turn has come. */
  limit(target: ObjectKey, max: number): void {
    const slots = this.#slots(keyText(target));
    const raised = max > slots.max;
    slots.max = max;
    if (raised) this.#wakeNext(slots);
  }

  /**
   * claim asks for a slot; a request that holds or was granted one always gets it again. While the runners that an earlier leader
   * started are not `counted`, a slot is given only if all requests of the target fit, those that do not ask included: any of them may
   * have a runner already, and no order of grants can pass the limit then.
   */
  claim(request: Request, max: number, counted = true): Claim {
    const slots = this.#slotsOf(request);
    slots.max = max;
    const text = keyText(keyOf(request));
    const taken = takenOf(slots);
    const contended = taken + slots.queue.size > max;
    if (slots.unrecorded.has(text) && taken > max) return { granted: true, contended, adoptOnly: true };
    if (isCounted(slots, text)) return { granted: true, contended };
    slots.queue.add(waiting(request));
    slots.alive.add(text);
    if (!counted && slots.held.size + slots.alive.size > max) return { granted: false, contended: true, counting: true };
    const free = max - taken;
    const granted = free > 0 && (slots.queue.size <= free || this.#next(slots, free).includes(text));
    if (!granted) return { granted: false, contended: true };
    const overfull = taken + slots.queue.size > max;
    slots.queue.remove(waiting(request));
    slots.reserved.set(text, request.spec.job.repository);
    return { granted: true, contended: overfull };
  }

  /** ahead tells how many of those who wait get a slot before a request, by the order of the queue. */
  ahead(request: Request): number {
    const slots = this.#slotsOf(request);
    return slots.queue.ahead(waiting(request), runnersByRepository(slots));
  }

  /**
   * reserve counts a runner that was found outside and that the stored status of its request does not mention, until a pass has stored what
   * became of it, or the request's end. The limit may be passed by it: the runner is there.
   *
   * @param lag how long the provider's list may not show its instance yet; that of the first call counts.
   */
  reserve(request: Request, lag: Wait): void {
    const slots = this.#slotsOf(request);
    const text = keyText(keyOf(request));
    if (slots.held.has(text) || isFinished(request.status)) return;
    slots.reserved.delete(text);
    slots.queue.remove(waiting(request));
    slots.alive.add(text);
    const known = slots.unrecorded.get(text)?.lag;
    slots.unrecorded.set(text, { repository: request.spec.job.repository, newest: newestOf(request), lag: known ?? lag });
  }

  /** found is how long its instance may not be listed yet, of a request for which a runner counts that its status does not mention. */
  found(request: Request): Wait | undefined {
    return this.#slotsOf(request).unrecorded.get(keyText(keyOf(request)))?.lag;
  }

  /** dismiss takes back that a runner was found for a request: there is none, so the request waits for its turn like the others. */
  dismiss(request: Request): void {
    const slots = this.#slotsOf(request);
    const text = keyText(keyOf(request));
    if (!slots.unrecorded.delete(text)) return;
    slots.queue.add(waiting(request));
    this.#wakeNext(slots);
  }

  /**
   * release gives a slot back that was granted and is not stored: who waits for something else than a slot needs none. A stored one goes
   * with the status that says so, and so does the place in the queue: only `follow` takes anybody out of it.
   */
  release(request: Request): void {
    const slots = this.#slotsOf(request);
    if (slots.reserved.delete(keyText(keyOf(request)))) this.#wakeNext(slots);
  }

  #drop(request: Request): void {
    const targetText = keyText(targetKeyOf(request));
    const slots = this.#targets.get(targetText);
    if (slots === undefined) return;
    const text = keyText(keyOf(request));
    const before = countsOf(slots);
    for (const map of [slots.held, slots.reserved, slots.unrecorded, slots.alive]) map.delete(text);
    slots.queue.remove(waiting(request));
    this.#wakeAfter(slots, before);
    if (takenOf(slots) + slots.alive.size + slots.queue.size === 0) this.#targets.delete(targetText);
  }

  /** Wakes whoever has got a turn that he did not have before. */
  #wakeAfter(slots: TargetSlots, before: Counts): void {
    if (takenOf(slots) < before.taken) {
      this.#wakeNext(slots);
    } else if (slots.queue.size < before.waiting) {
      // One left the queue, perhaps woken for a free slot that it did not take: only the last of those who are next is new among them.
      const last = this.#next(slots, slots.max - takenOf(slots)).at(-1);
      if (last !== undefined) this.#wake(parseKey(last));
    }
  }

  #wakeNext(slots: TargetSlots): void {
    const free = slots.max - takenOf(slots);
    for (const text of this.#next(slots, free)) this.#wake(parseKey(text));
  }

  #next(slots: TargetSlots, free: number): string[] {
    // Counted only where somebody may be next: it takes a look at every runner.
    return free <= 0 || slots.queue.size === 0 ? [] : slots.queue.next(free, runnersByRepository(slots));
  }

  #slotsOf(request: Request): TargetSlots {
    return this.#slots(keyText(targetKeyOf(request)));
  }

  #slots(targetText: string): TargetSlots {
    let slots = this.#targets.get(targetText);
    if (slots === undefined) {
      slots = {
        max: 0,
        held: new Map(),
        reserved: new Map(),
        unrecorded: new Map(),
        alive: new Set(),
        queue: new SlotQueue(),
      };
      this.#targets.set(targetText, slots);
    }
    return slots;
  }
}

function waiting(request: Request): Waiting {
  const { repository, queuedAt } = request.spec.job;
  return { text: keyText(keyOf(request)), repository, queuedAt };
}

function newestOf(request: Request): string {
  return JSON.stringify(request.status?.attempts?.at(-1) ?? null);
}

interface Counts {
  readonly taken: number;
  readonly waiting: number;
}

function countsOf(slots: TargetSlots): Counts {
  return { taken: takenOf(slots), waiting: slots.queue.size };
}

/** How many slots are taken; a request is in one of the three at most. */
function takenOf({ held, reserved, unrecorded }: TargetSlots): number {
  return held.size + reserved.size + unrecorded.size;
}

function isCounted({ held, reserved, unrecorded }: TargetSlots, text: string): boolean {
  return held.has(text) || reserved.has(text) || unrecorded.has(text);
}

/** holdsSlot tells whether a stored request counts against maxRunners: admitted, and its instance not gone yet. */
export function holdsSlot(request: Request): boolean {
  // Nobody writes the status any more of one that somebody let go, so it would hold its slot for ever.
  if (!isTrue(request.status?.conditions, "Admitted") || isLetGo(request)) return false;
  const instance = request.status?.instance;
  // What became of its job may take a while to find out after its end; there is no runner meanwhile.
  return instance === undefined ? !isFinished(request.status) : instance.state !== "Stopped";
}

/** Reasons of Admitted with which a request asks for no slot: in the queue it would hold up those behind it. */
const notAsking: readonly string[] = [
  "AwaitingRetry",
  "AwaitingChange",
  "NotNeeded",
  "LabelsChanged",
] satisfies ReasonOf<"Admitted">[];

/**
 * wantsSlot tells whether a stored request waits for a slot: alive, and no pause between attempts going on. One that is admitted does not,
 * although it may hold none any more: its instance has ended, and it waits to hear what became of the job.
 */
function wantsSlot(request: Request): boolean {
  if (isFinished(request.status) || isLetGo(request) || request.metadata.deletionTimestamp !== undefined) return false;
  const admitted = getCondition(request.status?.conditions, "Admitted");
  return admitted?.status !== "True" && !notAsking.includes(admitted?.reason ?? "");
}

function runnersByRepository(slots: TargetSlots): Map<string, number> {
  const runners = new Map<string, number>();
  const unrecorded = [...slots.unrecorded.values()].map(({ repository }) => repository);
  for (const repositories of [slots.held.values(), slots.reserved.values(), unrecorded]) {
    for (const repository of repositories) runners.set(repository, (runners.get(repository) ?? 0) + 1);
  }
  return runners;
}
