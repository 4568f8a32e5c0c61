import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { ProviderError } from "../../src/provider/errors.ts";
import { addOrganization } from "../sim/github/state/accounts.ts";
import { mintRunner } from "../sim/github/state/runners.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

/** A leader that dies between the provider's answer and the write leaves runners that no status mentions; its successor must count them. */
const cluster = testCluster();
let harness: Harness;
let most = 0;

beforeEach(async () => {
  most = 0;
  harness = await startHarness(cluster, { target: { maxRunners: 3 } });
  harness.github.addRepository("acme/docs", { private: true });
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const runnersOf = (name: string): number =>
  harness.provider.live().filter(({ runnerName }) => runnerName?.startsWith(`${name}-`)).length;
const counting = "counting the runners that an earlier leader started";

/** A runner at work, and behind it a launch that the provider accepted and whose answer never came. */
async function oneAtWorkAndOneUnrecorded(): Promise<{ readonly atWork: string; readonly unrecorded: string }> {
  const atWork = harness.nameOf(harness.queueJob());
  await harness.startRunner(atWork);
  await harness.untilReason(atWork, "JobInProgress");
  harness.provider.hooks.afterCreate = () => new Promise<void>(() => undefined);
  const unrecorded = harness.nameOf(harness.queueJob());
  await expect.poll(() => runnersOf(unrecorded)).toBe(1);
  // Only of what is really started: a repeated call for an instance that is there comes by its answer in another way.
  harness.provider.hooks.afterCreate = () => void (most = Math.max(most, harness.provider.live().length));
  return { atWork, unrecorded };
}

/** Jobs of other repositories: fair admission lets them go before another runner of the one that has some. They are stored, and wait. */
async function crowd(): Promise<string[]> {
  await harness.editTarget({ paused: true });
  const names = ["acme/api", "acme/docs", "acme/api", "acme/docs"].map((repository) =>
    harness.nameOf(harness.queueJob({ repository })),
  );
  for (const name of names) await harness.untilReason(name, "TargetPaused");
  return names;
}

/** A job whose request is there. */
async function queued(): Promise<string> {
  const name = harness.nameOf(harness.queueJob());
  await harness.until(name, () => true);
  return name;
}

describe("a new leader", () => {
  it("counts a launch that the one before it did not record, and never passes maxRunners", async () => {
    const { unrecorded } = await oneAtWorkAndOneUnrecorded();
    const names = await crowd();
    harness.crash();
    await harness.editTarget({ paused: false });
    await harness.succeed();
    const adopted = await harness.until(unrecorded, ({ status }) => status?.instance !== undefined, "adopted");
    expect(adopted.status?.instance?.providerId).toBe(
      harness.provider.live().find(({ runnerName }) => runnerName === `${unrecorded}-1`)?.id,
    );
    await expect.poll(() => harness.provider.live().length).toBe(3);
    await harness.untilReason(names[3] ?? "", "TargetAtCapacity");
    expect(most).toBe(3);
    expect(runnersOf(unrecorded)).toBe(1);
    expect((await harness.swept("instance", "unrecorded")) ?? 0).toBe(1);
    expect(harness.github.report()).toMatchObject({ ranTwice: [] });
  });

  it("finds by its registration what the provider's list does not show yet", async () => {
    const { unrecorded } = await oneAtWorkAndOneUnrecorded();
    await crowd();
    harness.crash();
    await harness.editTarget({ paused: false });
    harness.provider.hideFromList(3);
    await harness.succeed();
    // Looked for every ten seconds, for as long as the list may lag behind.
    await expect
      .poll(
        async () => {
          await harness.advance(11_000);
          return (await harness.get(unrecorded)).status?.instance !== undefined;
        },
        { interval: 300 },
      )
      .toBe(true);
    expect(runnersOf(unrecorded)).toBe(1);
    await expect.poll(() => harness.provider.live().length).toBe(3);
    expect(most).toBe(3);
    expect(await harness.swept("registration", "unrecorded")).toBe(1);
  });

  it("grants no contended slot before it has counted, says so, and goes on by itself once it has", async () => {
    const { unrecorded } = await oneAtWorkAndOneUnrecorded();
    const names = await crowd();
    harness.crash();
    await harness.editTarget({ paused: false });
    harness.provider.failNext(
      "list",
      new ProviderError("Unavailable", "no answer"),
      new ProviderError("Unavailable", "no answer"),
    );
    await harness.succeed();
    for (const name of names) {
      await harness.until(
        name,
        ({ status }) => getCondition(status?.conditions, "Admitted")?.message === counting,
        "waiting for the census",
      );
    }
    expect(harness.provider.live()).toHaveLength(2);
    await harness.until(unrecorded, ({ status }) => status?.instance !== undefined, "adopted");
    await expect.poll(() => harness.provider.live().length, { timeout: 25_000 }).toBe(3);
    expect(most).toBe(3);
  });

  it("leaves the word of the leader before it to those who stand in the queue, while it counts", async () => {
    for (const repository of ["acme/web", "acme/web", "acme/web"])
      await harness.startRunner(harness.nameOf(harness.queueJob({ repository })));
    const waiting = harness.nameOf(harness.queueJob());
    await harness.untilReason(waiting, "TargetAtCapacity");
    harness.crash();
    const noAnswer = Array.from({ length: 100 }, () => new ProviderError("Unavailable", "no answer"));
    harness.provider.failNext("list", ...noAnswer);
    await harness.succeed();
    const isCounting = (name: string) => async () =>
      getCondition((await harness.get(name)).status?.conditions, "Admitted")?.message === counting;
    await expect.poll(isCounting(await queued())).toBe(true);
    await harness.pass(0);
    expect(await isCounting(waiting)()).toBe(false);
    await harness.untilReason(waiting, "TargetAtCapacity");
  });

  it("starts nothing beyond maxRunners for a registration that has no instance, and clears it away", async () => {
    const names = ["acme/web", "acme/web", "acme/web"].map((repository) => harness.nameOf(harness.queueJob({ repository })));
    for (const name of names) await harness.startRunner(name);
    await expect.poll(() => harness.provider.live().length).toBe(3);
    const waiting = harness.nameOf(harness.queueJob());
    await harness.untilReason(waiting, "TargetAtCapacity");
    // What a crash between the mint and the launch leaves, or somebody else's runner of that name.
    const scope = { kind: "organization", account: addOrganization(harness.github.world, "acme") } as const;
    mintRunner(harness.github.world, scope, { name: `${waiting}-1`, labels: ["taken"], runner_group_id: 1 });
    harness.crash();
    await harness.succeed();
    await expect.poll(() => harness.swept("registration", "unrecorded")).toBe(1);
    await harness.until(
      waiting,
      ({ status }) => getCondition(status?.conditions, "Admitted")?.message.includes("of an earlier process") === true,
      "looking for the runner",
    );
    await harness.advance(61_000);
    await harness.untilReason(waiting, "TargetAtCapacity");
    expect(harness.github.registrations().map(({ name }) => name)).not.toContain(`${waiting}-1`);
    expect(harness.provider.live()).toHaveLength(3);
    expect(most).toBeLessThanOrEqual(3);
  });

  it("keeps granting slots while everybody fits, whatever it has counted", async () => {
    harness.crash();
    harness.provider.failNext("list", ...Array.from({ length: 20 }, () => new ProviderError("Unavailable", "no answer")));
    await harness.succeed();
    const name = harness.nameOf(harness.queueJob());
    await harness.until(name, ({ status }) => status?.instance !== undefined, "launched");
    expect(harness.census.instances.taken({ kind: "ECSRunnerClass", namespace: harness.namespace, name: "fargate" })).toBe(false);
  });

  it("counts at once where a target's runners will be, when the target is given another App", async () => {
    const { namespace } = harness;
    const app = JSON.parse(await cluster.kubectl(["get", "githubapp", "acme", "-n", namespace, "-o", "json"])) as {
      spec: object;
    };
    const second = { apiVersion: "getabako.dev/v1alpha1", kind: "GitHubApp", metadata: { name: "second", namespace } };
    await cluster.kubectl(["apply", "-f", "-"], JSON.stringify({ ...second, spec: app.spec }));
    // Its client, once made, has the census look too: only a target that comes to it later needs another look.
    await expect
      .poll(() => {
        const status = harness.stores.apps.informer.store.get({ namespace, name: "second" })?.status;
        return getCondition(status?.conditions, "Ready")?.status;
      })
      .toBe("True");
    const place = { app: { namespace, name: "second" }, scope: { organization: "acme" } };
    expect(harness.census.registrations.taken(place)).toBe(false);
    await harness.editTarget({ githubAppRef: { name: "second" } });
    await expect.poll(() => harness.census.registrations.taken(place)).toBe(true);
  });
});
