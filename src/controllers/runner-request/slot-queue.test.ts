import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Runners, SlotQueue, type Waiting } from "./slot-queue.ts";

const none: Runners = new Map();

function waiting(number: number, repository = "acme/web"): Waiting {
  return { text: `default/job-${number}`, repository, queuedAt: new Date(number * 1_000).toISOString() };
}

function queueOf(...entries: readonly Waiting[]): SlotQueue {
  const queue = new SlotQueue();
  for (const entry of entries) queue.add(entry);
  return queue;
}

const texts = (...numbers: readonly number[]): readonly string[] => numbers.map((number) => waiting(number).text);

describe("SlotQueue", () => {
  it("has the oldest go first, in whatever order they came", () => {
    expect(queueOf(waiting(3), waiting(1), waiting(2)).next(2, none)).toEqual(texts(1, 2));
  });

  it("orders by name those that were queued in the same moment", () => {
    const [second, first] = [
      { ...waiting(1), text: "default/b" },
      { ...waiting(1), text: "default/a" },
    ];
    expect(queueOf(second, first).next(2, none)).toEqual(["default/a", "default/b"]);
  });

  it("holds everybody once", () => {
    const queue = queueOf(waiting(1), waiting(2), waiting(1));
    expect(queue.size).toBe(2);
    queue.remove(waiting(1));
    queue.remove(waiting(1));
    queue.remove(waiting(7, "acme/api"));
    expect(queue.size).toBe(1);
    expect(queue.next(5, none)).toEqual(texts(2));
  });

  it("has the repository with the fewest runners go first, and counts those that are about to be started", () => {
    const queue = queueOf(waiting(1), waiting(2), waiting(3), waiting(8, "acme/api"), waiting(9, "acme/api"));
    expect(queue.next(4, new Map([["acme/web", 1]]))).toEqual(texts(8, 1, 9, 2));
    expect(queue.next(2, none)).toEqual(texts(1, 8));
  });

  it("names nobody without a free slot, and no more than wait", () => {
    const queue = queueOf(waiting(1));
    expect(queue.next(0, none)).toEqual([]);
    expect(queue.next(-3, none)).toEqual([]);
    expect(queue.next(10, none)).toEqual(texts(1));
    expect(new SlotQueue().next(1, none)).toEqual([]);
  });

  it("leaves the runners that it is told of as they are", () => {
    const runners = new Map([["acme/web", 1]]);
    queueOf(waiting(1), waiting(2)).next(2, runners);
    expect([...runners]).toEqual([["acme/web", 1]]);
  });

  it("tells how many come before somebody, also one who does not wait yet", () => {
    const queue = queueOf(waiting(1), waiting(4), waiting(2, "acme/api"));
    expect(queue.ahead(waiting(4), none)).toBe(2);
    expect(queue.ahead(waiting(3), none)).toBe(2);
    expect(queue.ahead(waiting(3), new Map([["acme/api", 2]]))).toBe(1);
    expect(queue.ahead(waiting(9, "acme/new"), none)).toBe(2);
  });
});

const repositories = ["acme/web", "acme/api", "acme/docs"] as const;
const entries = fc.uniqueArray(
  fc.record({ number: fc.integer({ min: 0, max: 40 }), repository: fc.constantFrom(...repositories) }),
  { selector: ({ number }) => number, maxLength: 20 },
);
const counts = fc
  .tuple(fc.nat({ max: 4 }), fc.nat({ max: 4 }), fc.nat({ max: 4 }))
  .map((numbers): Runners => new Map(repositories.map((repository, index) => [repository, numbers[index] ?? 0])));

describe("SlotQueue, for any queue,", () => {
  it("has the same order for everybody, and tells each his place in it", () => {
    fc.assert(
      fc.property(entries, counts, (numbers, runners) => {
        const all = numbers.map(({ number, repository }) => waiting(number, repository));
        const queue = queueOf(...all);
        const order = queue.next(all.length, runners);
        expect(order.toSorted(byText)).toEqual(all.map(({ text }) => text).toSorted(byText));
        expect(queueOf(...all.toReversed()).next(all.length, runners)).toEqual(order);
        expect(all.map((entry) => queue.ahead(entry, runners))).toEqual(all.map(({ text }) => order.indexOf(text)));
        for (let free = 0; free < all.length; free += 1) expect(queue.next(free, runners)).toEqual(order.slice(0, free));
      }),
    );
  });

  it("is empty when all have left", () => {
    fc.assert(
      fc.property(entries, (numbers) => {
        const all = numbers.map(({ number, repository }) => waiting(number, repository));
        const queue = queueOf(...all);
        for (const entry of all) queue.remove(entry);
        expect([queue.size, queue.next(1, none), queue.ahead(waiting(99), none)]).toEqual([0, [], 0]);
      }),
    );
  });
});

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
