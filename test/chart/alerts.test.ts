import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { waitReasons } from "../../src/controllers/runner-request/standing-metrics.ts";
import { only, render, renderText } from "./helm.ts";
import { operatorMetrics } from "./operator-metrics.ts";
import { parsePromql, type Selector } from "./promql.ts";
import { alertNames } from "./values-effects.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const root = new URL("../../", import.meta.url);
const runbooks = new URL("docs/runbooks/", root);

async function rules(values: object = {}, more: object = {}): Promise<readonly Rule[]> {
  const objects = await render({
    values: { crds: { install: false }, metrics: { prometheusRule: { enabled: true, ...values } }, ...more },
  });
  const { groups } = only(objects, "PrometheusRule").spec as { groups: readonly { rules: readonly Rule[] }[] };
  return groups.flatMap((group) => group.rules);
}

/** Labels that Prometheus puts on every series of a target. */
const targetLabels = ["namespace", "job", "pod", "instance"];
const registry = operatorMetrics();
const values = (await registry.getMetricsAsJSON()) as readonly {
  readonly name: string;
  readonly values: readonly { readonly labels: Readonly<Record<string, string>> }[];
}[];

/** What is wrong with a selector: a metric or a label that the operator does not have, or a value that the label never has. */
function problems({ metric, matchers }: Selector): string[] {
  if (metric === "up") return [];
  const base = metric.replace(/_(bucket|count|sum)$/, "");
  const found = registry.getSingleMetric(metric) ?? (base === metric ? undefined : registry.getSingleMetric(base));
  if (found === undefined) return [`there is no metric ${metric}`];
  const { labelNames } = found as unknown as { readonly labelNames: readonly string[] };
  const series = values.find(({ name }) => name === metric || name === base)?.values ?? [];
  return matchers.flatMap(({ label, operator, value }) => {
    if (targetLabels.includes(label)) return [];
    if (!labelNames.includes(label)) return [`${metric} has no label ${label}`];
    const known = new Set(series.map(({ labels }) => labels[label]));
    if (known.size === 0 || operator.startsWith("!")) return [];
    return value.split("|").flatMap((each) => (known.has(each) ? [] : [`${metric} has no ${label} ${each}`]));
  });
}

