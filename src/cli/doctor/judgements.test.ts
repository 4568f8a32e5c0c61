import { describe, expect, it, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { OverridePolicy } from "../../api/v1alpha1/overrides.ts";
import { gitHubApp, runnerTarget } from "../../intake/test-objects.ts";
import { schemaFields, schemaHash } from "./crd-schema.ts";
import { policyOutcomes } from "./policy.ts";
import { imageOutcomes } from "./runner-class.ts";
import { labelOutcomes, precedenceOutcomes, repositoryOutcomes } from "./target.ts";

const fargate = [{ name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] }];
const spec = {
  capacity: fargate,
  images: [{ name: "node-22", image: "a" }],
  sizes: [{ name: "large", cpu: 4, memory: "8Gi" }],
  securityGroupSets: [],
} as unknown as ECSRunnerClassSpec;

describe("overrides", () => {
  const says = (policy: OverridePolicy, cls = spec): string[] =>
    policyOutcomes(policy, cls, "c").map(({ verdict, message }) => `${verdict} ${message}`);

  it.each<[OverridePolicy, RegExp]>([
    [{ image: { allow: ["node-*"] }, size: {}, cpu: { max: 16 }, memory: { max: "120Gi" }, disk: { max: "200Gi" } }, /^OK/],
    [{ image: { allow: ["node-*", "go-*"] } }, /^WARN overrides\.image\.allow has go-\*, which names none/],
    [{ securityGroup: {} }, /^WARN overrides\.securityGroup allows names of securityGroupSets, and class c has none/],
    [{ capacity: { allow: ["spot"] } }, /^WARN overrides\.capacity\.allow has spot/],
    [{ cpu: { max: 32 } }, /^WARN overrides\.cpu\.max is 32/],
    [{ cpu: { max: 3.5, min: 3 } }, /^WARN overrides\.cpu lets no cpu through/],
    [{ memory: { max: "1Ti" } }, /^WARN overrides\.memory\.max is 1Ti, .* 120Gi/],
    [{ disk: { max: "500Gi" } }, /^WARN overrides\.disk\.max is 500Gi/],
  ])("%j: %s", (policy, expected) => {
    expect(says(policy)).toEqual([expect.stringMatching(expected)]);
  });

  it("know that capacity of one's own has other sizes, and no disk", () => {
    const own = { ...spec, capacity: [{ name: "own", providers: [{ name: "asg", weight: 1 }] }] } as ECSRunnerClassSpec;
    expect(says({ cpu: { max: 96 } }, own)).toEqual([expect.stringMatching(/^OK/)]);
    expect(says({ disk: { max: "100Gi" } }, own)).toEqual([expect.stringMatching(/^WARN overrides\.disk has no effect/)]);
  });
});

test.each([
  ["ghcr.io/actions/actions-runner:2.336.0", "OK"],
  ["ghcr.io/actions/actions-runner:2.329.0", "OK"],
  ["ghcr.io/actions/actions-runner:2.328.9", "FAIL"],
  ["registry:5000/runner:v2.311.0-arm64", "FAIL"],
  ["acme/runner:node22-2.336.0@sha256:0123456789012345678901234567890123456789012345678901234567890123", "OK"],
  ["ghcr.io/actions/actions-runner:latest", "SKIP"],
  ["ghcr.io/actions/actions-runner", "SKIP"],
  ["registry:5000/runner", "SKIP"],
  ["acme/node:22.336.0", "SKIP"],
])("the runner in %s: %s", (image, verdict) => {
  expect(imageOutcomes(image)).toMatchObject([{ verdict }]);
});

test.each([
  [["self-hosted", "ecs"], []],
  [["ecs"], [/self-hosted is not among/]],
  [["Self-Hosted", "ubuntu-24.04-arm"], [/ubuntu-24\.04-arm is a label of GitHub's own/]],
  [
    ["macos-latest", "windows-2025"],
    [/are labels of GitHub's own/, /self-hosted is not among/],
  ],
  [["self-hosted", "ubuntu-acme"], []],
])("labels %j", (labels, warnings) => {
  const found = labelOutcomes(labels).filter(({ verdict }) => verdict === "WARN");
  expect(found.map(({ message }) => message)).toEqual(warnings.map((each) => expect.stringMatching(each)));
});

describe("precedence", () => {
  const app = gitHubApp();
  const target = (name: string, change: Partial<ReturnType<typeof runnerTarget>["spec"]>) => {
    const made = structuredClone(runnerTarget()) as ReturnType<typeof runnerTarget>;
    return { ...made, metadata: { ...made.metadata, name }, spec: { ...made.spec, ...change } };
  };
  const a = target("a", { labels: ["self-hosted", "ecs"] });

  it("warns the one whose jobs all go elsewhere", () => {
    const b = target("b", { labels: ["self-hosted", "ecs", "gpu"], priority: 1 });
    expect(precedenceOutcomes(a, [a, b], [app])).toMatchObject([
      { verdict: "WARN", message: expect.stringContaining("its priority is 1, not 0") },
    ]);
    expect(precedenceOutcomes(b, [a, b], [app])).toMatchObject([{ verdict: "OK" }]);
  });

  it("says which of two equal ones comes first", () => {
    const b = target("b", { labels: ["ECS", "self-hosted"] });
    expect(precedenceOutcomes(a, [b, a], [app])).toMatchObject([
      { verdict: "OK", message: expect.stringContaining("comes before") },
    ]);
    expect(precedenceOutcomes(b, [b, a], [app])).toMatchObject([
      { verdict: "WARN", message: expect.stringContaining("its name comes first") },
    ]);
  });

  it("has nothing to say of targets for other jobs", () => {
    const b = target("b", { labels: ["self-hosted", "gpu"], priority: 9 });
    expect(precedenceOutcomes(a, [a, b], [app])).toMatchObject([{ verdict: "OK", message: "no other target takes its jobs" }]);
  });
});

test("globs of another owner can match nothing", () => {
  const target = runnerTarget() as ReturnType<typeof runnerTarget>;
  const repositories = { include: ["acne/*", "*/web"], exclude: [], allowPublic: false };
  const found = repositoryOutcomes({ ...target, spec: { ...target.spec, scope: { organization: "acme" }, repositories } });
  expect(found).toMatchObject([{ verdict: "WARN", message: expect.stringMatching(/^acne\/\* can match/) }]);
});

test("schemas are compared by what they accept, not by their words", () => {
  const schema = {
    properties: {
      spec: { description: "a", properties: { list: { items: { properties: { description: { type: "string" } } } } } },
    },
  };
  expect(schemaFields(schema)).toEqual(["spec.list", "spec.list[].description"]);
  const reworded = structuredClone(schema);
  reworded.properties.spec.description = "b";
  expect(schemaHash(reworded)).toBe(schemaHash(schema));
  const limited = structuredClone(schema);
  limited.properties.spec.properties.list.items.properties.description.type = "integer";
  expect(schemaHash(limited)).not.toBe(schemaHash(schema));
});
