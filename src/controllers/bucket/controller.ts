import type { EventReason } from "../../api/v1alpha1/reasons.ts";
import type { Ledger } from "../../accounting/ledger.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { isApiError } from "../../kube/api-error.ts";
import type { Client } from "../../kube/client.ts";
import type { ReconcileContext, ReconcileResult } from "../../kube/controller.ts";
import type { Informer } from "../../kube/informer.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import { isCovered } from "../../request/coverage.ts";
import type { Clock } from "../../util/clock.ts";
import { formatDuration } from "../../util/duration.ts";
import type { BucketMetrics } from "./metrics.ts";
import type { BucketPeriods } from "./periods.ts";
import { maxFastReplacements, planStep, replacementFor, type Step } from "./plan.ts";

export interface BucketDeps {
  readonly client: Client<RunnerRequest>;
  readonly informer: Informer<RunnerRequest>;
  readonly ledger: Ledger;
  readonly target: (key: ObjectKey) => DeepReadonly<RunnerTarget> | undefined;
  readonly recorder: Recorder<EventReason>;
  readonly metrics: BucketMetrics;
  readonly clock: Clock;
  readonly periods: BucketPeriods;
}

/**
 * BucketReconciler balances a target's jobs and runners where a surplus of jobs is: somebody else's job took a runner, or a runner was
 * lost together with a job that was not its own. The job that is left gets another request, a replacement.
 *
 * A crash between two creates is harmless: a replacement's name follows from its job, so the next pass finds it or makes it.
 * The other direction, more runners than jobs, is each request's own business (see runner-request/liveness.ts).
 */
export class BucketReconciler {
  readonly #deps: BucketDeps;
  /** Uids of the requests whose starvation was told, by target: a cache that keeps the events few. */
  readonly #told = new Map<string, ReadonlySet<string>>();

  constructor(deps: BucketDeps) {
    this.#deps = deps;
  }

  /** reconcile balances the buckets of one target. */
  async reconcile(target: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const { ledger, clock, periods } = this.#deps;
    const nowMs = clock.now();
    const name = keyText(target);
    const found = this.#deps.target(target);
    // A replacement of a job that the target does not cover any more would be of no use to it, and in the way of the target that does.
    const uncovered = ledger.uncovered(name).filter(({ newest }) => isCovered(newest, found));
    const steps = uncovered.map((each) => planStep(each, nowMs, periods));
    const waiting = steps.filter(({ atMs }) => atMs !== undefined);
    this.#tellStarved(
      name,
      waiting.filter(({ starved }) => starved),
    );
    let nextMs = Number.POSITIVE_INFINITY;
    const failures: unknown[] = [];
    for (const step of waiting) {
      if (step.atMs === undefined) continue;
      if (step.atMs > nowMs) nextMs = Math.min(nextMs, step.atMs);
      // One that the API server refuses does not hold up the younger ones.
      else await this.#replace(step, context).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
    return nextMs === Number.POSITIVE_INFINITY ? {} : { requeueAfterMs: Math.max(nextMs - nowMs, 1) };
  }

  async #replace({ uncovered }: Step, { signal, log }: ReconcileContext): Promise<void> {
    const { client, informer, recorder, metrics } = this.#deps;
    const { newest } = uncovered;
    const wanted = replacementFor(newest);
    let made: RunnerRequest;
    try {
      made = await client.create(wanted, { signal });
    } catch (error) {
      // Made by an earlier pass that our store has not seen yet: the watch brings it.
      if (isApiError(error, "AlreadyExists")) return;
      throw error;
    }
    informer.observe(made);
    metrics.replaced();
    const taken = newest.status?.assignedJob;
    const why = taken === undefined ? "its runner is gone" : `its runner took ${taken.repository}: "${taken.name}"`;
    const note = `the job still waits: ${why}; ${wanted.metadata.name} serves it now`;
    recorder.event(newest, { type: "Normal", reason: "Replaced", action: "Balance", note });
    const { id, deliveryId: delivery } = newest.spec.job;
    log.info({ runnerRequest: keyText(keyOf(made)), delivery, job: id }, "replaced a runner that another job took");
  }

  #tellStarved(target: string, starved: readonly Step[]): void {
    const { metrics, recorder, periods } = this.#deps;
    metrics.starving(target, starved.length);
    const told = this.#told.get(target);
    const uidOf = ({ uncovered }: Step): string => uncovered.newest.metadata.uid ?? "";
    if (starved.length === 0) this.#told.delete(target);
    else this.#told.set(target, new Set(starved.map(uidOf)));
    const pause = formatDuration(periods.slowReplacementMs);
    const note = `${maxFastReplacements} replacements were taken by other jobs as well; one more follows every ${pause} while the job waits. Register the target's runners per repository, or give them labels that no other workflow uses`;
    for (const step of starved) {
      if (told?.has(uidOf(step)) === true) continue;
      recorder.event(step.uncovered.newest, { type: "Warning", reason: "Starved", action: "Balance", note });
    }
  }
}
