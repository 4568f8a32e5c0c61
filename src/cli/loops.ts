import type { Ledger } from "../accounting/ledger.ts";
import { BucketReconciler } from "../controllers/bucket/controller.ts";
import { BucketMetrics } from "../controllers/bucket/metrics.ts";
import { bucketPeriods } from "../controllers/bucket/periods.ts";
import type { AppClients } from "../controllers/github-app/clients.ts";
import { GitHubAppReconciler, githubAppPeriods } from "../controllers/github-app/controller.ts";
import { CircuitReconciler } from "../controllers/runner-class/circuit-controller.ts";
import type { Circuits } from "../controllers/runner-class/circuits.ts";
import { RunnerClassReconciler, runnerClassPeriods } from "../controllers/runner-class/controller.ts";
import { byTarget, type RunnerRequestReconciler } from "../controllers/runner-request/controller.ts";
import { RunnerTargetReconciler } from "../controllers/runner-target/controller.ts";
import type { RunnerVersions } from "../controllers/runner-target/runner-versions.ts";
import { getCondition } from "../kube/conditions.ts";
import { Controller } from "../kube/controller.ts";
import { keyText } from "../kube/object.ts";
import { scaled } from "../util/periods.ts";
import type { ControllersOptions } from "./controllers.ts";
import { scopeOfTarget } from "./whereabouts.ts";

/** Loops are the controllers: a queue and its workers for each concern. */
export interface Loops {
  readonly apps: Controller;
  readonly classes: Controller;
  readonly circuits: Controller;
  readonly targets: Controller;
  readonly buckets: Controller;
  readonly requests: Controller;
}

/** createLoops builds a controller for each reconciler. */
export function createLoops(
  options: ControllersOptions,
  parts: {
    readonly clients: AppClients;
    readonly circuits: Circuits;
    readonly versions: RunnerVersions;
    readonly ledger: Ledger;
    readonly requests: RunnerRequestReconciler;
  },
): Loops {
  const { stores, recorder, clock, log, kubeMetrics, timeDivisor } = options;
  const classStore = stores.classes.informer.store;
  const requestStore = stores.requests.informer.store;
  const classProvider = options.providers.get("ECSRunnerClass");
  if (classProvider === undefined) throw new Error("no provider serves ECSRunnerClass");

  const apps = new GitHubAppReconciler({
    client: stores.apps.client,
    informer: stores.apps.informer,
    clients: parts.clients,
    recorder,
    clock,
    periods: scaled(githubAppPeriods, timeDivisor),
  });
  const classes = new RunnerClassReconciler({
    client: stores.classes.client,
    informer: stores.classes.informer,
    provider: classProvider,
    recorder,
    clock,
    periods: scaled(runnerClassPeriods, timeDivisor),
  });
  const circuits = new CircuitReconciler({
    client: stores.classes.client,
    informer: stores.classes.informer,
    circuits: parts.circuits,
    recorder,
  });
  const targets = new RunnerTargetReconciler({
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
    versions: parts.versions,
    scope: scopeOfTarget,
    recorder,
    clock,
  });
  const buckets = new BucketReconciler({
    client: stores.requests.client,
    informer: stores.requests.informer,
    ledger: parts.ledger,
    target: (key) => stores.targets.informer.store.get(key),
    recorder,
    metrics: new BucketMetrics(options.registry, options.caught),
    clock,
    periods: scaled(bucketPeriods, timeDivisor),
  });

  const sources = Object.values(stores).map((store) => ({ synced: store.informer.synced }));
  const loop = (name: string, concurrency: number, reconciler: Reconciler): Controller =>
    new Controller({
      log,
      metrics: kubeMetrics,
      sources,
      name,
      concurrency,
      reconcile: (key, context) => reconciler.reconcile(key, context),
    });
  return {
    apps: loop("githubapp.readiness", 4, apps),
    classes: loop("ecsrunnerclass.readiness", 4, classes),
    circuits: loop("ecsrunnerclass.circuits", 1, circuits),
    targets: loop("runnertarget.readiness", 1, targets),
    buckets: loop("runnertarget.balance", 1, buckets),
    requests: loop("runnerrequest.lifecycle", options.workers, parts.requests),
  };
}

type Reconciler = Pick<RunnerRequestReconciler, "reconcile">;
