import { describe, expect, it } from "vitest";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { OverridePolicy, Overrides } from "../../api/v1alpha1/overrides.ts";
import { type Shape, type Shaping, shapeRunner } from "./shape.ts";

const fargate = { name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] };
const spot = { name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] };
const own = { name: "ec2", providers: [{ name: "my-asg", weight: 1 }] };

function specWith(changes: Partial<ECSRunnerClassSpec> = {}): ECSRunnerClassSpec {
  return {
    capacity: [spot, fargate],
    network: { subnets: ["subnet-a"], securityGroups: ["sg-1"], assignPublicIp: false },
    image: "runner:1",
    images: [{ name: "node-22", image: "runner-node:22" }],
    resources: { cpu: 1, memory: "2Gi" },
    sizes: [
      { name: "large", cpu: 4, memory: "16Gi", disk: "50Gi" },
      { name: "small", cpu: 0.25, memory: "512Mi" },
    ],
    securityGroupSets: [{ name: "db-access", securityGroups: ["sg-1", "sg-9"] }],
    ...changes,
  } as ECSRunnerClassSpec;
}

const shape = (overrides: Overrides, spec: ECSRunnerClassSpec = specWith(), policy?: OverridePolicy): Shaping =>
  shapeRunner(spec, overrides, policy);

/** What the class gives to a job that asks for nothing. */
const plain: Shape = {
  cpu: 1,
  memoryMiB: 2048,
  diskGiB: undefined,
  image: "runner:1",
  rungs: [spot, fargate],
  securityGroups: ["sg-1"],
};

describe("shapeRunner gives", () => {
  it.each<[string, Overrides, Partial<Shape>]>([
    ["the class to a job that asks for nothing", {}, {}],
    ["cpu and memory", { cpu: 2, memory: "8Gi" }, { cpu: 2, memoryMiB: 8192 }],
    ["memory that goes with the class' cpu", { memory: "8Gi" }, { memoryMiB: 8192 }],
    ["cpu that goes with the class' memory", { cpu: 0.5 }, { cpu: 0.5 }],
    ["a size, disk included", { size: "large" }, { cpu: 4, memoryMiB: 16_384, diskGiB: 50 }],
    ["a size without a disk", { size: "small" }, { cpu: 0.25, memoryMiB: 512 }],
    ["a disk of its own to a size", { size: "large", disk: "100Gi" }, { cpu: 4, memoryMiB: 16_384, diskGiB: 100 }],
    ["a disk", { disk: "200Gi" }, { diskGiB: 200 }],
    ["the disk that comes for free without naming it", { disk: "20Gi" }, {}],
    ["a disk in whole GiB, rounded up", { disk: "20481Mi" }, { diskGiB: 21 }],
    ["an image", { image: "node-22" }, { image: "runner-node:22" }],
    ["a set of security groups instead of the class'", { securityGroup: "db-access" }, { securityGroups: ["sg-1", "sg-9"] }],
    ["one rung and no other", { capacity: "on-demand" }, { rungs: [fargate] }],
    [
      "all of it at once",
      { cpu: 8, memory: "32Gi", disk: "30Gi", image: "node-22", capacity: "spot", securityGroup: "db-access" },
      { cpu: 8, memoryMiB: 32_768, diskGiB: 30, image: "runner-node:22", rungs: [spot], securityGroups: ["sg-1", "sg-9"] },
    ],
  ])("%s", (_what, overrides, changes) => {
    expect(shape(overrides)).toEqual({ ok: true, shape: { ...plain, ...changes }, overrides });
  });

  it("the class' own disk, unless it is what comes for free", () => {
    expect(shape({}, specWith({ resources: { cpu: 1, memory: "2Gi", disk: "40Gi" } }))).toMatchObject({ shape: { diskGiB: 40 } });
    expect(shape({}, specWith({ resources: { cpu: 1, memory: "2Gi", disk: "20Gi" } }))).toMatchObject({
      shape: { diskGiB: undefined },
    });
  });

  it("a size without a disk the disk of the class", () => {
    const spec = specWith({ resources: { cpu: 1, memory: "2Gi", disk: "40Gi" } });
    expect(shape({ size: "small" }, spec)).toMatchObject({ shape: { diskGiB: 40 } });
  });

  it("no image where the class brings a task definition", () => {
    const { image: _, ...spec } = specWith({ images: [], taskDefinition: "mine" });
    expect(shape({}, spec)).toMatchObject({ ok: true, shape: { image: undefined } });
  });

  it("no security groups where the class names none", () => {
    expect(shape({}, specWith({ network: { subnets: ["subnet-a"], assignPublicIp: false } }))).toMatchObject({
      shape: { securityGroups: undefined },
    });
  });

  it("no larger disk than the policy says, also where Fargate rounds it up", () => {
    const asking = (disk: string, max: string) => shapeRunner(specWith({}), { disk }, { disk: { max } });
    expect(asking("94310Mi", "99G")).toEqual({
      ok: false,
      problems: ["disk=94310Mi: Fargate rounds it up to 93Gi, and at most 99G is allowed"],
    });
    expect(asking("92Gi", "99G")).toMatchObject({ ok: true, shape: { diskGiB: 92 } });
    expect(asking("94310Mi", "100Gi")).toMatchObject({ ok: true, shape: { diskGiB: 93 } });
  });

  it("a disk on Fargate only, so that other rungs of the ladder are left out", () => {
    expect(shape({ disk: "30Gi" }, specWith({ capacity: [own, fargate, spot] }))).toMatchObject({
      shape: { rungs: [fargate, spot] },
    });
  });
});

