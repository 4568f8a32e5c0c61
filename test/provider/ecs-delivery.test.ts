import { expect, onTestFinished, test, vi } from "vitest";
import type { S3Object } from "../../src/provider/ecs/delivery-object.ts";
import { jitConfigVariable } from "../../src/provider/ecs/jit-config-variable.ts";
import { githubRunner } from "../sim/ecs/runner/github-runner.ts";
import { startGitHubSim } from "../sim/github/sim.ts";
import { call, installationToken } from "../sim/github/testing.ts";
import type { S3Sim } from "../sim/s3/sim.ts";
import { type DeliveryBench, deliveryBench, filesOf, kmsKey } from "./delivery-bench.ts";
import { collect, jitConfig, unaborted } from "./launches.ts";

const signal = unaborted();

async function emptied(s3: S3Sim): Promise<void> {
  await expect.poll(() => s3.keys()).toEqual([]);
}

function arnOf({ bucket, key }: S3Object): string {
  return `arn:aws:s3:::${bucket}/${key}`;
}

test("the configuration is put before the task is started, and the task names its object only", async () => {
  const { sim, s3, provider, launch } = await deliveryBench({ kmsKeyArn: kmsKey, s3: { kmsKeys: [kmsKey] } });
  const of = launch({ attempt: 2 });
  const { instance, adopted } = await provider.create(of, signal);
  expect(adopted).toBe(false);
  const [key = ""] = s3.keys();
  expect(key).toMatch(new RegExp(`^getabako/${of.requestUid}-2-[0-9a-f]{16}\\.env$`));
  expect(s3.bucket().get(key)).toMatchObject({
    body: `${jitConfigVariable}=${of.jitConfig}\n`,
    contentType: "text/plain; charset=utf-8",
    encryption: { algorithm: "aws:kms", kmsKeyId: kmsKey },
  });
  expect(sim.task(instance.id).request.overrides).toMatchObject({
    containerOverrides: [{ name: "runner", environmentFiles: [{ type: "s3", value: arnOf({ bucket: "handover", key }) }] }],
  });
  expect(JSON.stringify(sim.task(instance.id).request)).not.toContain(jitConfigVariable);
});

test("without a key the bucket's own encryption counts", async () => {
  const { s3, provider, launch } = await deliveryBench();
  await provider.create(launch(), signal);
  expect(s3.bucket().list()).toMatchObject([{ encryption: undefined }]);
});

test("the runner gets its configuration, and the object goes as soon as the task is seen running", async () => {
  const environments: Readonly<Record<string, string>>[] = [];
  const { sim, s3, provider, launch, place } = await deliveryBench({
    runner: (task) => void environments.push(task.environment),
  });
  const of = launch();
  const { instance } = await provider.create(of, signal);
  for (const status of ["PROVISIONING", "PENDING", "ACTIVATING"] as const) {
    sim.moveTo(instance.id, status);
    await provider.get(place, [instance.id], signal);
    expect(s3.keys()).toHaveLength(1);
  }
  sim.moveTo(instance.id, "RUNNING");
  await expect.poll(() => environments).toEqual([{ [jitConfigVariable]: of.jitConfig, ...runnerVariables }]);
  await provider.get(place, [instance.id], signal);
  await emptied(s3);
  sim.moveTo(instance.id, "STOPPED");
  await provider.get(place, [instance.id], signal);
  await provider.close();
  expect(s3.count("DeleteObject")).toBe(1);
});

