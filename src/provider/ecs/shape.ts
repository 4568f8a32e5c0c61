import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { fargateCpus, fargateMemoryInWords, fargateMemoryMiB } from "../../api/v1alpha1/fargate-sizes.ts";
import type { OverridePolicy, Overrides } from "../../api/v1alpha1/overrides.ts";
import { parseBytes, parseGibibytes, parseMebibytes } from "../../util/quantity.ts";
import { isFargate, type Rung } from "./rung.ts";

/** Shape is what one runner is made of: the class, with what its job chose. */
export interface Shape {
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Fargate's ephemeral storage, where it is more than what comes for free. */
  readonly diskGiB: number | undefined;
  /** Undefined where the class brings a task definition of its own. */
  readonly image: string | undefined;
  /** The rungs that the runner may come from, in order; never empty. */
  readonly rungs: readonly Rung[];
  readonly securityGroups: readonly string[] | undefined;
}

/** Shaping is a shape, together with overrides that lead to it without any policy, or what stands against it. */
export type Shaping =
  | { readonly ok: true; readonly shape: Shape; readonly overrides: Overrides }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Every task on Fargate has these; source: the Amazon ECS developer guide, "Fargate task ephemeral storage". */
const freeDiskGiB = 20;
const maxDiskGiB = 200;
/** What ECS takes for a task, in vCPUs; source: the Amazon ECS API reference, RunTask, TaskOverride.cpu. */
const ecsCpus = { min: 0.125, max: 192 };

/**
 * shapeRunner applies a job's overrides to a class. It is pure and total. Names are looked up in the class, and the result has to be
 * one that ECS runs.
 *
 * Where a job names cpu or memory alone and Fargate has no such pair with the class' other half, the other half follows: the next that
 * Fargate runs, not below the class' own if there is one. It follows only as far as `policy` lets a workflow choose it; without a policy
 * nothing follows.
 */
export function shapeRunner(spec: ECSRunnerClassSpec, overrides: Overrides, policy?: OverridePolicy): Shaping {
  const problems: string[] = [];
  const named = <T extends { readonly name: string }>(key: keyof Overrides, list: readonly T[]): T | undefined => {
    const name = overrides[key];
    if (name === undefined) return undefined;
    const found = list.find((each) => each.name === name);
    if (found === undefined) problems.push(`${key}=${name}: ${noneOf(list)}`);
    return found;
  };
  const size = named("size", spec.sizes);
  const image = named("image", spec.images);
  const groups = named("securityGroup", spec.securityGroupSets);
  const rung = named("capacity", spec.capacity);
  let rungs: readonly Rung[] = rung === undefined ? spec.capacity : [rung];
  const disk = diskOf(overrides, size?.disk ?? spec.resources.disk, rungs, policy);
  if (disk.problem !== undefined) problems.push(disk.problem);
  if (overrides.disk !== undefined) rungs = rungs.filter(isFargate);

  const base = size ?? spec.resources;
  const wanted = { cpu: overrides.cpu ?? base.cpu, memoryMiB: parseMebibytes(overrides.memory ?? base.memory) };
  const pair = rungs.some(isFargate) ? fargatePair(wanted, overrides, policy) : ecsPair(wanted);
  if (typeof pair === "string") problems.push(pair);
  if (typeof pair === "string" || problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    shape: {
      ...pair,
      diskGiB: disk.gibibytes,
      image: image?.image ?? spec.image,
      rungs,
      securityGroups: groups?.securityGroups ?? spec.network?.securityGroups,
    },
    // Written down, so that the launch needs no policy to come to the same shape.
    overrides: {
      ...overrides,
      ...(pair.cpu !== wanted.cpu && { cpu: pair.cpu }),
      ...(pair.memoryMiB !== wanted.memoryMiB && { memory: inWords(pair.memoryMiB) }),
    },
  };
}

interface Pair {
  readonly cpu: number;
  readonly memoryMiB: number;
}

