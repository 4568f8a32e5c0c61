import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import type { Finding, ResolvedClass } from "../../src/provider/types.ts";
import { type EcsBench, ecsBench, type EcsBenchOptions } from "./ecs-bench.ts";
import { ecsClass } from "./ecs-class.ts";
import { unaborted } from "./launches.ts";

const signal = unaborted();
const minute = 60_000;

interface Refusal {
  readonly type: string;
  readonly message?: string;
}

const passRole: Refusal = {
  type: "AccessDeniedException",
  message: "User: x is not authorized to perform: iam:PassRole on resource: y",
};
const subnet: Refusal = { type: "InvalidParameterException", message: "The subnet ID 'subnet-0a1' does not exist" };

/** Twice, for both rungs of the ladder: only a lack of capacity lets a launch get to the second. */
const refuse = ({ sim }: EcsBench, fault: Refusal) => sim.faults.add({ kind: "exception", ...fault }, { times: 2 });
const check = async ({ provider, cls }: EcsBench, of: ResolvedClass<ECSRunnerClassSpec> = cls): Promise<readonly Finding[]> =>
  (await provider.check(of, signal)).findings;

/** A bench whose newest launch was refused. */
async function refused(fault: Refusal, options: EcsBenchOptions = {}): Promise<EcsBench> {
  const bench = await ecsBench(options);
  const refusal = refuse(bench, fault);
  await bench.failure(bench.launch());
  refusal.release();
  return bench;
}

/** The next task of the bench, started and ended by ECS before it ran, and read. */
async function failed(bench: EcsBench, reason: string, image?: string): Promise<void> {
  const { instance } = await bench.provider.create(bench.launch({ overrides: image === undefined ? {} : { image } }), signal);
  bench.sim.failToStart(instance.id, reason);
  bench.sim.moveTo(instance.id, "STOPPED");
  await bench.provider.get(bench.place, [instance.id], signal);
}

async function ran(bench: EcsBench, image?: string): Promise<string> {
  const { instance } = await bench.provider.create(bench.launch({ overrides: image === undefined ? {} : { image } }), signal);
  bench.sim.moveTo(instance.id, "RUNNING");
  await bench.provider.get(bench.place, [instance.id], signal);
  return instance.id;
}

test.each([
  [
    "no right to pass the roles",
    passRole,
    "Unauthorized",
    /a launch was refused:.*iam:PassRole for the execution and task roles/,
  ],
  ["no right to run tasks", { type: "AccessDeniedException", message: "x" }, "Unauthorized", /may not call ecs:RunTask/],
  ["a blocked account", { type: "BlockedException" }, "Unauthorized", /AWS Support/],
  ["a network that is not there", subnet, "NetworkInvalid", /network\.subnets/],
])("%s stops the class: only RunTask tells", async (_title, fault, reason, message) => {
  const findings = await check(await refused(fault));
  expect(findings).toMatchObject([{ severity: "Error", reason, message: expect.stringMatching(message) }]);
});

test.each([
  ["a parameter that ECS does not take", { type: "InvalidParameterException", message: "tags are odd" }, /tags are odd/],
  ["a platform that cannot do it", { type: "UnsupportedFeatureException" }, /platform/],
])("%s may concern that launch only, so it is a warning", async (_title, fault, message) => {
  expect(await check(await refused(fault))).toMatchObject([
    { severity: "Warning", reason: "LaunchRefused", message: expect.stringMatching(message) },
  ]);
});

test("instances that do not offer what the definition asks for are a warning", async () => {
  const bench = await ecsBench();
  bench.sim.faults.failures(["ATTRIBUTE"]);
  await bench.failure(bench.launch());
  expect(await check(bench)).toMatchObject([{ severity: "Warning", reason: "LaunchRefused" }]);
});

test.each([
  ["a lack of capacity", { type: "ClientException", message: "the vCPU limit was reached" }],
  ["a throttle", { type: "ThrottlingException" }],
  ["a failure of AWS", { type: "ServerException" }],
])("%s says nothing about the class", async (_title, fault) => {
  expect(await check(await refused(fault))).toEqual([]);
});

test("a job that asks for what the class does not have says nothing about the class", async () => {
  const bench = await ecsBench();
  await bench.failure(bench.launch({ overrides: { image: "nobody" } }));
  expect(await check(bench)).toEqual([]);
});

test("security groups that a job chose are a warning: the class' own may be right", async () => {
  const bench = await ecsBench({ spec: { securityGroupSets: [{ name: "db", securityGroups: ["sg-9"] }] } });
  refuse(bench, { type: "InvalidParameterException", message: "The security group 'sg-9' does not exist" });
  await bench.failure(bench.launch({ overrides: { securityGroup: "db" } }));
  expect(await check(bench)).toMatchObject([{ severity: "Warning", reason: "LaunchRefused" }]);
});

test("a launch that is accepted takes the finding away", async () => {
  const bench = await refused(passRole);
  await bench.provider.create(bench.launch(), signal);
  expect(await check(bench)).toEqual([]);
});

test("a change of the class takes it away, another class never has it", async () => {
  const bench = await refused(passRole);
  expect(await check(bench, { ...ecsClass(bench.cls.spec), name: "other" })).toEqual([]);
  expect(await check(bench)).toHaveLength(1);
  expect(await check(bench, { ...bench.cls, generation: 2 })).toEqual([]);
});

