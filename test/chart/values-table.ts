import { isMap, isPair, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from "yaml";

/** DocumentedValue is one value of a chart with the comment above it. */
export interface DocumentedValue {
  readonly path: string;
  /** As one line of YAML. */
  readonly standard: string;
  readonly meaning: string;
}

/**
 * documentedValues reads a chart's values.yaml: a key with a comment is a value, whatever is below it; one without a comment only
 * groups others.
 */
export function documentedValues(valuesYaml: string): DocumentedValue[] {
  const { contents } = parseDocument(valuesYaml);
  if (!isMap(contents)) throw new TypeError("values.yaml is not a map");
  return walk(contents, "");
}

/** valuesTable is the table of values in the chart's README. */
export function valuesTable(values: readonly DocumentedValue[]): string {
  const rows = values.map(({ path, standard, meaning }) => `| \`${path}\` | \`${standard}\` | ${meaning} |`);
  return ["| value | default | meaning |", "|---|---|---|", ...rows].join("\n");
}

function walk(map: YAMLMap, prefix: string): DocumentedValue[] {
  return map.items.filter(isPair).flatMap((pair, index) => {
    const key = isScalar(pair.key) ? String(pair.key.value) : "";
    const path = prefix === "" ? key : `${prefix}.${key}`;
    // What stands above the first key of a map belongs to the map, says the parser.
    const comment = commentOf(pair) ?? (index === 0 ? map.commentBefore : undefined);
    if (comment === undefined || comment === null) {
      if (isMap(pair.value)) return walk(pair.value, path);
      throw new Error(`${path} has no comment above it`);
    }
    // A paragraph of its own above the comment is about the file.
    const meaning = (comment.split(/\n\s*\n/).at(-1) ?? "").split("\n").map((line) => line.trim());
    const value = (map.get(key, true) as { toJSON(): unknown } | undefined)?.toJSON();
    return [{ path, standard: inline(value), meaning: meaning.join(" ") }];
  });
}

function commentOf({ key }: Pair): string | null | undefined {
  return isScalar(key) ? key.commentBefore : undefined;
}

function inline(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: false }).trim();
}
