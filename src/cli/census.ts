import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import { instanceSweepPeriods } from "../controllers/instance-sweep/periods.ts";
import { InstanceSweep } from "../controllers/instance-sweep/sweep.ts";
import { registrationSweepPeriods } from "../controllers/registration-sweep/periods.ts";
import { RegistrationSweep } from "../controllers/registration-sweep/sweep.ts";
import { resolveClass } from "../controllers/runner-class/controller.ts";
import { appKeyOf, type ClassKey, classKeyOf, scopeOf, targetKeyOf, type World } from "../controllers/runner-request/world.ts";
import { type RunnerScope, runnerScopeText } from "../controllers/runner-scope.ts";
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

type Target = DeepReadonly<RunnerTarget>;
type Request = DeepReadonly<RunnerRequest>;

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
  readonly watchNamespace: string | undefined;
  readonly launching: (uid: string) => boolean;
  readonly unrecorded: (request: ObjectKey) => void;
  readonly registrationLost: (request: ObjectKey) => void;
  readonly recorder: Recorder;
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
  const foundBy =
    (net: Net) =>
    (request: ObjectKey): void => {
      options.caught.caught(net);
      unrecorded(request);
    };
  const liveRequests = async (name: string, signal: AbortSignal): Promise<readonly RunnerRequest[]> => {
    const fieldSelector = `metadata.name=${name}`;
    const selection = { namespace: options.watchNamespace, fieldSelector, limit: liveLimit, signal };
    return (await stores.requests.client.list(selection)).items;
  };
  /** An App that was deleted before this process could make its client will never answer: as if the scope were unknown. */
  const canAnswer = ({ app }: RunnerScope): boolean => world.github(app) !== undefined || world.appExists(app);
  const scopesOf = (cls: ClassKey, request: Request | undefined): RunnerScope[] => {
    const own = request === undefined ? undefined : world.target(targetKeyOf(request));
    const targets = [...targetStore.list()].filter((target) => sameClass(classKeyOf(target), cls));
    return [...[...targets, ...(own === undefined ? [] : [own])].map(scopeOfTarget), ...scopeOfRequest(request)].filter(
      canAnswer,
    );
  };

  const instances = new InstanceSweep({
    classes: () => [...stores.classes.informer.store.list()].map(resolveClass),
    provider: world.provider,
    request: (uid) => [...requestStore.byIndex(byUid, uid)][0],
    liveRequests,
    scopes: scopesOf,
    github: world.github,
    launching,
    unrecorded: foundBy("InstanceSweep"),
    recorder: options.recorder,
    metrics,
    clock,
    log: options.log.child({ component: "instance-sweep" }),
    periods: scaled(instanceSweepPeriods, options.timeDivisor),
  });
  const registrations = new RegistrationSweep({
    scopes: () => {
      const alive = [...requestStore.list()].filter((request) => !isFinished(request.status));
      return [...[...targetStore.list()].map(scopeOfTarget), ...alive.flatMap(scopeOfRequest)].filter(canAnswer);
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
    unrecorded: foundBy("RegistrationSweep"),
    registrationLost: options.registrationLost,
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

function scopeOfTarget(target: Target): RunnerScope {
  return { app: appKeyOf(target), scope: scopeOf(target.spec.scope) };
}

function scopeOfRequest(request: Request | undefined): RunnerScope[] {
  const runner = request?.status?.runner;
  return runner === undefined ? [] : [{ app: runner.githubAppRef, scope: scopeOf(runner.scope) }];
}

function sameClass(a: ClassKey, b: ClassKey): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}