describe("on capacity that is not Fargate", () => {
  const spec = specWith({ capacity: [own], resources: { cpu: 1, memory: "2Gi" } });

  it.each<[Overrides, number, number]>([
    [{ cpu: 3 }, 3, 2048],
    [{ memory: "7000Mi" }, 1, 7000],
    [{ cpu: 0.125, memory: "6Mi" }, 0.125, 6],
    [{ cpu: 192, memory: "1Ti" }, 192, 1_048_576],
  ])("%j needs no pair of Fargate's table", (overrides, cpu, memoryMiB) => {
    expect(shape(overrides, spec)).toMatchObject({ ok: true, shape: { cpu, memoryMiB }, overrides });
  });

  it.each([0.001, 0.124, 193, 1000])("cpu=%d is more or less than ECS runs", (cpu) => {
    expect(shape({ cpu }, spec)).toEqual({ ok: false, problems: [`cpu=${cpu}: ECS runs tasks of 0.125 to 192 vCPUs`] });
  });

  it("there is no disk to choose", () => {
    expect(shape({ disk: "30Gi" }, spec)).toEqual({
      ok: false,
      problems: ["disk=30Gi: only Fargate gives a runner a disk of its own size"],
    });
  });

  it("the pair binds as soon as one rung of the ladder is Fargate, and no more once a job chose another", () => {
    const mixed = specWith({ capacity: [own, fargate] });
    expect(shape({ cpu: 3, memory: "2Gi" }, mixed)).toMatchObject({ ok: false });
    expect(shape({ cpu: 3, memory: "2Gi", capacity: "ec2" }, mixed)).toMatchObject({ ok: true, shape: { cpu: 3, rungs: [own] } });
  });
});

