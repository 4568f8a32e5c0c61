import type { EventReason } from "../../api/v1alpha1/reasons.ts";
import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget, RunnerTargetStatus } from "../../api/v1alpha1/runner-target.ts";
import type { Client } from "../../kube/client.ts";
import { type Condition, getCondition, isTrue, setCondition } from "../../kube/conditions.ts";
import type { ReconcileContext, ReconcileResult } from "../../kube/controller.ts";
import type { Informer } from "../../kube/informer.ts";
import type { DeepReadonly, ObjectKey } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import { isFinished } from "../../request/phase.ts";
import type { Clock } from "../../util/clock.ts";
import { type RunnerScope } from "../runner-scope.ts";
import { type ClassView, judge } from "./readiness.ts";
import { follow, judgeVersion, newsOf, type VersionVerdict } from "./runner-version.ts";
import type { RunnerVersions } from "./runner-versions.ts";

export interface RunnerTargetDeps {
  readonly client: Client<RunnerTarget>;
  readonly informer: Informer<RunnerTarget>;
  readonly app: (key: ObjectKey) => DeepReadonly<GitHubApp> | undefined;
  readonly runnerClass: (kind: string, key: ObjectKey) => ClassView | undefined;
  /** The requests of a target. */
  readonly requests: (target: ObjectKey) => Iterable<DeepReadonly<RunnerRequest>>;
  readonly versions: Pick<RunnerVersions, "seen" | "offered" | "forget">;
  readonly scope: (target: DeepReadonly<RunnerTarget>) => RunnerScope;
  readonly recorder: Recorder<EventReason>;
  readonly clock: Clock;
}

/** A day may pass without news, and then the sentence changes that says until when GitHub gives jobs to old runners. */
const longestRestMs = 24 * 3_600_000;

/** RunnerTargetReconciler says whether a target can serve jobs, what its runners are doing, and how old their software is. */
export class RunnerTargetReconciler {
  readonly #deps: RunnerTargetDeps;

  constructor(deps: RunnerTargetDeps) {
    this.#deps = deps;
  }

  /** reconcile brings a target's status in line with what it refers to and with its requests. */
  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const target = this.#deps.informer.store.get(key);
    if (target === undefined) this.#deps.versions.forget(key);
    if (target === undefined || target.metadata.deletionTimestamp !== undefined) return {};
    const appRef = target.spec.githubAppRef;
    const appKey = { namespace: appRef.namespace ?? key.namespace, name: appRef.name };
    const classRef = target.spec.classRef;
    const classKey = { namespace: classRef.namespace ?? key.namespace, name: classRef.name };
    const verdict = judge(
      target,
      { key: appKey, found: this.#deps.app(appKey) },
      { kind: classRef.kind, key: classKey, found: this.#deps.runnerClass(classRef.kind, classKey) },
    );

    const generation = target.metadata.generation ?? 0;
    const conditions: Condition[] = structuredClone(target.status?.conditions ?? []) as Condition[];
    const before = conditions.find((condition) => condition.type === "Ready");
    const wasNot = before?.status !== verdict.status || before.reason !== verdict.reason;
    const nowMs = this.#deps.clock.now();
    setCondition(conditions, { type: "Ready", ...verdict, observedGeneration: generation }, nowMs);

    const { versions } = this.#deps;
    const news = {
      seen: versions.seen(key),
      offered: versions.offered(this.#deps.scope(target)),
      ...newsOf(this.#deps.requests(key)),
    };
    const runnerVersion = follow(target.status?.runnerVersion, news, nowMs);
    const age = judgeVersion(runnerVersion, nowMs);
    const oldAge = getCondition(conditions, "RunnerVersion");
    if (age !== undefined) {
      const { status, reason, message } = age;
      setCondition(conditions, { type: "RunnerVersion", status, reason, message, observedGeneration: generation }, nowMs);
    }

    const status: RunnerTargetStatus = {
      ...countRunners(this.#deps.requests(key)),
      ...(runnerVersion !== undefined && { runnerVersion }),
      observedGeneration: generation,
      conditions,
    };
    const written = await this.#deps.client.patchStatus(target, status, { signal: context.signal });
    if (written !== target) this.#deps.informer.observe(written as RunnerTarget);
    if (wasNot && verdict.status === "False") {
      this.#deps.recorder.event(target, {
        type: "Warning",
        reason: verdict.reason,
        action: "CheckReadiness",
        note: verdict.message,
      });
    }
    if (age !== undefined) this.#announceVersion(target, age, oldAge);
    return age?.deadlineMs === undefined
      ? {}
      : { requeueAfterMs: Math.min(Math.max(age.deadlineMs - nowMs, 0) || longestRestMs, longestRestMs) };
  }

  /** What is new is said once; that runners are well is news only after they were not. */
  #announceVersion(target: DeepReadonly<RunnerTarget>, age: VersionVerdict, before: Condition | undefined): void {
    if (age.reason === before?.reason) return;
    const action = "CheckRunnerVersion";
    if (age.status === "False") {
      const reason = age.reason === "Refused" ? "RunnerRefused" : "RunnerOutdated";
      this.#deps.recorder.event(target, { type: "Warning", reason, action, note: age.message });
    } else if (before?.status === "False") {
      this.#deps.recorder.event(target, { type: "Normal", reason: "RunnerCurrent", action, note: age.message });
    }
  }
}

/** countRunners counts a target's requests by what their runners do. */
export function countRunners(
  requests: Iterable<DeepReadonly<RunnerRequest>>,
): Required<Pick<RunnerTargetStatus, "queued" | "starting" | "idle" | "running">> {
  const counts = { queued: 0, starting: 0, idle: 0, running: 0 };
  for (const request of requests) {
    const status = request.status;
    if (isFinished(status)) continue;
    if (isTrue(status?.conditions, "Assigned")) counts.running += 1;
    else if (isTrue(status?.conditions, "Registered")) counts.idle += 1;
    else if (isTrue(status?.conditions, "Launched")) counts.starting += 1;
    else counts.queued += 1;
  }
  return counts;
}
