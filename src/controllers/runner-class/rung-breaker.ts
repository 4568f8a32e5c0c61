import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { Wait } from "../../util/wait.ts";
import { type Circuit, isUnderWay, judge, nextLookMs, type Sign, type Signs, type Trial } from "./circuit.ts";
import { type CircuitPeriods, ruleOf } from "./circuit-periods.ts";
import { type Call, type Happening, isSettled } from "./happenings.ts";
import { Population } from "./population.ts";

/** Newest signs and trials that a rung keeps: many more than it takes to judge, so that each is counted once however often it is read. */
const kept = 200;

/** A sign that counts no more is remembered all the same, since the request that tells of it is read again. */
interface KeptSign extends Sign {
  spent: boolean;
}

/** RungBreaker is the circuit of one rung, what is known of the rung, and who may try it. */
export class RungBreaker {
  readonly #periods: CircuitPeriods;
  #circuit: Circuit | undefined;
  /** What is left of an open circuit's time, by a measure that a clock which is set back does not stretch. */
  #wait: Wait | undefined;
  readonly #interruptions = new Map<string, KeptSign>();
  readonly #refusals = new Map<string, KeptSign>();
  readonly #trials = new Map<string, Trial>();
  readonly #population: Population;
  #acceptedMs = Number.NEGATIVE_INFINITY;
  /** The launch that tries the half-open rung, from right before its call until its outcome is stored. */
  #probe: { call: Call; readonly wait: Wait } | undefined;

  constructor(periods: CircuitPeriods) {
    this.#periods = periods;
    this.#population = new Population(periods.interruptionWindowMs);
  }

  get circuit(): Circuit | undefined {
    return this.#circuit;
  }

  /** restore takes the circuit that an earlier leader stored. */
  restore(circuit: Circuit, nowMs: number): void {
    this.#set(circuit, nowMs);
  }