describe("shapeRunner refuses", () => {
  const table = "take one of 0.25, 0.5, 1, 2, 4, 8, 16";
  it.each<[Overrides, string[]]>([
    [{ size: "huge" }, ["size=huge: the class has none of that name, only large, small"]],
    [{ image: "node-20" }, ["image=node-20: the class has none of that name, only node-22"]],
    [{ capacity: "ec2" }, ["capacity=ec2: the class has none of that name, only spot, on-demand"]],
    [{ securityGroup: "x" }, ["securityGroup=x: the class has none of that name, only db-access"]],
    [{ cpu: 3 }, [`cpu=3: Fargate has no size with cpu 3: ${table}`]],
    [{ cpu: 3, memory: "8Gi" }, [`cpu=3: Fargate has no size with cpu 3: ${table}`]],
    [{ cpu: 4 }, ["cpu=4: Fargate runs cpu 4 with memory of 8Gi to 30Gi in steps of 1Gi, not 2Gi; name cpu and memory both"]],
    [
      { memory: "16Gi" },
      ["memory=16Gi: Fargate runs cpu 1 with memory of 2Gi to 8Gi in steps of 1Gi, not 16Gi; name cpu and memory both"],
    ],
    [
      { cpu: 8, memory: "18Gi" },
      ["cpu=8: Fargate runs cpu 8 with memory of 16Gi to 60Gi in steps of 4Gi, not 18Gi; name cpu and memory both"],
    ],
    [
      { cpu: 0.25, memory: "1536Mi" },
      ["cpu=0.25: Fargate runs cpu 0.25 with memory of 512Mi, 1Gi or 2Gi, not 1536Mi; name cpu and memory both"],
    ],
    [{ disk: "19Gi" }, ["disk=19Gi: Fargate has disks of 20Gi to 200Gi"]],
    [{ disk: "201Gi" }, ["disk=201Gi: Fargate has disks of 20Gi to 200Gi"]],
    [
      { image: "a", securityGroup: "b", disk: "1Gi" },
      [
        "image=a: the class has none of that name, only node-22",
        "securityGroup=b: the class has none of that name, only db-access",
        "disk=1Gi: Fargate has disks of 20Gi to 200Gi",
      ],
    ],
  ])("%j", (overrides, problems) => {
    expect(shape(overrides)).toEqual({ ok: false, problems });
  });

  it("a name where the class has none, and shows no more than eight", () => {
    expect(shape({ image: "a" }, specWith({ images: [] }))).toEqual({ ok: false, problems: ["image=a: the class has none"] });
    const images = Array.from({ length: 11 }, (_, index) => ({ name: `i${index}`, image: "x" }));
    expect(shape({ image: "a" }, specWith({ images }))).toEqual({
      ok: false,
      problems: ["image=a: the class has none of that name, only i0, i1, i2, i3, i4, i5, i6, i7 and 3 more"],
    });
  });
});

describe("the half of a pair that a job left open", () => {
  const free: OverridePolicy = { cpu: { max: 16 }, memory: { max: "120Gi" } };

  it.each<[string, Overrides, ECSRunnerClassSpec["resources"], Overrides]>([
    ["the next memory, for more cpu", { cpu: 4 }, { cpu: 1, memory: "2Gi" }, { cpu: 4, memory: "8Gi" }],
    ["the most memory, for less cpu", { cpu: 1 }, { cpu: 4, memory: "30Gi" }, { cpu: 1, memory: "8Gi" }],
    ["the next step of memory", { cpu: 8 }, { cpu: 4, memory: "17Gi" }, { cpu: 8, memory: "20Gi" }],
    ["the next cpu, for more memory", { memory: "16Gi" }, { cpu: 1, memory: "2Gi" }, { cpu: 2, memory: "16Gi" }],
    ["the most cpu, for less memory", { memory: "2Gi" }, { cpu: 4, memory: "8Gi" }, { cpu: 1, memory: "2Gi" }],
  ])("follows: %s", (_what, overrides, resources, resolved) => {
    const spec = specWith({ resources });
    const shaping = shape(overrides, spec, free);
    expect(shaping).toMatchObject({ ok: true, overrides: resolved });
    expect(shape(resolved, spec)).toEqual(shaping);
  });

  it("stays as the class has it where that is a pair", () => {
    expect(shape({ cpu: 0.5 }, specWith(), free)).toMatchObject({ overrides: { cpu: 0.5 }, shape: { memoryMiB: 2048 } });
  });

  it.each<[string, OverridePolicy | undefined]>([
    ["without a policy", undefined],
    ["where the policy leaves it out", { cpu: { max: 16 } }],
    ["above the policy's maximum", { cpu: { max: 16 }, memory: { max: "7Gi" } }],
    ["a byte above the policy's maximum", { cpu: { max: 16 }, memory: { max: "8589934.591k" } }],
    ["below the policy's minimum", { cpu: { max: 16 }, memory: { min: "10Gi", max: "30Gi" } }],
  ])("does not follow %s", (_what, policy) => {
    expect(shape({ cpu: 4 }, specWith(), policy)).toMatchObject({ ok: false });
  });

  it("follows up to the policy's maximum itself", () => {
    expect(shape({ cpu: 4 }, specWith(), { memory: { min: "8Gi", max: "8Gi" } })).toMatchObject({ overrides: { memory: "8Gi" } });
  });

  it("does not follow where no memory or no cpu goes with it", () => {
    expect(shape({ cpu: 3 }, specWith(), free)).toMatchObject({ ok: false });
    expect(shape({ memory: "500Gi" }, specWith(), free)).toMatchObject({ ok: false });
  });
});
