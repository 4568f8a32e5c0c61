import type { EventReason } from "../../api/v1alpha1/reasons.ts";
import type { Client } from "../../kube/client.ts";
import type { ReconcileContext, ReconcileResult } from "../../kube/controller.ts";
import type { Informer } from "../../kube/informer.ts";
import { type DeepReadonly, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import type { Circuits } from "./circuits.ts";
import { changesBetween, toEntry } from "./circuit-status.ts";
import type { RunnerClassObject } from "./controller.ts";

export interface CircuitDeps<T extends RunnerClassObject> {
  readonly client: Client<T>;
  readonly informer: Informer<T>;
  readonly circuits: Circuits;
  readonly recorder: Recorder<EventReason>;
}

/**
 * CircuitReconciler stores the circuits of a class in its status, and tells of each change. It is apart from the check of the class,
 * because a circuit may change with every runner and the check costs calls to the provider.
 */
export class CircuitReconciler<T extends RunnerClassObject> {
  readonly #deps: CircuitDeps<T>;

  constructor(deps: CircuitDeps<T>) {
    this.#deps = deps;
  }

  /** reconcile stores what has changed of one class. */
  async reconcile(key: ObjectKey, { signal, log }: ReconcileContext): Promise<ReconcileResult> {
    const { client, informer, circuits, recorder } = this.#deps;
    const cls = informer.store.get(key) as DeepReadonly<RunnerClassObject> | undefined;
    if (cls === undefined || cls.metadata.deletionTimestamp !== undefined) return {};
    const { circuits: now, againInMs } = circuits.of(cls);
    const { circuit: stored = [], ...rest } = cls.status ?? {};
    const entries = now.map(({ rung, circuit }) => toEntry(rung, circuit));
    const status = entries.length === 0 ? rest : { ...rest, circuit: entries };
    const written = await client.patchStatus(cls as DeepReadonly<T>, status, { signal });
    if ((written as unknown) !== cls) informer.observe(written as T);
    const rungs = cls.spec.capacity?.map(({ name }) => name) ?? [];
    for (const event of changesBetween(stored, entries, rungs)) {
      recorder.event(cls, event);
      log.info({ runnerClass: keyText(key), reason: event.reason }, event.note);
    }
    // Anew a moment later, so that it is over by then.
    return Number.isFinite(againInMs) ? { requeueAfterMs: Math.max(againInMs, 0) + 1 } : {};
  }
}
