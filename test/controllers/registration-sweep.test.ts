import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { registrationSweepPeriods } from "../../src/controllers/registration-sweep/periods.ts";
import { addOrganization } from "../sim/github/state/accounts.ts";
import { connectRunner, mintRunner } from "../sim/github/state/runners.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { busyRunner, idleRunner, isClean, stateOf, untilSeenOnline, vanish } from "./runners.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const ours = ["self-hosted", "linux", "x64", "ecs"];
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const sweep = (): Promise<boolean> => harness.census.registrations.sweep(never);
const sweepTwice = async (): Promise<void> => {
  await sweep();
  harness.clock.advance(registrationSweepPeriods.settleMs + 1_000);
  await sweep();
};
const registered = (): string[] => harness.github.registrations().map(({ name }) => name);

/** A runner that another program registered in the same scope. */
function foreign(name: string, labels: readonly string[], online = false): void {
  const scope = { kind: "organization", account: addOrganization(harness.github.world, "acme") } as const;
  const runner = mintRunner(harness.github.world, scope, { name, labels, runner_group_id: 1 });
  if (online) connectRunner(harness.github.world, runner);
}

describe("a registration without a request", () => {
  it("is removed when it is offline and has our labels, once two lists in a row have shown it", async () => {
    foreign("job-4711-1", ours);
    await sweep();
    expect(registered()).toEqual(["job-4711-1"]);
    harness.clock.advance(registrationSweepPeriods.settleMs + 1_000);
    await sweep();
    expect(registered()).toEqual([]);
    expect(await harness.swept("registration", "removed")).toBe(1);
    expect(harness.github.violations).toEqual([]);
  });

  it("is left alone when it may be another installation's: other labels, online, or a name that is not ours", async () => {
    foreign("job-1-1", ["self-hosted", "gpu"]);
    foreign("job-2-1", ours, true);
    foreign("build-3-1", ours);
    await sweepTwice();
    expect(registered()).toEqual(["job-1-1", "job-2-1", "build-3-1"]);
  });

  it("is left alone while it is busy", async () => {
    const { name } = await busyRunner(harness);
    await vanish(cluster, harness, name);
    harness.github.runners.disconnect(`${name}-1`);
    await sweepTwice();
    expect(registered()).toEqual([`${name}-1`]);
  });
});

describe("a registration that vanished", () => {
  it("leads to a new attempt while the job is queued", async () => {
    const { name, id } = await idleRunner(harness);
    await untilSeenOnline(harness, name);
    harness.github.reap(`${name}-1`);
    await sweepTwice();
    expect(await harness.swept("registration", "lost")).toBe(1);
    await expect.poll(() => stateOf(harness, id)).toBe("Stopping");
    await expect
      .poll(
        async () => {
          await harness.pass(10_000);
          return harness.get(name);
        },
        { interval: 100 },
      )
      .toMatchObject({ status: { attempt: 2, attempts: [{ reason: "RegistrationLost" }, { runnerName: `${name}-2` }] } });
  });

  it("means nothing when it is missing in one list, or when its runner did its job meanwhile", async () => {
    const { name } = await idleRunner(harness);
    await untilSeenOnline(harness, name);
    await sweep();
    harness.github.holdAssignments(false);
    harness.github.runners.finish(`${name}-1`);
    await harness.untilReason(name, "JobCompleted");
    await sweepTwice();
    expect(await harness.swept("registration", "lost")).toBe(0);
    expect(isClean(await harness.get(name))).toBe(false);
  });
});
