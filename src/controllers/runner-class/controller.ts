import type { ClassReason, EventReason } from "../../api/v1alpha1/reasons.ts";
import type { Client } from "../../kube/client.ts";
import { type Condition, setCondition } from "../../kube/conditions.ts";
import type { ReconcileContext, ReconcileResult } from "../../kube/controller.ts";
import type { Informer } from "../../kube/informer.ts";
import { type DeepReadonly, type KubeObject, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import { isProviderError, type ProviderErrorCode } from "../../provider/errors.ts";
import type { Finding, Provider, ResolvedClass } from "../../provider/types.ts";
import type { Clock } from "../../util/clock.ts";
import type { CircuitEntry } from "./circuit-status.ts";

/** RunnerClassPeriods: how often a class is checked anew, in milliseconds. */
export const runnerClassPeriods = {
  /** While all is well: clusters and roles change without a word to Kubernetes. */
  recheckMs: 10 * 60_000,
  /** While something is wrong. */
  recheckFailingMs: 60_000,
};

/** RunnerClassObject is a runner class of any kind. */
export interface RunnerClassObject extends KubeObject {
  spec: { access?: { namespaces: string[] }[]; capacity?: { name: string }[] };
  status?: { observedGeneration?: number; conditions?: Condition[]; circuit?: CircuitEntry[] };
}

export interface RunnerClassDeps<T extends RunnerClassObject> {
  readonly client: Client<T>;
  readonly informer: Informer<T>;
  readonly provider: Provider;
  readonly recorder: Recorder<EventReason>;
  readonly clock: Clock;
  readonly periods: typeof runnerClassPeriods;
}

/** RunnerClassReconciler asks a class' provider what is wrong with it, and says so in Ready. */
export class RunnerClassReconciler<T extends RunnerClassObject> {
  readonly #deps: RunnerClassDeps<T>;
  /** The warnings that were published last, by class: each is said when it appears, not at every check. */
  readonly #warned = new Map<string, string>();

  constructor(deps: RunnerClassDeps<T>) {
    this.#deps = deps;
  }

  /** reconcile checks one class. */
  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const cls = this.#deps.informer.store.get(key) as DeepReadonly<RunnerClassObject> | undefined;
    if (cls === undefined || cls.metadata.deletionTimestamp !== undefined) {
      this.#warned.delete(keyText(key));
      return {};
    }
    const generation = cls.metadata.generation ?? 0;
    const known = cls.status?.conditions?.find((condition) => condition.type === "Ready");
    let findings: readonly Finding[];
    let facts: Readonly<Record<string, unknown>> = {};
    let retryAfterMs: number | undefined;
    try {
      const result = await this.#deps.provider.check(resolveClass(cls), context.signal);
      findings = result.findings;
      facts = result.status ?? {};
    } catch (error) {
      if (!isProviderError(error)) throw error;
      retryAfterMs = error.retryAfterMs;
      // Not to be reached is no verdict: what was found for this spec before still holds.
      const passing = error.code === "Throttled" || error.code === "Unavailable";
      if (passing && known?.status === "True" && known.observedGeneration === generation)
        return { requeueAfterMs: retryAfterMs ?? this.#deps.periods.recheckFailingMs };
      findings = [{ severity: "Error", reason: checkReasons[error.code], message: error.message }];
    }

    const verdict = verdictOf(findings);
    const conditions = structuredClone(cls.status?.conditions ?? []) as Condition[];
    setCondition(conditions, { type: "Ready", ...verdict, observedGeneration: generation }, this.#deps.clock.now());
    const status = { ...cls.status, ...facts, observedGeneration: generation, conditions };
    const written = await this.#deps.client.patchStatus(cls as DeepReadonly<T>, status, { signal: context.signal });
    if ((written as unknown) !== cls) this.#deps.informer.observe(written as T);
    if (verdict.status === "False" && (known?.status !== "False" || known.reason !== verdict.reason)) {
      this.#deps.recorder.event(cls, { type: "Warning", reason: verdict.reason, action: "Check", note: verdict.message });
    }
    const warnings = findings.filter((finding) => finding.severity === "Warning");
    const said = JSON.stringify(warnings);
    if (this.#warned.get(keyText(key)) !== said) {
      this.#warned.set(keyText(key), said);
      for (const { reason, message } of warnings)
        this.#deps.recorder.event(cls, { type: "Warning", reason, action: "Check", note: message });
    }
    return {
      requeueAfterMs:
        verdict.status === "True" ? this.#deps.periods.recheckMs : (retryAfterMs ?? this.#deps.periods.recheckFailingMs),
    };
  }
}

/** resolveClass is a class as its provider sees it. */
export function resolveClass(cls: DeepReadonly<RunnerClassObject>): ResolvedClass {
  return {
    kind: cls.kind,
    namespace: cls.metadata.namespace ?? "",
    name: cls.metadata.name,
    uid: cls.metadata.uid ?? "",
    generation: cls.metadata.generation ?? 0,
    spec: cls.spec,
    ...(cls.status !== undefined && { status: { ...cls.status } }),
  };
}

/** checkReasons are the documented reasons for what a check throws instead of finding; the message tells the rest. */
const checkReasons = {
  Unauthorized: "Unauthorized",
  Throttled: "Throttled",
  Unavailable: "Unavailable",
  NotFound: "Internal",
  InsufficientCapacity: "Internal",
  TargetNotReady: "Internal",
  InvalidRequest: "Internal",
  Internal: "Internal",
} as const satisfies Record<ProviderErrorCode, ClassReason>;

function verdictOf(findings: readonly Finding[]): Pick<Condition, "status" | "message"> & { readonly reason: ClassReason } {
  const errors = findings.filter((finding) => finding.severity === "Error");
  const first = errors[0];
  if (first === undefined) {
    const warnings = findings.map((finding) => finding.message);
    // Events are gone after an hour; what concerns one image only is still there when somebody looks why its jobs wait.
    const but = warnings.length === 0 ? "" : `, but: ${warnings.join("; ")}`;
    return { status: "True", reason: "Ready", message: `runners can be started${but}` };
  }
  const more =
    errors.length > 1
      ? ` (and ${errors.length - 1} more: ${errors
          .slice(1)
          .map((finding) => finding.reason)
          .join(", ")})`
      : "";
  return { status: "False", reason: first.reason, message: `${first.message}${more}` };
}