/** A pair that Fargate runs, as near to the wanted one as the job and the policy let it be; or why there is none. */
function fargatePair(wanted: Pair, overrides: Overrides, policy: OverridePolicy | undefined): Pair | string {
  const { cpu, memoryMiB } = wanted;
  if (fargateMemoryMiB(cpu).includes(memoryMiB)) return wanted;
  if (overrides.cpu !== undefined && overrides.memory === undefined) {
    const next = nearest(fargateMemoryMiB(cpu), memoryMiB);
    if (next !== undefined && lets(policy?.memory, next * 2 ** 20, parseBytes)) return { cpu, memoryMiB: next };
  }
  if (overrides.memory !== undefined && overrides.cpu === undefined) {
    const cpus = fargateCpus.filter((each) => fargateMemoryMiB(each).includes(memoryMiB));
    const next = nearest(cpus, cpu);
    if (next !== undefined && lets(policy?.cpu, next, (limit) => limit)) return { cpu: next, memoryMiB };
  }
  const label = overrides.cpu === undefined ? `memory=${inWords(memoryMiB)}` : `cpu=${cpu}`;
  return fargateMemoryMiB(cpu).length === 0
    ? `${label}: Fargate has no size with cpu ${cpu}: take one of ${fargateCpus.join(", ")}`
    : `${label}: Fargate runs cpu ${cpu} with memory of ${fargateMemoryInWords(cpu)}, not ${inWords(memoryMiB)}; name cpu and memory both`;
}

function ecsPair(wanted: Pair): Pair | string {
  const { cpu } = wanted;
  const fits = cpu >= ecsCpus.min && cpu <= ecsCpus.max;
  return fits ? wanted : `cpu=${cpu}: ECS runs tasks of ${ecsCpus.min} to ${ecsCpus.max} vCPUs`;
}

/** The least that is not below, or the largest where all are. */
function nearest(ascending: readonly number[], wanted: number): number | undefined {
  return ascending.find((each) => each >= wanted) ?? ascending.at(-1);
}

/** In the limits' own measure: a maximum that was rounded up to whole MiB would let more through than it says. */
function lets<Limit>(
  rule: { readonly min?: Limit; readonly max: Limit } | undefined,
  value: number,
  read: (limit: Limit) => number,
): boolean {
  return rule !== undefined && value <= read(rule.max) && (rule.min === undefined || value >= read(rule.min));
}

function diskOf(
  overrides: Overrides,
  ownDisk: string | undefined,
  rungs: readonly Rung[],
  policy: OverridePolicy | undefined,
): { readonly gibibytes?: number; readonly problem?: string } {
  const text = overrides.disk ?? ownDisk;
  if (text === undefined) return {};
  const gibibytes = parseGibibytes(text);
  if (overrides.disk !== undefined) {
    if (!rungs.some(isFargate)) return { problem: `disk=${text}: only Fargate gives a runner a disk of its own size` };
    if (gibibytes < freeDiskGiB || gibibytes > maxDiskGiB) {
      return { problem: `disk=${text}: Fargate has disks of ${freeDiskGiB}Gi to ${maxDiskGiB}Gi` };
    }
    // The policy's own check saw what was asked for; this is what the runner gets.
    if (policy?.disk !== undefined && gibibytes * 2 ** 30 > parseBytes(policy.disk.max)) {
      return { problem: `disk=${text}: Fargate rounds it up to ${gibibytes}Gi, and at most ${policy.disk.max} is allowed` };
    }
  }
  return gibibytes <= freeDiskGiB ? {} : { gibibytes };
}

function noneOf(list: readonly { readonly name: string }[]): string {
  const names = list.map(({ name }) => name);
  const shown = names.slice(0, 8).join(", ");
  if (names.length === 0) return "the class has none";
  return `the class has none of that name, only ${shown}${names.length > 8 ? ` and ${names.length - 8} more` : ""}`;
}

function inWords(mebibytes: number): string {
  return mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`;
}
