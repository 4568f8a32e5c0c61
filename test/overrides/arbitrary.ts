import fc from "fast-check";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import type { OverridePolicy } from "../../src/api/v1alpha1/overrides.ts";
import { ecsSpec } from "../provider/ecs-class.ts";
import { fargatePairs } from "./oracle.ts";

/* What the API server lets through, and what people and the ill-willed write into workflows. */

const keys = ["size", "cpu", "memory", "disk", "image", "capacity", "securityGroup"] as const;
const names = ["small", "large", "node-22", "node-24", "ubuntu-24.04", "build", "db-access", "spot", "on-demand", "a"] as const;
const name = fc.constantFrom(...names);
const fargatePair = fc.constantFrom(...fargatePairs);
const mib = (amount: number): string => (amount % 1024 === 0 ? `${amount / 1024}Gi` : `${amount}Mi`);

const size = (cpus: fc.Arbitrary<readonly [number, number]>, disks: boolean) =>
  fc
    .tuple(cpus, fc.option(fc.integer({ min: 21, max: 200 }), { nil: undefined }))
    .map(([[cpu, memory], disk]) => ({ cpu, memory: mib(memory), ...(disks && disk !== undefined && { disk: `${disk}Gi` }) }));
const freePair = fc.tuple(
  fc.constantFrom(0.125, 0.25, 0.3, 1, 3, 4, 64, 192),
  fc.integer({ min: 6, max: 400_000 }),
) as fc.Arbitrary<readonly [number, number]>;

type Rung = ECSRunnerClassSpec["capacity"][number];
const fargateRung = fc.constantFrom("FARGATE", "FARGATE_SPOT").map((provider) => [{ name: provider, weight: 1 }]);
const ownRung = fc.constantFrom("my-asg", "managed", "fargate").map((provider) => [{ name: provider, weight: 1 }]);
const ladder = fc.constantFrom("fargate", "own", "mixed").chain((kind): fc.Arbitrary<Rung[]> => {
  const providers = kind === "fargate" ? fargateRung : kind === "own" ? ownRung : fc.oneof(fargateRung, ownRung);
  return fc
    .tuple(fc.uniqueArray(name, { minLength: 1, maxLength: 4 }), fc.array(providers, { minLength: 4, maxLength: 4 }))
    .map(([rungs, all]) => rungs.map((rung, index) => ({ name: rung, providers: all[index] ?? [] })));
});

/** specs are classes as the API server accepts them. */
export const specs: fc.Arbitrary<ECSRunnerClassSpec> = ladder.chain((capacity) => {
  const fargate = capacity.some(({ providers }) => providers.some((provider) => provider.name.startsWith("FARGATE")));
  const one = size(fargate ? fargatePair : freePair, fargate);
  const listed = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc
      .tuple(fc.uniqueArray(name, { maxLength: 5 }), fc.array(arbitrary, { minLength: 5, maxLength: 5 }))
      .map(([all, values]) => all.map((each, index) => ({ name: each, value: values[index] as T })));
  return fc
    .record({
      resources: one,
      sizes: listed(one),
      images: listed(fc.constantFrom("registry/a:1", "registry/b:2")),
      groups: listed(fc.constantFrom(["sg-1"], ["sg-1", "sg-9"])),
    })
    .map(({ resources, sizes, images, groups }) =>
      ecsSpec({
        capacity,
        resources,
        sizes: sizes.map((each) => ({ name: each.name, ...each.value })),
        images: images.map((each) => ({ name: each.name, image: each.value })),
        securityGroupSets: groups.map((each) => ({ name: each.name, securityGroups: [...each.value] })),
      }),
    );
});

const amounts = fc.oneof(
  fc.constantFrom("512Mi", "1Gi", "4Gi", "8Gi", "16Gi", "30Gi", "32Gi", "64Gi", "100Gi", "200Gi", "1Ti"),
  // Near an amount of the table, a byte beside it.
  fc.constantFrom("8589934.591k", "8589934.592k", "8589934.593k", "8.58993G", "8.6G", "17179.86918M", "8191.9999Mi", "4194304Ki"),
);
const orNothing = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 4 });
const limits = <T>(least: fc.Arbitrary<T>, most: fc.Arbitrary<T>) =>
  fc.tuple(orNothing(least), most).map(([min, max]) => ({ max, ...(min !== undefined && { min }) }));
const rule = orNothing(
  fc.array(fc.oneof(name, fc.constantFrom("*", "node-*", "*-demand", "n*d*-2*", "**", "x")), { minLength: 1, maxLength: 4 }),
).map((allow) => (allow === undefined ? {} : { allow }));

