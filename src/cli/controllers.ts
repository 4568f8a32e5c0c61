import { Ledger } from "../accounting/ledger.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import { BucketReconciler } from "../controllers/bucket/controller.ts";
import { BucketMetrics } from "../controllers/bucket/metrics.ts";
import { bucketPeriods } from "../controllers/bucket/periods.ts";
import { AppClients, type ClosableGitHub, type Credentials } from "../controllers/github-app/clients.ts";
import { GitHubAppReconciler, githubAppPeriods } from "../controllers/github-app/controller.ts";
import { RunnerClassReconciler, resolveClass, runnerClassPeriods } from "../controllers/runner-class/controller.ts";
import { announce } from "../controllers/runner-request/announce.ts";
import { byTarget, RunnerRequestReconciler } from "../controllers/runner-request/controller.ts";
import { InstanceWatcher } from "../controllers/runner-request/instances.ts";
import { Launches } from "../controllers/runner-request/launches.ts";
import { LostRegistrations } from "../controllers/runner-request/lost-registrations.ts";
import { RunnerRequestMetrics } from "../controllers/runner-request/metrics.ts";
import { Pauses } from "../controllers/runner-request/pauses.ts";
import { requestPeriods } from "../controllers/runner-request/periods.ts";
import { RegistrationWatcher } from "../controllers/runner-request/registrations.ts";
import { SlotLedger } from "../controllers/runner-request/slots.ts";
import { Wakeups } from "../controllers/runner-request/wakeups.ts";
import { appKeyOf, classKeyOf, targetKeyOf, type World } from "../controllers/runner-request/world.ts";
import { RunnerTargetReconciler } from "../controllers/runner-target/controller.ts";
import { getCondition, isTrue } from "../kube/conditions.ts";
import { Controller } from "../kube/controller.ts";
import type { Manager } from "../kube/manager.ts";
import type { KubeMetrics } from "../kube/metrics.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey, parseKey } from "../kube/object.ts";
import type { Recorder } from "../kube/recorder.ts";
import type { SecretSource } from "../kube/secret-source.ts";
import type { ProviderRegistry } from "../provider/registry.ts";
import { isFinished } from "../request/phase.ts";
import type { JobsCaught } from "../telemetry/jobs-caught.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Registry } from "../telemetry/metrics.ts";
import type { Clock } from "../util/clock.ts";
import { scaled } from "../util/periods.ts";
import type { Stores } from "./stores.ts";
import { type Census, createCensus } from "./census.ts";

/** Counts of a target follow its requests at this pace: a burst of a thousand jobs is a few writes, not thousands. */
const countsEveryMs = 5_000;

export interface ControllersOptions {
  readonly stores: Stores;
  readonly secrets: SecretSource;
  readonly providers: ProviderRegistry;
  readonly createGitHub: (credentials: Credentials) => ClosableGitHub;
  readonly keyFault: (pem: string) => string | undefined;
  readonly recorder: Recorder;
  /** Where all nets of this process count what they catch. */
  readonly caught: JobsCaught;
  readonly registry: Registry;
  readonly kubeMetrics: KubeMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly workers: number;
  /** Divides every waiting time of the controllers; 1 in production. */
  readonly timeDivisor: number;
  /** Whether this process leads; what it sees is announced and measured by the leader alone. */
  readonly leads: () => boolean;
  /** The one namespace whose objects are served; undefined means all. */
  readonly watchNamespace?: string | undefined;
}

/** Controllers are what the rest of the program needs of them. */
export interface Controllers {
  readonly census: Census;
  /** Finds the client of an App. */
  readonly github: World["github"];
}

