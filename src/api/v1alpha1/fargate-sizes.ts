import type { Validation } from "../kind.ts";

/** FargateSize is a cpu that Fargate runs, and the memory that goes with it. */
interface FargateSize {
  readonly cpu: number;
  /** In MiB: from, to, and the step between. The first row is the one that no step describes: 512, 1024 or 2048. */
  readonly memoryMiB: readonly number[] | { readonly from: number; readonly to: number; readonly step: number };
}

/** fargateSizes are the pairs that Fargate runs; source: the Amazon ECS developer guide, "Task definition parameters for Fargate". */
const fargateSizes: readonly FargateSize[] = [
  { cpu: 0.25, memoryMiB: [512, 1024, 2048] },
  { cpu: 0.5, memoryMiB: gib(1, 4, 1) },
  { cpu: 1, memoryMiB: gib(2, 8, 1) },
  { cpu: 2, memoryMiB: gib(4, 16, 1) },
  { cpu: 4, memoryMiB: gib(8, 30, 1) },
  { cpu: 8, memoryMiB: gib(16, 60, 4) },
  { cpu: 16, memoryMiB: gib(32, 120, 8) },
];

/** fargateCpus are the cpus of the table, the smallest first. */
export const fargateCpus: readonly number[] = fargateSizes.map(({ cpu }) => cpu);

/** fargateMemoryMiB lists the memory that Fargate runs with a cpu, the smallest first; empty for a cpu that it does not run. */
export function fargateMemoryMiB(cpu: number): readonly number[] {
  const memory = fargateSizes.find((size) => size.cpu === cpu)?.memoryMiB ?? [];
  if (!("from" in memory)) return memory;
  const { from, to, step } = memory;
  return Array.from({ length: (to - from) / step + 1 }, (_, index) => from + index * step);
}

/** fargateMemoryInWords says the same for people. */
export function fargateMemoryInWords(cpu: number): string {
  const memory = fargateSizes.find((size) => size.cpu === cpu)?.memoryMiB;
  if (memory === undefined) return "";
  if (!("from" in memory)) return "512Mi, 1Gi or 2Gi";
  return `${memory.from / 1024}Gi to ${memory.to / 1024}Gi in steps of ${memory.step / 1024}Gi`;
}

/** fargateSizeRule is the table as a CEL rule over the object `size`, which binds only where the CEL expression `when` holds. */
export function fargateSizeRule(when: string, size: string): Validation {
  const memory = `${size}.memory`;
  // The texts are constants per row: turning the cpu into a string is beyond the API server's cost limit for a message.
  const texts = fargateSizes.map(
    ({ cpu }) =>
      `${size}.cpu == ${double(cpu)} ? 'Fargate runs cpu ${cpu} with memory of ${fargateMemoryInWords(cpu)}, not ' + ${memory}`,
  );
  const sizesInWords = fargateSizes.map(({ cpu }) => `cpu ${cpu} with ${fargateMemoryInWords(cpu)}`).join("; ");
  return {
    rule: `!(${when}) || ${isFargateSize(size)}`,
    message: `${size.replace(/^self\./, "")}.cpu and memory must be a pair that Fargate runs: ${sizesInWords}`,
    messageExpression: `${texts.join(" : ")} : 'Fargate has no size with this cpu: take one of ${fargateCpus.join(", ")}'`,
    fieldPath: `.${size.replace(/^self\./, "")}`,
  };
}

/** isFargateSize is the CEL expression that tells whether the object `size` has a pair of the table. */
export function isFargateSize(size: string): string {
  const bytes = `quantity(${size}.memory).asInteger()`;
  const rows = fargateSizes.map(({ cpu, memoryMiB }) => `${size}.cpu == ${double(cpu)} ? (${fits(memoryMiB, bytes)})`);
  return `(quantity(${size}.memory).isInteger() && (${rows.join(" : ")} : false))`;
}

function fits(memoryMiB: FargateSize["memoryMiB"], bytes: string): string {
  const mib = 2 ** 20;
  if (!("from" in memoryMiB)) return `[${memoryMiB.join(", ")}].exists(m, ${bytes} == m * ${mib})`;
  const { from, to, step } = memoryMiB;
  return `${bytes} >= ${from * mib} && ${bytes} <= ${to * mib} && ${bytes} % ${step * mib} == 0`;
}

/** double writes a number as CEL reads a double. */
function double(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function gib(from: number, to: number, step: number): { readonly from: number; readonly to: number; readonly step: number } {
  return { from: from * 1024, to: to * 1024, step: step * 1024 };
}