/** policies are those of targets over a class, and sometimes none. */
export function policies(spec: ECSRunnerClassSpec): fc.Arbitrary<OverridePolicy | undefined> {
  const generous = fc.constant({
    ...{ size: {}, image: {}, capacity: {}, securityGroup: {} },
    ...{ cpu: { max: 192 }, memory: { max: "4Ti" }, disk: { max: "200Gi" } },
  });
  const drawn = fc
    .record({
      size: orNothing(rule),
      cpu: orNothing(limits(fc.constantFrom(0.25, 1, 2), fc.constantFrom(2, 4, spec.resources.cpu, 16, 64))),
      memory: orNothing(limits(fc.constantFrom("512Mi", "1Gi", "8589934.593k"), amounts)),
      disk: orNothing(limits(fc.constantFrom("1Gi", "30Gi"), amounts)),
      image: orNothing(rule),
      capacity: orNothing(rule),
      securityGroup: orNothing(rule),
    })
    .map((policy) => Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined)) as OverridePolicy);
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: generous },
    { weight: 6, arbitrary: drawn },
  );
}

/** Values that are right, for somebody. */
function values(spec: ECSRunnerClassSpec): Readonly<Record<(typeof keys)[number], fc.Arbitrary<string>>> {
  const of = (list: readonly { readonly name: string }[]): fc.Arbitrary<string> =>
    list.length === 0
      ? name
      : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...list.map((each) => each.name)) }, { weight: 1, arbitrary: name });
  const memory = fc.oneof(
    fargatePair.map(([, amount]) => mib(amount)),
    fargatePair.map(([, amount]) => `${amount}mb`),
    fc.constantFrom("1.5Gi", "3GB", "7G", "9GiB", "64Gi", "0.5gi", "6Mi", "9999999Gi"),
  );
  return {
    size: of(spec.sizes),
    cpu: fc.oneof(
      fargatePair.map(([cpu]) => `${cpu}`),
      fc.constantFrom("3", "4.0", "0.1", "64", "192", "193", "0.001", "8vcpu", "2CPU"),
    ),
    memory,
    disk: fc.oneof(
      fc.integer({ min: 1, max: 220 }).map((amount) => `${amount}Gi`),
      memory,
    ),
    image: of(spec.images),
    capacity: of(spec.capacity),
    securityGroup: of(spec.securityGroupSets),
  };
}

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  // Halves of surrogate pairs, too.
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes)),
  fc.string({ unit: fc.constantFrom("=", " ", "\t", "\n", "\u0000", "\u001b", "4", "G", "i", ".", "-"), maxLength: 12 }),
  fc.integer({ min: 61, max: 5_000 }).map((length) => "9".repeat(length)),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "\u212a",
    "İ",
    "4\u0660",
    "NaN",
    "Infinity",
    "1e3",
    "-1",
    "0x10",
    "\u202e",
    "\u2028",
    "𝟒",
  ),
);
const key = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<string>(...keys) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "gpu",
      "cpus",
      "mem",
      "di\u017fk",
      "dis\u212a",
      "security_group",
      "",
      " cpu ",
      "\u001b[31mcpu",
      "cpu\u0000",
    ),
  },
  { weight: 1, arbitrary: nasty },
);
const spelled = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(text, fc.constantFrom("as it is", "upper", "lower", "spaced")).map(([value, how]) => {
    if (how === "upper") return value.toUpperCase();
    if (how === "lower") return value.toLowerCase();
    return how === "spaced" ? value.replace("=", " = ") : value;
  });

/** labelSets are the labels of jobs: some plain, some that this class can follow, and some that nobody can. */
export function labelSets(spec: ECSRunnerClassSpec): fc.Arbitrary<string[]> {
  const right = values(spec);
  const good = fc.constantFrom(...keys).chain((one) => right[one].map((value) => `${one}=${value}`));
  const both = fargatePair.map(([cpu, memory]) => [`cpu=${cpu}`, `memory=${mib(memory)}`]);
  const odd = fc.oneof(
    fc.tuple(key, fc.oneof(nasty, ...Object.values(right))).map(([left, value]) => `${left}=${value}`),
    nasty,
  );
  const plain = fc.constantFrom("self-hosted", "Linux", "x64", "ecs");
  const distinct = fc
    .uniqueArray(fc.constantFrom(...keys), { maxLength: 4 })
    .chain((chosen) => fc.tuple(...chosen.map((one) => right[one].map((value) => `${one}=${value}`))));
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(fc.array(plain, { maxLength: 2 }), fc.array(spelled(good), { maxLength: 2 })).map((all) => all.flat()),
    },
    { weight: 3, arbitrary: distinct.map((all) => [...all]) },
    { weight: 3, arbitrary: fc.tuple(both, fc.array(spelled(good), { maxLength: 2 })).map((all) => all.flat()) },
    { weight: 3, arbitrary: fc.array(fc.oneof(plain, spelled(good), spelled(odd)), { maxLength: 8 }) },
    // The same label once more, in another case.
    {
      weight: 1,
      arbitrary: fc
        .array(spelled(good), { minLength: 1, maxLength: 3 })
        .map((all) => [...all, ...all.map((one) => one.toUpperCase())]),
    },
  );
}
