import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { type DeepReadonly, keyText, type ObjectKey } from "../../kube/object.ts";
import { type Change, specChanged } from "../../kube/store.ts";
import type { Clock } from "../../util/clock.ts";
import type { Circuit } from "./circuit.ts";
import type { CircuitMetrics } from "./circuit-metrics.ts";
import type { CircuitPeriods } from "./circuit-periods.ts";
import { fromEntry } from "./circuit-status.ts";
import type { RunnerClassObject } from "./controller.ts";
import { type Call, type Happening, happeningsOf } from "./happenings.ts";
import { RungBreaker } from "./rung-breaker.ts";

type Request = DeepReadonly<RunnerRequest>;
type Class = DeepReadonly<RunnerClassObject>;

/** ClassName names a class of any kind. */
interface ClassName extends ObjectKey {
  readonly kind: string;
}

/** CircuitsDeps are how circuits learn of classes, and whom they tell. */
export interface CircuitsDeps {
  readonly runnerClass: (name: ClassName) => Class | undefined;
  /** The class of a request's target: what was never launched names none. */
  readonly classOfTarget: (request: Request) => ClassName | undefined;
  /** Called with a class of which a circuit has changed. */
  readonly changed: (name: ClassName) => void;
  readonly metrics: CircuitMetrics;
  readonly clock: Clock;
  readonly periods: CircuitPeriods;
}

/** RungCircuit is the circuit of a rung that is not closed. */
export interface RungCircuit {
  readonly rung: string;
  readonly circuit: Circuit;
}

/**
 * Circuits keeps a circuit breaker for every rung of every class' ladder. It follows the requests in the store; the open circuits
 * themselves are stored in the status of their class, and everything else follows from the requests, so that a new leader begins where
 * the one before it ended. It is bounded by the classes and their rungs.
 */
export class Circuits {
  readonly #deps: CircuitsDeps;
  /** By class and by rung; only rungs that something is known of. */
  readonly #classes = new Map<string, Map<string, RungBreaker>>();

