import { beforeEach, describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { newRequest } from "../../request/testing.ts";
import { isoTime } from "../../util/clock.ts";
import { CircuitBench, className, newClass } from "./testing.ts";

const second = 1_000;
const minute = 60 * second;

let bench: CircuitBench;

beforeEach(() => {
  bench = new CircuitBench();
});

function open(): void {
  bench.follow(bench.interrupted("a"), bench.interrupted("b"));
  expect(bench.states()).toEqual(["spot Open"]);
}

function halfOpen(): void {
  open();
  bench.nowMs += 30 * minute;
  expect(bench.states()).toEqual(["spot HalfOpen"]);
}

describe("circuits of a large fleet", () => {
  const fleet = (bench: CircuitBench, size: number, interrupted: number): RunnerRequest[] =>
    Array.from({ length: size }, (_, index) =>
      index < interrupted ? bench.interrupted(`r${index}`) : bench.accepted(`r${index}`),
    );

  it("bear interruptions of a few, and a new leader bears the same", () => {
    const bench = new CircuitBench();
    const requests = fleet(bench, 100, 4);
    bench.follow(...fleet(bench, 100, 0), ...requests);
    expect(bench.states()).toEqual([]);
    bench.restart(requests);
    expect(bench.states()).toEqual([]);
  });

  it("open when one in 20 is interrupted, whatever had its end before the window", () => {
    const bench = new CircuitBench();
    const early = fleet(bench, 200, 0).map((request) => bench.done(request));
    bench.follow(...early);
    bench.nowMs += 16 * 60_000;
    bench.follow(...fleet(bench, 100, 0));
    bench.follow(...fleet(bench, 100, 5));
    expect(bench.states()).toEqual(["spot Open"]);
  });
});

describe("Circuits", () => {
  it("counts what a request tells once, however often its status is read", () => {
    bench.follow(bench.interrupted("a"), bench.interrupted("a"), bench.ended(bench.interrupted("a")));
    expect(bench.states()).toEqual([]);
    bench.follow(bench.refused("r"), bench.refused("r"), bench.refused("r"), bench.refused("r"), bench.refused("r"));
    expect(bench.states()).toEqual([]);
  });

  it("counts each try of a request that is refused again and again", () => {
    for (let tries = 1; tries <= 5; tries += 1) bench.follow(bench.refused("r", tries));
    expect(bench.states()).toEqual(["spot Open"]);
  });

  it("takes any runner that the rung gives for the end of its refusals", () => {
    for (let tries = 1; tries <= 4; tries += 1) bench.follow(bench.refused("r", tries));
    bench.nowMs += second;
    bench.follow(bench.accepted("x"));
    bench.nowMs += second;
    for (let tries = 5; tries <= 8; tries += 1) bench.follow(bench.refused("r", tries));
    expect(bench.states()).toEqual([]);
    bench.follow(bench.refused("r", 9));
    expect(bench.states()).toEqual(["spot Open"]);
    bench.nowMs += second;
    bench.follow(bench.accepted("y"));
    expect(bench.states()).toEqual([]);
  });

  it("counts refusals also of calls that a later rung accepted, and what becomes of an attempt after its instance is forgotten", () => {
    const later = (uid: string) =>
      bench.request(uid, { ...bench.refused(uid).status?.attempts?.[0], tries: 0, providerId: uid, capacity: "on-demand" });
    bench.follow(...["a", "b", "c", "d", "e"].map(later));
    expect(bench.circuits.of(bench.cls).circuits[0]?.circuit.reason).toBe("CapacityRefused");
    const at = isoTime(bench.nowMs);
    const over = { providerId: "i", capacity: "spot", startedAt: at, endedAt: at, reason: "Interrupted" };
    const attempts = [1, 2].map((number) => ({ number, ...over }));
    bench.follow(newRequest({ status: { attempts } }));
    expect(bench.circuits.of(bench.cls).circuits[0]?.circuit.reason).toBe("Interruptions");
  });

  it("has no circuit for a rung that the class does not have, nor for one that it loses", () => {
    bench.follow(...["a", "b"].map((uid) => bench.interrupted(uid, "gone")));
    expect(bench.states()).toEqual([]);
    open();
    const old = bench.cls;
    bench.cls = newClass(["cheap", "on-demand"], "c-1", 2);
    bench.circuits.followClass({ type: "update", old, new: bench.cls });
    bench.cls = newClass(["spot"], "c-1", 3);
    expect(bench.states()).toEqual([]);
  });

  it("keeps its circuits when other things of the class change, and forgets them with the class", () => {
    open();
    bench.circuits.followClass({ type: "update", old: bench.cls, new: newClass(["spot", "on-demand"], "c-1", 2) });
    expect(bench.states()).toEqual(["spot Open"]);
    bench.circuits.followClass({ type: "update", old: bench.cls, new: newClass(["spot", "on-demand"], "c-2") });
    expect(bench.states()).toEqual([]);
  });

  it("does not hold against a class what a target's class before it refused", () => {
    bench.classOfTarget = { ...className, name: "before" };
    const refused = ["a", "b", "c", "d", "e"].map((uid) => bench.refused(uid));
    bench.follow(...refused);
    expect(bench.states()).toEqual([]);
    bench.classOfTarget = className;
    bench.follow(...refused);
    expect(bench.states()).toEqual([]);
    for (let tries = 2; tries <= 6; tries += 1) bench.follow(bench.refused("a", tries));
    expect(bench.states()).toEqual(["spot Open"]);
  });

  it("tells of every change, and counts openings", async () => {
    open();
    expect(bench.changes).toBe(1);
    bench.nowMs += 30 * minute;
    expect(bench.avoided("x")).toEqual([]);
    expect(bench.changes).toBe(2);
    bench.follow(bench.ended(bench.accepted("x"), { interruptedAt: isoTime(bench.nowMs + second) }));
    expect(bench.changes).toBe(3);
    const text = await bench.registry.metrics();
    expect(text).toContain('getabako_circuit_openings_total{reason="Interruptions"} 2');
    expect(text).toContain('getabako_circuits_open{reason="Interruptions",state="Open"} 1');
    expect(text).toContain('getabako_circuits_open{reason="Interruptions",state="HalfOpen"} 0');
  });

  it("says how soon a circuit changes by itself", () => {
    expect(bench.circuits.of(bench.cls).againInMs).toBe(Number.POSITIVE_INFINITY);
    open();
    bench.nowMs += 10 * minute;
    expect(bench.circuits.of(bench.cls).againInMs).toBe(20 * minute);
    bench.nowMs += 20 * minute;
    expect(bench.circuits.of(bench.cls).againInMs).toBe(Number.POSITIVE_INFINITY);
    const probe = bench.accepted("x");
    bench.follow(probe);
    const running = structuredClone(probe);
    Object.assign(running.status?.instance ?? {}, { state: "Running", startedAt: isoTime(bench.nowMs) });
    bench.follow(running);
    expect(bench.circuits.of(bench.cls).againInMs).toBe(5 * minute);
    bench.nowMs += 5 * minute;
    expect(bench.states()).toEqual([]);
  });
});

describe("the try of a half-open rung", () => {
  beforeEach(halfOpen);

  it("goes to one launch, which keeps it when it repeats its call", () => {
    expect(bench.avoided("x")).toEqual([]);
    expect(bench.avoided("y")).toEqual(["spot"]);
    expect(bench.avoided("x")).toEqual([]);
  });

  it("is not taken by a job that may not use the rung", () => {
    expect(bench.avoided("x", { only: "on-demand" })).toEqual([]);
    expect(bench.avoided("y")).toEqual([]);
  });

  it("is free again when another rung gave the runner", () => {
    bench.avoided("x");
    bench.follow(bench.accepted("x", "on-demand"));
    expect(bench.avoided("y")).toEqual([]);
  });

  it("is free again when the provider refused for another reason, and not by what was stored before", () => {
    bench.avoided("x", { tries: 1 });
    bench.follow(bench.request("x", { tries: 1, triedAt: isoTime(bench.nowMs) }));
    expect(bench.avoided("y")).toEqual(["spot"]);
    bench.follow(bench.request("x", { tries: 2, triedAt: isoTime(bench.nowMs) }));
    expect(bench.avoided("y")).toEqual([]);
  });

  it("is free again when the request is gone, or nobody hears of its call", () => {
    bench.avoided("x");
    bench.circuits.follow({ type: "delete", old: newRequest({ uid: "x" }) });
    expect(bench.avoided("y")).toEqual([]);
    bench.nowMs += 2 * minute;
    expect(bench.avoided("z")).toEqual([]);
    expect(bench.avoided("y")).toEqual(["spot"]);
  });

  it("lasts until the runner has proved the rung, has ended otherwise, or took too long", () => {
    bench.avoided("x");
    bench.follow(bench.accepted("x"));
    bench.nowMs += 10 * minute;
    expect(bench.avoided("y")).toEqual(["spot"]);
    bench.nowMs += 5 * minute;
    expect(bench.avoided("y")).toEqual([]);
    bench.follow(bench.accepted("y"));
    expect(bench.avoided("z")).toEqual(["spot"]);
    bench.follow(bench.ended(bench.accepted("y")));
    expect(bench.states()).toEqual(["spot HalfOpen"]);
    expect(bench.avoided("z")).toEqual([]);
  });

  it("goes to the runner that is at it, in the next leader too", () => {
    const probe = bench.accepted("x");
    bench.avoided("x");
    bench.follow(probe);
    bench.restart([probe]);
    expect(bench.states()).toEqual(["spot HalfOpen"]);
    expect(bench.avoided("y")).toEqual(["spot"]);
    bench.follow(bench.done(probe));
    expect(bench.states()).toEqual([]);
  });
});

describe("a clock that is set", () => {
  it("back does not stretch an open circuit beyond twice its span, nor open it over and over", () => {
    const first = [bench.interrupted("a"), bench.interrupted("b")];
    bench.follow(...first);
    bench.nowMs -= 10 * 60 * minute;
    expect(bench.states()).toEqual(["spot Open"]);
    bench.nowMs += 30 * minute;
    expect(bench.states()).toEqual(["spot HalfOpen"]);
    expect(bench.avoided("x")).toEqual([]);
    bench.follow(bench.done(bench.accepted("x")));
    expect(bench.states()).toEqual([]);
    bench.follow(...first);
    expect(bench.states()).toEqual([]);
    bench.nowMs += 60 * minute;
    expect(bench.states()).toEqual([]);
  });

  it("back does not stretch one that an earlier leader opened", () => {
    open();
    bench.nowMs -= 10 * 60 * minute;
    bench.restart([]);
    bench.nowMs += 30 * minute;
    expect(bench.states()).toEqual(["spot HalfOpen"]);
  });

  it("forward ends it early", () => {
    open();
    bench.nowMs += 10 * 60 * minute;
    expect(bench.states()).toEqual(["spot HalfOpen"]);
    bench.nowMs -= 10 * 60 * minute;
    expect(bench.states()).toEqual(["spot HalfOpen"]);
  });
});
