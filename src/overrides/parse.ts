import { type OverrideKey, overrideKeys } from "../api/v1alpha1/override-keys.ts";
import type { Overrides } from "../api/v1alpha1/overrides.ts";
import { readCpu, readName, readQuantity, type Reading } from "./values.ts";

/** ParsedLabels are the labels of a job, told apart. */
export interface ParsedLabels {
  /** The ordinary labels, as they are spelled: what a target's own labels have to cover. */
  readonly plain: readonly string[];
  /** The override labels in small letters, sorted: what the runner registers beside the target's labels, and what makes its bucket. */
  readonly labels: readonly string[];
  /** What they ask for, in canonical form; those that could not be read are missing. */
  readonly overrides: Overrides;
  /** What is wrong with them, each a sentence that begins with the label. */
  readonly problems: readonly string[];
  /** Whether every override label has a key of ours; others may be meant for somebody else's runners. */
  readonly known: boolean;
}

/** A label with this sign can be no label of a target (see the RunnerTarget's schema), so it is an override label. */
const sign = "=";

const readers: Readonly<Record<OverrideKey, (value: string) => Reading<string | number>>> = {
  size: readName,
  cpu: readCpu,
  memory: readQuantity,
  disk: readQuantity,
  image: readName,
  capacity: readName,
  securityGroup: readName,
};
const keyOfSpelling = new Map<string, OverrideKey>(overrideKeys.map((key) => [key.toLowerCase(), key]));

/**
 * parseLabels reads what the labels of a job ask for. Case is ignored, as GitHub ignores it. It is total: labels are free text of
 * whoever writes a workflow, and what cannot be read becomes a problem with its own words.
 *
 * | written | means |
 * |---|---|
 * | cpu=4, cpu=4.0, cpu=4vcpu | 4 vCPUs |
 * | memory=16Gi, 16GiB, 16GB, 16G, 16384Mi | 16 GiB; AWS' own tables call that GB |
 * | size, image, capacity, securityGroup | a name in the class |
 */
export function parseLabels(labels: readonly string[]): ParsedLabels {
  if (!labels.some(isOverrideLabel)) return { plain: labels, labels: [], overrides: {}, problems: [], known: true };
  const overrideLabels = [...new Set(labels.filter(isOverrideLabel).map(inSmallLetters))].sort();
  const read = new Map<OverrideKey, string | number>();
  const seen = new Map<OverrideKey, string>();
  const problems: string[] = [];
  let known = true;
  for (const label of overrideLabels) {
    const at = label.indexOf(sign);
    const key = keyOfSpelling.get(label.slice(0, at).trim());
    if (key === undefined) {
      known = false;
      problems.push(`${shown(label)}: no such override; there are ${overrideKeys.join(", ")}`);
      continue;
    }
    const earlier = seen.get(key);
    seen.set(key, label);
    if (earlier !== undefined) {
      problems.push(`${shown(label)}: there is ${shown(earlier)} too; name one`);
      continue;
    }
    const reading = readers[key](label.slice(at + 1).trim());
    if (reading.ok) read.set(key, reading.value);
    else problems.push(`${shown(label)}: ${reading.problem}`);
  }
  const larger = seen.get("cpu") ?? seen.get("memory");
  const size = seen.get("size");
  if (size !== undefined && larger !== undefined) {
    problems.push(`${shown(larger)}: ${shown(size)} names cpu and memory already; use one of the two`);
  }
  return {
    plain: labels.filter((label) => !isOverrideLabel(label)),
    labels: overrideLabels,
    overrides: Object.fromEntries(overrideKeys.filter((key) => read.has(key)).map((key) => [key, read.get(key)])),
    problems,
    known,
  };
}

/** isOverrideLabel tells whether a label asks for a shape. */
export function isOverrideLabel(label: string): boolean {
  return label.includes(sign);
}

/**
 * Of the letters A to Z only. In full, the Kelvin sign would become a k: such a label would be read, and the runner would register one that
 * GitHub does not take for the job's.
 */
function inSmallLetters(label: string): string {
  return label.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A label for a sentence that people read in a terminal: without what those obey, and never half a character. */
function shown(label: string): string {
  const clean = label.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").toWellFormed();
  return clean.length > 60 ? `${clean.slice(0, 60).toWellFormed()}…` : clean;
}
