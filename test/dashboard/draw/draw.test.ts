import { describe, expect, it } from "vitest";
import type { Answers } from "../answers.ts";
import { type Dashboard, readDashboard } from "../dashboard.ts";
import { thresholdColor, seriesColors } from "./colors.ts";
import { drawDashboard } from "./picture.ts";
import { scaleOf } from "./scale.ts";
import { formatValue } from "./units.ts";

it.each([
  [0, "s", "0 s"],
  [0.0455, "s", "45.5 ms"],
  [9.18, "s", "9.18 s"],
  [290, "s", "4.83 min"],
  [7_200, "s", "2 h"],
  [0.98765, "percentunit", "98.8%"],
  [278_000_000, "bytes", "265 MiB"],
  [51, "short", "51"],
  [1_234, "short", "1.23 K"],
  [0.333, "reqps", "0.333 req/s"],
] as const)("%d in %s is %s", (value, unit, shown) => {
  expect(formatValue(value, unit)).toBe(shown);
});

it.each([
  [1, 4, 10, [0, 0.5, 1]],
  [53, 4, 10, [0, 20, 40, 60]],
  [0.07, 3, 10, [0, 0.05, 0.1]],
  [290, 4, 60, [0, 120, 240, 360]],
  [3 * 1024 ** 2, 3, 1_024, [0, 1024 ** 2, 2 * 1024 ** 2, 3 * 1024 ** 2]],
] as const)("an axis up to %d has round marks", (maximum, wanted, base, ticks) => {
  expect(scaleOf(maximum, wanted, base)).toEqual({ min: 0, max: ticks.at(-1), ticks });
});

it("a threshold counts from its value on, and a mapping before it", () => {
  const steps = [
    { color: "green", value: null },
    { color: "orange", value: 300 },
    { color: "red", value: 900 },
  ];
  const defaults = { unit: "s", thresholds: { steps } };
  expect([0, 299, 300, 901].map((value) => thresholdColor(value, defaults))).toEqual(["green", "green", "orange", "red"]);
  const mappings = [{ type: "value" as const, options: { "0": { text: "none", color: "red" } } }];
  expect(thresholdColor(0, { ...defaults, mappings })).toBe("red");
});

it("a series has the colour that the dashboard gives it, and the others take turns", () => {
  const overrides = [
    {
      matcher: { id: "byRegexp" as const, options: "/^(Lost|TimedOut)$/" },
      properties: [{ id: "color", value: { mode: "fixed", fixedColor: "red" } }],
    },
  ];
  expect([...seriesColors(["Done", "Lost", "Lost again"], overrides)]).toEqual([
    ["Done", "c0"],
    ["Lost", "red"],
    ["Lost again", "c1"],
  ]);
});

describe("the picture", () => {
  const panel = (id: number, type: string, more: object): object => ({
    id,
    type,
    title: `Panel <${id}>`,
    gridPos: { x: 0, y: id * 6, w: 8, h: 6 },
    fieldConfig: { defaults: { unit: "s" }, overrides: [] },
    targets: [{ refId: "A", legendFormat: "{{reason}}" }],
    ...more,
  });
  const draw = (one: object, lines: object[]): string =>
    drawDashboard(
      { title: "t", description: "", panels: [one] } as unknown as Dashboard,
      { times: [0, 5, 10, 15], lines: { 1: lines } } as unknown as Answers,
      { subtitle: ["s"], footer: [["a & b"]] },
    );
  const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text ?? "");

  it("has text as text, and nothing in it that ends an element", () => {
    const svg = draw(panel(1, "timeseries", {}), [{ refId: "A", name: 'a<b> "c"', values: [1, 2, null, 4] }]);
    expect(texts(svg)).toEqual(expect.arrayContaining(["Panel &lt;1&gt;", "a&lt;b&gt; &quot;c&quot;", "4 s", "a &amp; b"]));
    expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 1200 \d+"/);
  });

  it("breaks a line where there is no value", () => {
    const svg = draw(panel(1, "timeseries", {}), [{ refId: "A", name: "a", values: [1, 2, null, 4] }]);
    const [, d = ""] = /<path d="([^"]+)" class="l c0"/.exec(svg) ?? [];
    expect(d.match(/M/g)).toHaveLength(2);
    expect(d).toMatch(/h1$/);
  });

  it("stacks one on the other", () => {
    const custom = { drawStyle: "bars", stacking: { mode: "normal" } };
    const lines = ["a", "b"].map((name) => ({ refId: "A", name, values: [0, 10, null, 0] }));
    const svg = draw(panel(1, "timeseries", { fieldConfig: { defaults: { unit: "short", custom }, overrides: [] } }), lines);
    const bars = [...svg.matchAll(/<path d="M[\d.]+ ([\d.]+)h[\d.]+v([\d.]+)/g)].map(([, top, height]) => [
      Number(top),
      Number(height),
    ]);
    const [[lowTop = 0, lowHeight] = [], [highTop = 0, highHeight = 0] = []] = bars;
    expect(lowHeight).toBe(highHeight);
    expect(highTop + highHeight).toBeCloseTo(lowTop);
  });

  it("merges a table's queries by the label that they keep, the oldest first", () => {
    const lines = [
      { refId: "A", name: "TargetNotReady", values: [null, null, null, 2] },
      { refId: "A", name: "TargetAtCapacity", values: [null, null, null, 31] },
      { refId: "B", name: "TargetNotReady", values: [null, null, null, 40] },
      { refId: "B", name: "TargetAtCapacity", values: [null, null, null, 1_200] },
    ];
    const renameByName = { reason: "Waiting for", "Value #A": "Jobs", "Value #B": "Oldest" };
    const thresholds = {
      steps: [
        { color: "green", value: null },
        { color: "red", value: 900 },
      ],
    };
    const table = {
      targets: ["A", "B"].map((refId) => ({ refId, legendFormat: "{{reason}}" })),
      transformations: [{ id: "organize", options: { renameByName } }],
      options: { sortBy: [{ displayName: "Oldest", desc: true }] },
      fieldConfig: {
        defaults: { unit: "short" },
        overrides: [
          {
            matcher: { id: "byName", options: "Oldest" },
            properties: [
              { id: "unit", value: "s" },
              { id: "custom.cellOptions", value: { type: "color-text" } },
              { id: "thresholds", value: thresholds },
            ],
          },
        ],
      },
    };
    const svg = draw(panel(1, "table", table), lines);
    const cells = ["Waiting for", "Jobs", "Oldest", "TargetAtCapacity", "31", "20 min", "TargetNotReady", "2", "40 s"];
    expect(texts(svg).slice(3, 12)).toEqual(cells);
    expect(svg).toMatch(/class="t bold red">20 min/);
  });

  it("says so where there is nothing", () => {
    expect(texts(draw(panel(1, "timeseries", {}), []))).toContain("No data");
    expect(texts(draw(panel(1, "stat", {}), []))).toContain("No data");
  });
});

it("every unit of the dashboard can be drawn", () => {
  const units = readDashboard().panels.flatMap((panel) =>
    panel.type === "row" ? [] : (panel.fieldConfig?.defaults?.unit ?? []),
  );
  expect(new Set(units).size).toBeGreaterThan(3);
  for (const unit of new Set(units)) expect(formatValue(2, unit)).toMatch(/^2/);
});
