import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { fargateCpus, fargateMemoryMiB } from "../../api/v1alpha1/fargate-sizes.ts";
import type { OverridePolicy } from "../../api/v1alpha1/overrides.ts";
import { isFargate } from "../../provider/ecs/rung.ts";
import { matchesPattern } from "../../util/glob.ts";
import { parseGibibytes, parseMebibytes } from "../../util/quantity.ts";
import { orOk, ok, type Outcome, skip, warn } from "./check.ts";

/** Fargate's ephemeral storage; source: the Amazon ECS developer guide, "Fargate task ephemeral storage". */
const diskGiB = { min: 20, max: 200 };

/** policyOutcomes say what of a target's overrides leads to nothing in its class. */
export function policyOutcomes(
  policy: OverridePolicy | undefined,
  spec: ECSRunnerClassSpec | undefined,
  className: string,
): readonly Outcome[] {
  if (policy === undefined) return [ok("workflows may not shape their runners")];
  if (spec === undefined) return [skip(`class ${className} was not found`)];
  const found = [...nameOutcomes(policy, spec, className), ...sizeOutcomes(policy, spec, className)];
  return orOk(found, `workflows may choose ${Object.keys(policy).join(", ")}`);
}

function nameOutcomes(policy: OverridePolicy, spec: ECSRunnerClassSpec, className: string): Outcome[] {
  const lists = {
    size: spec.sizes,
    image: spec.images,
    capacity: spec.capacity,
    securityGroup: spec.securityGroupSets,
  } as const;
  const fields = { size: "sizes", image: "images", capacity: "capacity", securityGroup: "securityGroupSets" } as const;
  return (Object.keys(lists) as (keyof typeof lists)[]).flatMap((key): Outcome[] => {
    const rule = policy[key];
    if (rule === undefined) return [];
    const names = lists[key].map(({ name }) => name);
    const field = fields[key];
    if (names.length === 0)
      return [
        warn(
          `overrides.${key} allows names of ${field}, and class ${className} has none`,
          `add ${field} to the class, or remove overrides.${key}`,
        ),
      ];
    const idle = (rule.allow ?? []).filter((pattern) => !names.some((name) => matchesPattern(pattern, name)));
    if (idle.length === 0) return [];
    return [
      warn(
        `overrides.${key}.allow has ${idle.join(", ")}, which names none of class ${className}'s ${field} (${names.slice(0, 8).join(", ")})`,
        `correct the name, or add it to ${field}`,
      ),
    ];
  });
}

function sizeOutcomes({ cpu, memory, disk }: OverridePolicy, spec: ECSRunnerClassSpec, className: string): Outcome[] {
  const found: Outcome[] = [];
  if (disk !== undefined && !spec.capacity.some(isFargate)) {
    found.push(warn(`overrides.disk has no effect: class ${className} has no rung on Fargate`, "remove overrides.disk"));
  } else if (disk !== undefined && (parseGibibytes(disk.max) > diskGiB.max || parseGibibytes(disk.max) < diskGiB.min)) {
    found.push(
      warn(
        `overrides.disk.max is ${disk.max}, and Fargate has disks of ${diskGiB.min}Gi to ${diskGiB.max}Gi`,
        "correct overrides.disk.max",
      ),
    );
  }
  if (!spec.capacity.some(isFargate)) return found;
  const memories = fargateCpus.flatMap(fargateMemoryMiB);
  const some = <T>(sizes: readonly T[], fits: (size: T) => boolean): boolean => sizes.some(fits);
  if (cpu !== undefined) {
    const largest = fargateCpus.at(-1) ?? 0;
    if (cpu.max > largest)
      found.push(
        warn(`overrides.cpu.max is ${cpu.max}, and Fargate's largest runner has ${largest} vCPUs`, `lower it to ${largest}`),
      );
    else if (!some(fargateCpus, (each) => each <= cpu.max && each >= (cpu.min ?? 0)))
      found.push(warn(`overrides.cpu lets no cpu through that Fargate has (${fargateCpus.join(", ")})`, "correct overrides.cpu"));
  }
  if (memory !== undefined) {
    const [max, min] = [parseMebibytes(memory.max), memory.min === undefined ? 0 : parseMebibytes(memory.min)];
    const largest = Math.max(...memories);
    if (max > largest)
      found.push(
        warn(
          `overrides.memory.max is ${memory.max}, and Fargate's largest runner has ${largest / 1024}Gi`,
          `lower it to ${largest / 1024}Gi`,
        ),
      );
    else if (!some(memories, (each) => each <= max && each >= min))
      found.push(warn("overrides.memory lets no amount through that Fargate has", "correct overrides.memory"));
  }
  return found;
}
