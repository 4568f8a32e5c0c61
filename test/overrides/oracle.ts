import type { OverrideKey } from "../../src/api/v1alpha1/override-keys.ts";
import type { OverridePolicy } from "../../src/api/v1alpha1/overrides.ts";

/* Judges of the overrides' tests. They are written from AWS' documentation and the reference alone, on purpose: no code of src is used. */

const gib = (from: number, to: number, step = 1): number[] => {
  const all: number[] = [];
  for (let memory = from; memory <= to; memory += step) all.push(memory * 1024);
  return all;
};

/** Amazon ECS developer guide, "Task size": CPU units to MiB. */
const table = new Map<number, readonly number[]>([
  [256, [512, 1024, 2048]],
  [512, gib(1, 4)],
  [1024, gib(2, 8)],
  [2048, gib(4, 16)],
  [4096, gib(8, 30)],
  [8192, gib(16, 60, 4)],
  [16384, gib(32, 120, 8)],
]);

/** fitsFargate tells whether Fargate has a size. */
export function fitsFargate(vcpus: number, memoryMiB: number): boolean {
  return table.get(vcpus * 1024)?.includes(memoryMiB) ?? false;
}

/** fargatePairs are all sizes that Fargate has, as vCPUs and MiB. */
export const fargatePairs: readonly (readonly [number, number])[] = [...table].flatMap(([units, memory]) =>
  memory.map((mebibytes) => [units / 1024, mebibytes] as const),
);

const factors: Readonly<Record<string, bigint>> = {
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
};

/** A Kubernetes quantity as thousandths of bytes, exactly; the schema lets no more than 16 characters through. */
function exactBytes(quantity: string): bigint {
  const match = /^([0-9]+)(?:\.([0-9]+))?(Ki|Mi|Gi|Ti|k|M|G|T)$/.exec(quantity);
  if (match === null) throw new Error(`${quantity} is no quantity`);
  const [, whole = "", fraction = "", unit = ""] = match;
  const scale = 10n ** 15n;
  return ((BigInt(whole) * scale + BigInt(fraction.padEnd(15, "0"))) * (factors[unit] ?? 0n)) / (scale / 1000n);
}

/** mebibytes is a quantity in whole MiB, rounded up. */
export function mebibytes(quantity: string): bigint {
  const mib = 1000n * 2n ** 20n;
  return (exactBytes(quantity) + mib - 1n) / mib;
}

/** allows tells whether a policy lets a value through. */
export function allows(policy: OverridePolicy | undefined, key: OverrideKey, value: string | number): boolean {
  const rule = policy?.[key] as { min?: string | number; max?: string | number; allow?: readonly string[] } | undefined;
  if (rule === undefined) return false;
  if (rule.max !== undefined) {
    const amount = (of: string | number): bigint => (typeof of === "number" ? BigInt(Math.round(of * 1e6)) : exactBytes(of));
    return amount(value) <= amount(rule.max) && (rule.min === undefined || amount(value) >= amount(rule.min));
  }
  if (rule.allow === undefined) return true;
  return rule.allow.some((glob) =>
    new RegExp(`^${glob.replaceAll(/[.\\]/g, "\\$&").replaceAll(/\*+/g, ".*")}$`, "s").test(String(value)),
  );
}
