import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Parsed, parseEvent } from "./parse-event.ts";

const uid = "0f5c1f0e-6f0a-4f43-9d9e-6f6f5b2a9a11";
const taskArn = "arn:aws:ecs:us-east-1:123456789012:task/runners/0123456789abcdef0123456789abcdef";

/** An event as in the Amazon ECS developer guide ("Task state change events"), of a task that is ours. */
function event(detail: Readonly<Record<string, unknown>> = {}, envelope: Readonly<Record<string, unknown>> = {}) {
  return {
    version: "0",
    id: "3317b2af-7005-947d-b652-f55e762e571a",
    "detail-type": "ECS Task State Change",
    source: "aws.ecs",
    account: "123456789012",
    time: "2026-01-15T09:00:00Z",
    region: "us-east-1",
    resources: [taskArn],
    ...envelope,
    detail: {
      attachments: [{ id: "1", type: "eni", status: "ATTACHED", details: [{ name: "subnetId", value: "subnet-a" }] }],
      availabilityZone: "us-east-1b",
      capacityProviderName: "FARGATE_SPOT",
      clusterArn: "arn:aws:ecs:us-east-1:123456789012:cluster/runners",
      containers: [{ containerArn: "arn:aws:ecs:us-east-1:123456789012:container/1", lastStatus: "RUNNING", name: "runner" }],
      createdAt: "2026-01-15T09:00:00.105Z",
      desiredStatus: "RUNNING",
      group: "job-4711-2",
      lastStatus: "RUNNING",
      overrides: {
        containerOverrides: [{ name: "runner", environment: [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: "secret" }] }],
      },
      startedAt: "2026-01-15T09:00:31.9Z",
      startedBy: uid,
      taskArn,
      updatedAt: "2026-01-15T09:00:32Z",
      version: 4,
      ...detail,
    },
  };
}

const parse = (value: unknown): Parsed => parseEvent(JSON.stringify(value));

describe("parseEvent", () => {
  it("reads a task of ours, with ISO times", () => {
    expect(parse(event())).toMatchObject({
      kind: "change",
      task: { taskArn, startedAt: new Date("2026-01-15T09:00:31.900Z") },
      instance: {
        id: taskArn,
        state: "Running",
        version: 4,
        requestUid: uid,
        runnerName: "job-4711-2",
        attempt: 2,
        registeredIn: undefined,
        capacity: undefined,
        zone: "us-east-1b",
        createdAt: "2026-01-15T09:00:00Z",
        startedAt: "2026-01-15T09:00:31Z",
        stoppedAt: undefined,
        exitCode: undefined,
      },
    });
  });

  it("keeps no value of a variable, since one of them is the JIT configuration", () => {
    expect(JSON.stringify(parse(event()))).not.toContain("secret");
  });

  it("finds the runner among the containers of a foreign task definition by the name of its variable", () => {
    const override = (name: string, variable: string) => ({ name, environment: [{ name: variable, value: "x" }] });
    const parsed = parse(
      event({
        lastStatus: "STOPPED",
        desiredStatus: "STOPPED",
        stopCode: "EssentialContainerExited",
        stoppedAt: "2026-01-15T09:05:00Z",
        containers: [
          { name: "sidecar", exitCode: 9 },
          { name: "main", exitCode: 3 },
        ],
        overrides: { containerOverrides: [override("sidecar", "OTHER"), override("main", "ACTIONS_RUNNER_INPUT_JITCONFIG")] },
      }),
    );
    expect(parsed).toMatchObject({
      kind: "change",
      instance: { state: "Stopped", exitCode: 3, stoppedAt: "2026-01-15T09:05:00Z" },
    });
  });

  it.each([
    ["of another service", { source: "aws.ec2" }, {}],
    ["of another kind", { "detail-type": "ECS Service Action" }, {}],
    ["of a service's task", {}, { startedBy: "ecs-svc/1234567890" }],
    ["of a task that a person started", {}, { startedBy: undefined }],
    ["of a task without a runner's name", {}, { group: "family:web" }],
  ])("an event %s is foreign", (_title, envelope, detail) => {
    expect(parse(event(detail, envelope))).toEqual({ kind: "foreign" });
  });

  it.each([
    ["no version", { version: undefined }],
    ["a version that cannot be compared", { version: "4" }],
    ["no ARN", { taskArn: undefined }],
    ["an ARN of something else", { taskArn: "arn:aws:ecs:us-east-1:123456789012:service/x" }],
    ["no status", { lastStatus: undefined }],
  ])("a detail with %s is unreadable", (_title, detail) => {
    expect(parse(event(detail))).toEqual({ kind: "unreadable", why: "no task in the detail" });
  });

  it.each([
    [undefined, "empty"],
    ["", "empty"],
    ["{", "not JSON"],
    ["null", "not an object"],
    [`[${"[".repeat(100_000)}`, "not JSON"],
    ["x".repeat(300_000), "too long"],
  ])("what is no event is unreadable (case %#)", (body, why) => {
    expect(parseEvent(body)).toEqual({ kind: "unreadable", why });
  });

  it("answers to any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (body) => ["foreign", "unreadable"].includes(parseEvent(body).kind)));
  });

  it("answers to any event, whatever its members are, and takes nothing from the environment", () => {
    const member = fc.constantFrom(...Object.keys(event().detail));
    const secret = "c2VjcmV0LWppdC1jb25maWd1cmF0aW9u";
    const environment = [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: secret }];
    fc.assert(
      fc.property(fc.dictionary(member, fc.jsonValue(), { maxKeys: 6 }), (detail) => {
        const overrides = { containerOverrides: [{ name: "runner", environment, command: [secret] }] };
        const parsed = parse(event({ ...detail, overrides }));
        expect(["change", "foreign", "unreadable"]).toContain(parsed.kind);
        expect(JSON.stringify(parsed)).not.toContain(secret);
      }),
    );
  });

  it("ignores members that it does not know, at any depth", () => {
    const known = parse(event());
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().map((name) => `x-${name}`),
          fc.jsonValue(),
        ),
        (more) => {
          const { containers } = event().detail;
          const parsed = parse(event({ ...more, containers: containers.map((each) => ({ ...each, ...more })) }, more));
          expect(parsed).toEqual(known);
        },
      ),
    );
  });
});
