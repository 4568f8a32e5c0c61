import type { Task } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import { toInstance, toState } from "./instance.ts";

const arn = "arn:aws:ecs:us-east-1:123456789012:task/runners/0123456789abcdef0123456789abcdef";
const uid = "0b1e2d3c-4f5a-6789-abcd-ef0123456789";
const ladder = [
  { name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] },
  { name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] },
];

function task(overrides: Partial<Task> = {}): Task {
  return {
    taskArn: arn,
    lastStatus: "RUNNING",
    desiredStatus: "RUNNING",
    version: 4,
    startedBy: uid,
    group: "job-31415926535-2",
    capacityProviderName: "FARGATE",
    availabilityZone: "us-east-1c",
    createdAt: new Date("2026-01-15T09:00:00.123Z"),
    startedAt: new Date("2026-01-15T09:00:31.9Z"),
    containers: [{ name: "runner", lastStatus: "RUNNING" }],
    ...overrides,
  };
}

test("a running task is a running instance of its request and attempt", () => {
  expect(toInstance(task(), ladder)).toEqual({
    id: arn,
    state: "Running",
    version: 4,
    requestUid: uid,
    attempt: 2,
    runnerName: "job-31415926535-2",
    capacity: "on-demand",
    zone: "us-east-1c",
    createdAt: "2026-01-15T09:00:00Z",
    startedAt: "2026-01-15T09:00:31Z",
    stoppedAt: undefined,
    exitCode: undefined,
  });
});

test.each<[string, string, unknown]>([
  ["team-a/app", "acme", { app: "team-a/app", scope: "acme" }],
  ["team-a/app", "acme/web", { app: "team-a/app", scope: "acme/web" }],
  ["team-a/app", "", undefined],
  ["app", "acme", undefined],
  ["a/b/c", "acme", undefined],
  ["team-a/app", "acme/web/", undefined],
])("tags tell that a runner is registered by %s in %s", (app, scope, registeredIn) => {
  const tags = [
    { key: "getabako.dev/githubapp", value: app },
    { key: "getabako.dev/scope", value: scope },
  ];
  expect(toInstance(task({ tags })).registeredIn).toEqual(registeredIn);
  expect(toInstance(task({ tags: tags.slice(0, 1) })).registeredIn).toBeUndefined();
});

test.each([
  ["PROVISIONING", "RUNNING", "Pending"],
  ["PENDING", "RUNNING", "Pending"],
  ["ACTIVATING", "RUNNING", "Pending"],
  ["RUNNING", "RUNNING", "Running"],
  ["PROVISIONING", "STOPPED", "Stopping"],
  ["RUNNING", "STOPPED", "Stopping"],
  ["DEACTIVATING", "RUNNING", "Stopping"],
  ["STOPPING", "STOPPED", "Stopping"],
  ["DEPROVISIONING", "STOPPED", "Stopping"],
  ["STOPPED", "STOPPED", "Stopped"],
  ["DELETED", "STOPPED", "Stopped"],
  ["SOMETHING_NEW", "RUNNING", "Pending"],
  ["SOMETHING_NEW", "STOPPED", "Stopping"],
] as const)("%s with desired %s is %s", (lastStatus, desiredStatus, state) => {
  expect(toState({ lastStatus, desiredStatus })).toBe(state);
});

test("a task without a provider of the ladder has no known rung", () => {
  expect(toInstance(task({ capacityProviderName: "other" }), ladder).capacity).toBeUndefined();
  expect(toInstance(task()).capacity).toBeUndefined();
});

test.each([
  ["startedBy of a service", { startedBy: "ecs-svc/1234567890" }],
  ["a group that is no runner name", { group: "family:runner" }],
  ["nothing at all", { startedBy: "", group: "" }],
])("a task with %s is nobody's", (_title, overrides) => {
  const { requestUid, attempt, runnerName } = toInstance(task(overrides));
  expect({ requestUid, attempt, runnerName }).toEqual({});
});

test("a stopped task has its cause and the runner's exit code", () => {
  const instance = toInstance(
    task({
      lastStatus: "STOPPED",
      desiredStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      stoppedAt: new Date("2026-01-15T09:10:00Z"),
      containers: [{ name: "runner", exitCode: 3 }],
    }),
  );
  expect(instance).toMatchObject({
    state: "Stopped",
    exitCode: 3,
    stoppedAt: "2026-01-15T09:10:00Z",
    stop: { category: "Exited" },
  });
});

test("the exit code of a task that is still stopping does not count yet", () => {
  const instance = toInstance(task({ lastStatus: "DEPROVISIONING", containers: [{ name: "runner", exitCode: 0 }] }));
  expect(instance).toMatchObject({ state: "Stopping", exitCode: undefined });
  expect(instance.stop).toBeUndefined();
});

test("a Spot notice is known while the task still runs", () => {
  const instance = toInstance(task({ desiredStatus: "STOPPED", stopCode: "SpotInterruption" }));
  expect(instance).toMatchObject({ state: "Stopping", stop: { category: "Interrupted" } });
});

test("among several containers the runner is the one that was given the JIT configuration", () => {
  const instance = toInstance(
    task({
      lastStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      containers: [
        { name: "proxy", exitCode: 143, reason: "OutOfMemoryError: of the proxy" },
        { name: "main", exitCode: 0 },
      ],
      overrides: {
        containerOverrides: [
          { name: "proxy" },
          { name: "main", environment: [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: "x" }] },
        ],
      },
    }),
  );
  expect(instance.exitCode).toBe(0);
});

test("without the override it is the one that is called runner, and otherwise unknown", () => {
  const containers = [
    { name: "proxy", exitCode: 143 },
    { name: "runner", exitCode: 5 },
  ];
  const stopped = { lastStatus: "STOPPED", stopCode: "EssentialContainerExited" } as const;
  expect(toInstance(task({ ...stopped, containers })).exitCode).toBe(5);
  expect(
    toInstance(
      task({
        ...stopped,
        containers: [
          { name: "a", exitCode: 1 },
          { name: "b", exitCode: 2 },
        ],
      }),
    ).exitCode,
  ).toBeUndefined();
});

test("a reason that only the container has is the cause", () => {
  const instance = toInstance(
    task({
      lastStatus: "STOPPED",
      stopCode: "TaskFailedToStart",
      stoppedReason: "Task failed to start",
      containers: [{ name: "runner", reason: "CannotPullContainerError: ref: not found" }],
    }),
  );
  expect(instance.stop).toMatchObject({ category: "Misconfigured", reason: "CannotPullContainerError" });
});

test("empty texts and impossible dates are nothing, as emulators send them", () => {
  const instance = toInstance(
    task({ availabilityZone: "", startedAt: new Date(Number.NaN), stopCode: "" as never, version: undefined }),
  );
  expect(instance).toMatchObject({ zone: undefined, startedAt: undefined, version: 0 });
});

test("an instance never carries the override, which holds the JIT configuration", () => {
  const secret = "s3cr3t-jit-config";
  const environment = [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: secret }];
  const instance = toInstance(task({ overrides: { containerOverrides: [{ name: "runner", environment }] } }), ladder);
  expect(JSON.stringify(instance)).not.toContain(secret);
});
