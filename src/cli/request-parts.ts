import { Ledger } from "../accounting/ledger.ts";
import { FeedHealth } from "../controllers/runner-request/feed-health.ts";
import { InstanceWatcher } from "../controllers/runner-request/instances.ts";
import { RunnerRequestReconciler } from "../controllers/runner-request/controller.ts";
import { Launches } from "../controllers/runner-request/launches.ts";
import { LostRegistrations } from "../controllers/runner-request/lost-registrations.ts";
import { RunnerRequestMetrics } from "../controllers/runner-request/metrics.ts";
import { Pauses } from "../controllers/runner-request/pauses.ts";
import { requestPeriods } from "../controllers/runner-request/periods.ts";
import { RegistrationWatcher } from "../controllers/runner-request/registrations.ts";
import { StandingMetrics } from "../controllers/runner-request/standing-metrics.ts";
import { SlotLedger } from "../controllers/runner-request/slots.ts";
import { UnheardWork } from "../controllers/runner-request/unheard-work.ts";
import { Wakeups } from "../controllers/runner-request/wakeups.ts";
import type { World } from "../controllers/runner-request/world.ts";
import type { RunnerVersions } from "../controllers/runner-target/runner-versions.ts";
import type { ObjectKey } from "../kube/object.ts";
import { scaled } from "../util/periods.ts";
import { Wait } from "../util/wait.ts";
import { type Census, createCensus } from "./census.ts";
import type { ControllersOptions } from "./controllers.ts";
import { byUid } from "./stores.ts";

/** RequestParts is everything that works on RunnerRequests, and what it shares with those who wake it. */
export interface RequestParts {
  readonly reconciler: RunnerRequestReconciler;
  readonly slots: SlotLedger;
  readonly ledger: Ledger;
  readonly launches: Launches;
  readonly wakeups: Wakeups;
  readonly instances: InstanceWatcher;
  readonly feedHealth: FeedHealth;
  readonly registrations: RegistrationWatcher;
  readonly census: Census;
  readonly metrics: RunnerRequestMetrics;
  readonly standing: StandingMetrics;
}

/** createRequestParts builds them. `wake` has a request looked at again; `versions` is told of every list of runners. */
export function createRequestParts(
  options: ControllersOptions,
  world: World,
  versions: RunnerVersions,
  wake: (request: ObjectKey) => void,
): RequestParts {
  const { stores, recorder, clock, log } = options;
  const requestStore = stores.requests.informer.store;
  const slots = new SlotLedger(wake);
  const periods = scaled(requestPeriods, options.timeDivisor);
  const ledger = new Ledger();
  const launches = new Launches(periods);
  const wakeups = new Wakeups();
  const lost = new LostRegistrations();
  const unheard = new UnheardWork();
  const feedHealth = new FeedHealth(clock, periods);
  const instances = new InstanceWatcher({
    provider: world.provider,
    changed: wake,
    clock,
    periods,
    feeds: feedHealth,
    knows: (uid) => [...requestStore.byIndex(byUid, uid)].length > 0,
    log: log.child({ component: "instance-watcher" }),
  });
  const registrations = new RegistrationWatcher({
    github: world.github,
    changed: wake,
    listed: (runners) => versions.listed(runners),
    clock,
    periods,
    log: log.child({ component: "registration-watcher" }),
  });
  const metrics = new RunnerRequestMetrics(options.registry);
  const standing = new StandingMetrics(options.registry, { now: () => clock.now(), leads: options.leads });
  const census = createCensus({
    stores,
    world,
    watchNamespaces: options.watchNamespaces,
    launching: (uid) => launches.isUnderWay(uid),
    unrecorded: (key) => {
      const request = requestStore.get(key);
      if (request === undefined) return;
      // Counted before anybody else asks; and out of its pause, since there is a runner to adopt.
      slots.reserve(request, new Wait(clock.now(), periods.listLagMs));
      wakeups.call(request.metadata.uid ?? "");
      wake(key);
    },
    worksUnheard: (key, busy) => {
      const request = requestStore.get(key);
      if (request?.status?.runner === undefined) return;
      unheard.note(request.metadata.uid ?? "", request.status.runner.name, busy);
      wake(key);
    },
    registrationLost: (key) => {
      const request = requestStore.get(key);
      if (request?.status?.runner === undefined) return;
      lost.note(request.metadata.uid ?? "", request.status.runner.name);
      wake(key);
    },
    listed: (scope, github, runners, signal) => versions.swept(scope, github, runners, signal),
    recorder,
    registry: options.registry,
    caught: options.caught,
    clock,
    log,
    timeDivisor: options.timeDivisor,
  });

  const reconciler = new RunnerRequestReconciler({
    client: stores.requests.client,
    informer: stores.requests.informer,
    world,
    slots,
    ledger,
    counted: census.taken,
    launches,
    instances,
    registrations,
    wakeups,
    lost,
    unheard,
    pauses: new Pauses(periods),
    periods,
    recorder,
    metrics,
    clock,
  });
  return { reconciler, slots, ledger, launches, wakeups, instances, feedHealth, registrations, census, metrics, standing };
}
