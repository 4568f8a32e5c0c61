import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { ProviderError } from "../../src/provider/errors.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

/** What happens when two things happen at once: each of these was a way to leak, to double or to stop a busy runner. */
const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const gone = async (name: string): Promise<boolean> => {
  await harness.advance(5_000);
  return (await cluster.tryKubectl(["get", "rr", name, "-n", harness.namespace])).stderr.includes("NotFound");
};

/** Ids of the instances that nobody has asked to stop; the others are on their way out. */
const working = (): string[] =>
  harness.provider
    .live()
    .filter(({ state }) => state === "Pending" || state === "Running")
    .map(({ id }) => id);

/** A request whose first attempt was interrupted and whose second one was accepted without an answer. */
async function secondAttemptUnanswered(): Promise<string> {
  harness.github.holdAssignments();
  const name = harness.nameOf(harness.queueJob());
  const id = await harness.startRunner(name);
  harness.provider.loseNextAnswer();
  harness.provider.hooks.beforeCreate = ({ attempt }) => {
    // The repetition, which would find the instance, does not come through.
    if (attempt === 2 && harness.provider.live().length > 0) throw new ProviderError("Unavailable", "no answer");
  };
  harness.github.runners.disconnect(`${name}-1`);
  harness.provider.interrupt(id);
  await harness.advance(61_000);
  await expect.poll(() => harness.provider.live().length, { timeout: 10_000 }).toBe(1);
  return name;
}

