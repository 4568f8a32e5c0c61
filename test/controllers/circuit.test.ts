import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ECSRunnerClassStatus } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import { ProviderError } from "../../src/provider/errors.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

const cluster = testCluster();
const minute = 60_000;
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster, { target: { overrides: { capacity: {} } } });
});

afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

async function circuits(): Promise<NonNullable<ECSRunnerClassStatus["circuit"]>> {
  const cls = await harness.stores.classes.client.get({ namespace: harness.namespace, name: "fargate" });
  return cls.status?.circuit ?? [];
}

/** Waits until the stored circuits look as wanted. */
async function untilCircuits(wanted: readonly object[]): Promise<void> {
  await expect.poll(circuits, { timeout: 10_000 }).toMatchObject(wanted);
}

const isOpen = { capacity: "spot", state: "Open" } as const;

/** Waits for the launch of a request's attempt, and tells the rung that it came from. */
async function capacityOf(name: string, attempt = 1): Promise<string | undefined> {
  const request = await harness.until(
    name,
    ({ status }) => status?.attempt === attempt && status.instance !== undefined,
    `launched for attempt ${attempt}`,
  );
  return request.status?.instance?.capacity;
}

const queue = (options: Parameters<Harness["queueJob"]>[0] = {}): string => harness.nameOf(harness.queueJob(options));

/** The rung of a new job's runner. */
const nextCapacity = (labels?: string[]): Promise<string | undefined> =>
  capacityOf(queue(labels === undefined ? {} : { labels }));

/** Takes the runner of a request's attempt away before it has a job, and waits for the one that follows. */
async function interrupt(name: string, attempt: number): Promise<string | undefined> {
  await capacityOf(name, attempt);
  harness.provider.interrupt((await harness.get(name)).status?.instance?.providerId ?? "");
  // The pass that has it read may come after any one step of the clock, so the clock moves on in steps.
  await expect
    .poll(
      async () => {
        await harness.advance(11_000);
        return (await harness.get(name)).status?.attempt;
      },
      { timeout: 10_000, interval: 500 },
    )
    .toBe(attempt + 1);
  return capacityOf(name, attempt + 1);
}

/** Opens the circuit of spot by two interruptions, and returns the request whose runners they were. */
async function openByInterruptions(): Promise<string> {
  harness.github.holdAssignments();
  const name = queue();
  expect(await interrupt(name, 1)).toBe("spot");
  expect(await interrupt(name, 2)).toBe("on-demand");
  await untilCircuits([{ ...isOpen, reason: "Interruptions" }]);
  return name;
}

/** Opens the circuit of spot by five refusals. */
async function openByRefusals(): Promise<void> {
  harness.provider.refuse("spot");
  const names = Array.from({ length: 5 }, () => queue());
  expect(await Promise.all(names.map((name) => capacityOf(name)))).toEqual(Array.from({ length: 5 }, () => "on-demand"));
  await untilCircuits([{ ...isOpen, reason: "CapacityRefused" }]);
}

function span(circuit: { readonly since: string; readonly until: string } | undefined): number {
  return Date.parse(circuit?.until ?? "") - Date.parse(circuit?.since ?? "");
}