describe("the alerts", () => {
  it.each(["combined", "split"])("are PromQL over metrics that the operator has, where mode is %s", async (mode) => {
    const found = await rules({}, { mode });
    expect(found.map(({ alert }) => alert)).toEqual(alertNames);
    for (const { alert, expr } of found) {
      const { selectors } = parsePromql(expr);
      expect([alert, selectors.flatMap(problems)]).toEqual([alert, []]);
      for (const { metric, matchers } of selectors) {
        expect(matchers.slice(0, 2), `${alert}: ${metric}`).toEqual([
          { label: "namespace", operator: "=", value: "runners" },
          { label: "job", operator: "=", value: "getabako" },
        ]);
      }
    }
  });

  it("speak of labels that their expression keeps", async () => {
    for (const { alert, expr, annotations } of await rules()) {
      const named = [
        ...Object.values(annotations)
          .join(" ")
          .matchAll(/\$labels\.(\w+)/g),
      ].map(([, label]) => label ?? "");
      const { grouped } = parsePromql(expr);
      expect([alert, named.filter((label) => !grouped.includes(label))]).toEqual([alert, []]);
    }
  });

  it("notice a metric, a label or a value that there is not, and what is no PromQL", () => {
    const check = (expression: string): string[] => parsePromql(expression).selectors.flatMap(problems);
    expect(check("sum(getabako_jobs_weighting)")).toEqual(["there is no metric getabako_jobs_weighting"]);
    expect(check('getabako_jobs_waiting{why="x"}')).toEqual(["getabako_jobs_waiting has no label why"]);
    expect(check('getabako_jobs_waiting{reason=~"TargetPaused|Tired"}')).toEqual(["getabako_jobs_waiting has no reason Tired"]);
    expect(check("rate(getabako_job_duration_seconds_bucket[5m])")).toEqual([]);
    expect(() => check("sum(up{)")).toThrow(/not PromQL: sum\(up\{ <<HERE>>/);
  });

  it("take their threshold, time and severity from the values", async () => {
    const chosen = { severity: "page", for: "7m", threshold: 12.5 };
    const alerts = Object.fromEntries(
      alertNames.map((name) => {
        const { threshold, ...without } = chosen;
        return [name, ["GetabakoDown", "GetabakoNoLeader"].includes(name) ? without : { ...without, threshold }];
      }),
    );
    for (const rule of await rules({ alerts, alertLabels: { team: "ci", severity: "theirs" } })) {
      expect(rule).toMatchObject({ for: "7m", labels: { severity: "page", team: "ci" } });
      expect([rule.alert, /[<>] 12\.5( and|$)/.test(rule.expr)]).toEqual([rule.alert, "threshold" in (alerts[rule.alert] ?? {})]);
    }
    const usual = (await rules()).map(({ alert, expr }) => [alert, /[<>] ([\d.]+)( and|$)/.exec(expr)?.[1]]);
    expect(usual).toContainEqual(["GetabakoJobsWaiting", "900"]);
    expect(usual).toContainEqual(["GetabakoGitHubRateLimitLow", "0.1"]);
  });

  it("can be picked by other labels than the monitors give", async () => {
    const [first] = await rules({ matchers: 'cluster="a"' });
    expect(first?.expr).toBe('absent(up{cluster="a",pod=~"getabako-.+"} == 1)');
  });

  it("each have a runbook page with the same parts, and each page has its alert", async () => {
    const pages = (await readdir(runbooks)).filter((name) => name !== "README.md");
    expect(pages.toSorted()).toEqual(alertNames.map((name) => `${name}.md`).toSorted());
    const index = await readFile(new URL("README.md", runbooks), "utf8");
    for (const { alert, annotations } of await rules()) {
      expect(annotations["runbook_url"]).toBe(`docs/runbooks/${alert}.md`);
      const page = await readFile(new URL(`${alert}.md`, runbooks), "utf8");
      expect(page.match(/^##? .*$/gm)).toEqual([`# ${alert}`, "## Meaning", "## Impact", "## How to look", "## How to mend"]);
      expect(page).toMatch(/```sh\n(kubectl|aws) /);
      expect(index).toContain(`[${alert}](${alert}.md)`);
      for (const [, link] of page.matchAll(/\]\(([^)#]+)\)/g)) {
        await expect(readFile(new URL(link ?? "", runbooks), "utf8"), `${alert} links to ${link}`).resolves.not.toBe("");
      }
    }
  });
});

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: {
    readonly overrides: readonly { readonly matcher: { readonly id: string; readonly options: string } }[];
  };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string; readonly refId: string }[];
}

it("docs/observability.md speaks of metrics and labels that there are", async () => {
  const page = await readFile(new URL("docs/observability.md", root), "utf8");
  const named = [
    ...page.matchAll(/`((?:getabako|controller_runtime|workqueue|leader_election|rest_client)_\w+)(?:\{([\w,]+)\})?`/g),
  ];
  expect(named.length).toBeGreaterThan(15);
  for (const [, metric = "", labels = ""] of named) {
    const matchers = labels === "" ? [] : labels.split(",").map((label) => ({ label, operator: "!=" as const, value: "" }));
    expect(problems({ metric, matchers })).toEqual([]);
  }
});

describe("the dashboard", async () => {
  const text = await readFile(fileURLToPath(new URL("config/grafana/getabako.json", root)), "utf8");
  const dashboard = JSON.parse(text) as { readonly panels: readonly Panel[]; readonly uid: string };
  const panels = dashboard.panels.filter(({ type }) => type !== "row");

  it.each(panels)("asks in PromQL for what the operator has: $title", ({ targets = [], description }) => {
    expect(description).not.toBe("");
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr, legendFormat } of targets) {
      const { selectors, grouped } = parsePromql(expr.replaceAll("$__rate_interval", "5m").replaceAll("$__range", "1h"));
      expect(selectors.flatMap(problems)).toEqual([]);
      // One release of one namespace: two of them in one graph would add up.
      for (const { matchers } of selectors) {
        expect(matchers.slice(0, 2).map(({ value }) => value)).toEqual(["$namespace", "$job"]);
      }
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? "");
      expect([...grouped, ...targetLabels]).toEqual(expect.arrayContaining(shown));
    }
  });

  it("shows every metric of getabako's own", async () => {
    const names = values.map(({ name }) => name).filter((name) => name.startsWith("getabako_"));
    const shown = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join(" ");
    const left = ["getabako_sweep_duration_seconds", "getabako_github_request_duration_seconds"];
    const others = ["getabako_github_request_retries_total", "getabako_runner_requests_created_total"];
    expect(names.filter((name) => !shown.includes(name)).toSorted()).toEqual([...left, ...others].toSorted());
  });

  it("begins with whether jobs wait, why, and since when", () => {
    expect(dashboard.panels[0]?.title).toBe("Are jobs waiting, why, since when");
    expect(panels.slice(0, 2).map(({ title }) => title)).toEqual(["Jobs waiting", "Oldest waits"]);
  });

  it.each(["Jobs waiting, by what they wait for", "Age of the oldest job that waits"])(
    "has one colour for each reason: %s",
    (title) => {
      const { overrides } = panels.find((panel) => panel.title === title)?.fieldConfig ?? { overrides: [] };
      const patterns = overrides.map(({ matcher }) => new RegExp(matcher.options.replace(/^\/|\/$/g, "")));
      const colors = waitReasons.map((reason) => [reason, patterns.filter((pattern) => pattern.test(reason)).length]);
      expect(colors).toEqual(waitReasons.map((reason) => [reason, 1]));
    },
  );

  it("has panels that do not lie on each other", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const [index, { title, gridPos: a }] of dashboard.panels.entries()) {
      for (const { title: other, gridPos: b } of dashboard.panels.slice(index + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect(apart, `${title} and ${other}`).toBe(true);
      }
      expect([title, a.x + a.w <= 24]).toEqual([title, true]);
    }
  });

  it("is in the ConfigMap as it is in the file", async () => {
    const rendered = await renderText({ values: { crds: { install: false }, metrics: { dashboard: { enabled: true } } } });
    const map = rendered.split("---\n").find((document) => document.includes("kind: ConfigMap")) ?? "";
    const { data } = parse(map) as { data: Record<string, string> };
    expect(JSON.parse(data["getabako.json"] ?? "")).toEqual(dashboard);
  });
});
