import { beforeAll, describe, expect, it } from "vitest";
import { installPrometheus } from "../cluster/prometheus.ts";
import { alertNames } from "../chart/values-effects.ts";
import { type Case, cases, harmless } from "./cases.ts";
import { healthyFleet, minutes, type World } from "./fleet.ts";
import { checkRules, type Groups, type Rule, renderRules, type RuleTest, testRules } from "./promtool.ts";

const rules = await renderRules();
/** A build takes minutes where there is none in the cache; it is no part of any test's time. */
beforeAll(async () => void (await installPrometheus((line) => void process.stderr.write(`[prometheus] ${line}\n`))), 1_800_000);

const passed = { code: 0, stderr: "" };

function ruleOf(name: string, of: Groups = rules): Rule {
  const found = of.groups.flatMap((group) => group.rules).find(({ alert }) => alert === name);
  if (found === undefined) throw new Error(`the chart has no alert ${name}`);
  return found;
}

/** A healthy fleet with one trouble in it. */
function withTrouble(series: Case["series"]): World {
  return Object.fromEntries(
    Object.entries({ ...healthyFleet, ...series }).flatMap(([name, values]) => (values === undefined ? [] : [[name, values]])),
  );
}

function testOf(alert: string, { series, quietAt, firesAt, says }: Case, others: readonly string[] = []): RuleTest {
  const { labels: own, annotations } = ruleOf(alert);
  const firing = says.map(({ labels = {}, description }) => ({
    labels: { ...labels, ...own },
    annotations: { ...annotations, description },
  }));
  return {
    series: withTrouble(series),
    step: "1m",
    expect: [
      { alert, at: `${quietAt}m`, firing: [] },
      { alert, at: `${firesAt}m`, firing },
      // One trouble has one alert: the others say nothing of it.
      ...others.map((other) => ({ alert: other, at: `${firesAt}m`, firing: [] })),
    ],
  };
}

describe("Prometheus", () => {
  it.each([
    ["by default", {}, {}],
    ["where mode is split", { mode: "split" }, {}],
    [
      "with matchers, thresholds and rules of one's own",
      {},
      {
        matchers: 'cluster="a"',
        alerts: { GetabakoJobsWaiting: { threshold: 12.5, for: "7m", severity: "page" } },
        extraRules: [{ alert: "Ours", expr: "vector(1) > 2", labels: { severity: "info" } }],
      },
    ],
  ])("reads the chart's rules %s", async (_, values, rule) => {
    const result = await checkRules(await renderRules(values, rule));
    expect(result).toMatchObject({ ...passed, stdout: expect.stringMatching(/SUCCESS: 1[56] rules found/) as string });
  });

  it("would say what is wrong with one", async () => {
    const { code, stderr } = await checkRules({ groups: [{ name: "a", rules: [{ alert: "A", expr: "rate(up)" }] }] });
    expect([code, stderr]).toEqual([1, expect.stringContaining("expected type range vector")]);
  });
});

describe("the alerts in Prometheus' own engine", () => {
  it("each have a trouble here", () => {
    expect(Object.keys(cases)).toEqual(alertNames);
  });

  const table = Object.entries(cases).flatMap(([alert, list]) => list.map((one) => [alert, one.trouble, one] as const));

  it.each(table)("%s fires, and not too early, when %s", async (alert, _, one) => {
    const others = alertNames.filter((name) => name !== alert && !alsoFires(alert).includes(name));
    const result = await testRules(rules, [testOf(alert, one, others)]);
    expect(result.stdout + result.stderr).toContain("SUCCESS");
    expect(result.code).toBe(0);
  });

  it.each(Object.entries({ "a healthy fleet": {}, ...harmless }))("none fires for %s", async (_, world) => {
    const at = Array.from({ length: minutes / 5 }, (_unused, index) => `${index * 5 + 1}m`);
    const expectations = alertNames.flatMap((alert) => at.map((time) => ({ alert, at: time, firing: [] })));
    const result = await testRules(rules, [{ series: withTrouble(world), step: "1m", expect: expectations }]);
    expect(result.stdout + result.stderr).toContain("SUCCESS");
    expect(result.code).toBe(0);
  });

  it("would notice an alert that fires although nobody expects it, and one that does not", async () => {
    const [one] = cases.GetabakoNoLeader;
    if (one === undefined) throw new Error("there is no case");
    const wrong = { ...one, quietAt: one.firesAt, firesAt: one.quietAt };
    const { code, stdout, stderr } = await testRules(rules, [testOf("GetabakoNoLeader", wrong)]);
    expect(code).toBe(1);
    expect((stdout + stderr).match(/GetabakoNoLeader, time: \d+m/g)?.toSorted()).toEqual([
      `GetabakoNoLeader, time: ${one.quietAt}m`,
      `GetabakoNoLeader, time: ${one.firesAt}m`,
    ]);
  });

  it("look at one release: another one in the same namespace sets none off", async () => {
    const [one] = cases.GetabakoJobsStarved;
    if (one === undefined) throw new Error("there is no case");
    const foreign = Object.fromEntries(
      Object.entries(one.series).map(([name, values]) => [name.replace('job="getabako"', 'job="other"'), values]),
    );
    const result = await testRules(rules, [testOf("GetabakoJobsStarved", { ...one, series: foreign, says: [] })]);
    expect(result.code).toBe(0);
  });

  it("say in split mode that one of the two Deployments is down", async () => {
    const split = await renderRules({ mode: "split" });
    const { labels, annotations } = ruleOf("GetabakoDown", split);
    const up = (pod: string): string => `up{namespace="runners",job="getabako",pod="${pod}"}`;
    const world = { [up("getabako-intake-a")]: "1x60", [up("getabako-controller-a")]: "1x9 0x50" };
    const expectations = [
      { alert: "GetabakoDown", at: "9m", firing: [] },
      { alert: "GetabakoDown", at: "16m", firing: [{ labels, annotations }] },
    ];
    const result = await testRules(split, [{ series: world, step: "1m", expect: expectations }]);
    expect(result.stdout + result.stderr).toContain("SUCCESS");
  });
});

/** What cannot but fire together with an alert. */
function alsoFires(alert: string): readonly string[] {
  return { GetabakoDown: [] as string[], GetabakoWebhooksUnavailable: ["GetabakoWebhooksRejected"] }[alert] ?? [];
}
