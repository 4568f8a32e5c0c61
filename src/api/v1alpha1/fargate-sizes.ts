import type { Validation } from "../kind.ts";

/** The pairs of cpu and memory that Fargate runs; source: the Amazon ECS developer guide, "Task definition parameters for Fargate". */
const fargateSizes = [
  { cpu: "0.25", fits: "[512, 1024, 2048].exists(m, bytes == m * 1048576)", words: "512Mi, 1Gi or 2Gi" },
  { cpu: "0.5", ...steps(1, 4, 1) },
  { cpu: "1.0", ...steps(2, 8, 1) },
  { cpu: "2.0", ...steps(4, 16, 1) },
  { cpu: "4.0", ...steps(8, 30, 1) },
  { cpu: "8.0", ...steps(16, 60, 4) },
  { cpu: "16.0", ...steps(32, 120, 8) },
];

function steps(from: number, to: number, step: number): { readonly fits: string; readonly words: string } {
  const gib = (count: number): string => String(count * 2 ** 30);
  return {
    fits: `bytes >= ${gib(from)} && bytes <= ${gib(to)} && bytes % ${gib(step)} == 0`,
    words: `${from}Gi to ${to}Gi in steps of ${step}Gi`,
  };
}

/** fargateSizeRule is the table as a CEL rule over `resources`, which binds only where the CEL expression `when` holds. */
export function fargateSizeRule(when: string, resources: string): Validation {
  const memory = `${resources}.memory`;
  const bytes = `quantity(${memory}).asInteger()`;
  const rows = fargateSizes.map(({ cpu, fits }) => `${resources}.cpu == ${cpu} ? (${fits.replaceAll("bytes", bytes)})`);
  // The texts are constants per row: turning the cpu into a string is beyond the API server's cost limit for a message.
  const texts = fargateSizes.map(
    ({ cpu, words }) =>
      `${resources}.cpu == ${cpu} ? 'Fargate runs cpu ${cpu.replace(/\.0$/, "")} with memory of ${words}, not ' + ${memory}`,
  );
  const sizesInWords = fargateSizes.map(({ cpu, words }) => `cpu ${cpu.replace(/\.0$/, "")} with ${words}`).join("; ");
  const sizes = fargateSizes.map(({ cpu }) => cpu.replace(/\.0$/, "")).join(", ");
  return {
    rule: `!(${when}) || (quantity(${memory}).isInteger() && (${rows.join(" : ")} : false))`,
    message: `resources.cpu and resources.memory must be a pair that Fargate runs: ${sizesInWords}`,
    messageExpression: `${texts.join(" : ")} : 'Fargate has no size with this cpu: take one of ${sizes}'`,
    fieldPath: `.${resources.replace(/^self\./, "")}`,
  };
}
