import fc from "fast-check";
import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { runnerName } from "../../api/v1alpha1/names.ts";
import { handOverByEnvironment, handOverByFile } from "./hand-over.ts";
import type { Rung } from "./rung.ts";
import { shapeRunner } from "./shape.ts";
import { clientToken, type EcsLaunch, maxOverridesLength, taskInput } from "./task-input.ts";
import { classSpec } from "./testing.ts";

const arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/getabako-0123456789abcdef:3";
const awsvpc = { arn, networkMode: "awsvpc" };
const spot: Rung = { name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] };
const instances: Rung = {
  name: "own",
  providers: [
    { name: "asg-a", weight: 3, base: 1 },
    { name: "asg-b", weight: 0 },
  ],
};

function spec(overrides: Partial<ECSRunnerClassSpec> = {}): ECSRunnerClassSpec {
  return classSpec({
    capacity: [spot, instances],
    network: { subnets: ["subnet-1", "subnet-2"], assignPublicIp: false },
    image: "ghcr.io/acme/runner:1",
    resources: { cpu: 0.5, memory: "2Gi", disk: "30G" },
    tags: { team: "ci" },
    ...overrides,
  });
}

function launch(overrides: Partial<EcsLaunch> = {}, specOverrides: Partial<ECSRunnerClassSpec> = {}): EcsLaunch {
  return {
    requestUid: "0b1e2d3c-4f5a-6789-abcd-ef0123456789",
    requestNamespace: "team-web",
    requestName: "job-31415926535",
    attempt: 1,
    tries: 0,
    runnerName: "job-31415926535-1",
    registeredIn: { app: "ci/acme", scope: "acme/web" },
    labels: ["self-hosted"],
    class: { kind: "ECSRunnerClass", namespace: "ci", name: "fargate", uid: "c0ffee", generation: 1, spec: spec(specOverrides) },
    overrides: {},
    avoid: [],
    jitConfig: "Sml0Q29uZmln",
    tags: { repository: "acme/web" },
    ...overrides,
  };
}

const input = (of: EcsLaunch, rung: Rung = spot, definition = awsvpc) => {
  const shaping = shapeRunner(of.class.spec, of.overrides);
  if (!shaping.ok) throw new Error(shaping.problems.join("; "));
  return taskInput(of, shaping.shape, rung, definition, handOverByEnvironment(of.jitConfig));
};

test("a launch becomes one task with everything that finds it again", () => {
  const of = launch();
  expect(input(of)).toEqual({
    cluster: "runners",
    taskDefinition: arn,
    count: 1,
    clientToken: clientToken(of, spot),
    startedBy: of.requestUid,
    group: "job-31415926535-1",
    capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }],
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1", "subnet-2"], assignPublicIp: "DISABLED" } },
    overrides: {
      containerOverrides: [{ name: "runner", environment: [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: "Sml0Q29uZmln" }] }],
      cpu: "512",
      memory: "2048",
      ephemeralStorage: { sizeInGiB: 28 },
    },
    tags: [
      { key: "getabako.dev/class-uid", value: "c0ffee" },
      { key: "getabako.dev/class", value: "ci/fargate" },
      { key: "getabako.dev/githubapp", value: "ci/acme" },
      { key: "getabako.dev/scope", value: "acme/web" },
      { key: "getabako.dev/request", value: "team-web/job-31415926535" },
      { key: "getabako.dev/attempt", value: "1" },
      { key: "team", value: "ci" },
      { key: "getabako.dev/repository", value: "acme/web" },
    ],
  });
});

test("the same launch gives byte-identical requests, whatever the order of its members", () => {
  const of = launch({ tags: { a: "1", b: "2" } });
  const reordered = launch({ tags: { b: "2", a: "1" } });
  expect(JSON.stringify(input(structuredClone(of)))).toBe(JSON.stringify(input(of)));
  expect(JSON.stringify(input(reordered))).toBe(JSON.stringify(input(of)));
});

test("a rung of instances has its strategy, and no disk of Fargate's", () => {
  const { capacityProviderStrategy, overrides } = input(launch(), instances);
  expect(capacityProviderStrategy).toEqual([
    { capacityProvider: "asg-a", weight: 3, base: 1 },
    { capacityProvider: "asg-b", weight: 0 },
  ]);
  expect(overrides?.ephemeralStorage).toBeUndefined();
});

