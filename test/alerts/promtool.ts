import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removalCommand, startJanitor } from "../cluster/guard.ts";
import { installPrometheus } from "../cluster/prometheus.ts";
import { type CommandResult, tryCommand } from "../cluster/run-command.ts";
import { only, render } from "../chart/helm.ts";

/** Rule is an alert as the chart renders it. */
export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Groups is what is in a PrometheusRule: a rule file, as Prometheus reads it. */
export interface Groups {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** Expected is one alert that has to fire, with everything that it says. */
export interface Expected {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** RuleTest is a world of series, and what an alert does in it at some times. */
export interface RuleTest {
  /** Series in PromQL, and promtool's notation of their values: "0+1x10" is 0, 1, ... 10, a step apart. */
  readonly series: Readonly<Record<string, string>>;
  readonly step: string;
  readonly expect: readonly { readonly alert: string; readonly at: string; readonly firing: readonly Expected[] }[];
}

/** renderRules renders the chart's PrometheusRule with some values of the chart. */
export async function renderRules(values: object = {}, rule: object = {}): Promise<Groups> {
  const objects = await render({
    values: { crds: { install: false }, metrics: { prometheusRule: { enabled: true, ...rule } }, ...values },
  });
  return only(objects, "PrometheusRule").spec as Groups;
}

/** checkRules has Prometheus read a rule file. */
export async function checkRules(rules: object): Promise<CommandResult> {
  return await promtool({ "rules.json": rules }, ["check", "rules", "--lint=all", "--lint-fatal"], "rules.json");
}

/** testRules plays worlds of series against rules in Prometheus' own engine. */
export async function testRules(rules: Groups, tests: readonly RuleTest[]): Promise<CommandResult> {
  const file = {
    rule_files: ["rules.json"],
    evaluation_interval: "30s",
    tests: tests.map(({ series, step, expect }) => ({
      interval: step,
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: expect.map(({ alert, at, firing }) => ({
        alertname: alert,
        eval_time: at,
        exp_alerts: firing.map(({ labels, annotations }) => ({ exp_labels: labels, exp_annotations: annotations })),
      })),
    })),
  };
  return await promtool({ "rules.json": rules, "tests.json": file }, ["test", "rules"], "tests.json");
}

/** JSON is YAML, so no quoting rule comes in between. */
async function promtool(files: Readonly<Record<string, object>>, args: readonly string[], file: string): Promise<CommandResult> {
  const { promtool: program } = await installPrometheus((line) => void process.stderr.write(`[prometheus] ${line}\n`));
  const directory = await mkdtemp(join(tmpdir(), "getabako-promtool-"));
  const janitor = startJanitor(removalCommand(directory));
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), JSON.stringify(content));
    return await tryCommand(program, [...args, file], { cwd: directory });
  } finally {
    await janitor.run();
  }
}
