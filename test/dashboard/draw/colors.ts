import type { FieldDefaults, Override } from "../dashboard.ts";

/** Classes of the picture's style sheet, which has them for light and for dark. */
const palette = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"] as const;
const named: Readonly<Record<string, string>> = {
  green: "green",
  orange: "orange",
  yellow: "c1",
  red: "red",
  blue: "c2",
  text: "text",
};

/** namedColor is the class of one of the colours that the dashboard names. */
export function namedColor(name: string): string {
  const found = named[name];
  if (found === undefined) throw new Error(`the colour ${name} is not known here`);
  return found;
}

/** thresholdColor is the colour of the last step that a value has reached. */
export function thresholdColor(value: number, { thresholds, mappings = [] }: FieldDefaults): string {
  for (const { options } of mappings) {
    const mapped = options[String(value)];
    if (mapped !== undefined) return namedColor(mapped.color);
  }
  const step = thresholds?.steps.findLast(({ value: from }) => from === null || value >= from);
  return namedColor(step?.color ?? "green");
}

/** seriesColors gives each name a colour: its own where the dashboard says so, else the next of the palette. */
export function seriesColors(names: readonly string[], overrides: readonly Override[] = []): ReadonlyMap<string, string> {
  let next = 0;
  return new Map(
    names.map((name) => {
      const fixed = overrides
        .filter(({ matcher }) => matches(matcher, name))
        .flatMap(({ properties }) => properties.filter(({ id }) => id === "color"))
        .map(({ value }) => (value as { fixedColor: string }).fixedColor)
        .at(-1);
      return [name, fixed === undefined ? (palette[next++ % palette.length] ?? "c0") : namedColor(fixed)];
    }),
  );
}

/** matches tells whether an override is for a series or field of this name. */
export function matches({ id, options }: Override["matcher"], name: string): boolean {
  if (id === "byName") return options === name;
  // Grafana writes regular expressions with their slashes.
  return id === "byRegexp" && new RegExp(options.replace(/^\/|\/$/g, "")).test(name);
}