test("network settings go with awsvpc only, and security groups only when there are some", () => {
  expect(input(launch(), spot, { arn, networkMode: "bridge" }).networkConfiguration).toBeUndefined();
  const network = { subnets: ["subnet-1"], securityGroups: ["sg-1"], assignPublicIp: true };
  expect(input(launch({}, { network })).networkConfiguration?.awsvpcConfiguration).toEqual({
    subnets: ["subnet-1"],
    securityGroups: ["sg-1"],
    assignPublicIp: "ENABLED",
  });
});

test("a JIT configuration that is too long is refused before ECS is asked, and is not in the message", () => {
  const jitConfig = "A".repeat(maxOverridesLength);
  expect(() => input(launch({ jitConfig }))).toThrow(
    expect.objectContaining({ name: "ProviderError", code: "InvalidRequest", message: expect.not.stringContaining("AAAA") }),
  );
});

test("the longest overrides that ECS takes are not refused", () => {
  const rest = JSON.stringify(input(launch({ jitConfig: "" })).overrides).length;
  const fits = "A".repeat(maxOverridesLength - rest);
  expect(JSON.stringify(input(launch({ jitConfig: fits })).overrides)).toHaveLength(maxOverridesLength);
  expect(() => input(launch({ jitConfig: `${fits}A` }))).toThrow(/8193/);
});

test("a token belongs to one request, attempt, try and rung, and to nothing else of the launch", () => {
  const token = clientToken(launch(), spot);
  const others = [
    clientToken(launch({ requestUid: "1b1e2d3c-4f5a-6789-abcd-ef0123456789" }), spot),
    clientToken(launch({ attempt: 2 }), spot),
    clientToken(launch({ tries: 1 }), spot),
    clientToken(launch(), instances),
  ];
  expect(new Set([token, ...others]).size).toBe(5);
  expect(clientToken(launch({ jitConfig: "other", tags: {}, labels: [] }, { image: "other" }), spot)).toBe(token);
});

test("tokens, names and tags keep ECS' limits for any launch", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 300 });
  const launches = fc.record({
    requestUid: fc.uuid(),
    jobId: fc.bigInt({ min: 1n, max: 10n ** 17n }),
    attempt: fc.integer({ min: 1, max: 999_999 }),
    tries: fc.integer({ min: 0, max: 1_000_000 }),
    tags: fc.dictionary(text, text, { maxKeys: 60 }),
    classTags: fc.dictionary(text, text, { maxKeys: 45 }),
    rung: fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/),
  });
  fc.assert(
    fc.property(launches, ({ requestUid, jobId, attempt, tries, tags, classTags, rung }) => {
      const requestName = `job-${jobId}`;
      const of = launch(
        { requestUid, requestName, attempt, tries, tags, runnerName: runnerName(requestName, attempt) },
        { tags: classTags },
      );
      const request = input(of, { ...spot, name: rung });
      expect(request.clientToken).toMatch(/^[!-~]{1,64}$/);
      expect(request.startedBy).toMatch(/^[A-Za-z0-9_/-]{1,128}$/);
      expect(request.tags?.length).toBeLessThanOrEqual(50);
      for (const { key = "", value = "" } of request.tags ?? []) {
        expect(key).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u);
        expect(value).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u);
        expect(key).not.toMatch(/^aws:/i);
      }
      expect(new Set(request.tags?.map(({ key }) => key)).size).toBe(request.tags?.length);
    }),
    { numRuns: 200 },
  );
});

test("a file takes its place before those of the definition, which an override would drop", () => {
  const of = launch();
  const [spotRung] = of.class.spec.capacity;
  const shaping = shapeRunner(of.class.spec, {});
  if (!shaping.ok || spotRung === undefined) throw new Error("the class fits");
  const team = { type: "s3" as const, value: "arn:aws:s3:::team/a.env" };
  const handOver = handOverByFile("arn:aws:s3:::handover/x.env");
  const filesOf = (definition: { environmentFiles?: (typeof team)[] }) =>
    taskInput(of, shaping.shape, spotRung, { ...awsvpc, ...definition }, handOver).overrides?.containerOverrides?.[0];
  expect(filesOf({})).toEqual({ name: "runner", ...handOver });
  expect(filesOf({ environmentFiles: [team] })?.environmentFiles).toEqual([...(handOver.environmentFiles ?? []), team]);
});
