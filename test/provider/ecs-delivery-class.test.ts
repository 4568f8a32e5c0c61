import { RegisterTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import { jitConfigVariable } from "../../src/provider/ecs/jit-config-variable.ts";
import { deliveryBench, executionRole, filesOf, kmsKey } from "./delivery-bench.ts";
import { unaborted } from "./launches.ts";

// What a class that delivers by S3 needs, and how it is told what is missing.

const signal = unaborted();

const unusable: readonly (readonly [string, string, string, RegExp])[] = [
  ["a bucket that is not there", "nobody", "TargetNotReady", /bucket nobody does not exist: create it in us-east-1/],
  ["a bucket of another Region", "elsewhere", "InvalidRequest", /bucket elsewhere is not in us-east-1/],
];

test.each(unusable)("%s is told at the launch and by the check", async (_title, bucket, code, words) => {
  const { provider, cls, launch, failure } = await deliveryBench({
    s3: { buckets: [{ name: "elsewhere", region: "eu-west-1" }] },
    spec: { jitConfigDelivery: { type: "S3", s3: { bucket, prefix: "getabako/" } } },
  });
  const error = await failure(launch());
  expect(error).toMatchObject({ code });
  expect(error.message).toMatch(words);
  const { findings } = await provider.check(cls, signal);
  expect(findings).toEqual([{ severity: "Error", reason: "DeliveryBucketUnusable", message: error.message }]);
});

test("the check tries the operator's rights below the prefix, and leaves nothing there", async () => {
  const { s3, provider, cls } = await deliveryBench({ kmsKeyArn: kmsKey });
  expect((await provider.check(cls, signal)).findings).toEqual([]);
  expect(s3.calls.map(({ operation, key }) => [operation, key])).toEqual([
    ["PutObject", "getabako/.getabako-check"],
    ["DeleteObject", "getabako/.getabako-check"],
  ]);
  expect(s3.keys()).toEqual([]);
});

test.each(["PutObject", "DeleteObject"] as const)("a missing right to %s is a finding", async (operation) => {
  const { s3, provider, cls } = await deliveryBench();
  s3.faults.deny({ operation });
  expect((await provider.check(cls, signal)).findings).toMatchObject([
    { severity: "Error", reason: "Unauthorized", message: expect.stringContaining(`s3:${operation} for handover/getabako/*`) },
  ]);
});

test("a KMS key that does not exist is a finding, one that throttles is not", async () => {
  const { s3, provider, cls } = await deliveryBench({ kmsKeyArn: kmsKey, s3: { kmsKeys: [] } });
  expect((await provider.check(cls, signal)).findings).toMatchObject([{ reason: "DeliveryBucketUnusable" }]);
  s3.faults.add({ kind: "error", code: "SlowDown", status: 503 });
  await expect(provider.check(cls, signal)).rejects.toMatchObject({ code: "Throttled" });
});

test("a bucket that keeps versions is a warning", async () => {
  const { provider, cls } = await deliveryBench({ s3: { buckets: [{ name: "handover", versioned: true }] } });
  expect((await provider.check(cls, signal)).findings).toMatchObject([
    { severity: "Warning", reason: "DeliveryBucketVersioned", message: expect.stringContaining("noncurrent") },
  ]);
});

test("a class that sets the runner's variable itself is a finding: it would win over the file", async () => {
  const bench = await deliveryBench();
  const { spec } = bench.cls;
  const container = { ...spec.container, environment: [{ name: jitConfigVariable, value: "x" }] };
  const cls = { ...bench.cls, spec: { ...spec, container } };
  expect((await bench.provider.check(cls, signal)).findings).toMatchObject([
    { severity: "Error", reason: "DeliveryOverridden", message: expect.stringContaining(jitConfigVariable) },
  ]);
});

/** A definition brought by the user, with a file of its own. */
async function broughtBench(definition: { readonly executionRoleArn?: string }) {
  const bench = await deliveryBench({
    spec: { image: undefined as never, executionRoleArn: undefined as never, taskDefinition: "team" },
  });
  const sdk = await import("@aws-sdk/client-ecs");
  const client = new sdk.ECSClient(bench.sim.clientConfig);
  await client.send(
    new RegisterTaskDefinitionCommand({
      family: "team",
      networkMode: "awsvpc",
      requiresCompatibilities: ["FARGATE"],
      cpu: "1024",
      memory: "2048",
      // Without a role the definition may have no files either.
      containerDefinitions: [
        { name: "runner", image: "x", ...(definition.executionRoleArn !== undefined && { environmentFiles: [teamFile] }) },
      ],
      ...definition,
    }),
  );
  client.destroy();
  return bench;
}

const teamFile = { type: "s3" as const, value: "arn:aws:s3:::handover/team/settings.env" };

test("a definition's own files stay, behind ours, and are nobody's to remove", async () => {
  const { sim, s3, provider, launch, place } = await broughtBench({ executionRoleArn: executionRole });
  s3.bucket().put({ key: "team/settings.env", body: "A=1\n", contentType: undefined, encryption: undefined, putAt: 0 });
  const { instance } = await provider.create(launch(), signal);
  expect(filesOf(sim, instance.id)).toEqual([expect.stringContaining("/getabako/"), teamFile.value]);
  sim.moveTo(instance.id, "STOPPED");
  await provider.get(place, [instance.id], signal);
  await expect.poll(() => s3.keys()).toEqual(["team/settings.env"]);
});

test("a definition without an execution role is a finding", async () => {
  const { provider, cls } = await broughtBench({});
  expect((await provider.check(cls, signal)).findings).toMatchObject([
    {
      reason: "TaskDefinitionInvalid",
      message: expect.stringContaining("needs an executionRoleArn for jitConfigDelivery.type S3"),
    },
  ]);
});