  /** counts tells whether the rung has the sign of a happening. */
  counts({ kind, key }: Happening): boolean {
    return (kind === "interruption" && this.#interruptions.has(key)) || (kind === "refusal" && this.#refusals.has(key));
  }

  /** note takes in what a request tells. */
  note(happening: Happening, nowMs: number): void {
    switch (happening.kind) {
      case "interruption":
        this.#noteSign(this.#interruptions, happening.key, happening.sign, ruleOf("Interruptions", this.#periods), nowMs);
        break;
      case "refusal":
        this.#noteSign(this.#refusals, happening.key, happening.sign, ruleOf("CapacityRefused", this.#periods), nowMs);
        break;
      case "runner":
        this.#acceptedMs = Math.max(this.#acceptedMs, happening.trial.launchedMs);
        this.count(happening, nowMs);
        this.#noteTrial(happening.key, happening.trial);
        break;
    }
  }

  /** count takes in that there is, or was, a runner. */
  count(happening: Happening, nowMs: number): void {
    if (happening.kind === "runner") this.#population.note(happening.uid, happening.key, happening.trial.endedMs, nowMs);
  }

  /** judge brings the circuit up to date, and tells what it has come through: every step of it, in order. */
  judge(nowMs: number): readonly (Circuit | undefined)[] {
    const steps: (Circuit | undefined)[] = [];
    // Signs that are seen late may lead through more than one state; each step consumes some, so there is an end.
    for (;;) {
      const before = this.#circuit;
      const after = judge(before, this.#signs(nowMs), nowMs, this.#periods, this.#wait?.isOver(nowMs));
      if (after === before) return steps;
      this.#set(after, nowMs);
      steps.push(after);
    }
  }

  /**
   * isAvoided tells a launch that is about to be made whether to pass the rung over. Where the rung is half-open, the first that asks
   * gets it, and again whenever it asks, until its outcome is stored or a time has passed.
   */
  isAvoided(call: Call, nowMs: number): boolean {
    if (this.#circuit === undefined) return false;
    if (this.#circuit.state === "Open") return true;
    for (const [key, trial] of this.#trials) {
      if (!key.startsWith(`${call.uid}/`) && isUnderWay(trial, nowMs, this.#periods)) return true;
    }
    if (this.#probe !== undefined && !this.#probe.wait.isOver(nowMs)) {
      if (this.#probe.call.uid !== call.uid) return true;
      this.#probe.call = call;
    } else {
      this.#probe = { call, wait: new Wait(nowMs, this.#periods.callMs) };
    }
    return false;
  }

  /** settle gives the rung to the next who tries it, once the outcome of the probe's call is stored. Its own signs are noted before. */
  settle(request: DeepReadonly<RunnerRequest>): void {
    const call = this.#probe?.call;
    if (call !== undefined && call.uid === request.metadata.uid && isSettled(request, call)) this.#probe = undefined;
  }

  /** gone forgets a request that does not exist any more. What it has told still counts. */
  gone(uid: string): void {
    if (this.#probe?.call.uid === uid) this.#probe = undefined;
    this.#population.gone(uid);
    for (const key of this.#trials.keys()) if (key.startsWith(`${uid}/`)) this.#trials.delete(key);
  }

  /** againInMs is how soon the circuit may change by itself; Infinity when only something that happens changes it. */
  againInMs(nowMs: number): number {
    if (this.#circuit === undefined) return Number.POSITIVE_INFINITY;
    if (this.#circuit.state === "Open") return this.#wait?.left(nowMs) ?? 0;
    return nextLookMs(this.#circuit, { trials: [...this.#trials.values()] }, nowMs, this.#periods) - nowMs;
  }

  #set(circuit: Circuit | undefined, nowMs: number): void {
    const before = this.#circuit;
    this.#circuit = circuit;
    if (circuit?.state === "Open") {
      // Never longer than its own span, whatever a clock that was set back says of its end.
      if (before?.state !== "Open" || before.untilMs !== circuit.untilMs)
        this.#wait = new Wait(nowMs, Math.max(0, Math.min(circuit.untilMs - nowMs, circuit.untilMs - circuit.sinceMs)));
    } else this.#wait = undefined;
    if (circuit?.state !== "HalfOpen") {
      this.#probe = undefined;
      this.#trials.clear();
    }
    // With a clock that was set back, what opened the circuit lies ahead, and would open it over and over.
    if (circuit?.state !== "Open")
      for (const sign of [...this.#interruptions.values(), ...this.#refusals.values()]) sign.spent ||= sign.atMs > nowMs;
  }

  #signs(nowMs: number): Signs {
    return {
      interruptions: inOrder(this.#interruptions),
      refusals: inOrder(this.#refusals),
      acceptedMs: this.#acceptedMs,
      runners: this.#population.size(nowMs),
      trials: [...this.#trials.values()],
    };
  }

  #noteSign(
    signs: Map<string, KeptSign>,
    key: string,
    sign: Sign,
    rule: { windowMs: number; openMs: number },
    nowMs: number,
  ): void {
    if (signs.has(key) || sign.atMs <= nowMs - rule.windowMs - rule.openMs) return;
    signs.set(key, { ...sign, spent: false });
    if (signs.size <= kept) return;
    const [oldest] = [...signs].reduce((a, b) => (b[1].atMs < a[1].atMs ? b : a));
    signs.delete(oldest);
  }

  /** Only those matter that were started since the rung may be tried again. */
  #noteTrial(key: string, trial: Trial): void {
    const isTrial = this.#circuit?.state === "HalfOpen" && trial.launchedMs >= this.#circuit.untilMs;
    if (isTrial && (this.#trials.has(key) || this.#trials.size < kept)) this.#trials.set(key, trial);
  }
}

function inOrder(signs: ReadonlyMap<string, KeptSign>): readonly Sign[] {
  return [...signs.values()].filter(({ spent }) => !spent).sort((a, b) => a.atMs - b.atMs);
}