describe("a rung that was interrupted twice", () => {
  it("is passed over, and the class shows it", async () => {
    await openByInterruptions();
    expect(await nextCapacity()).toBe("on-demand");
    const [circuit] = await circuits();
    expect(circuit?.message).toBe("interrupted 2 times within 15m");
    expect(span(circuit)).toBe(30 * minute);
    await expect.poll(() => harness.events("fargate")).toContain("CircuitOpened");
    expect(await harness.metric("getabako_circuits_open", { reason: "Interruptions", state: "Open" })).toBe(1);
    expect(await harness.metric("getabako_circuit_openings_total", { reason: "Interruptions" })).toBe(1);
    const shown = await cluster.kubectl(["get", "ecsrc", "fargate", "-n", harness.namespace, "-o", "wide", "--no-headers"]);
    expect(shown.split(/\s+/)).toContain("spot");
  });

  it("is used by the job that asked for it and for no other", async () => {
    await openByInterruptions();
    expect(await nextCapacity(["self-hosted", "ecs", "capacity=spot"])).toBe("spot");
    await untilCircuits([isOpen]);
  });

  it("is used when all others refuse", async () => {
    await openByInterruptions();
    harness.provider.refuse("on-demand");
    expect(await nextCapacity()).toBe("spot");
  });

  it("stays passed over in the next leader, which counts the interruptions that the one before saw", async () => {
    harness.github.holdAssignments();
    const name = queue();
    expect(await interrupt(name, 1)).toBe("spot");
    harness.crash();
    await harness.succeed();
    expect(await interrupt(name, 2)).toBe("on-demand");
    await untilCircuits([isOpen]);
    const before = await circuits();
    harness.crash();
    // The requests that told of the interruptions may be gone by then: what is stored in the class is enough.
    await cluster.patch("rr", name, harness.namespace, { metadata: { finalizers: null } });
    await cluster.kubectl(["delete", "rr", name, "-n", harness.namespace, "--ignore-not-found"]);
    await harness.succeed();
    expect(await nextCapacity()).toBe("on-demand");
    expect(await circuits()).toEqual(before);
  });

  it("counts by when the capacity went, not by when somebody saw it", async () => {
    harness.github.holdAssignments();
    const names = [queue(), queue()];
    for (const name of names) expect(await capacityOf(name)).toBe("spot");
    const ids = await Promise.all(names.map(async (name) => (await harness.get(name)).status?.instance?.providerId ?? ""));
    harness.crash();
    // Twenty minutes apart, while nobody looks.
    for (const id of ids) {
      harness.provider.interrupt(id);
      harness.clock.advance(20 * minute);
    }
    await harness.succeed();
    // Told by its attempts, since instances that ended are forgotten.
    for (const name of names) {
      await expect
        .poll(
          async () => {
            await harness.advance(11_000);
            return (await harness.get(name)).status?.attempt;
          },
          { timeout: 10_000, interval: 500 },
        )
        .toBe(2);
      expect(await capacityOf(name, 2)).toBe("spot");
    }
    expect(await nextCapacity()).toBe("spot");
    // The instances are gone from the status by now, and the attempts ended at one time.
    harness.crash();
    await harness.succeed();
    expect(await nextCapacity()).toBe("spot");
  });

  it("is tried by one runner when its time is over, and used again when that one did its job", async () => {
    await openByInterruptions();
    await harness.advance(31 * minute);
    const names = [queue(), queue(), queue()];
    const rungs = await Promise.all(names.map((name) => capacityOf(name)));
    expect(rungs.filter((rung) => rung === "spot")).toHaveLength(1);
    await untilCircuits([{ capacity: "spot", state: "HalfOpen" }]);
    expect(await nextCapacity()).toBe("on-demand");

    harness.github.holdAssignments(false);
    const name = names[rungs.indexOf("spot")] ?? "";
    const id = await harness.startRunner(name);
    harness.github.runners.finish(`${name}-1`);
    harness.provider.exit(id, 0);
    await harness.until(name, ({ status }) => status?.assignedJob?.state === "Completed", "told of its job's end");
    await harness.advance(4_000);
    await untilCircuits([]);
    expect(await nextCapacity()).toBe("spot");
    await expect.poll(() => harness.events("fargate")).toEqual(expect.arrayContaining(["CircuitHalfOpen", "CircuitClosed"]));
  });

  it("is passed over for twice as long when the runner that tries it is interrupted", async () => {
    await openByInterruptions();
    await harness.advance(31 * minute);
    const name = queue();
    expect(await capacityOf(name)).toBe("spot");
    expect(await interrupt(name, 1)).toBe("on-demand");
    await untilCircuits([isOpen]);
    expect(span((await circuits())[0])).toBe(60 * minute);
  });

  it("has no circuit any more when the class has no rung of that name", async () => {
    await openByInterruptions();
    await harness.editClass({ capacity: [{ name: "cheap", providers: [{ name: "FARGATE_SPOT", weight: 1 }] }] });
    await untilCircuits([]);
    expect(await nextCapacity()).toBe("cheap");
  });
});

describe("a rung that refuses again and again", () => {
  it("is not asked any more, until one runner gets capacity there", async () => {
    await openByRefusals();
    const saved = queue();
    expect(await capacityOf(saved)).toBe("on-demand");
    expect((await harness.get(saved)).status?.attempts?.[0]?.refused).toBeUndefined();
    expect((await circuits())[0]?.message).toBe("refused 5 times within 5m, and gave nothing in between (NoCapacity)");

    harness.provider.accept("spot");
    await harness.advance(6 * minute);
    expect(await nextCapacity()).toBe("spot");
    await untilCircuits([]);
    expect(await nextCapacity()).toBe("spot");
  });

  it("is passed over for twice as long when it refuses the runner that tries it", async () => {
    await openByRefusals();
    await harness.advance(6 * minute);
    const name = queue();
    expect(await capacityOf(name)).toBe("on-demand");
    expect((await harness.get(name)).status?.attempts?.[0]?.refused).toMatchObject([{ capacity: "spot" }]);
    await untilCircuits([isOpen]);
    expect(span((await circuits())[0])).toBe(10 * minute);
    expect(await harness.metric("getabako_circuit_openings_total", { reason: "CapacityRefused" })).toBe(2);
  });

  it("is not counted again with a call that came to no rung", async () => {
    harness.provider.refuse("spot");
    harness.provider.refuse("on-demand");
    const name = queue();
    await harness.untilReason(name, "InsufficientCapacity");
    expect((await harness.get(name)).status?.attempts?.[0]?.refused).toHaveLength(2);
    harness.provider.failNext("create", new ProviderError("Unauthorized", "a right is missing"));
    await harness.advance(16_000);
    const { status } = await harness.until(name, (request) => request.status?.attempts?.[0]?.tries === 2, "refused again");
    expect(status?.attempts?.[0]?.refused).toBeUndefined();
  });

  it("is tried by somebody else when the launch that was to try it got no answer", async () => {
    await openByRefusals();
    harness.provider.accept("spot");
    await harness.advance(6 * minute);
    // The call hangs, as one does whose process has died for all that others can tell.
    const stuck = Promise.withResolvers<void>();
    harness.provider.hooks.beforeCreate = () => stuck.promise;
    const calls = harness.provider.calls.create;
    queue();
    await expect.poll(() => harness.provider.calls.create).toBe(calls + 1);
    delete harness.provider.hooks.beforeCreate;
    expect(await nextCapacity()).toBe("on-demand");
    await harness.advance(3 * minute);
    expect(await nextCapacity()).toBe("spot");
    stuck.resolve();
  });
});
