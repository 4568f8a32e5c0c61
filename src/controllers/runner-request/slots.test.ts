import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { type DeepReadonly, keyText, type ObjectKey } from "../../kube/object.ts";
import { observe, openStatus, type RequestStatus } from "../../request/status.ts";
import { newRequest } from "../../request/testing.ts";
import { Wait } from "../../util/wait.ts";
import { SlotLedger } from "./slots.ts";

const nowMs = Date.parse("2026-01-15T09:00:00Z");
const lag = new Wait(nowMs, 60_000);
type Request = DeepReadonly<RunnerRequest>;

function requestNumber(number: number, repository = "acme/web"): RunnerRequest {
  const queuedAt = new Date(nowMs + number * 1_000).toISOString();
  return newRequest({ name: `job-${1000 + number}`, job: { id: String(1000 + number), repository, queuedAt } });
}

function withStatus(request: RunnerRequest, change: (status: RequestStatus) => void): RunnerRequest {
  const status = openStatus(request, nowMs);
  change(status);
  return { ...request, status };
}

const admitted = (request: RunnerRequest): RunnerRequest =>
  withStatus(request, (status) => observe(status, "Admitted", "True", "SlotFree", "", nowMs));
const finished = (request: RunnerRequest): RunnerRequest =>
  withStatus(admitted(request), (status) => observe(status, "Succeeded", "True", "JobCompleted", "", nowMs));

function withInstance(request: RunnerRequest, state: "Running" | "Stopping" | "Stopped"): RunnerRequest {
  const classRef = { kind: "ECSRunnerClass", namespace: "default", name: "a" };
  return withStatus(request, (status) =>
    Object.assign(status, { instance: { providerId: "i-1", state, classRef, connection: {} } }),
  );
}

function ledger(): { slots: SlotLedger; woken: string[] } {
  const woken: string[] = [];
  return { slots: new SlotLedger((key: ObjectKey) => woken.push(keyText(key))), woken };
}

