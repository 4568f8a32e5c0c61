import { parseRunnerName } from "../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import { bucketPeriods } from "../controllers/bucket/periods.ts";
import { classTrouble } from "../controllers/runner-class/class-trouble.ts";
import type { AppClients } from "../controllers/github-app/clients.ts";
import type { Circuits } from "../controllers/runner-class/circuits.ts";
import { announce } from "../controllers/runner-request/announce.ts";
import { byTarget } from "../controllers/runner-request/controller.ts";
import { appKeyOf, classKeyOf, targetKeyOf } from "../controllers/runner-request/world.ts";
import { getCondition, isTrue } from "../kube/conditions.ts";
import type { Controller } from "../kube/controller.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey, parseKey } from "../kube/object.ts";
import { specChanged } from "../kube/store.ts";
import { isFinished, isRejected } from "../request/phase.ts";
import type { ControllersOptions } from "./controllers.ts";
import type { Loops } from "./loops.ts";
import type { RequestParts } from "./request-parts.ts";

/** Counts of a target follow its requests at this pace: a burst of a thousand jobs is a few writes, not thousands. */
const countsEveryMs = 5_000;
/** A class whose launches fail is looked at this soon: a burst of refusals is one look. */
const troubleEveryMs = 5_000;

/** Wiring is who is woken by what. Handlers of informers only add keys to queues and follow sums: they cannot fail, and never wait. */
export class Wiring {
  readonly #options: ControllersOptions;
  readonly #loops: Loops;
  readonly #parts: RequestParts;
  readonly #clients: AppClients;
  readonly #circuits: Circuits;
  /** Only the leader takes from the queues; elsewhere they would fill up with every object ever seen. */
  #leading = false;

  constructor(options: ControllersOptions, loops: Loops, parts: RequestParts, clients: AppClients, circuits: Circuits) {
    this.#options = options;
    this.#loops = loops;
    this.#parts = parts;
    this.#clients = clients;
    this.#circuits = circuits;
  }

  /** wake has a request looked at again. */
  wake(request: ObjectKey): void {
    this.#enqueue(this.#loops.requests, request);
  }

  /** wakeCircuits has the circuits of a class stored. */
  wakeCircuits(cls: ObjectKey): void {
    this.#enqueue(this.#loops.circuits, { namespace: cls.namespace, name: cls.name });
  }

  /** wakeTarget has a target's status looked at again. */
  wakeTarget(target: ObjectKey): void {
    this.#enqueue(this.#loops.targets, target);
  }

  /** connect makes every source of changes wake whom it concerns. */
  connect(): void {
    this.#followRequests();
    this.#followTargets();
    this.#followClasses();
    this.#followApps();
    this.#parts.census.onTaken((target) => this.#wakeRequestsOf(target, false));
  }