/** addControllers builds the controllers, connects them with what wakes them, and adds them to the manager's leader stage. */
export function addControllers(manager: Manager, options: ControllersOptions): Controllers {
  const { stores, secrets, providers, recorder, clock, log, kubeMetrics } = options;
  const clients = new AppClients({ secrets, log, create: options.createGitHub, keyFault: options.keyFault });
  const classStore = stores.classes.informer.store;
  const targetStore = stores.targets.informer.store;
  const requestStore = stores.requests.informer.store;

  const world: World = {
    target: (key) => targetStore.get(key),
    runnerClass: (key) => {
      const found = key.kind === "ECSRunnerClass" ? classStore.get(key) : undefined;
      return found && resolveClass(found);
    },
    provider: (kind) => providers.get(kind),
    appExists: (key) => stores.apps.informer.store.get(key) !== undefined,
    github: (key) => clients.get(key),
  };

  // Only the leader takes from the queues; elsewhere they would fill up with every object ever seen.
  let leading = false;
  const enqueue = (controller: Controller, key: ObjectKey): void => {
    if (leading) controller.enqueue(key);
  };
  const wake = (key: ObjectKey): void => enqueue(requestController, key);
  const slots = new SlotLedger(wake);
  const periods = scaled(requestPeriods, options.timeDivisor);
  const ledger = new Ledger();
  const launches = new Launches(periods);
  const wakeups = new Wakeups();
  const lost = new LostRegistrations();
  const instances = new InstanceWatcher({
    provider: world.provider,
    changed: wake,
    clock,
    periods,
    log: log.child({ component: "instance-watcher" }),
  });
  const registrations = new RegistrationWatcher({
    github: world.github,
    changed: wake,
    clock,
    periods,
    log: log.child({ component: "registration-watcher" }),
  });
  const metrics = new RunnerRequestMetrics(options.registry);
  const census = createCensus({
    stores,
    world,
    watchNamespace: options.watchNamespace,
    launching: (uid) => launches.of(uid) !== undefined,
    unrecorded: (key) => {
      const request = requestStore.get(key);
      if (request === undefined) return;
      // Counted before anybody else asks; and out of its pause, since there is a runner to adopt.
      slots.reserve(request);
      wakeups.call(request.metadata.uid ?? "");
      wake(key);
    },
    registrationLost: (key) => {
      const request = requestStore.get(key);
      if (request?.status?.runner === undefined) return;
      lost.note(request.metadata.uid ?? "", request.status.runner.name);
      wake(key);
    },
    recorder,
    registry: options.registry,
    caught: options.caught,
    clock,
    log,
    timeDivisor: options.timeDivisor,
  });

  const requestReconciler = new RunnerRequestReconciler({
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
    pauses: new Pauses(periods),
    periods,
    recorder,
    metrics,
    clock,
  });
  const targetReconciler = new RunnerTargetReconciler({
    client: stores.targets.client,
    informer: stores.targets.informer,
    app: (key) => stores.apps.informer.store.get(key),
    runnerClass: (kind, key) => {
      const found = kind === "ECSRunnerClass" ? classStore.get(key) : undefined;
      return (
        found && {
          generation: found.metadata.generation ?? 0,
          access: found.spec.access,
          ready: getCondition(found.status?.conditions, "Ready"),
        }
      );
    },
    requests: (key) => requestStore.byIndex(byTarget, keyText(key)),
    recorder,
    clock,
  });
  const bucketReconciler = new BucketReconciler({
    client: stores.requests.client,
    informer: stores.requests.informer,
    ledger,
    recorder,
    metrics: new BucketMetrics(options.registry, options.caught),
    clock,
    periods: scaled(bucketPeriods, options.timeDivisor),
  });
  const appReconciler = new GitHubAppReconciler({
    client: stores.apps.client,
    informer: stores.apps.informer,
    clients,
    recorder,
    clock,
    periods: scaled(githubAppPeriods, options.timeDivisor),
  });

  const sources = Object.values(stores).map((store) => ({ synced: store.informer.synced }));
  const shared = { log, metrics: kubeMetrics, sources };
  const requestController = new Controller({
    ...shared,
    name: "runnerrequest.lifecycle",
    concurrency: options.workers,
    reconcile: (key, context) => requestReconciler.reconcile(key, context),
  });
  const targetController = new Controller({
    ...shared,
    name: "runnertarget.readiness",
    reconcile: (key, context) => targetReconciler.reconcile(key, context),
  });
  const bucketController = new Controller({
    ...shared,
    name: "runnertarget.balance",
    reconcile: (key, context) => bucketReconciler.reconcile(key, context),
  });
  const appController = new Controller({
    ...shared,
    name: "githubapp.readiness",
    concurrency: 4,
    reconcile: (key, context) => appReconciler.reconcile(key, context),
  });
  const classController = newClassController(options, shared);

  /** Everything of a target that waits looks again; `called` cuts pauses short, since what they wait for may have changed. */
  const wakeTarget = (target: ObjectKey, called: boolean): void => {
    if (!leading) return;
    for (const request of requestStore.byIndex(byTarget, keyText(target))) {
      if (isFinished(request.status) || isTrue(request.status?.conditions, "Launched")) continue;
      if (called) wakeups.call(request.metadata.uid ?? "");
      wake(keyOf(request));
    }
  };
  const targetsOf = (app: ObjectKey): DeepReadonly<RunnerTarget>[] =>
    [...targetStore.list()].filter((target) => keyText(appKeyOf(target)) === keyText(app));

  stores.requests.informer.onChange((change) => {
    slots.follow(change);
    ledger.follow(change);
    const request: DeepReadonly<RunnerRequest> = change.type === "delete" ? change.old : change.new;
    if (change.type === "delete") requestReconciler.gone(request);
    wake(keyOf(request));
    // The others of its job learn from it what became of the job.
    for (const other of ledger.othersOfJob(request)) wake(keyOf(other));
    if (leading) {
      targetController.enqueueAfter(targetKeyOf(request), countsEveryMs / options.timeDivisor);
      bucketController.enqueueAfter(targetKeyOf(request), bucketPeriods.graceMs / options.timeDivisor);
    }
    if (options.leads()) {
      metrics.follow(change);
      announce(change, recorder, log);
    }
  });
  stores.targets.informer.onChange((change) => {
    const target = change.type === "delete" ? change.old : change.new;
    const key = keyOf(target);
    if (change.type !== "delete") slots.limit(key, target.spec.maxRunners);
    if (change.type === "add") census.registrations.soon();
    enqueue(targetController, key);
    const specChanged = change.type === "update" && change.old.metadata.generation !== change.new.metadata.generation;
    const readyChanged = change.type !== "update" || readyOf(change.old) !== readyOf(change.new);
    if (specChanged || readyChanged) wakeTarget(key, specChanged);
  });
  stores.classes.informer.onChange((change) => {
    const cls = change.type === "delete" ? change.old : change.new;
    const changed = change.type !== "update" || change.old.metadata.generation !== change.new.metadata.generation;
    if (changed) enqueue(classController, keyOf(cls));
    if (change.type === "add") census.instances.soon();
    for (const target of targetStore.list()) {
      const ref = classKeyOf(target);
      if (ref.kind !== cls.kind || keyText(ref) !== keyText(keyOf(cls))) continue;
      enqueue(targetController, keyOf(target));
      if (changed || readyOf(change.old) !== readyOf(cls)) wakeTarget(keyOf(target), true);
    }
  });
  stores.apps.informer.onChange((change) => {
    const app = change.type === "delete" ? change.old : change.new;
    clients.follow(keyOf(app), change.type === "delete" ? undefined : app);
    const changed = change.type !== "update" || change.old.metadata.generation !== change.new.metadata.generation;
    if (changed) enqueue(appController, keyOf(app));
    for (const target of targetsOf(keyOf(app))) enqueue(targetController, keyOf(target));
  });
  secrets.onChange((secret) => {
    for (const app of clients.uses(secret)) enqueue(appController, parseKey(app));
  });
  clients.onMade((app) => {
    for (const target of targetsOf(app)) wakeTarget(keyOf(target), true);
    census.registrations.soon();
  });
  census.onTaken((target) => wakeTarget(target, false));

  const lead = async (signal: AbortSignal): Promise<void> => {
    leading = true;
    launches.lead(clock.now());
    for (const app of stores.apps.informer.store.list()) appController.enqueue(keyOf(app));
    for (const cls of classStore.list()) classController.enqueue(keyOf(cls));
    for (const target of targetStore.list()) {
      targetController.enqueue(keyOf(target));
      bucketController.enqueue(keyOf(target));
    }
    for (const request of requestStore.list()) requestController.enqueue(keyOf(request));
    await untilAborted(signal);
  };
  manager.add({ name: "lead", run: lead }, { stage: "leader" });
  const loops = [instances, registrations, census.instances, census.registrations];
  const controllers = [appController, classController, targetController, bucketController, requestController];
  for (const runnable of [...loops, ...controllers]) {
    manager.add(runnable, { stage: "leader" });
  }
  return { census, github: world.github };
}

function newClassController(
  options: ControllersOptions,
  shared: Pick<ControllersOptions, "log"> & { metrics: KubeMetrics; sources: { synced: Promise<void> }[] },
): Controller {
  const provider = options.providers.get("ECSRunnerClass");
  if (provider === undefined) throw new Error("no provider serves ECSRunnerClass");
  const { client, informer } = options.stores.classes;
  const reconciler = new RunnerClassReconciler({
    client,
    informer,
    provider,
    recorder: options.recorder,
    clock: options.clock,
    periods: scaled(runnerClassPeriods, options.timeDivisor),
  });
  return new Controller({
    ...shared,
    name: "ecsrunnerclass.readiness",
    concurrency: 4,
    reconcile: (key, context) => reconciler.reconcile(key, context),
  });
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function readyOf(object: {
  readonly metadata: { readonly generation?: number };
  readonly status?: { readonly conditions?: Parameters<typeof getCondition>[0] };
}): string {
  const ready = getCondition(object.status?.conditions, "Ready");
  return `${ready?.status} ${ready?.observedGeneration === object.metadata.generation}`;
}