test("a launch of the class as it was before says nothing about it, and takes nothing away", async () => {
  const bench = await ecsBench();
  const changed = { ...bench.cls, generation: 2 };
  const refusal = refuse(bench, passRole);
  await bench.failure(bench.launch({ class: changed }));
  expect(await check(bench, changed)).toHaveLength(1);
  await bench.failure(bench.launch());
  refusal.release();
  await bench.provider.create(bench.launch(), signal);
  expect(await check(bench, changed)).toHaveLength(1);
});

test("a class that was made anew under the name begins without it", async () => {
  const bench = await refused(passRole);
  expect(await check(bench, { ...bench.cls, uid: "00000000-0000-4000-8000-000000000001" })).toEqual([]);
});

test.each([
  ["a right", passRole, 5],
  ["a network", subnet, 15],
])("%s is tried again after %s minutes, since nothing is launched meanwhile", async (_title, fault, minutes) => {
  const bench = await refused(fault as Refusal);
  bench.clock.advance((minutes as number) * minute - 1_000);
  expect(await check(bench)).toHaveLength(1);
  bench.clock.advance(2_000);
  expect(await check(bench)).toEqual([]);
});

test("what the check finds itself is said once", async () => {
  const bench = await refused({ type: "ClusterNotFoundException" }, { clusters: [{ name: "runners", status: "INACTIVE" }] });
  expect(await check(bench)).toMatchObject([{ reason: "ClusterNotFound" }]);
});

test.each([
  ["an image that is not there", "CannotPullContainerError: ghcr.io/acme/runner:9: not found", /runner:2\.336\.0.*name and tag/],
  [
    "a log group that is not there",
    "ResourceInitializationError: failed to validate logger args: The specified log group does not exist.",
    /the log group must exist/,
  ],
  ["a command that is not there", "CannotStartContainerError: exec: ./run.sh: no such file", /container\.command/],
])("%s shows in the class: only a start tells", async (_title, reason, message) => {
  const bench = await ecsBench();
  await failed(bench, reason);
  expect(await check(bench)).toMatchObject([
    { severity: "Warning", reason: "StartFailing", message: expect.stringMatching(message) },
  ]);
});

test("a start that failed in passing says nothing about the class", async () => {
  const bench = await ecsBench();
  await failed(bench, "Timeout waiting for network interface provisioning to complete.");
  expect(await check(bench)).toEqual([]);
});

test("a start that works takes the finding of its image away, and no other", async () => {
  const bench = await ecsBench({ spec: { images: [{ name: "node", image: "ghcr.io/acme/node:22" }] } });
  await failed(bench, "CannotPullContainerError: not found");
  await failed(bench, "CannotPullContainerError: not found", "node");
  expect(await check(bench)).toHaveLength(2);
  bench.sim.advanceClock(1_000);
  await ran(bench, "node");
  expect(await check(bench)).toMatchObject([{ message: expect.stringContaining("ghcr.io/acme/runner") }]);
  await ran(bench);
  expect(await check(bench)).toEqual([]);
});

test("a runner that runs since before the failure proves nothing, and an end that is read again teaches nothing new", async () => {
  const bench = await ecsBench();
  const early = await ran(bench);
  bench.sim.advanceClock(1_000);
  await failed(bench, "CannotPullContainerError: not found");
  await bench.provider.get(bench.place, [early], signal);
  expect(await check(bench)).toHaveLength(1);
  bench.clock.advance(19 * minute);
  await bench.provider.get(
    bench.place,
    bench.sim.tasks().map(({ arn }) => arn),
    signal,
  );
  bench.clock.advance(2 * minute);
  expect(await check(bench)).toEqual([]);
});

test("a version that GitHub refuses is not disproved by the next runner that starts", async () => {
  const bench = await ecsBench();
  const first = await ran(bench);
  bench.sim.advanceClock(1_000);
  bench.sim.exit(first, { exitCode: 7 });
  bench.sim.moveTo(first, "STOPPED");
  await bench.provider.get(bench.place, [first], signal);
  bench.sim.advanceClock(1_000);
  const next = await ran(bench);
  expect(await check(bench)).toMatchObject([{ message: expect.stringContaining("newest runner") }]);
  bench.sim.advanceClock(1_000);
  bench.sim.exit(next, { exitCode: 0 });
  bench.sim.moveTo(next, "STOPPED");
  await bench.provider.get(bench.place, [next], signal);
  expect(await check(bench)).toEqual([]);
});

test("an image that the class had before is not held against it", async () => {
  const bench = await ecsBench();
  await check(bench);
  const changed = { ...bench.cls, generation: 2, spec: { ...bench.cls.spec, image: "ghcr.io/acme/runner:3" } };
  await check(bench, changed);
  await failed(bench, "CannotPullContainerError: not found");
  expect(await check(bench, changed)).toEqual([]);
});

test("what was learnt before the first check of a new leader counts", async () => {
  const bench = await ecsBench();
  const { instance } = await bench.provider.create(bench.launch(), signal);
  bench.sim.failToStart(instance.id, "CannotPullContainerError: not found");
  bench.sim.moveTo(instance.id, "STOPPED");
  const leader = bench.restarted();
  await leader.get(bench.place, [instance.id], signal);
  expect((await leader.check(bench.cls, signal)).findings).toMatchObject([{ reason: "StartFailing" }]);
});
