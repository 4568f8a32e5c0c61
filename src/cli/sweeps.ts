import type { GitHub } from "../github/types.ts";
import type { Handler } from "../intake/handler.ts";
import { Budget } from "../intake/sweep/budget.ts";
import { SweepLoop } from "../intake/sweep/loop.ts";
import { SweepMetrics } from "../intake/sweep/metrics.ts";
import { type Periods, periods as usualPeriods } from "../intake/sweep/periods.ts";
import { QueuedJobSweep } from "../intake/sweep/queued-jobs.ts";
import { RecentRepositories } from "../intake/sweep/recent.ts";
import { RedeliverySweep } from "../intake/sweep/redelivery.ts";
import { JobRefresh } from "../intake/sweep/refresh.ts";
import { Reporter } from "../intake/sweep/reporter.ts";
import type { Manager } from "../kube/manager.ts";
import type { ObjectKey } from "../kube/object.ts";
import type { JobsCaught } from "../telemetry/jobs-caught.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Registry } from "../telemetry/metrics.ts";
import type { Clock } from "../util/clock.ts";
import type { Stores } from "./stores.ts";

/** SweepsOptions are what the sweeps need of the rest of the program. */
export interface SweepsOptions {
  readonly stores: Stores;
  /** The one that webhooks go through as well. */
  readonly handler: Handler;
  readonly github: (app: ObjectKey) => GitHub | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  readonly periods?: Periods;
  /** Where all nets of this process count what they catch. */
  readonly caught: JobsCaught;
}

/** Sweeps are the nets under the webhooks, each of which can also be told to sweep once. */
export interface Sweeps {
  readonly redelivery: RedeliverySweep;
  readonly queuedJobs: QueuedJobSweep;
  readonly refresh: JobRefresh;
  readonly loops: readonly SweepLoop[];
}

/** createSweeps builds the sweeps over what the process shares. */
export function createSweeps(options: SweepsOptions): Sweeps {
  const { stores, github, caught, clock, registry, periods = usualPeriods } = options;
  const log = options.log.child({ component: "sweep" });
  const shared = { github, caught, periods, clock, log, budget: new Budget(clock), metrics: new SweepMetrics(registry) };
  const apps = stores.apps.informer.store;
  const targets = stores.targets.informer.store;
  const requests = stores.requests.informer.store;
  const reporter = new Reporter({ ...shared, handler: options.handler, targets, requests });
  const written = { ...shared, apps: stores.apps.informer, client: stores.apps.client };
  const recent = new RecentRepositories({ ...written, requests: stores.requests.informer, targets });
  const redelivery = new RedeliverySweep(written);
  const queuedJobs = new QueuedJobSweep({ ...shared, apps, targets, reporter, recent });
  const refresh = new JobRefresh({ ...shared, apps, reporter });
  const loop = (name: string, everyMs: number, net: Pick<JobRefresh, "sweep">): SweepLoop =>
    new SweepLoop(name, { periods, clock, log, everyMs, sweep: async (signal) => await net.sweep(signal) });
  return {
    redelivery,
    queuedJobs,
    refresh,
    loops: [
      loop("redelivery-sweep", periods.redeliveryMs, redelivery),
      loop("queued-job-sweep", periods.queuedJobsMs, queuedJobs),
      loop("job-refresh", periods.refreshMs, refresh),
    ],
  };
}

/** addSweeps adds them to the manager's leader stage: two leaders at a time would do no harm, only make twice the calls. */
export function addSweeps(manager: Manager, options: SweepsOptions): void {
  for (const loop of createSweeps(options).loops) manager.add(loop, { stage: "leader" });
}
