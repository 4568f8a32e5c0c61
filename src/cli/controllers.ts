import type { EventReason } from "../api/v1alpha1/reasons.ts";
import { AppClients, type ClosableGitHub, type Credentials } from "../controllers/github-app/clients.ts";
import { addReadyMetrics } from "../controllers/ready-metrics.ts";
import { resolveClass } from "../controllers/runner-class/controller.ts";
import { targetKeyOf, type World } from "../controllers/runner-request/world.ts";
import { addRunnerVersionMetrics } from "../controllers/runner-target/metrics.ts";
import { RunnerVersions, runnerVersionPeriods } from "../controllers/runner-target/runner-versions.ts";
import { requestNameIndex } from "../intake/indexes.ts";
import type { Manager } from "../kube/manager.ts";
import type { KubeMetrics } from "../kube/metrics.ts";
import type { Recorder } from "../kube/recorder.ts";
import type { SecretSource } from "../kube/secret-source.ts";
import type { ProviderRegistry } from "../provider/registry.ts";
import type { JobsCaught } from "../telemetry/jobs-caught.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Registry } from "../telemetry/metrics.ts";
import type { Clock } from "../util/clock.ts";
import { scaled } from "../util/periods.ts";
import type { Census } from "./census.ts";
import { createCircuits } from "./circuits.ts";
import { createFeeds } from "./feeds.ts";
import { createLoops } from "./loops.ts";
import { createRequestParts } from "./request-parts.ts";
import type { Stores } from "./stores.ts";
import { Wiring } from "./wiring.ts";

export interface ControllersOptions {
  readonly stores: Stores;
  readonly secrets: SecretSource;
  readonly providers: ProviderRegistry;
  readonly createGitHub: (credentials: Credentials) => ClosableGitHub;
  readonly keyFault: (pem: string) => string | undefined;
  readonly recorder: Recorder<EventReason>;
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
  /** The only namespaces whose objects are served; undefined means all. */
  readonly watchNamespaces?: readonly string[] | undefined;
}

/** Controllers are what the rest of the program needs of them. */
export interface Controllers {
  readonly census: Census;
  /** Finds the client of an App. */
  readonly github: World["github"];
}

/** addControllers builds the controllers, connects them with what wakes them, and adds them to the manager's leader stage. */
export function addControllers(manager: Manager, options: ControllersOptions): Controllers {
  const { stores, secrets, providers, log } = options;
  const clients = new AppClients({ secrets, log, create: options.createGitHub, keyFault: options.keyFault });
  const circuits = createCircuits(options, (cls) => wiring.wakeCircuits(cls));
  const world: World = {
    target: (key) => stores.targets.informer.store.get(key),
    runnerClass: (key) => {
      const found = key.kind === "ECSRunnerClass" ? stores.classes.informer.store.get(key) : undefined;
      return found && resolveClass(found);
    },
    avoid: (cls, call, only) => circuits.avoid(cls, call, only),
    leads: options.leads,
    provider: (kind) => providers.get(kind),
    appExists: (key) => stores.apps.informer.store.get(key) !== undefined,
    github: (key) => clients.get(key),
  };
  addReadyMetrics(options.registry, {
    objects: {
      GitHubApp: () => stores.apps.informer.store.list(),
      ECSRunnerClass: () => stores.classes.informer.store.list(),
      RunnerTarget: () => stores.targets.informer.store.list(),
    },
    leads: options.leads,
  });
  const versions = new RunnerVersions({
    named: (name) => stores.requests.informer.store.byIndex(requestNameIndex, name),
    targetOf: targetKeyOf,
    stored: (target) => stores.targets.informer.store.get(target)?.status?.runnerVersion,
    changed: (target) => wiring.wakeTarget(target),
    clock: options.clock,
    log: log.child({ component: "runner-versions" }),
    periods: scaled(runnerVersionPeriods, options.timeDivisor),
  });
  addRunnerVersionMetrics(options.registry, {
    targets: () => stores.targets.informer.store.list(),
    now: () => options.clock.now(),
    leads: options.leads,
  });
  const parts = createRequestParts(options, world, versions, (request) => wiring.wake(request));
  const loops = createLoops(options, { clients, versions, circuits, ledger: parts.ledger, requests: parts.reconciler });
  const wiring = new Wiring(options, loops, parts, clients, circuits);
  wiring.connect();

  const feeds = createFeeds(options, world, parts, loops.classes);

  const lead = async (signal: AbortSignal): Promise<void> => {
    wiring.lead();
    await untilAborted(signal);
  };
  const { instances, registrations, census } = parts;
  const leaders = [
    { name: "lead", run: lead },
    ...[feeds, instances, registrations, census.instances, census.registrations],
    ...[loops.apps, loops.classes, loops.circuits, loops.targets, loops.buckets, loops.requests],
  ];
  for (const runnable of leaders) manager.add(runnable, { stage: "leader" });
  return { census, github: world.github };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
