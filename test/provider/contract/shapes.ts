import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../../src/api/v1alpha1/ecs-runner-class.ts";
import type { Overrides } from "../../../src/api/v1alpha1/overrides.ts";
import type { ResolvedClass } from "../../../src/provider/types.ts";
import { parseGibibytes, parseMebibytes } from "../../../src/util/quantity.ts";
import { makeLaunch } from "../launches.ts";
import { type Bench, type OpenBench } from "./bench.ts";
import { shapeNames } from "./shape-class.ts";

const freeDiskGiB = 20;

interface Expected {
  readonly cpu?: number;
  readonly memory?: string;
  readonly disk?: string;
  readonly image?: string | undefined;
  readonly securityGroups?: readonly string[] | undefined;
  readonly rung?: 0 | 1;
}

/** What a job chooses, and what it then has, where that is not the class' own. */
const choices: readonly {
  readonly what: string;
  readonly choose: (rungs: readonly [string, string]) => Overrides;
  readonly get: (spec: ECSRunnerClassSpec) => Expected;
}[] = [
  { what: "nothing, so that all is the class' own", choose: () => ({}), get: () => ({}) },
  { what: "cpu and memory", choose: () => ({ cpu: 2, memory: "8Gi" }), get: () => ({ cpu: 2, memory: "8Gi" }) },
  { what: "a disk", choose: () => ({ disk: "100Gi" }), get: () => ({ disk: "100Gi" }) },
  {
    what: "a size",
    choose: () => ({ size: shapeNames.size }),
    get: () => ({ cpu: 4, memory: "16Gi", disk: "40Gi" }),
  },
  { what: "a rung", choose: ([, second]) => ({ capacity: second }), get: () => ({ rung: 1 }) },
  {
    what: "a set of security groups",
    choose: () => ({ securityGroup: shapeNames.securityGroup }),
    get: (spec) => ({ securityGroups: spec.securityGroupSets[0]?.securityGroups }),
  },
  {
    what: "everything but the image",
    choose: ([, second]) => ({
      cpu: 8,
      memory: "32Gi",
      disk: "50Gi",
      capacity: second,
      securityGroup: shapeNames.securityGroup,
    }),
    get: (spec) => ({
      cpu: 8,
      memory: "32Gi",
      disk: "50Gi",
      rung: 1,
      securityGroups: spec.securityGroupSets[0]?.securityGroups,
    }),
  },
  {
    what: "an image",
    choose: () => ({ image: shapeNames.image }),
    get: (spec) => ({ image: spec.images[0]?.image }),
  },
];

/** describeShapes is that a runner is what its job chose, read back from the ECS API; and what becomes of choices that cannot be. */
export function describeShapes(open: OpenBench): void {
  for (const { what, choose, get } of choices) {
    test(`a launch with overrides is read back from ECS as chosen: ${what}`, async (context) => {
      const bench = open(context, "readBack", "securityGroupsOf");
      const { control, rungs } = bench.subject;
      const spec = specOf(bench);
      const { instance } = await bench.create({ ...bench.launch(), overrides: choose(rungs) });
      const chosen = get(spec);
      const rung = chosen.rung ?? 0;
      expect(instance.capacity).toBe(rungs[rung]);
      const { diskGiB, ...found } = (await control.readBack?.(instance.id)) ?? {};
      expect(found).toMatchObject({
        cpuUnits: 1024 * (chosen.cpu ?? spec.resources.cpu),
        memoryMiB: parseMebibytes(chosen.memory ?? spec.resources.memory),
        capacityProvider: spec.capacity[rung]?.providers[0]?.name,
        // A definition brought along has an image of its own.
        ...(spec.image !== undefined && { image: chosen.image ?? spec.image }),
      });
      // Fargate's 20 GiB are there without being asked for; only some backends tell.
      expect(diskGiB ?? freeDiskGiB).toBe(chosen.disk === undefined ? freeDiskGiB : parseGibibytes(chosen.disk));
      expect(control.securityGroupsOf?.(instance.id)).toEqual(chosen.securityGroups ?? spec.network?.securityGroups);
    });
  }

  test("a rung to avoid is passed over, and is no refusal", async (context) => {
    const bench = open(context);
    const [first, second] = bench.subject.rungs;
    const { instance, refusals } = await bench.create({ ...bench.launch(), avoid: [first] });
    expect(instance.capacity).toBe(second);
    expect(refusals).toEqual([]);
  });

  test("where all rungs are to be avoided they are climbed all the same, and a chosen rung is taken although to be avoided", async (context) => {
    const bench = open(context);
    const [first, second] = bench.subject.rungs;
    const all = await bench.create({ ...bench.launch(), avoid: [first, second] });
    expect(all.instance.capacity).toBe(first);
    const chosen = await bench.create({ ...bench.launch(), overrides: { capacity: second }, avoid: [second] });
    expect(chosen.instance.capacity).toBe(second);
  });

  test("two images are two task definitions, each registered once also by 20 launches at once", async (context) => {
    const bench = open(context, "readBack", "revisions");
    const { control } = bench.subject;
    const cls = unknownClass(bench);
    const launches = Array.from({ length: 20 }, (_, index) =>
      makeLaunch(cls, { overrides: index % 2 === 0 ? {} : { image: shapeNames.image } }),
    );
    const created = await Promise.all(launches.map((launch) => bench.create(launch)));
    const images = new Map<string, string | undefined>();
    for (const { instance } of created) {
      const { definitionArn, image } = (await control.readBack?.(instance.id)) ?? { definitionArn: "none", image: "none" };
      images.set(definitionArn, image);
    }
    expect(images.size).toBe(2);
    expect(new Set(images.values())).toEqual(new Set([cls.spec.image, cls.spec.images[0]?.image]));
    for (const arn of images.keys()) expect(await control.revisions?.(arn)).toEqual([arn]);
  });

  test("overrides outside the class are InvalidRequest, and cost no call", async (context) => {
    const bench = open(context, "countCalls");
    const { control } = bench.subject;
    const wrong: readonly Overrides[] = [
      { size: "enormous" },
      { image: "no-such-image" },
      { capacity: "no-such-rung" },
      { securityGroup: "no-such-set" },
      { cpu: 3, memory: "8Gi" },
      { cpu: 1, memory: "64Gi" },
      { disk: "500Gi" },
    ];
    // What is left of earlier cases must not count.
    const before = control.countCalls?.();
    for (const overrides of wrong) {
      const [label] = Object.entries(overrides)[0] ?? [];
      const launch = { ...bench.launch(), overrides };
      const error = await bench.failure(launch);
      expect(error).toMatchObject({ name: "ProviderError", code: "InvalidRequest" });
      expect((error as Error).message).toMatch(new RegExp(`^${label}=`));
      expect(bench.provider.resolve(bench.cls, overrides)).toMatchObject({ ok: false });
    }
    expect(control.countCalls?.()).toBe(before);
  });
}

/** The contract's class as ECS knows it; only subjects that read back from ECS get here. */
function specOf({ cls }: Bench): ECSRunnerClassSpec {
  return cls.spec as ECSRunnerClassSpec;
}

/** The class with an environment of its own, so that its definitions are registered by nobody yet. */
function unknownClass(bench: Bench): ResolvedClass<ECSRunnerClassSpec> {
  const spec = specOf(bench);
  const environment = [...spec.container.environment, { name: "CONTRACT", value: crypto.randomUUID() }];
  return { ...bench.cls, spec: { ...spec, container: { ...spec.container, environment } } };
}