describe("SlotLedger", () => {
  it("grants up to the limit and lets the rest wait", () => {
    const { slots } = ledger();
    const granted = [0, 1, 2, 3].map((number) => slots.claim(requestNumber(number), 2).granted);
    expect(granted).toEqual([true, true, false, false]);
  });

  it("grants the same request again, without taking a second slot", () => {
    const { slots } = ledger();
    expect(slots.claim(requestNumber(0), 2).granted).toBe(true);
    expect(slots.claim(requestNumber(0), 2).granted).toBe(true);
    expect(slots.claim(requestNumber(1), 2).granted).toBe(true);
    expect(slots.claim(requestNumber(2), 2).granted).toBe(false);
  });

  it("says when not everybody fits, so that the grant is stored before it is used", () => {
    const { slots } = ledger();
    expect(slots.claim(requestNumber(0), 1)).toEqual({ granted: true, contended: false });
    slots.follow({ type: "add", new: requestNumber(1) });
    expect(slots.claim(requestNumber(0), 1)).toEqual({ granted: true, contended: true });
  });

  it("does not free a slot because of a stale event", () => {
    const { slots } = ledger();
    const request = requestNumber(0);
    slots.claim(request, 1);
    slots.follow({ type: "update", old: request, new: { ...request, metadata: { ...request.metadata, resourceVersion: "2" } } });
    expect(slots.claim(requestNumber(1), 1).granted).toBe(false);
  });

  it("frees the slot of a finished request and wakes the oldest that waits", () => {
    const { slots, woken } = ledger();
    const first = requestNumber(0);
    slots.claim(first, 1);
    slots.follow({ type: "update", old: first, new: admitted(first) });
    slots.claim(requestNumber(2), 1);
    slots.claim(requestNumber(1), 1);
    slots.follow({ type: "update", old: admitted(first), new: finished(first) });
    expect(woken).toEqual(["default/job-1001"]);
    expect(slots.claim(requestNumber(2), 1).granted).toBe(false);
    expect(slots.claim(requestNumber(1), 1).granted).toBe(true);
  });

  it("keeps the slot of a finished request until its instance has ended", () => {
    const { slots } = ledger();
    const ending = withInstance(finished(requestNumber(0)), "Stopping");
    slots.follow({ type: "add", new: ending });
    expect(slots.claim(requestNumber(1), 1).granted).toBe(false);
    slots.follow({ type: "update", old: ending, new: withInstance(ending, "Stopped") });
    expect(slots.claim(requestNumber(1), 1).granted).toBe(true);
  });

  it("gives the slot of an instance that has ended to the next, also while its request waits to hear what became of the job", () => {
    const { slots, woken } = ledger();
    const running = withInstance(admitted(requestNumber(0)), "Running");
    slots.follow({ type: "add", new: running });
    slots.claim(requestNumber(1), 1);
    const unsettled = withInstance(running, "Stopped");
    slots.follow({ type: "update", old: running, new: unsettled });
    expect(woken).toEqual(["default/job-1001"]);
    expect(slots.ahead(requestNumber(1))).toBe(0);
    expect(slots.claim(requestNumber(1), 1).granted).toBe(true);
  });

  it("wakes the next when the one that was woken leaves the queue without taking the slot", () => {
    const { slots, woken } = ledger();
    const [first, second, third] = [requestNumber(0), requestNumber(1), requestNumber(2)];
    for (const request of [first, second, third]) slots.follow({ type: "add", new: request });
    slots.limit({ namespace: "default", name: "web" }, 1);
    const unneeded = withStatus(first, (status) => observe(status, "Admitted", "Unknown", "NotNeeded", "", nowMs));
    slots.follow({ type: "update", old: first, new: unneeded });
    slots.follow({ type: "delete", old: second });
    expect(woken).toEqual(["default/job-1000", "default/job-1001", "default/job-1002"]);
  });

  it("keeps the place of a request whose slot was released because it waits for its target", () => {
    const { slots } = ledger();
    const [older, younger] = [requestNumber(0), requestNumber(1)];
    const waiting = withStatus(older, (status) => observe(status, "Admitted", "Unknown", "TargetPaused", "", nowMs));
    slots.follow({ type: "add", new: waiting });
    slots.release(waiting);
    expect(slots.claim(younger, 1).granted).toBe(false);
    expect(slots.claim(waiting, 1).granted).toBe(true);
  });

  it("frees the slot of a request whose finalizer somebody took away", () => {
    const { slots, woken } = ledger();
    const running = withInstance(admitted(requestNumber(0)), "Running");
    slots.follow({ type: "add", new: running });
    slots.claim(requestNumber(1), 1);
    const { finalizers: _, ...metadata } = running.metadata;
    slots.follow({ type: "update", old: running, new: { ...running, metadata } });
    expect(woken).toEqual(["default/job-1001"]);
    expect(slots.claim(requestNumber(1), 1).granted).toBe(true);
  });

  it("keeps a granted slot that is not stored yet when the request is being deleted: its runner may be starting", () => {
    const { slots, woken } = ledger();
    const launching = requestNumber(0);
    slots.claim(launching, 1);
    slots.follow({ type: "add", new: requestNumber(1) });
    const deleting = { ...launching, metadata: { ...launching.metadata, deletionTimestamp: "2026-01-15T09:00:00Z" } };
    slots.follow({ type: "update", old: launching, new: deleting });
    expect(woken).toEqual([]);
    expect(slots.claim(requestNumber(1), 1).granted).toBe(false);
    slots.follow({ type: "delete", old: deleting });
    expect(woken).toEqual(["default/job-1001"]);
  });

  it("drops a request that was made again under its name while nobody watched", () => {
    const { slots } = ledger();
    const before = admitted(requestNumber(0));
    const again = newRequest({ name: before.metadata.name, target: "other" });
    slots.follow({ type: "add", new: before });
    slots.follow({ type: "update", old: before, new: again });
    expect(slots.claim(requestNumber(1), 1).granted).toBe(true);
  });

  it("gives a repository with few runners its turn although another has asked a hundred times before", () => {
    const { slots } = ledger();
    const many = Array.from({ length: 100 }, (_, number) => requestNumber(number, "acme/many"));
    for (const request of many) slots.follow({ type: "add", new: request });
    slots.follow({ type: "add", new: requestNumber(500, "acme/few") });
    expect(slots.claim(requestNumber(500, "acme/few"), 2).granted).toBe(true);
    expect(slots.claim(requestNumber(1, "acme/many"), 2).granted).toBe(false);
    expect(slots.claim(requestNumber(0, "acme/many"), 2).granted).toBe(true);
  });

  it("wakes those whose turn has come when the limit is raised, and grants nothing when it is lowered", () => {
    const { slots, woken } = ledger();
    slots.claim(requestNumber(0), 1);
    slots.claim(requestNumber(1), 1);
    slots.claim(requestNumber(2), 1);
    slots.limit({ namespace: "default", name: "web" }, 2);
    expect(woken).toEqual(["default/job-1001"]);
    expect(slots.claim(requestNumber(1), 0).granted).toBe(false);
  });

  it("never exceeds the limit and never forgets anybody, whatever happens in whatever order", () => {
    const step = fc.record({
      number: fc.nat(11),
      action: fc.constantFrom("claim", "store", "finish", "release", "delete" as const),
      max: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (steps, max) => {
        const { slots } = ledger();
        const world = new Map<number, { request: Request; state: "waiting" | "granted" | "stored" }>();
        const get = (number: number) => {
          const request = requestNumber(number, number % 3 === 0 ? "acme/web" : "acme/api");
          const known = world.get(number) ?? { request, state: "waiting" as const };
          if (!world.has(number)) slots.follow({ type: "add", new: request });
          world.set(number, known);
          return { request, known };
        };
        for (const { number, action } of steps) {
          const { request, known } = get(number);
          if (action === "claim" && slots.claim(request, max).granted && known.state === "waiting") known.state = "granted";
          else if (action === "store" && known.state === "granted") {
            slots.follow({ type: "update", old: request, new: admitted(request) });
            known.state = "stored";
          } else if (action === "release" && known.state === "granted") {
            slots.release(request);
            known.state = "waiting";
          } else if (action === "finish" && known.state === "stored") {
            slots.follow({ type: "update", old: admitted(request), new: finished(request) });
            slots.follow({ type: "delete", old: finished(request) });
            world.delete(number);
          } else if (action === "delete" && known.state === "waiting") {
            slots.follow({ type: "delete", old: request });
            world.delete(number);
          }
          expect([...world.values()].filter(({ state }) => state !== "waiting").length).toBeLessThanOrEqual(max);
        }
        // With as many slots as there are requests, everybody who waits gets one.
        for (const { request } of world.values()) expect(slots.claim(request, 100).granted).toBe(true);
      }),
    );
  });

  describe("a runner that no status mentions", () => {
    const stale = (request: RunnerRequest): void =>
      slots.follow({
        type: "update",
        old: request,
        new: { ...request, metadata: { ...request.metadata, resourceVersion: "9" } },
      });
    let slots: SlotLedger;
    let woken: string[];
    beforeEach(() => ({ slots, woken } = ledger()));

    it("holds a slot whatever a stale event or a release says, until its status does", () => {
      const request = requestNumber(0);
      slots.claim(request, 1);
      slots.reserve(request, lag);
      slots.release(request);
      expect(slots.claim(requestNumber(1), 1).granted).toBe(false);
      stale(request);
      expect(slots.claim(requestNumber(1), 1).granted).toBe(false);
      slots.follow({ type: "update", old: request, new: admitted(request) });
      expect(slots.claim(requestNumber(1), 1).granted).toBe(false);
      expect(slots.claim(requestNumber(2), 2).granted).toBe(false);
      slots.follow({ type: "update", old: admitted(request), new: finished(request) });
      expect(woken).toContain("default/job-1001");
    });

    it("is granted its own slot although it passes the limit, and counts once", () => {
      slots.claim(requestNumber(1), 1);
      slots.reserve(requestNumber(0), lag);
      slots.reserve(requestNumber(0), lag);
      expect(slots.claim(requestNumber(0), 1).granted).toBe(true);
      expect(slots.claim(requestNumber(2), 3).granted).toBe(true);
    });

    it("gives its slot back when a pass has stored that it was refused after all", () => {
      const request = requestNumber(0);
      slots.follow({ type: "add", new: request });
      slots.reserve(request, lag);
      slots.claim(requestNumber(1), 1);
      const waits = withStatus(request, (status) => observe(status, "Admitted", "Unknown", "AwaitingRetry", "", nowMs));
      slots.follow({ type: "update", old: request, new: waits });
      expect(woken).toEqual([]);
      const startedAt = "2026-01-15T09:00:00Z";
      const refused = withStatus(waits, (status) => status.attempts.push({ number: 1, startedAt, triedAt: startedAt, tries: 1 }));
      slots.follow({ type: "update", old: waits, new: refused });
      expect(woken).toEqual(["default/job-1001"]);
      expect(slots.claim(requestNumber(1), 1).granted).toBe(true);
    });

    it("is only to be adopted while it passes the limit, and waits like the others once it turns out that there is none", () => {
      slots.claim(requestNumber(1), 1);
      slots.reserve(requestNumber(0), lag);
      slots.reserve(requestNumber(0), new Wait(nowMs + 5_000, 60_000));
      expect(slots.claim(requestNumber(0), 1)).toMatchObject({ granted: true, adoptOnly: true });
      expect(slots.claim(requestNumber(0), 2)).not.toHaveProperty("adoptOnly");
      expect(slots.found(requestNumber(0))?.left(nowMs)).toBe(60_000);
      slots.dismiss(requestNumber(0));
      expect(slots.found(requestNumber(0))).toBeUndefined();
      expect(slots.claim(requestNumber(0), 1).granted).toBe(false);
      slots.follow({ type: "delete", old: requestNumber(1) });
      expect(woken).toContain("default/job-1000");
    });

    it("gives its slot back with its request", () => {
      const request = requestNumber(0);
      slots.reserve(request, lag);
      slots.claim(requestNumber(1), 1);
      slots.follow({ type: "delete", old: request });
      expect(woken).toEqual(["default/job-1001"]);
      slots.reserve(finished(request), lag);
      expect(slots.claim(requestNumber(1), 1).granted).toBe(true);
    });
  });

  it("grants nothing while it has not counted and not everybody fits, those included that pause between attempts", () => {
    const { slots } = ledger();
    const paused = withStatus(requestNumber(0), (status) => observe(status, "Admitted", "Unknown", "AwaitingRetry", "", nowMs));
    slots.follow({ type: "add", new: paused });
    expect(slots.claim(requestNumber(1), 2, false)).toEqual({ granted: true, contended: false });
    expect(slots.claim(requestNumber(2), 2, false)).toEqual({ granted: false, contended: true, counting: true });
    slots.reserve(paused, lag);
    expect(slots.claim(requestNumber(2), 2, true)).toEqual({ granted: false, contended: true });
  });

  it("never passes the limit before the census either, whoever of the requests has a runner that nobody knows of", () => {
    const requests = fc.uniqueArray(fc.record({ number: fc.nat(11), hidden: fc.boolean(), paused: fc.boolean() }), {
      selector: ({ number }) => number,
    });
    fc.assert(
      fc.property(requests, fc.array(fc.nat(11), { maxLength: 30 }), fc.integer({ min: 1, max: 6 }), (shapes, claims, max) => {
        const { slots } = ledger();
        const stored = new Map(
          shapes.map(({ number, paused }) => {
            const request = requestNumber(number, number % 2 === 0 ? "acme/web" : "acme/api");
            const reason = paused ? "AwaitingRetry" : "AwaitingAdmission";
            return [number, withStatus(request, (status) => observe(status, "Admitted", "Unknown", reason, "", nowMs))] as const;
          }),
        );
        for (const request of stored.values()) slots.follow({ type: "add", new: request });
        const hidden = shapes.filter((shape) => shape.hidden).map(({ number }) => number);
        // The leader before kept the limit.
        const runners = new Set(hidden.slice(0, max));
        const ask = (counted: boolean): void => {
          for (const number of claims) {
            const request = stored.get(number);
            if (request !== undefined && slots.claim(request, max, counted).granted) runners.add(number);
            expect(runners.size).toBeLessThanOrEqual(max);
          }
        };
        ask(false);
        for (const number of hidden.slice(0, max)) slots.reserve(stored.get(number) ?? requestNumber(number), lag);
        ask(true);
      }),
    );
  });
});

describe("the place in the queue", () => {
  it("is the one in which slots are given, whatever repositories wait and run", () => {
    const repositories = ["acme/web", "acme/api", "acme/docs"] as const;
    const crowd = fc.array(fc.record({ repository: fc.constantFrom(...repositories), running: fc.boolean() }), { maxLength: 25 });
    fc.assert(
      fc.property(crowd, (all) => {
        const { slots, woken } = ledger();
        const requests = all.map(({ repository }, number) => requestNumber(number, repository));
        const waiting = requests.filter((_, number) => all[number]?.running === false);
        for (const [number, request] of requests.entries()) {
          slots.follow({ type: "add", new: all[number]?.running === true ? admitted(request) : request });
        }
        const places = new Map(waiting.map((request) => [`default/${request.metadata.name}`, slots.ahead(request)]));
        slots.limit({ namespace: "default", name: "web" }, requests.length);
        expect(woken.map((text) => places.get(text))).toEqual(woken.map((_, at) => at));
        expect(woken).toHaveLength(waiting.length);
      }),
    );
  });
});
