import type { Task } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import { deliveredTo, deliveryFileName, deliveryObject, objectArn, parseObjectArn } from "./delivery-object.ts";
import { handOverByEnvironment, handOverByFile, holdsJitConfig } from "./hand-over.ts";

const requestUid = "0b1e2d3c-4f5a-6789-abcd-ef0123456789";
const launch = { requestUid, attempt: 3, jitConfig: "c2VjcmV0IG9mIGEgcnVubmVy" };
const where = { bucket: "handover", prefix: "getabako/prod/" };

test("the key is the prefix, the request's uid, the attempt and a hash that does not show the configuration", () => {
  const { bucket, key } = deliveryObject(where, launch);
  expect(bucket).toBe("handover");
  expect(key).toMatch(/^getabako\/prod\/0b1e2d3c-4f5a-6789-abcd-ef0123456789-3-[0-9a-f]{16}\.env$/);
  expect(key).not.toContain(launch.jitConfig.slice(0, 8));
  expect(deliveryObject({ ...where, prefix: "" }, launch).key).toBe(deliveryFileName(launch));
});

test("the same launch has the same key, and another configuration, attempt or request another one", () => {
  const others = [
    { ...launch },
    { ...launch, jitConfig: "another" },
    { ...launch, attempt: 4 },
    { ...launch, requestUid: requestUid.replace("0b", "1c") },
  ];
  expect(new Set(others.map(deliveryFileName)).size).toBe(4);
  expect(deliveryFileName({ ...launch })).toBe(deliveryFileName(launch));
});

test.each([
  ["ap-northeast-1", "aws"],
  ["cn-north-1", "aws-cn"],
  ["us-gov-west-1", "aws-us-gov"],
  ["us-iso-east-1", "aws-iso"],
  ["us-isob-east-1", "aws-iso-b"],
])("in %s the ARN is of the partition %s", (region, partition) => {
  const object = deliveryObject(where, launch);
  const arn = objectArn(region, object);
  expect(arn).toBe(`arn:${partition}:s3:::handover/${object.key}`);
  expect(parseObjectArn(arn)).toEqual(object);
});

test.each(["", "handover/a.env", "arn:aws:s3:::handover", "arn:aws:sqs:::handover/a.env"])("%j is no object", (text) => {
  expect(parseObjectArn(text)).toBeUndefined();
});

const arn = objectArn("us-east-1", deliveryObject(where, launch));

function task(...values: readonly string[]): Task {
  const environmentFiles = values.map((value) => ({ type: "s3" as const, value }));
  return { startedBy: requestUid, group: "job-77-3", overrides: { containerOverrides: [{ name: "runner", environmentFiles }] } };
}

test("only what was put for the task's own request and attempt is taken for its object", () => {
  const object = deliveryObject(where, launch);
  expect(deliveredTo(task(arn))).toEqual([object]);
  expect(deliveredTo(task("arn:aws:s3:::team/settings.env", arn))).toEqual([object]);
  const strangers = [
    task(),
    task("arn:aws:s3:::team/settings.env"),
    task(`arn:aws:s3:::team/${requestUid}-3.env`),
    task(`arn:aws:s3:::team/${requestUid}-3-0123.env`),
    task(`${arn}.env`),
    task(arn.replace("-3-", "-4-")),
    task(arn.replace("0b1e", "1c1e")),
    { ...task(arn), startedBy: "somebody" },
    { ...task(arn), startedBy: requestUid.replace("0b", "1c") },
    { ...task(arn), group: "service:web" },
    { ...task(arn), group: "job-77-2" },
  ];
  expect(strangers.filter((stranger) => deliveredTo(stranger).length > 0)).toEqual([]);
});

test("a task holds a configuration that is in its environment or behind the name of its file, wherever that lies", () => {
  const inEnvironment: Task = {
    overrides: { containerOverrides: [{ name: "runner", ...handOverByEnvironment(launch.jitConfig) }] },
  };
  const inFile: Task = { overrides: { containerOverrides: [{ name: "runner", ...handOverByFile(arn) }] } };
  const moved = task(objectArn("us-east-1", deliveryObject({ bucket: "other", prefix: "" }, launch)));
  const holders = [inEnvironment, inFile, moved];
  expect(holders.map((holder) => holdsJitConfig(holder, launch))).toEqual([true, true, true]);
  const next = { ...launch, jitConfig: "another" };
  expect([...holders, {}, task()].map((holder) => holdsJitConfig(holder, next))).toEqual([false, false, false, false, false]);
});
