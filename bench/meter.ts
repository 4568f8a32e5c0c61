import type { OperatorProcess } from "../test/support/operator.ts";
import { type ApiUse, apiUse, eventsOf, ofRequests, useBetween } from "./api-use.ts";
import { type Use, useOf, usedBetween } from "./process-use.ts";
import { sumOf } from "./prometheus.ts";
import type { Figures } from "./scenarios.ts";
import type { Stage } from "./stage.ts";

/** Reading is everything that is counted, at one moment. */
interface Reading {
  readonly operator: Use;
  readonly apiServer: Use | undefined;
  readonly etcd: Use | undefined;
  readonly api: ApiUse;
  readonly events: number;
  readonly github: number;
  /** Of them, the safety nets' looks at deliveries and runs: a cost of time, not of jobs. */
  readonly nets: number;
  readonly ecs: Readonly<Record<string, number>>;
  readonly gcSeconds: number;
}

const ecsOperations = [
  "RunTask",
  "DescribeTasks",
  "ListTasks",
  "StopTask",
  "DescribeClusters",
  "DescribeTaskDefinition",
  "RegisterTaskDefinition",
];

const netOperations = [
  "apps/list-webhook-deliveries",
  "actions/list-workflow-runs-for-repo",
  "actions/list-jobs-for-workflow-run",
];

/** Meter measures what a piece of work cost: the operator, the API server, etcd, and every call to the outside. */
export class Meter {
  readonly #stage: Stage;
  readonly #operator: OperatorProcess;
  readonly #before: Reading;

  private constructor(stage: Stage, operator: OperatorProcess, before: Reading) {
    this.#stage = stage;
    this.#operator = operator;
    this.#before = before;
  }

  static async start(stage: Stage, operator: OperatorProcess): Promise<Meter> {
    return new Meter(stage, operator, await read(stage, operator));
  }

  /** perJob is what was used since the start, divided by the jobs. */
  async perJob(jobs: number): Promise<Figures> {
    const after = await read(this.#stage, this.#operator);
    const before = this.#before;
    const api = useBetween(before.api, after.api);
    const each = (value: number): number => value / jobs;
    const cpu = usedBetween(before.operator, after.operator);
    const machine = (a: Use | undefined, b: Use | undefined): number =>
      a === undefined || b === undefined ? 0 : usedBetween(a, b);
    const ecs = Object.entries(after.ecs).map(([name, count]) => [name, count - (before.ecs[name] ?? 0)] as const);
    const page = await metricsOf(this.#operator);
    return {
      "RunnerRequest calls/job": each(ofRequests(api)),
      ...Object.fromEntries(
        Object.entries(api)
          .filter(([what]) => what.includes("runnerrequests"))
          .map(([what, count]) => [`  ${what}/job`, each(count)]),
      ),
      "Event calls/job": each(after.events - before.events),
      "GitHub calls/job": each(after.github - before.github - (after.nets - before.nets)),
      "GitHub calls of the safety nets": after.nets - before.nets,
      "ECS calls/job": each(ecs.reduce((sum, [, count]) => sum + count, 0)),
      ...Object.fromEntries(ecs.filter(([, count]) => count > 0).map(([name, count]) => [`  ${name}/job`, each(count)])),
      "operator CPU ms/job": each(cpu),
      "all CPU ms/job": each(cpu + machine(before.apiServer, after.apiServer) + machine(before.etcd, after.etcd)),
      "operator RSS MiB": after.operator.rssMiB,
      "heap MiB": sumOf(page, "nodejs_heap_size_used_bytes") / 2 ** 20,
      "event loop p99 ms": sumOf(page, "nodejs_eventloop_lag_p99_seconds") * 1_000,
      "GC ms/job": each((after.gcSeconds - before.gcSeconds) * 1_000),
    };
  }
}

/** metricsOf is the operator's own metrics page. */
export async function metricsOf(operator: OperatorProcess): Promise<string> {
  return await (await fetch(operator.metricsUrl, { signal: AbortSignal.timeout(10_000) })).text();
}

async function read(stage: Stage, operator: OperatorProcess): Promise<Reading> {
  const { controlPlane, world } = stage;
  const pids = controlPlane.processIds?.();
  const page = await controlPlane.metrics();
  const all = apiUse(page);
  const own = await metricsOf(operator);
  return {
    operator: useOf(operator.pid),
    apiServer: pids && useOf(pids.apiServer),
    etcd: pids && useOf(pids.etcd),
    api: all,
    events: eventsOf(all),
    github: world.github.counters().rest,
    nets: netOperations.reduce((sum, name) => sum + (world.github.counters().operations[name] ?? 0), 0),
    ecs: Object.fromEntries(ecsOperations.map((name) => [name, world.ecs.calls.count(name)])),
    gcSeconds: sumOf(own, "nodejs_gc_duration_seconds_sum"),
  };
}