  /** lead has everything looked at once, in a process that has become the leader. */
  lead(): void {
    const { stores, clock } = this.#options;
    const { apps, classes, targets, buckets, requests } = this.#loops;
    this.#leading = true;
    const alive = [...stores.requests.informer.store.list()].filter(({ status }) => !isFinished(status));
    this.#parts.launches.lead(
      clock.now(),
      alive.map(({ metadata }) => metadata.uid ?? ""),
    );
    this.#circuits.lead(stores.classes.informer.store.list(), stores.requests.informer.store.list());
    for (const app of stores.apps.informer.store.list()) apps.enqueue(keyOf(app));
    for (const cls of stores.classes.informer.store.list()) {
      classes.enqueue(keyOf(cls));
      this.wakeCircuits(keyOf(cls));
    }
    for (const target of stores.targets.informer.store.list()) {
      targets.enqueue(keyOf(target));
      buckets.enqueue(keyOf(target));
    }
    for (const request of stores.requests.informer.store.list()) requests.enqueue(keyOf(request));
  }

  #followRequests(): void {
    const { stores, leads, recorder, log, timeDivisor } = this.#options;
    const { slots, ledger, reconciler, metrics, standing } = this.#parts;
    const { targets, buckets } = this.#loops;
    stores.requests.informer.onChange((change) => {
      slots.follow(change);
      ledger.follow(change);
      // A standby counts nothing: what is stored tells it all when it takes over.
      if (this.#leading) this.#circuits.follow(change);
      standing.follow(change);
      const request: DeepReadonly<RunnerRequest> = change.type === "delete" ? change.old : change.new;
      // Made again under its name while the watch was cut: what is known of the one before goes by its uid.
      if (change.type === "delete") reconciler.gone(request);
      else if (change.type === "update" && change.old.metadata.uid !== request.metadata.uid) reconciler.gone(change.old);
      this.wake(keyOf(request));
      // The others of its job learn from it what became of the job.
      for (const other of ledger.othersOfJob(request)) this.wake(keyOf(other));
      // And the request of the runner that took its job, if it has not heard of that itself.
      const taker = parseRunnerName(request.status?.job?.runnerName ?? "")?.request;
      if (taker !== undefined && taker !== request.metadata.name) {
        const other = { namespace: request.metadata.namespace ?? "", name: taker };
        if (stores.requests.informer.store.get(other)?.status?.assignedJob === undefined) this.wake(other);
      }
      if (this.#leading) {
        targets.enqueueAfter(targetKeyOf(request), countsEveryMs / timeDivisor);
        buckets.enqueueAfter(targetKeyOf(request), bucketPeriods.graceMs / timeDivisor);
        if (change.type === "update") this.#lookAtClass(change.old, change.new);
      }
      if (leads()) {
        metrics.follow(change);
        announce(change, recorder, log);
      }
    });
  }

  #followTargets(): void {
    const { slots, census } = this.#parts;
    this.#options.stores.targets.informer.onChange((change) => {
      const target = change.type === "delete" ? change.old : change.new;
      const key = keyOf(target);
      if (change.type !== "delete") slots.limit(key, target.spec.maxRunners);
      const changed = specChanged(change);
      // Another App, scope or class is a place that may not be counted yet, and until it is, contended grants are withheld.
      if (changed && change.type !== "delete") {
        census.registrations.soon();
        census.instances.soon();
        this.#enqueue(this.#loops.buckets, key);
      }
      this.#enqueue(this.#loops.targets, key);
      const readyChanged = change.type !== "update" || readyOf(change.old) !== readyOf(change.new);
      if (changed || readyChanged) this.#wakeRequestsOf(key, changed && change.type === "update");
      if (changed) this.#wakeLeftAlone(key);
    });
  }

  #followClasses(): void {
    const { classes, targets } = this.#options.stores;
    classes.informer.onChange((change) => {
      const cls = change.type === "delete" ? change.old : change.new;
      const changed = specChanged(change);
      if (this.#leading) this.#circuits.followClass(change);
      if (changed) {
        this.#enqueue(this.#loops.classes, keyOf(cls));
        this.wakeCircuits(keyOf(cls));
      }
      if (changed && change.type !== "delete") this.#parts.census.instances.soon();
      for (const target of targets.informer.store.list()) {
        const ref = classKeyOf(target);
        if (ref.kind !== cls.kind || keyText(ref) !== keyText(keyOf(cls))) continue;
        this.#enqueue(this.#loops.targets, keyOf(target));
        // A class that is Ready no more cuts no pause short: the next try would be refused as well.
        const called = changed || change.type !== "update" || isTrue(cls.status?.conditions, "Ready");
        if (changed || change.type !== "update" || readyOf(change.old) !== readyOf(cls))
          this.#wakeRequestsOf(keyOf(target), called);
        if (changed) this.#wakeLeftAlone(keyOf(target));
      }
    });
  }

  #followApps(): void {
    const { stores, secrets } = this.#options;
    stores.apps.informer.onChange((change) => {
      const app = change.type === "delete" ? change.old : change.new;
      this.#clients.follow(keyOf(app), change.type === "delete" ? undefined : app);
      const changed = specChanged(change);
      if (changed) this.#enqueue(this.#loops.apps, keyOf(app));
      for (const target of this.#targetsOf(keyOf(app))) this.#enqueue(this.#loops.targets, keyOf(target));
    });
    secrets.onChange((secret) => {
      for (const app of this.#clients.uses(secret)) this.#enqueue(this.#loops.apps, parseKey(app));
    });
    this.#clients.onMade((app) => {
      for (const target of this.#targetsOf(app)) this.#wakeRequestsOf(keyOf(target), true);
      this.#parts.census.registrations.soon();
    });
  }

  /** Launches show what no check can ask. Otherwise a class would call itself Ready for ten minutes in which nothing starts. */
  #lookAtClass(old: DeepReadonly<RunnerRequest>, request: DeepReadonly<RunnerRequest>): void {
    const trouble = classTrouble(request);
    if (trouble === undefined || trouble === classTrouble(old)) return;
    const target = this.#options.stores.targets.informer.store.get(targetKeyOf(request));
    if (target !== undefined) this.#loops.classes.enqueueAfter(classKeyOf(target), troubleEveryMs / this.#options.timeDivisor);
  }

  /** Everything of a target that waits looks again; `called` cuts pauses short, since what they wait for may have changed. */
  #wakeRequestsOf(target: ObjectKey, called: boolean): void {
    if (!this.#leading) return;
    for (const request of this.#options.stores.requests.informer.store.byIndex(byTarget, keyText(target))) {
      if (isFinished(request.status) || isTrue(request.status?.conditions, "Launched")) continue;
      if (called) this.#parts.wakeups.call(request.metadata.uid ?? "");
      this.wake(keyOf(request));
    }
  }

  /** Finished requests of jobs that still wait: the target may not serve those any more, or serve those by now that were rejected. */
  #wakeLeftAlone(target: ObjectKey): void {
    if (!this.#leading) return;
    for (const request of this.#options.stores.requests.informer.store.byIndex(byTarget, keyText(target))) {
      if (isFinished(request.status) && (isRejected(request) || this.#parts.ledger.isWanted(request))) this.wake(keyOf(request));
    }
  }

  #targetsOf(app: ObjectKey): DeepReadonly<RunnerTarget>[] {
    const targets = this.#options.stores.targets.informer.store.list();
    return [...targets].filter((target) => keyText(appKeyOf(target)) === keyText(app));
  }

  #enqueue(controller: Controller, key: ObjectKey): void {
    if (this.#leading) controller.enqueue(key);
  }
}

function readyOf(object: {
  readonly metadata: { readonly generation?: number };
  readonly status?: { readonly conditions?: Parameters<typeof getCondition>[0] };
}): string {
  const ready = getCondition(object.status?.conditions, "Ready");
  return `${ready?.status} ${ready?.observedGeneration === object.metadata.generation}`;
}