const runnerVariables = { ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1", RUNNER_MANUALLY_TRAP_SIG: "1" };

const looks: readonly (readonly [string, (bench: DeliveryBench, id: string) => Promise<unknown>])[] = [
  [
    "list() of the class, for a task that runs",
    async ({ sim, provider, cls }, id) => {
      sim.moveTo(id, "RUNNING");
      return collect(provider.list(cls, {}, signal));
    },
  ],
  [
    "list() of its request",
    async ({ sim, provider, cls }, id) => {
      sim.moveTo(id, "RUNNING");
      return collect(provider.list(cls, { requestUid: sim.task(id).startedBy ?? "" }, signal));
    },
  ],
  ["delete()", async ({ provider, place }, id) => provider.delete(place, id, "not needed", signal)],
  [
    "get() of a task that never ran",
    async ({ sim, provider, place }, id) => {
      sim.failToStart(id, "CannotPullContainerError: not found");
      return provider.get(place, [id], signal);
    },
  ],
  [
    "get() by another process",
    async ({ sim, restarted, place }, id) => {
      sim.moveTo(id, "STOPPED");
      return restarted().get(place, [id], signal);
    },
  ],
];

test.each(looks)("the object goes after %s", async (_title, look) => {
  const bench = await deliveryBench();
  const { instance } = await bench.provider.create(bench.launch(), signal);
  await look(bench, instance.id);
  await emptied(bench.s3);
});

test("a repeated call is the same to the byte, and gives the same task", async () => {
  const { sim, s3, provider, launch, failure } = await deliveryBench();
  const of = launch();
  sim.faults.add({ kind: "cut", accepted: true });
  expect(await failure(of)).toMatchObject({ code: "Unavailable" });
  expect(s3.keys()).toHaveLength(1);
  const { adopted } = await provider.create(of, signal);
  expect(adopted).toBe(false);
  const [first, second] = sim.calls.list("RunTask").map(({ request }) => JSON.stringify(request));
  expect(second).toBe(first);
  expect(sim.tasks()).toHaveLength(1);
  expect(s3.keys()).toHaveLength(1);
});

test("an object put again for a task that runs already goes again", async () => {
  const { sim, s3, provider, launch, place, failure } = await deliveryBench();
  const of = launch();
  sim.faults.add({ kind: "cut", accepted: true });
  await failure(of);
  const [task] = sim.tasks();
  sim.moveTo(task?.id ?? "", "RUNNING");
  await provider.get(place, [task?.arn ?? ""], signal);
  await emptied(s3);
  await provider.create(of, signal);
  await provider.get(place, [task?.arn ?? ""], signal);
  await emptied(s3);
  expect(s3.count("PutObject")).toBe(2);
});

test("after a crash between put and RunTask the next launch has an object of its own", async () => {
  const { sim, s3, launch, restarted, place, failure } = await deliveryBench();
  const of = launch();
  const crash = sim.faults.add({ kind: "cut" });
  await failure(of);
  expect(crash.hits).toBe(1);
  const next = restarted();
  const { instance, adopted } = await next.create({ ...of, jitConfig: jitConfig() }, signal);
  expect(adopted).toBe(false);
  expect(new Set(s3.keys()).size).toBe(2);
  sim.moveTo(instance.id, "RUNNING");
  await next.get(place, [instance.id], signal);
  // What the process before put is the lifecycle rule's.
  await expect.poll(() => s3.keys()).toHaveLength(1);
  expect(filesOf(sim, instance.id)).not.toContain(arnOf({ bucket: "handover", key: s3.keys()[0] ?? "" }));
});

test("after a crash before the task was stored another configuration is a conflict: the first task is adopted, its object kept", async () => {
  const { sim, s3, provider, launch, restarted, place } = await deliveryBench();
  const of = launch();
  const first = await provider.create(of, signal);
  const [key = ""] = s3.keys();
  const next = restarted();
  const second = await next.create({ ...of, jitConfig: jitConfig() }, signal);
  expect(second).toMatchObject({ adopted: true, instance: { id: first.instance.id } });
  expect(sim.calls.list("RunTask").map(({ outcome }) => outcome)).toEqual(["ok", "ConflictException"]);
  await expect.poll(() => s3.keys()).toEqual([key]);
  sim.moveTo(first.instance.id, "RUNNING");
  await next.get(place, [first.instance.id], signal);
  await emptied(s3);
});

test("the same configuration for a class that changed is no adoption, also with another bucket", async () => {
  const { s3, provider, cls, launch } = await deliveryBench({ s3: { buckets: [{ name: "handover" }, { name: "other" }] } });
  const of = launch();
  const first = await provider.create(of, signal);
  const jitConfigDelivery = { type: "S3" as const, s3: { bucket: "other", prefix: "" } };
  const changed = { ...of, class: { ...cls, spec: { ...cls.spec, jitConfigDelivery } } };
  expect(await provider.create(changed, signal)).toMatchObject({ adopted: false, instance: { id: first.instance.id } });
  await expect.poll(() => s3.keys("other")).toEqual([]);
  expect(s3.keys()).toHaveLength(1);
});

test("a task of the Environment way is adopted by a class that delivers by S3 now", async () => {
  const { s3, provider, cls, launch } = await deliveryBench();
  const of = launch();
  const before = { ...of, class: { ...cls, spec: { ...cls.spec, jitConfigDelivery: { type: "Environment" as const } } } };
  const first = await provider.create(before, signal);
  expect(await provider.create(of, signal)).toMatchObject({ adopted: false, instance: { id: first.instance.id } });
  await emptied(s3);
});

test("a refusal of every rung leaves no object, and the next try puts the same one again", async () => {
  const { sim, s3, provider, launch, failure } = await deliveryBench();
  const of = launch();
  sim.capacity.refuse("FARGATE_SPOT");
  sim.capacity.refuse("FARGATE");
  expect(await failure(of)).toMatchObject({ code: "InsufficientCapacity" });
  await emptied(s3);
  sim.capacity.release();
  const { instance } = await provider.create({ ...of, tries: 1 }, signal);
  expect(filesOf(sim, instance.id)).toEqual([arnOf({ bucket: "handover", key: s3.keys()[0] ?? "" })]);
  expect(new Set(s3.calls.map(({ key }) => key)).size).toBe(1);
});

test("the next try waits for a removal that is under way: its object stays", async () => {
  const { sim, s3, provider, cls, launch, failure } = await deliveryBench();
  const of = launch();
  sim.capacity.refuse("FARGATE_SPOT", { times: 1 });
  sim.capacity.refuse("FARGATE", { times: 1 });
  const slow = s3.faults.add({ kind: "hang" }, { operation: "DeleteObject" });
  await failure(of);
  await slow.reached;
  const created = provider.create({ ...of, tries: 1 }, signal);
  // Calls of another object get through meanwhile.
  await provider.check(cls, signal);
  const calls = () => s3.calls.filter(({ key }) => key.includes(of.requestUid)).map(({ operation }) => operation);
  expect(calls()).toEqual(["PutObject", "DeleteObject"]);
  slow.release();
  await created;
  expect(s3.keys()).toHaveLength(1);
  expect(calls()).toEqual(["PutObject", "DeleteObject", "PutObject"]);
});

test.each([
  ["refused for good", { kind: "exception", type: "AccessDeniedException" }, []],
  ["answered by nobody", { kind: "cut" }, ["PutObject"]],
  ["throttled", { kind: "exception", type: "ThrottlingException" }, ["PutObject"]],
] as const)("a RunTask that is %s leaves what may still be read", async (_title, outcome, left) => {
  const { sim, s3, launch, failure } = await deliveryBench();
  sim.faults.add(outcome);
  await failure(launch());
  await expect.poll(() => s3.keys()).toHaveLength(left.length);
});

test("a launch whose turn has not come leaves no object: its job may be gone by then", async () => {
  // Tokens for one definition.
  const images = [{ name: "node", image: "ghcr.io/acme/node:22" }];
  const { sim, s3, launch, provider, failure } = await deliveryBench({ pace: 0.1, spec: { images } });
  await provider.create(launch(), signal);
  const first = s3.keys();
  const of = launch({ overrides: { image: "node" } });
  expect(await failure(of)).toMatchObject({ code: "Throttled", unsent: true });
  await expect.poll(() => s3.calls.filter(({ key }) => key.includes(of.requestUid))).toHaveLength(2);
  await expect.poll(() => s3.keys()).toEqual(first);
  expect(sim.tasks()).toHaveLength(1);
});

test("a refusal after an answer that was lost leaves the object: a task may be about to read it", async () => {
  const { sim, s3, provider, cls, launch, place, failure } = await deliveryBench();
  const of = launch();
  sim.faults.add({ kind: "cut", accepted: true });
  sim.faults.add({ kind: "exception", type: "AccessDeniedException" });
  await failure(of);
  expect(await failure(of)).toMatchObject({ code: "Unavailable", message: expect.stringMatching(/may not call/) });
  // Two calls to S3 later a removal would have been seen.
  await provider.check(cls, signal);
  expect(s3.keys()).toHaveLength(1);
  const id = sim.tasks()[0]?.arn ?? "";
  sim.moveTo(id, "RUNNING");
  await provider.get(place, [id], signal);
  await emptied(s3);
});

test("an object that cannot be put does not end a launch whose answer was lost: another try would start a second task", async () => {
  const { sim, s3, provider, launch, failure } = await deliveryBench();
  const of = launch();
  sim.faults.add({ kind: "cut", accepted: true });
  await failure(of);
  s3.faults.deny({ operation: "PutObject" });
  expect(await failure(of)).toMatchObject({ code: "Unavailable", message: expect.stringMatching(/allow s3:PutObject/) });
  s3.faults.clear();
  await provider.create(of, signal);
  expect(sim.tasks()).toHaveLength(1);
});

const failures: readonly (readonly [string, (s3: S3Sim) => void, string, RegExp])[] = [
  ["a right that is missing", (s3) => s3.faults.deny({ operation: "PutObject" }), "Unauthorized", /allow s3:PutObject/],
  [
    "a KMS key that the operator may not use",
    (s3) => s3.faults.deny({}, "not authorized to perform: kms:GenerateDataKey on resource: x"),
    "Unauthorized",
    /kms:GenerateDataKey/,
  ],
  [
    "SlowDown",
    (s3) => s3.faults.add({ kind: "error", code: "SlowDown", status: 503 }),
    "Throttled",
    /S3 asks for fewer PutObject calls/,
  ],
  ["no answer", (s3) => s3.faults.add({ kind: "hang" }), "Unavailable", /no answer to PutObject from S3/],
  ["a cut connection", (s3) => s3.faults.add({ kind: "cut", accepted: true }), "Unavailable", /repeated/],
  ["a server error", (s3) => s3.faults.add({ kind: "error", code: "InternalError", status: 500 }), "Unavailable", /failed/],
  ["a proxy's page with status 200", (s3) => s3.faults.add({ kind: "html", status: 200 }), "Unavailable", /not from S3/],
  ["a proxy's page with status 502", (s3) => s3.faults.add({ kind: "html", status: 502 }), "Unavailable", /repeated/],
];

test.each(failures)(
  "%s starts nothing, says what to do, and the same launch succeeds afterwards",
  async (_t, fail, code, words) => {
    const { sim, s3, provider, launch, failure, log } = await deliveryBench({ patienceMs: 1_000 });
    const of = launch();
    fail(s3);
    const error = await failure(of);
    expect(error).toMatchObject({ name: "ProviderError", code });
    expect(error.message).toMatch(words);
    expect(sim.calls.count("RunTask")).toBe(0);
    s3.faults.clear();
    await provider.create(of, signal);
    expect(sim.tasks()).toHaveLength(1);
    expect(log.text).not.toContain(of.jitConfig.slice(0, 40));
  },
);

test("no answer to a removal fails no look, is warned of once, and is tried again at the next look", async () => {
  const { sim, s3, provider, launch, place, log } = await deliveryBench();
  const { instance } = await provider.create(launch(), signal);
  sim.moveTo(instance.id, "RUNNING");
  const denied = s3.faults.deny({ operation: "DeleteObject" });
  for (const hits of [1, 2]) {
    const seen = await provider.get(place, [instance.id], signal);
    expect(seen.get(instance.id)).toMatchObject({ state: "Running" });
    await vi.waitFor(() => expect(log.lines().filter(({ msg }) => msg.startsWith("could not remove"))).toHaveLength(hits));
    expect(denied.hits).toBe(hits);
  }
  expect(log.lines().filter(({ level }) => level === "warn")).toHaveLength(1);
  s3.faults.clear();
  await provider.get(place, [instance.id], signal);
  await emptied(s3);
});

test("an object that went too early keeps the task from starting, with a cause that says what to look at", async () => {
  const { sim, s3, provider, launch, place } = await deliveryBench({ timings: { PROVISIONING: 0 } });
  const { instance } = await provider.create(launch(), signal);
  s3.bucket().clear();
  sim.moveTo(instance.id, "PENDING");
  await expect.poll(() => sim.task(instance.id).lastStatus).toBe("STOPPED");
  const ended = (await provider.get(place, [instance.id], signal)).get(instance.id);
  expect(ended).toMatchObject({
    state: "Stopped",
    stop: { category: "StartFailed", message: expect.stringContaining("environment file") },
  });
});

test("a job runs to its end on a runner that read its configuration from the object, and nothing is left", async () => {
  const github = await startGitHubSim();
  onTestFinished(() => github.close());
  github.addRepository("acme/web");
  const token = await installationToken(github, github.install("acme"));
  const answers: string[] = [];
  const { sim, s3, provider, launch, place } = await deliveryBench({
    timings: 1,
    runner: githubRunner(github),
    onCall: ({ output }) => answers.push(JSON.stringify(output)),
  });
  const job = github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
  const of = launch();
  const body = { name: of.runnerName, runner_group_id: 1, labels: ["self-hosted", "ecs"] };
  const reply = await call(github, "POST", "/repos/acme/web/actions/runners/generate-jitconfig", token, body);
  const jit = (reply.body as { encoded_jit_config: string }).encoded_jit_config;
  const { instance } = await provider.create({ ...of, jitConfig: jit }, signal);
  await expect
    .poll(async () => (await provider.get(place, [instance.id], signal)).get(instance.id))
    .toMatchObject({ state: "Stopped", exitCode: 0, stop: { category: "Exited" } });
  expect(github.job(job.id)).toMatchObject({ status: "completed", conclusion: "success" });
  await emptied(s3);
  expect(sim.report()).toMatchObject({ doubled: [], live: [], violations: [] });
  expect(answers.filter((answer) => answer.includes(jit.slice(0, 40)))).toEqual([]);
});