  constructor(deps: CircuitsDeps) {
    this.#deps = deps;
    deps.metrics.watch(() => this.#open());
  }

  /** lead takes over: first what the leader before stored, then what the requests tell. */
  lead(classes: Iterable<Class>, requests: Iterable<Request>): void {
    const nowMs = this.#deps.clock.now();
    for (const cls of classes) {
      for (const entry of cls.status?.circuit ?? []) this.#breaker(nameOf(cls), entry.capacity)?.restore(fromEntry(entry), nowMs);
    }
    const all = [...requests];
    // How many runners there are, before any of them tells of an interruption: two of three are many, two of a hundred are not.
    for (const request of all) for (const [breaker, happening] of this.#told(request)) breaker.count(happening, nowMs);
    for (const request of all) this.#take(request);
  }

  /** follow is the handler of the requests' informer; only the leader listens. */
  follow(change: Change<Request>): void {
    if (change.type === "delete" || (change.type === "update" && change.old.metadata.uid !== change.new.metadata.uid)) {
      const uid = change.old.metadata.uid ?? "";
      for (const rungs of this.#classes.values()) for (const breaker of rungs.values()) breaker.gone(uid);
    }
    if (change.type !== "delete") this.#take(change.new);
  }

  /** followClass is the handler of the classes' informer: a rung that is not there any more has no circuit, nor has one of another class. */
  followClass(change: Change<Class>): void {
    if (!specChanged(change)) return;
    const cls = change.type === "delete" ? change.old : change.new;
    const text = textOf(nameOf(cls));
    const rungs = this.#classes.get(text);
    if (rungs === undefined) return;
    const remade = change.type === "update" && change.old.metadata.uid !== change.new.metadata.uid;
    if (change.type === "delete" || remade) {
      this.#classes.delete(text);
    } else {
      const names = rungsOf(cls);
      for (const rung of rungs.keys()) if (!names.includes(rung)) rungs.delete(rung);
    }
  }

  /**
   * avoid is asked right before a call that starts a runner: it names the rungs to pass over. A half-open rung is given to one call at a
   * time, and to the same one however often it is repeated.
   *
   * @param only the one rung that the runner may come from, if its job asked for it.
   */
  avoid(name: ClassName, call: Call, only: string | undefined): readonly string[] {
    const nowMs = this.#deps.clock.now();
    const avoided: string[] = [];
    for (const [rung, breaker] of this.#classes.get(textOf(name)) ?? []) {
      this.#judge(name, breaker, nowMs);
      // Whoever may not go there does not take the place of one who may.
      if (only !== undefined && only !== rung) continue;
      if (breaker.isAvoided(call, nowMs)) avoided.push(rung);
    }
    return avoided;
  }

  /** of are the circuits of a class that are not closed, in the order of its ladder, and how soon they may change by themselves. */
  of(cls: Class): { readonly circuits: readonly RungCircuit[]; readonly againInMs: number } {
    const nowMs = this.#deps.clock.now();
    const rungs = this.#classes.get(textOf(nameOf(cls)));
    const circuits: RungCircuit[] = [];
    let againInMs = Number.POSITIVE_INFINITY;
    for (const rung of rungsOf(cls)) {
      const breaker = rungs?.get(rung);
      if (breaker === undefined) continue;
      this.#judge(nameOf(cls), breaker, nowMs);
      if (breaker.circuit !== undefined) circuits.push({ rung, circuit: breaker.circuit });
      againInMs = Math.min(againInMs, breaker.againInMs(nowMs));
    }
    return { circuits, againInMs };
  }

  #take(request: Request): void {
    const nowMs = this.#deps.clock.now();
    const name = this.#classOf(request);
    if (name === undefined) return;
    for (const [breaker, happening] of this.#told(request)) {
      // First, since the time may be over since when what happened counts for the trial.
      this.#judge(name, breaker, nowMs);
      breaker.note(happening, nowMs);
      this.#judge(name, breaker, nowMs);
    }
    for (const breaker of this.#classes.get(textOf(name))?.values() ?? []) breaker.settle(request);
  }

  /** What a request tells, and the breaker of the rung of which it tells that. */
  *#told(request: Request): Iterable<readonly [RungBreaker, Happening]> {
    const name = this.#classOf(request);
    if (name === undefined) return;
    for (const happening of happeningsOf(request)) {
      // An attempt does not say which class it was made with: one that was counted keeps its place when the target gets another class.
      if (this.#countsElsewhere(name, happening)) continue;
      const breaker = this.#breaker(name, happening.rung);
      if (breaker !== undefined) yield [breaker, happening];
    }
  }

  #classOf(request: Request): ClassName | undefined {
    return request.status?.instance?.classRef ?? this.#deps.classOfTarget(request);
  }

  #countsElsewhere(name: ClassName, happening: Happening): boolean {
    const own = textOf(name);
    for (const [text, rungs] of this.#classes) {
      if (text !== own && rungs.get(happening.rung)?.counts(happening) === true) return true;
    }
    return false;
  }

  #judge(name: ClassName, breaker: RungBreaker, nowMs: number): void {
    let before = breaker.circuit;
    const steps = breaker.judge(nowMs);
    for (const step of steps) {
      if (step?.state === "Open" && (before?.state !== "Open" || before.sinceMs !== step.sinceMs))
        this.#deps.metrics.opened(step.reason);
      before = step;
    }
    if (steps.length > 0) this.#deps.changed(name);
  }

  /** The breaker of a rung; undefined when the class has none of that name. */
  #breaker(name: ClassName, rung: string): RungBreaker | undefined {
    const text = textOf(name);
    const rungs = this.#classes.get(text) ?? new Map<string, RungBreaker>();
    const known = rungs.get(rung);
    if (known !== undefined) return known;
    const cls = this.#deps.runnerClass(name);
    if (cls === undefined || !rungsOf(cls).includes(rung)) return undefined;
    const made = new RungBreaker(this.#deps.periods);
    this.#classes.set(text, rungs.set(rung, made));
    return made;
  }

  *#open(): Iterable<Circuit> {
    for (const rungs of this.#classes.values()) {
      for (const { circuit } of rungs.values()) if (circuit !== undefined) yield circuit;
    }
  }
}

/** The rungs of a class' ladder; a class without a ladder has none, and so no circuits. */
function rungsOf({ spec }: Class): readonly string[] {
  return spec.capacity?.map(({ name }) => name) ?? [];
}

function nameOf({ kind, metadata }: Class): ClassName {
  return { kind, namespace: metadata.namespace ?? "", name: metadata.name };
}

function textOf(name: ClassName): string {
  return `${name.kind} ${keyText(name)}`;
}
