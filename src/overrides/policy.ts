import { type OverrideKey, overrideKeys } from "../api/v1alpha1/override-keys.ts";
import type { OverridePolicy, Overrides } from "../api/v1alpha1/overrides.ts";
import { matchesPattern } from "../util/glob.ts";
import { parseBytes } from "../util/quantity.ts";

type Policy = {
  readonly [Key in OverrideKey]?:
    | { readonly allow?: readonly string[] }
    | { readonly min?: number | string; readonly max: number | string }
    | undefined;
};

/**
 * policyProblems says which overrides a target does not allow, each in a sentence that begins with the label and ends with what would
 * be allowed; empty when it allows them all. `who` names the target.
 */
export function policyProblems(overrides: Overrides, policy: OverridePolicy | undefined, who: string): string[] {
  const problems: string[] = [];
  for (const key of overrideKeys) {
    const value = overrides[key];
    if (value === undefined) continue;
    const problem = policy === undefined ? `${who} allows no overrides` : problemOf(key, value, policy, who);
    if (problem !== undefined) problems.push(`${key}=${value}: ${problem}`);
  }
  return problems;
}

function problemOf(key: OverrideKey, value: string | number, policy: Policy, who: string): string | undefined {
  const rule = policy[key];
  if (rule === undefined) {
    const allowed = overrideKeys.filter((other) => policy[other] !== undefined);
    return `${who} does not allow ${key}${allowed.length === 0 ? "" : `, only ${allowed.join(", ")}`}`;
  }
  if ("max" in rule) {
    if (amount(value) > amount(rule.max)) return `${who} allows at most ${rule.max}`;
    if (rule.min !== undefined && amount(value) < amount(rule.min)) return `${who} allows ${rule.min} at least`;
    return undefined;
  }
  const { allow } = rule as { readonly allow?: readonly string[] };
  if (allow === undefined || allow.some((pattern) => matchesPattern(pattern, String(value)))) return undefined;
  return `${who} allows ${allow.slice(0, 8).join(", ")}${allow.length > 8 ? ` and ${allow.length - 8} more` : ""}`;
}

function amount(value: string | number): number {
  return typeof value === "number" ? value : parseBytes(value);
}
