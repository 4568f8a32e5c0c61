import { describe, expect, it } from "vitest";
import { type Answers, last, silencesIn } from "./answers.ts";
import { type Dashboard, expand, legendOf, readDashboard } from "./dashboard.ts";
import { rightlySilent } from "./silent.ts";

const variables = { namespace: "runners", job: "getabako", rangeSeconds: 400, stepSeconds: 5, scrapeSeconds: 5 };

describe("expand", () => {
  it("puts in what Grafana would", () => {
    const expr = 'sum(rate(a_total{namespace="$namespace",job="$job"}[$__rate_interval])) / rate(b[$__range])';
    expect(expand(expr, variables)).toBe('sum(rate(a_total{namespace="runners",job="getabako"}[20s])) / rate(b[400s])');
    expect(expand("rate(a[$__rate_interval])", { ...variables, stepSeconds: 60 })).toBe("rate(a[65s])");
  });

  it("does not let pass what it does not know", () => {
    expect(() => expand("rate(a[$__interval])", variables)).toThrow("nothing is known of $__interval");
  });

  it("knows everything in the dashboard's own queries", () => {
    for (const { targets = [] } of readDashboard().panels) {
      for (const { expr } of targets) expect(expand(expr, variables)).not.toContain("$");
    }
  });
});

it("legendOf fills in labels, and nothing for those that a series lacks", () => {
  expect(legendOf("withheld: {{reason}} {{ code }}", { reason: "Paused" })).toBe("withheld: Paused ");
});

describe("silencesIn", () => {
  const target = (refId: string): object => ({ refId, expr: "", legendFormat: "", instant: false });
  const dashboard = {
    panels: [
      { id: 1, type: "row", title: "Row" },
      { id: 2, type: "timeseries", title: "Two", targets: [target("A"), target("B")] },
    ],
  } as unknown as Dashboard;
  const answers = (lines: object[]): Answers => ({ times: [0, 5], lines: { 2: lines } }) as unknown as Answers;

  it("tells a query without data from a panel that is all zero", () => {
    const full = { refId: "A", name: "a", values: [null, 3] };
    expect(silencesIn(dashboard, answers([full]))).toEqual([{ panel: "Two", refId: "B" }]);
    expect(silencesIn(dashboard, answers([]))).toEqual([
      { panel: "Two", refId: "A" },
      { panel: "Two", refId: "B" },
    ]);
    const zero = (refId: string): object => ({ refId, name: refId, values: [0, null] });
    expect(silencesIn(dashboard, answers([zero("A"), zero("B")]))).toEqual([{ panel: "Two" }]);
    expect(silencesIn(dashboard, answers([full, zero("B")]))).toEqual([]);
  });

  it("forgives only what there is", () => {
    const known = readDashboard().panels.flatMap(({ title, targets = [] }) => [
      title,
      ...targets.map(({ refId }) => `${title} ${refId}`),
    ]);
    expect(Object.keys(rightlySilent).filter((key) => !known.includes(key))).toEqual([]);
  });
});

it("last is the newest value that there is", () => {
  expect(last({ values: [1, 2, null] })).toBe(2);
  expect(last({ values: [0] })).toBe(0);
  expect(last({ values: [null] })).toBeUndefined();
});
