import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import type { ResolvedClass } from "../../src/provider/types.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { type EcsBench, ecsBench, type EcsBenchOptions } from "./ecs-bench.ts";
import { ecsClass } from "./ecs-class.ts";
import { unaborted } from "./launches.ts";

const signal = unaborted();
const hour = 60 * 60_000;

interface Stored {
  readonly image: string;
  readonly arn: string;
  readonly hash: string;
  readonly unusedSince?: string;
}

/** A class as the controller keeps it: each check gets the status that the one before left. */
class Kept {
  readonly #bench: EcsBench;
  cls: ResolvedClass<ECSRunnerClassSpec>;

  constructor(bench: EcsBench, cls = bench.cls) {
    this.#bench = bench;
    this.cls = cls;
  }

  change(spec: Partial<ECSRunnerClassSpec>): void {
    this.cls = { ...this.cls, generation: this.cls.generation + 1, spec: { ...this.cls.spec, ...spec } };
  }

  async check(provider = this.#bench.provider) {
    const { findings, status } = await provider.check(this.cls, signal);
    this.cls = { ...this.cls, status: { ...this.cls.status, ...status } };
    return findings;
  }

  get stored(): readonly Stored[] {
    return this.cls.status?.["taskDefinitions"] as readonly Stored[];
  }
}

/** A class whose image was changed a while ago, by default more than an hour. */
async function changed(options: EcsBenchOptions = {}, agoMs = hour + 60_000) {
  const bench = await ecsBench(options);
  const kept = new Kept(bench);
  await kept.check();
  const [old] = kept.stored;
  kept.change({ image: "ghcr.io/acme/runner:3", images: [] });
  await kept.check();
  bench.clock.advance(agoMs);
  return { ...bench, kept, old: old as Stored };
}

async function isActive(sim: EcsSim, arn: string): Promise<boolean> {
  const { ECSClient, DescribeTaskDefinitionCommand } = await import("@aws-sdk/client-ecs");
  const client = new ECSClient(sim.clientConfig);
  const { taskDefinition } = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn }));
  client.destroy();
  return taskDefinition?.status === "ACTIVE";
}

test("a definition that the class needs no more is marked, and deregistered after an hour", async () => {
  const { sim, clock, kept, old } = await changed({}, hour - 1_000);
  expect(kept.stored).toMatchObject([
    { image: "ghcr.io/acme/runner:3" },
    { ...old, unusedSince: expect.stringMatching(/Z$/) as unknown as string },
  ]);
  const marked = kept.stored[1]?.unusedSince;
  await kept.check();
  expect([kept.stored[1]?.unusedSince, await isActive(sim, old.arn)]).toEqual([marked, true]);
  clock.advance(2_000);
  expect(await kept.check()).toEqual([]);
  expect(kept.stored).toMatchObject([{ image: "ghcr.io/acme/runner:3" }]);
  expect(await isActive(sim, old.arn)).toBe(false);
});

test("a change that is taken back within the hour takes the mark off", async () => {
  const { kept, old } = await changed();
  kept.change({ image: old.image });
  await kept.check();
  expect(kept.stored).toMatchObject([{ hash: old.hash }, { image: "ghcr.io/acme/runner:3", unusedSince: expect.anything() }]);
  expect(kept.stored[0]).not.toHaveProperty("unusedSince");
});

test("one that another class uses stays until that class needs it no more", async () => {
  const { sim, clock, provider, kept, old } = await changed();
  const other = ecsClass({ ...kept.cls.spec, image: old.image, cluster: "default" });
  await provider.check(other, signal);
  await kept.check();
  expect([kept.stored[1]?.hash, await isActive(sim, old.arn)]).toEqual([old.hash, true]);
  clock.advance(hour);
  await kept.check();
  expect([kept.stored.length, await isActive(sim, old.arn)]).toEqual([1, false]);
});

