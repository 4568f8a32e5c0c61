import { readyReasons } from "../api/v1alpha1/reasons.ts";
import { type Condition, getCondition } from "../kube/conditions.ts";
import type { DeepReadonly, KubeObject } from "../kube/object.ts";
import { Gauge, type Registry } from "../telemetry/metrics.ts";

/** ReadyKind is a kind whose objects have the condition Ready. */
export type ReadyKind = keyof typeof readyReasons;

type Listed = DeepReadonly<KubeObject> & { readonly status?: { readonly conditions?: readonly DeepReadonly<Condition>[] } };

/** ReadyMetricsOptions say which objects there are, and whether this process is the one to tell. */
export interface ReadyMetricsOptions {
  /** Those of each kind; people write them, so they are few. */
  readonly objects: Readonly<Record<ReadyKind, () => Iterable<Listed>>>;
  /** Replicas that do not lead show nothing, so that a sum over pods is right. */
  readonly leads: () => boolean;
}

/**
 * addReadyMetrics counts the objects that people write by whether they are Ready, and why not. Their names are no labels: there may be
 * any number, and `kubectl get getabako --all-namespaces` knows them.
 */
export function addReadyMetrics(registry: Registry, { objects, leads }: ReadyMetricsOptions): void {
  const kinds = Object.entries(objects) as [ReadyKind, () => Iterable<Listed>][];
  new Gauge({
    name: "getabako_objects",
    help: "GitHubApps, classes and targets by the status and the reason of their condition Ready.",
    labelNames: ["kind", "ready", "reason"],
    registers: [registry],
    collect(): void {
      this.reset();
      if (!leads()) return;
      for (const [kind, list] of kinds) {
        this.set({ kind, ready: "True", reason: "Ready" }, 0);
        for (const object of list()) this.inc({ kind, ...standing(kind, object) });
      }
    },
  });
}

function standing(kind: ReadyKind, { metadata, status }: Listed): { ready: string; reason: string } {
  const ready = getCondition(status?.conditions, "Ready");
  // What is known of an older generation says nothing of what people want now.
  if (ready === undefined || (ready.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    return { ready: "Unknown", reason: "AwaitingCheck" };
  }
  return { ready: ready.status, reason: Object.hasOwn(readyReasons[kind], ready.reason) ? ready.reason : "Other" };
}
