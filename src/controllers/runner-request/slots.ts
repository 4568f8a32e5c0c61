import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey, parseKey } from "../../kube/object.ts";
import type { Change } from "../../kube/store.ts";
import { isFinished, isLetGo } from "../../request/phase.ts";
import type { Wait } from "../../util/wait.ts";
import { holdsSlot, wantsSlot } from "./slot-rules.ts";
import { TargetSlots } from "./target-slots.ts";
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
    const before = countsOf(slots);
    if (holdsSlot(request)) {
      slots.hold(request);
    } else {
      // Not when it is being deleted: a launch may be under way, and its runner is there until the request has its end.
      const isOver = isFinished(request.status) || isLetGo(request);
      slots.unhold(request, isOver);
      if (wantsSlot(request) && !slots.hasSlot(request)) slots.enqueue(request);
      else slots.dequeue(request);
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
    const { taken } = slots;
    if (slots.hasSlot(request)) {
      const contended = taken + slots.waiting > max;
      return slots.isFound(request) && taken > max ? { granted: true, contended, adoptOnly: true } : { granted: true, contended };
    }
    slots.ask(request);
    if (!counted && slots.population > max) return { granted: false, contended: true, counting: true };
    // The request is among those who wait: when they all fit, a slot is free.
    const contended = taken + slots.waiting > max;
    if (contended && !slots.next().includes(keyText(keyOf(request)))) return { granted: false, contended };
    slots.grant(request);
    return { granted: true, contended };
  }

  /** ahead tells how many of those who wait get a slot before a request, by the order of the queue. */
  ahead(request: Request): number {
    return this.#slotsOf(request).ahead(request);
  }

  /**
   * reserve counts a runner that was found outside and that the stored status of its request does not mention, until a pass has stored what
   * became of it, or the request's end. The limit may be passed by it: the runner is there.
   *
   * @param lag how long the provider's list may not show its instance yet; that of the first call counts.
   */
  reserve(request: Request, lag: Wait): void {
    if (!isFinished(request.status)) this.#slotsOf(request).discover(request, lag);
  }

  /** found is how long its instance may not be listed yet, of a request for which a runner counts that its status does not mention. */
  found(request: Request): Wait | undefined {
    return this.#slotsOf(request).lagOf(request);
  }

  /** dismiss takes back that a runner was found for a request: there is none, so the request waits for its turn like the others. */
  dismiss(request: Request): void {
    const slots = this.#slotsOf(request);
    if (!slots.undiscover(request)) return;
    slots.enqueue(request);
    this.#wakeNext(slots);
  }

  /**
   * release gives a slot back that was granted and is not stored: who waits for something else than a slot needs none. A stored one goes
   * with the status that says so, and so does the place in the queue: only `follow` takes anybody out of it.
   */
  release(request: Request): void {
    const slots = this.#slotsOf(request);
    if (slots.revoke(request)) this.#wakeNext(slots);
  }

  #drop(request: Request): void {
    const targetText = keyText(targetKeyOf(request));
    const slots = this.#targets.get(targetText);
    if (slots === undefined) return;
    const before = countsOf(slots);
    slots.forget(request);
    this.#wakeAfter(slots, before);
    if (slots.isEmpty) this.#targets.delete(targetText);
  }

  /** Wakes whoever has got a turn that he did not have before. */
  #wakeAfter(slots: TargetSlots, before: Counts): void {
    if (slots.taken < before.taken) {
      this.#wakeNext(slots);
    } else if (slots.waiting < before.waiting) {
      // One left the queue, perhaps woken for a free slot that it did not take: only the last of those who are next is new among them.
      const last = slots.next().at(-1);
      if (last !== undefined) this.#wake(parseKey(last));
    }
  }

  #wakeNext(slots: TargetSlots): void {
    for (const text of slots.next()) this.#wake(parseKey(text));
  }

  #slotsOf(request: Request): TargetSlots {
    return this.#slots(keyText(targetKeyOf(request)));
  }

  #slots(targetText: string): TargetSlots {
    let slots = this.#targets.get(targetText);
    if (slots === undefined) {
      slots = new TargetSlots();
      this.#targets.set(targetText, slots);
    }
    return slots;
  }
}

interface Counts {
  readonly taken: number;
  readonly waiting: number;
}

function countsOf({ taken, waiting }: TargetSlots): Counts {
  return { taken, waiting };
}
