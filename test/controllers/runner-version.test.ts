import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { RunnerTarget } from "../../src/api/v1alpha1/runner-target.ts";
import { getCondition } from "../../src/kube/conditions.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

/* The condition RunnerVersion of a target, from what GitHub's lists say of its runners to what people read. */

const cluster = testCluster();
const day = 86_400_000;
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const target = (): Promise<RunnerTarget> => harness.stores.targets.client.get({ namespace: harness.namespace, name: "web" });
const sweep = (): Promise<boolean> => harness.census.registrations.sweep(new AbortController().signal);

async function untilReason(reason: string): Promise<RunnerTarget> {
  return vi.waitFor(
    async () => {
      const found = await target();
      const condition = getCondition(found.status?.conditions, "RunnerVersion");
      if (condition?.reason !== reason) throw new Error(`RunnerVersion is ${JSON.stringify(condition)}`);
      return found;
    },
    { timeout: 15_000, interval: 40 },
  );
}

/** The sweep joins with the operator's own copy, which has a launch a moment after the API server has it. */
async function untilKnown(name: string): Promise<void> {
  const key = { namespace: harness.namespace, name };
  await expect.poll(() => harness.stores.requests.informer.store.get(key)?.status?.instance).toBeDefined();
}

/** A runner of a version that idles, and a sweep that sees it. */
async function idleRunner(version: string): Promise<{ readonly name: string; readonly id: string }> {
  const job = harness.queueJob();
  harness.github.job(job.id).notBefore = Number.POSITIVE_INFINITY;
  const name = harness.nameOf(job);
  const launched = await harness.until(name, ({ status }) => status?.instance !== undefined, "launched");
  const id = launched.status?.instance?.providerId ?? "";
  harness.provider.advance(id, "Running");
  await untilKnown(name);
  harness.github.runners.connect(`${name}-1`, version);
  await sweep();
  return { name, id };
}

const offers = (): number =>
  harness.github.requests().filter(({ path }: { readonly path: string }) => path.endsWith("/actions/runners/downloads")).length;

it("says that runners lack a release and until when they get jobs, through restarts, until the image is new", async () => {
  await idleRunner("2.335.0");
  const outdated = await untilReason("Outdated");
  const condition = getCondition(outdated.status?.conditions, "RunnerVersion");
  expect(condition?.status).toBe("False");
  expect(condition?.message).toMatch(
    /connect with 2\.335\.0, and GitHub offers 2\.336\.0\. It gives them no more jobs from \d{4}-\d\d-\d\d on/,
  );
  expect(getCondition(outdated.status?.conditions, "Ready")?.status).toBe("True");
  expect(await harness.events("web")).toContain("RunnerOutdated");
  expect(await harness.metric("getabako_runner_version_days_left", { target: `${harness.namespace}/web` })).toBeCloseTo(30, 1);

  // Sweeps that bring no news neither write nor ask. The counts come after a while, and are a write of their own.
  await vi.waitFor(async () => expect((await target()).status?.starting).toBe(1), { timeout: 15_000, interval: 100 });
  const asked = offers();
  const { resourceVersion } = (await target()).metadata;
  await sweep();
  await sweep();
  expect(offers()).toBe(asked);
  expect((await target()).metadata.resourceVersion).toBe(resourceVersion);

  harness.crash();
  harness.clock.advance(10 * day);
  await harness.succeed();
  harness.github.settings.offeredRunnerVersion = "2.337.0";
  await sweep();
  const later = await vi.waitFor(async () => {
    const found = await target();
    if (found.status?.runnerVersion?.releases?.length !== 2) throw new Error(JSON.stringify(found.status?.runnerVersion));
    return found;
  }, 15_000);
  const until = /from (\S+) on/;
  const message = getCondition(later.status?.conditions, "RunnerVersion")?.message ?? "";
  expect(message).toContain("GitHub offers 2.337.0");
  expect(until.exec(message)?.[1]).toBe(until.exec(condition?.message ?? "")?.[1]);
  expect(await harness.metric("getabako_runner_version_days_left")).toBeCloseTo(20, 1);
});

it("says that GitHub refuses the version when two runners in a row end with code 7, and takes it back with the first that is accepted", async () => {
  let name = harness.nameOf(harness.queueJob());
  const launched = async (attempt: number): Promise<string> => {
    const found = await harness.until(
      name,
      ({ status }) => status?.attempt === attempt && status.instance?.state === "Pending",
      `launched for the ${attempt}. time`,
    );
    const id = found.status?.instance?.providerId ?? "";
    harness.provider.advance(id, "Running");
    return id;
  };
  const refuse = async (attempt: number): Promise<void> => {
    harness.provider.exit(await launched(attempt), 7);
    // The next look at the instance.
    await harness.advance(10_000);
    const ended = await harness.until(
      name,
      ({ status }) => status?.attempts?.[attempt - 1]?.endedAt !== undefined,
      `refused for the ${attempt}. time`,
    );
    expect(ended.status?.attempts?.[attempt - 1]).toMatchObject({ reason: "RunnerVersionRefused" });
  };
  await refuse(1);
  await harness.advance(60_000);
  await refuse(2);
  const refused = await untilReason("Refused");
  expect(getCondition(refused.status?.conditions, "RunnerVersion")?.status).toBe("False");
  expect(getCondition(refused.status?.conditions, "Ready")?.status).toBe("True");
  expect(await harness.events("web")).toContain("RunnerRefused");
  expect(await harness.metric("getabako_runner_version_days_left")).toBe(0);

  // That one waits for a change of the class now; the next job's runner is of a new image.
  name = harness.nameOf(harness.queueJob());
  await launched(1);
  await untilKnown(name);
  harness.github.runners.connect(`${name}-1`, "2.336.0");
  await sweep();
  await untilReason("Current");
  expect(await harness.events("web")).toContain("RunnerCurrent");
  expect(await harness.metric("getabako_runner_version_days_left")).toBeUndefined();
});
