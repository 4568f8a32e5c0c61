import { attemptReasons, eventReasons, readyReasons, runnerRequestReasons } from "../../src/api/v1alpha1/reasons.ts";
import { operatorMetrics } from "../../test/chart/operator-metrics.ts";
import { generatedFrom } from "./generated-file.ts";
import { table } from "./markdown-table.ts";

/** Metric is what prom-client knows of one, with the series that exist before anything has happened. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
  readonly series: readonly Readonly<Record<string, string | number>>[];
}

/** Longer lists of values would hide the row; these are lists of reasons, which have a page. */
const mostValues = 14;

/** Metrics of the process and of Node.js come from prom-client; which there are depends on the machine. */
const ofTheProcess = /^(process|nodejs)_/;

const sections: readonly (readonly [title: string, about: string, names: RegExp])[] = [
  [
    "Jobs and runners",
    "By the leader alone, unless the meaning says otherwise: sum over the pods.",
    /^getabako_(job|oldest|objects|circuit|runner(?!_requests_created))/,
  ],
  ["Webhooks and connections", "By every pod that has the server.", /^getabako_(webhook|http|runner_requests_created)/],
  ["Nets under the webhooks", "By the leader.", /^getabako_(swe|redeliveries)/],
  ["GitHub", "By the leader.", /^getabako_github/],
  ["Providers and AWS", "By the leader.", /^getabako_(provider|aws|feed)/],
  [
    "Controllers and the API server",
    "By every pod, with the names that controller-runtime and client-go use, so that dashboards for those work.",
    /^(controller_runtime|workqueue|leader_election|rest_client|kube)_/,
  ],
];

/** signalsPage is docs/signals.md: every metric and every event that the operator gives. */
export async function signalsPage(): Promise<string> {
  const metrics = await allMetrics();
  const placed = sections.map(([title, about, names]) => {
    const rows = metrics.filter(({ name }) => names.test(name));
    return { title, about, rows };
  });
  const left = metrics.filter(({ name }) => sections.every(([, , names]) => !names.test(name)));
  if (left.length > 0) throw new Error(`no section of docs/signals.md for ${left.map(({ name }) => name).join(", ")}`);
  return [
    `<!-- ${generatedFrom("src/api and the operator's metrics")} -->`,
    "# Signals",
    "Every metric at `/metrics` (port 9090), every event in `kubectl describe`, and where their reasons are explained. What to look at first " +
      "is the [dashboard](../config/grafana/getabako.json); what wakes people is in the [runbooks](runbooks/README.md).",
    "## Metrics",
    "A histogram `X` has the series `X_bucket` (with the label `le`), `X_sum` and `X_count`. Series of closed lists of labels exist from the start, " +
      "at zero: those values are in brackets. No label holds the name of a job, a repository or a runner. Metrics that begin with `process_` and " +
      "`nodejs_` are prom-client's own, in every pod: CPU, memory, file descriptors, event loop, heap, garbage collection.",
    ...placed.flatMap(({ title, about, rows }) => [`### ${title}`, about, metricTable(rows)]),
    "## Events",
    "Besides the reasons below a RunnerRequest gets an event when it begins to wait for its target (`TargetAtCapacity`, `TargetPaused`, `TargetNotReady`); a Warning for each refused launch, with a reason of `Launched`; a Warning for each attempt that " +
      "ended without a job, with its [reason](reference.md#runnerrequest-attempts); and one event for its outcome, with a reason of " +
      "`Succeeded` ([both](reference.md#runnerrequest-conditions)). GitHubApps, classes and RunnerTargets get a Warning when Ready becomes False, " +
      "with its reason. Kubernetes keeps events for an hour; conditions stay.",
    table(
      ["About", "Reason", "Meaning"],
      Object.entries(eventReasons).flatMap(([kind, reasons]) =>
        Object.entries(reasons).map(([reason, meaning]) => [kind, `\`${reason}\``, meaning]),
      ),
    ),
    "## Conditions",
    table(
      ["Of", "Conditions", "Reasons"],
      [
        [
          "RunnerRequest",
          Object.keys(runnerRequestReasons)
            .map((type) => `\`${type}\``)
            .join(", "),
          "[by condition](reference.md#runnerrequest-conditions), " +
            `[${Object.keys(attemptReasons).length} of attempts](reference.md#runnerrequest-attempts)`,
        ],
        ...Object.keys(readyReasons).map((kind) => [
          kind,
          kind === "RunnerTarget" ? "`Ready`, `RunnerVersion`" : "`Ready`",
          `[all](reference.md#${kind.toLowerCase()}-conditions)`,
        ]),
      ],
    ),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

async function allMetrics(): Promise<Metric[]> {
  const registry = operatorMetrics();
  const read = (await registry.getMetricsAsJSON()) as unknown as readonly {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly { readonly labels: Readonly<Record<string, string | number>> }[];
  }[];
  const ours = read.filter(({ name }) => !ofTheProcess.test(name));
  return ours.map(({ name, help, type, values }) => {
    const { labelNames } = registry.getSingleMetric(name) as unknown as { readonly labelNames: readonly string[] };
    return { name, help, type, labelNames, series: values.map(({ labels }) => labels) };
  });
}

function metricTable(metrics: readonly Metric[]): string {
  return table(
    ["Metric", "Type", "Labels", "Meaning"],
    metrics.map(({ name, help, type, labelNames, series }) => [`\`${name}\``, type, labels(labelNames, series), help]),
  );
}

function labels(names: readonly string[], series: Metric["series"]): string {
  return names
    .map((label) => {
      const values = [...new Set(series.flatMap((each) => (each[label] === undefined ? [] : [String(each[label])])))];
      const few = values.length > 1 && values.length <= mostValues;
      return few ? `\`${label}\` (${values.join(", ")})` : `\`${label}\``;
    })
    .join("; ");
}
