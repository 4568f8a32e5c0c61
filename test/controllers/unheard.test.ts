import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { busyRunner, idleRunner, isClean, stateOf, untilSeenOnline } from "./runners.ts";

/* GitHub does not tell of every job that one of our runners takes: events get lost, and those of some repositories never come. */

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster, {
    target: {
      repositories: { include: ["acme/web"], exclude: [], allowPublic: false },
      timeouts: { launch: "10m", registration: "5m", idle: "1m", job: "6h" },
    },
    timeDivisor: 20,
  });
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

describe("a runner at work for a job that nobody told of", () => {
  it("leaves its own job to a replacement, is not stopped, and ends by itself", async () => {
    const { name, id, jobId } = await idleRunner(harness);
    harness.github.webhooks.addFault({ kind: "drop", repository: "acme/api", times: 100 });
    harness.queueJob({ repository: "acme/api" });
    // Older than the stranger, but GitHub has not got round to it yet.
    harness.github.job(jobId).notBefore = Number.POSITIVE_INFINITY;
    harness.github.holdAssignments(false);
    harness.github.runners.poll(`${name}-1`);
    await untilSeenOnline(harness, name);
    // The idle time is over; GitHub refuses to remove the runner, since it is busy.
    await harness.advance(61_000);
    const working = await harness.until(name, ({ status }) => status?.runner?.busySince !== undefined, "found at work");
    expect(working.status?.phase).toBe("Running");
    await harness.until(`${name}-r1`, ({ status }) => status?.instance !== undefined, "launched");
    expect(stateOf(harness, id)).toBe("Running");

    harness.github.runners.finish(`${name}-1`);
    harness.provider.exit(id, 0);
    await expect
      .poll(async () => {
        await harness.pass(2_000);
        return isClean(await harness.get(name));
      })
      .toBe(true);
  });

  it("is told by the job that it took, when only that one's request heard of it", async () => {
    harness.github.holdAssignments();
    const [first, second] = [harness.queueJob(), harness.queueJob()];
    const names = [first, second].map((job) => harness.nameOf(job));
    await harness.startRunner(names[0] ?? "");
    await harness.until(names[1] ?? "", ({ status }) => status?.instance !== undefined, "launched");
    // The event that tells of it is lost; the second job's own request reads it at GitHub when its instance ends.
    harness.github.webhooks.addFault({ kind: "drop", times: 1, action: "in_progress" });
    harness.github.cancelJob(first.id);
    harness.github.holdAssignments(false);
    harness.github.runners.poll(`${names[0]}-1`);
    const instance = (await harness.get(names[1] ?? "")).status?.instance?.providerId ?? "";
    harness.provider.interrupt(instance);
    await expect
      .poll(async () => {
        await harness.pass(500);
        return (await harness.get(names[0] ?? "")).status?.assignedJob?.id;
      })
      .toBe(String(second.id));
  });
});

describe("a busy runner whose target is gone", () => {
  it("may work for longer than the default deadline of a job", async () => {
    harness.github.settings.lockMs = 24 * 3_600_000;
    const { id } = await busyRunner(harness);
    await harness.deleteTarget();
    await harness.pass(7 * 3_600_000);
    await harness.pass(60_000);
    expect(stateOf(harness, id)).toBe("Running");
    expect(harness.provider.calls.delete).toBe(0);
  });
});
