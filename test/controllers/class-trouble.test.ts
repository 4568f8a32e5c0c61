import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { ProviderError } from "../../src/provider/errors.ts";
import type { StopCause } from "../../src/provider/types.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const noImage: StopCause = {
  category: "Misconfigured",
  reason: "CannotPullContainerError",
  message: "the image does not exist: check its name and tag in the class",
};

/** The Ready condition of the class, as soon as it looks as wanted: its turn comes after ten minutes of a clock that stands still. */
const ready = () =>
  expect.poll(
    async () => {
      const cls = await harness.stores.classes.client.get({ namespace: harness.namespace, name: "fargate" });
      return getCondition(cls.status?.conditions, "Ready");
    },
    { timeout: 15_000, interval: 50 },
  );

/** Ends the open attempt of a request with an instance that could not start. */
async function failStart(name: string, number: number): Promise<void> {
  const launched = await harness.until(
    name,
    ({ status }) => status?.attempt === number && status.instance !== undefined,
    `launched as attempt ${number}`,
  );
  harness.provider.stop(launched.status?.instance?.providerId ?? "", noImage);
  await harness.advance(30_000);
  await harness.until(name, ({ status }) => status?.attempts?.[number - 1]?.endedAt !== undefined, `past attempt ${number}`);
}

describe("a class whose launches fail", () => {
  it("is looked at before its turn, stops further launches, and lets them go on when it is well", async () => {
    harness.provider.hooks.beforeCreate = () => {
      // From now on a look at the class finds what a look before the launch could not.
      harness.provider.findings = [{ severity: "Error", reason: "Unauthorized", message: "the role may not be passed" }];
      throw new ProviderError("Unauthorized", "the role may not be passed");
    };
    const name = harness.nameOf(harness.queueJob());
    await ready().toMatchObject({ status: "False", reason: "Unauthorized" });
    // The stop comes by way of the target, a moment later: a job queued before that would be launched, and refused, like the first.
    await expect.poll(() => harness.targetReady()?.reason, { timeout: 15_000, interval: 10 }).toBe("ClassNotReady");
    const calls = harness.provider.calls.create;
    const second = harness.nameOf(harness.queueJob());
    await harness.untilReason(second, "TargetNotReady");
    expect(harness.provider.calls.create).toBe(calls);

    harness.provider.hooks.beforeCreate = () => undefined;
    harness.provider.findings = [];
    await harness.editClass({ tags: { a: "b" } });
    await ready().toMatchObject({ status: "True" });
    for (const each of [name, second]) await harness.until(each, (request) => request.status?.instance !== undefined, "launched");
  });

  it("shows what concerns a part of it without stopping the rest", async () => {
    harness.provider.findings = [{ severity: "Warning", reason: "StartFailing", message: "a runner could not start: no image" }];
    await failStart(harness.nameOf(harness.queueJob()), 1);
    await ready().toMatchObject({
      status: "True",
      reason: "Ready",
      message: "runners can be started, but: a runner could not start: no image",
    });
  });
});

describe("a request whose instances cannot start as the class describes them", () => {
  it("tries once more at once, then waits for a change and says so, and goes on after it", async () => {
    const name = harness.nameOf(harness.queueJob());
    await failStart(name, 1);
    await failStart(name, 2);
    const waits = await harness.untilReason(name, "AwaitingChange");
    expect(getCondition(waits.status?.conditions, "Launched")).toMatchObject({
      status: "False",
      reason: "ConfigError",
      message: noImage.message,
    });
    await harness.pass(10 * 60_000);
    expect(harness.provider.calls.create).toBe(2);
    await harness.editClass({ image: "ghcr.io/acme/runner:2" });
    await harness.until(name, ({ status }) => status?.attempt === 3 && status.instance !== undefined, "launched again");
  });

  it("tries every quarter of an hour all the same, in case the outside was mended", async () => {
    const name = harness.nameOf(harness.queueJob());
    await failStart(name, 1);
    await failStart(name, 2);
    await harness.untilReason(name, "AwaitingChange");
    await harness.advance(16 * 60_000);
    await harness.until(name, ({ status }) => status?.attempt === 3 && status.instance !== undefined, "launched again");
  });
});