describe("a launch without an answer", () => {
  it("of a later attempt leaves nothing behind when its request is deleted", async () => {
    const name = await secondAttemptUnanswered();
    await cluster.kubectl(["delete", "rr", name, "-n", harness.namespace, "--wait=false"]);
    await expect.poll(() => gone(name), { timeout: 25_000, interval: 200 }).toBe(true);
    expect(working()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
  });

  it("is waited for before a cancelled request ends, since the provider's list lags behind", async () => {
    harness.provider.hideFromList(3);
    harness.provider.loseNextAnswer();
    harness.provider.hooks.beforeCreate = () => {
      if (harness.provider.live().length > 0) throw new ProviderError("Unavailable", "no answer");
    };
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await expect.poll(() => harness.provider.live().length, { timeout: 10_000 }).toBe(1);
    harness.github.cancelJob(job.id);
    await harness.until(name, (request) => request.status?.job?.state === "Completed", "cancelled");
    await expect
      .poll(
        async () => {
          await harness.advance(11_000);
          return (await harness.get(name)).metadata.finalizers ?? [];
        },
        { timeout: 25_000, interval: 200 },
      )
      .toEqual([]);
    expect(working()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
  });

  it("never costs a busy runner its job", async () => {
    harness.provider.refuse("spot", 1);
    harness.provider.refuse("on-demand", 1);
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await harness.untilReason(name, "InsufficientCapacity");
    harness.provider.loseNextAnswer();
    harness.provider.hooks.beforeCreate = () => {
      if (harness.provider.live().length > 0) throw new ProviderError("Throttled", "wait", { retryAfterMs: 30_000 });
    };
    await harness.advance(15_000);
    await expect.poll(() => harness.provider.live().length, { timeout: 10_000 }).toBe(1);
    const [instance] = harness.provider.live();
    harness.provider.advance(instance?.id ?? "", "Running");
    harness.github.runners.connect(`${name}-1`);
    harness.github.runners.poll(`${name}-1`);
    await harness.until(name, (request) => request.status?.assignedJob?.state === "InProgress", "assigned");
    for (let step = 0; step < 4; step += 1) await harness.advance(10_000);
    const adopted = await harness.until(name, (request) => request.status?.instance !== undefined, "adopted");
    expect(adopted.status?.instance?.providerId).toBe(instance?.id);
    expect(harness.provider.live().map(({ state }) => state)).toEqual(["Running"]);
  });
});

describe("a launch whose answer could not be stored", () => {
  it("is recorded first of all, although its job was cancelled in that moment", async () => {
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    // The event is recorded between the provider's answer and the status write, which then conflicts.
    harness.provider.hooks.afterCreate = async () => {
      harness.provider.hideFromList(100);
      harness.github.cancelJob(job.id);
      await harness.until(name, (request) => request.status?.job?.state === "Completed", "cancelled");
    };
    const recorded = await harness.until(name, (request) => request.status?.instance !== undefined, "recorded");
    expect(recorded.status?.job?.state).toBe("Completed");
    await harness.advance(31_000);
    await expect
      .poll(
        async () => {
          await harness.advance(5_000);
          return (await harness.get(name)).metadata.finalizers ?? [];
        },
        { timeout: 15_000, interval: 200 },
      )
      .toEqual([]);
    expect(harness.provider.live()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
  });
});

describe("events at odd moments", () => {
  it("of a runner whose attempt has ended do not keep the next attempt from being made", async () => {
    harness.github.holdAssignments();
    const name = harness.nameOf(harness.queueJob());
    const id = await harness.startRunner(name);
    const other = harness.queueJob();
    // The event waits on its way until the attempt is over.
    const held = harness.github.webhooks.addFault({ kind: "hold", action: "in_progress" });
    harness.github.holdAssignments(false);
    harness.github.runners.disconnect(`${name}-1`);
    harness.provider.interrupt(id);
    await harness.advance(11_000);
    await harness.until(
      name,
      (request) => request.status?.attempts?.[0]?.endedAt !== undefined || request.status?.attempt === 2,
      "past its first attempt",
    );
    held.release();
    await harness.advance(61_000);
    await harness.until(
      name,
      (request) => request.status?.attempt === 2 && request.status.instance !== undefined,
      "at its second attempt",
    );
    expect(harness.github.job(other.id).status).not.toBe("completed");
  });

  it("that cancel a job whose slot was granted already start nothing", async () => {
    harness.github.faults.add({ method: "POST", path: /generate-jitconfig/, times: 100, kind: "status", status: 500 });
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await harness.untilReason(name, "GitHubUnavailable");
    harness.github.cancelJob(job.id);
    await harness.untilReason(name, "JobCancelled");
    expect(harness.provider.calls.create).toBe(0);
  });
});

describe("pauses", () => {
  it("are kept although the status write wakes the request", async () => {
    harness.provider.failNext(
      "create",
      new ProviderError("Throttled", "the provider asked for a pause", { retryAfterMs: 30_000 }),
    );
    const name = harness.nameOf(harness.queueJob());
    await harness.untilReason(name, "Throttled");
    await harness.pass(10_000);
    await harness.pass(10_000);
    expect(harness.provider.calls.create).toBe(1);
    await harness.advance(11_000);
    await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    expect(harness.provider.calls.create).toBe(2);
  });

  it("before a call that was not made leave nothing open: the job is cancelled, and nobody looks for an instance for long", async () => {
    const turn = new ProviderError("Throttled", "it is made in its turn", { retryAfterMs: 30_000, unsent: true });
    harness.provider.failNext("create", turn);
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await harness.untilReason(name, "Throttled");
    harness.github.cancelJob(job.id);
    // Without moving the clock: a call whose outcome is unknown would be looked for until the provider's list is sure to show it.
    await harness.untilReason(name, "JobCancelled");
    expect(harness.github.registrations()).toEqual([]);
    expect(harness.provider.calls.create).toBe(1);
  });

  it("keep a busy runner's deletion from asking GitHub at every look", async () => {
    const name = harness.nameOf(harness.queueJob());
    const id = await harness.startRunner(name);
    await harness.untilReason(name, "JobInProgress");
    await cluster.kubectl(["delete", "rr", name, "-n", harness.namespace, "--wait=false"]);
    await expect
      .poll(() => harness.provider.all().find((each) => each.id === id)?.state, { timeout: 10_000 })
      .not.toBe("Running");
    for (let step = 0; step < 5; step += 1) await harness.advance(3_000);
    const deletes = harness.github.counters().operations["actions/delete-self-hosted-runner-from-org"] ?? 0;
    // Before its instance ended, and once after it.
    expect(deletes).toBeLessThanOrEqual(2);
  });
});

describe("a request made by hand", () => {
  it("is led like any other", async () => {
    const job = harness.queueJob({ labels: ["elsewhere"] });
    const request = {
      apiVersion: "getabako.dev/v1alpha1",
      kind: "RunnerRequest",
      metadata: { name: "job-by-hand", namespace: harness.namespace },
      spec: {
        targetRef: { name: "web" },
        job: {
          host: "github.com",
          id: String(job.id),
          runId: "1",
          repository: "acme/web",
          name: "by hand",
          labels: ["ecs"],
          queuedAt: new Date(harness.clock.now()).toISOString(),
        },
      },
    };
    await cluster.kubectl(["apply", "-f", "-"], JSON.stringify(request));
    const launched = await harness.until("job-by-hand", (made) => made.status?.instance !== undefined, "launched");
    expect(launched.spec.source).toBe("Manual");
    expect(getCondition(launched.status?.conditions, "Launched")?.status).toBe("True");
  });
});
