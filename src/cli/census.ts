import type { EventReason } from "../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import { instanceSweepPeriods } from "../controllers/instance-sweep/periods.ts";
import { InstanceSweep } from "../controllers/instance-sweep/sweep.ts";
import { registrationSweepPeriods } from "../controllers/registration-sweep/periods.ts";
import { RegistrationSweep } from "../controllers/registration-sweep/sweep.ts";
import { resolveClass } from "../controllers/runner-class/controller.ts";
import { classKeyOf, type World } from "../controllers/runner-request/world.ts";
import { runnerScopeText } from "../controllers/runner-scope.ts";
import { SweepMetrics } from "../controllers/sweep-metrics.ts";
import { requestNameIndex } from "../intake/indexes.ts";
import { type DeepReadonly, keyOf, type ObjectKey } from "../kube/object.ts";
import type { Recorder } from "../kube/recorder.ts";
import { isFinished } from "../request/phase.ts";
import type { JobsCaught, Net } from "../telemetry/jobs-caught.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Registry } from "../telemetry/metrics.ts";
import type { Clock } from "../util/clock.ts";
import { scaled } from "../util/periods.ts";
import { byUid, type Stores } from "./stores.ts";
import { canAnswer, sameClass, scopeOfRequest, scopeOfTarget, whereaboutsOf } from "./whereabouts.ts";

type Target = DeepReadonly<RunnerTarget>;

/** liveLimit bounds the answer to "which requests have this name": one a namespace. */
const liveLimit = 500;

/** Census is the two sweeps that join the outside with the requests, and what both together know of the runners of an earlier leader. */
export interface Census {
  readonly instances: InstanceSweep;
  readonly registrations: RegistrationSweep;
  /** Whether all runners of a target are known: its class and its scope were listed once, whichever came last. */
  readonly taken: (target: Target) => boolean;
  /** The handler is told of each target whose runners have become known. */
  readonly onTaken: (handler: (target: ObjectKey) => void) => void;
}

export interface CensusOptions {
  readonly stores: Stores;
  readonly world: World;
  readonly watchNamespaces: readonly string[] | undefined;
  readonly launching: (uid: string) => boolean;
  readonly unrecorded: (request: ObjectKey) => void;
  readonly registrationLost: (request: ObjectKey) => void;
  /** Is told of each request whose runner works on a job that it has not heard of, and when that runner is idle again. */
  readonly worksUnheard?: (request: ObjectKey, busy: boolean) => void;
  /** Is told of each list of a scope's runners that the sweep makes. */
  readonly listed?: ConstructorParameters<typeof RegistrationSweep>[0]["listed"];
  readonly recorder: Recorder<EventReason>;
  readonly registry: Registry;
  readonly caught: JobsCaught;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timeDivisor: number;
}

/** createCensus builds both sweeps over the informers' stores. */
export function createCensus(options: CensusOptions): Census {
  const { stores, world, clock, launching, unrecorded } = options;
  const targetStore = stores.targets.informer.store;
  const requestStore = stores.requests.informer.store;
  const metrics = new SweepMetrics(options.registry);
  const caughtBy = (net: Net) => (): void => options.caught.caught(net);
  const liveRequests = async (name: string, signal: AbortSignal): Promise<readonly RunnerRequest[]> => {
    const fieldSelector = `metadata.name=${name}`;
    const places = options.watchNamespaces ?? [undefined];
    const lists = places.map((namespace) => stores.requests.client.list({ namespace, fieldSelector, limit: liveLimit, signal }));
    return (await Promise.all(lists)).flatMap(({ items }) => items);
  };

  const instances = new InstanceSweep({
    classes: () => [...stores.classes.informer.store.list()].map(resolveClass),
    provider: world.provider,
    request: (uid) => [...requestStore.byIndex(byUid, uid)][0],
    liveRequests,
    whereabouts: (cls, instance, request) => whereaboutsOf(world, () => targetStore.list(), cls, instance, request),
    github: world.github,
    launching,
    unrecorded,
    caught: caughtBy("InstanceSweep"),
    recorder: options.recorder,
    metrics,
    clock,
    log: options.log.child({ component: "instance-sweep" }),
    periods: scaled(instanceSweepPeriods, options.timeDivisor),
  });
  const registrations = new RegistrationSweep({
    scopes: () => {
      const alive = [...requestStore.list()].filter((request) => !isFinished(request.status));
      return [...[...targetStore.list()].map(scopeOfTarget), ...alive.flatMap(scopeOfRequest)].filter((scope) =>
        canAnswer(world, scope),
      );
    },
    github: world.github,
    named: (name) => requestStore.byIndex(requestNameIndex, name),
    requests: () => requestStore.list(),
    liveRequests,
    labels: (scope) =>
      [...targetStore.list()]
        .filter((target) => runnerScopeText(scopeOfTarget(target)) === runnerScopeText(scope))
        .map((target) => target.spec.labels),
    launching,
    unrecorded,
    caught: caughtBy("RegistrationSweep"),
    registrationLost: options.registrationLost,
    ...(options.listed !== undefined && { listed: options.listed }),
    worksUnheard: options.worksUnheard ?? ((): void => undefined),
    metrics,
    clock,
    log: options.log.child({ component: "registration-sweep" }),
    periods: scaled(registrationSweepPeriods, options.timeDivisor),
  });
  const taken = (target: Target): boolean => instances.taken(classKeyOf(target)) && registrations.taken(scopeOfTarget(target));
  return {
    instances,
    registrations,
    taken,
    onTaken(handler) {
      // Only the targets that this list concerns: with every list waking everybody, a start with many scopes would take long.
      const tell = (concerns: (target: Target) => boolean): void => {
        for (const target of targetStore.list()) if (concerns(target) && taken(target)) handler(keyOf(target));
      };
      instances.onTaken((cls) => tell((target) => sameClass(classKeyOf(target), cls)));
      registrations.onTaken((scope) => tell((target) => runnerScopeText(scopeOfTarget(target)) === runnerScopeText(scope)));
    },
  };
}
