import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { isoTime } from "../../util/clock.ts";
import { circuitPeriods as periods } from "./circuit-periods.ts";
import { CircuitBench } from "./testing.ts";

type Step = readonly ["wait", number] | readonly ["launch" | "accept" | "refuse" | "interrupt" | "finish" | "restart", string];

const uids = ["p", "q", "r"] as const;
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.tuple(fc.constant("wait" as const), fc.constantFrom(60, 300, 900, 1_800)),
    fc.tuple(fc.constantFrom("launch" as const, "accept" as const, "refuse" as const), fc.constantFrom(...uids)),
    fc.tuple(
      fc.constantFrom("launch" as const, "interrupt" as const, "finish" as const, "restart" as const),
      fc.constantFrom(...uids),
    ),
  ),
  { maxLength: 60 },
);

/** What opens the circuit and waits until it is half-open, so that most histories have something to tell. */
const opening: readonly Step[] = [
  ["accept", "p"],
  ["interrupt", "p"],
  ["accept", "q"],
  ["interrupt", "q"],
  ["wait", 1_800],
];

/** History plays requests against Circuits, and notes what must not be. */
class History {
  readonly #bench = new CircuitBench();
  readonly #stored = new Map<string, RunnerRequest>();
  /** Who is on the half-open rung, and for how long the others have to leave it to them: while a call lasts, and then its runner. */
  readonly #trying = new Map<string, { readonly untilMs: number; readonly stored: boolean }>();
  readonly wrong: string[] = [];

  play([what, value]: Step): void {
    const bench = this.#bench;
    if (what === "wait") {
      bench.nowMs += value * 1_000;
      return;
    }
    // One thing a second, so that an order can be told from what is stored.
    bench.nowMs += 1_000;
    if (what === "launch") this.#launch(value);
    else if (what === "accept") this.#answer(value, bench.accepted(value));
    else if (what === "refuse") this.#answer(value, bench.refused(value));
    else if (what === "restart") this.#restart();
    else this.#end(value, what === "interrupt");
  }

  #launch(uid: string): void {
    const [state] = this.#bench.states();
    const rungs = this.#bench.avoided(uid, { attempt: this.#attemptOf(uid) + 1 });
    this.#expect(
      rungs.every((rung) => rung === "spot"),
      "a rung that nothing happened on is passed over",
    );
    if (state === undefined) this.#expect(rungs.length === 0, "a closed circuit is passed over");
    if (state === "spot Open") this.#expect(rungs.length === 1, "an open circuit is not passed over");
    if (state !== "spot HalfOpen" || rungs.length > 0) return;
    const { nowMs } = this.#bench;
    for (const [other, { untilMs }] of this.#trying) {
      if (untilMs <= nowMs) this.#trying.delete(other);
      else this.#expect(other === uid, `${uid} tries the rung while ${other} does`);
    }
    if (!this.#trying.has(uid)) this.#trying.set(uid, { untilMs: nowMs + periods.callMs, stored: false });
  }

  #answer(uid: string, answered: RunnerRequest): void {
    // As the controller starts over: the attempts stay, the instance goes.
    const known = this.#stored.get(uid)?.status;
    const earlier = known?.attempts?.map((attempt) => {
      const interruptedAt = attempt.number === this.#attemptOf(uid) ? known.instance?.interruptedAt : undefined;
      // An attempt ends some time after the notice.
      const endedAt = isoTime(this.#bench.nowMs);
      return interruptedAt === undefined ? attempt : { ...attempt, reason: "Interrupted", interruptedAt, endedAt };
    });
    const newest = answered.status?.attempts?.map((attempt) => ({ ...attempt, number: this.#attemptOf(uid) + 1 }));
    const attempts = [...(earlier ?? []), ...(newest ?? [])].slice(-5);
    this.#store({ ...answered, status: { ...answered.status, attempts } });
    if (answered.status?.instance === undefined) this.#trying.delete(uid);
    else this.#trying.set(uid, { untilMs: this.#bench.nowMs + periods.trialMs, stored: true });
    if (this.#bench.states()[0] !== "spot HalfOpen") this.#trying.clear();
  }

  #end(uid: string, interrupted: boolean): void {
    const known = this.#stored.get(uid);
    if (known?.status?.instance === undefined || known.status.instance.state === "Stopped") return;
    this.#store(interrupted ? this.#bench.ended(known, { interruptedAt: isoTime(this.#bench.nowMs) }) : this.#bench.done(known));
  }

  #restart(): void {
    const before = JSON.stringify(this.#bench.circuits.of(this.#bench.cls).circuits);
    this.#bench.restart(this.#stored.values());
    const after = JSON.stringify(this.#bench.circuits.of(this.#bench.cls).circuits);
    this.#expect(after === before, `a restart makes ${after} of ${before}`);
    for (const [uid, { stored }] of this.#trying) if (!stored) this.#trying.delete(uid);
  }

  #store(request: RunnerRequest): void {
    this.#stored.set(request.metadata.uid ?? "", request);
    this.#bench.follow(request);
  }

  #attemptOf(uid: string): number {
    return this.#stored.get(uid)?.status?.attempts?.at(-1)?.number ?? 0;
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.wrong.push(otherwise);
  }
}

describe("Circuits, whatever happens,", () => {
  it("let one launch at a time on a half-open rung, pass over nothing else, and are the same after a restart", () => {
    fc.assert(
      fc.property(fc.boolean(), steps, (opened, history) => {
        const played = new History();
        for (const step of opened ? [...opening, ...history] : history) played.play(step);
        expect(played.wrong).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