test("a process that has just begun waits until every class has had its turn", async () => {
  const { sim, clock, restarted, kept, old } = await changed();
  const next = restarted();
  await kept.check(next);
  expect(await isActive(sim, old.arn)).toBe(true);
  clock.advance(30 * 60_000);
  await kept.check(next);
  expect(await isActive(sim, old.arn)).toBe(false);
});

test("without the right the definition stays, with one warning that names it", async () => {
  const { sim, kept } = await changed({ spec: { images: [{ name: "node", image: "ghcr.io/acme/node:22" }] } });
  sim.faults.add({ kind: "exception", type: "AccessDeniedException" }, { operation: "DeregisterTaskDefinition", times: 9 });
  expect(await kept.check()).toMatchObject([
    { severity: "Warning", reason: "RightMissing", message: expect.stringContaining("ecs:DeregisterTaskDefinition") },
  ]);
  expect(kept.stored).toHaveLength(3);
});

test.each(["ThrottlingException", "ServerException"])("%s postpones it, and is no finding", async (type) => {
  const { sim, kept, old, clock } = await changed();
  sim.faults.add({ kind: "exception", type }, { operation: "DeregisterTaskDefinition" });
  expect(await kept.check()).toEqual([]);
  expect(kept.stored).toHaveLength(2);
  clock.advance(60_000);
  await kept.check();
  expect([kept.stored.length, await isActive(sim, old.arn)]).toEqual([1, false]);
});

test("after one that ECS has no time for, no other is deregistered at that check", async () => {
  const images = ["node", "go"].map((name) => ({ name, image: `ghcr.io/acme/${name}:1` }));
  const { sim, kept } = await changed({ spec: { images } });
  sim.faults.add({ kind: "exception", type: "ServerException" }, { operation: "DeregisterTaskDefinition", times: 3 });
  expect(await kept.check()).toEqual([]);
  expect(kept.stored).toHaveLength(4);
  expect(sim.calls.count("DeregisterTaskDefinition")).toBe(1);
});

test("one that somebody else took away leaves the status", async () => {
  const { sim, kept } = await changed();
  const message = "The specified task definition does not exist.";
  sim.faults.add({ kind: "exception", type: "ClientException", message }, { operation: "DeregisterTaskDefinition" });
  await kept.check();
  expect(kept.stored).toHaveLength(1);
});

test("a launch that comes too late registers it again, and starts one task", async () => {
  const { sim, provider, kept, old, launch } = await changed();
  const late = launch();
  await kept.check();
  expect(await isActive(sim, old.arn)).toBe(false);
  const { instance } = await provider.create(late, signal);
  expect(sim.task(instance.id).definition.revision).toBe(2);
  expect(sim.liveTasks()).toHaveLength(1);
});

test("a launch whose definition went between its look and its call registers it again", async () => {
  const { sim, provider, clock, kept, launch } = await changed();
  const fault = sim.faults.add({ kind: "hang" }, { operation: "RunTask" });
  const late = provider.create(launch(), signal);
  await fault.reached;
  clock.advance(hour);
  await kept.check();
  fault.release();
  const { instance } = await late;
  expect(sim.task(instance.id).definition.revision).toBe(2);
});

test("few are deregistered at a check, so that launches are not throttled for them, and all in the end", async () => {
  const images = Array.from({ length: 12 }, (_, index) => ({ name: `i${index}`, image: `ghcr.io/acme/i:${index}` }));
  const bench = await ecsBench({ spec: { images } });
  const kept = new Kept(bench);
  await kept.check();
  kept.change({ images: [] });
  await kept.check();
  bench.clock.advance(hour + 60_000);
  const counts = [];
  for (let round = 0; round < 3; round += 1) {
    await kept.check();
    counts.push(kept.stored.length - 1);
  }
  expect(counts).toEqual([7, 2, 0]);
});

test("a class that brings its own definition leaves those that were made for it", async () => {
  const { sim, kept, old } = await changed();
  kept.change({ image: undefined as never, taskDefinition: "nobody" });
  await kept.check();
  expect(kept.stored.every(({ unusedSince }) => unusedSince !== undefined)).toBe(true);
  expect(await isActive(sim, old.arn)).toBe(false);
});
