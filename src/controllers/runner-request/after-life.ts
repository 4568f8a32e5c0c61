import type { Ledger } from "../../accounting/ledger.ts";
import type { ReasonOf } from "../../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { type Client, ignoreNotFound } from "../../kube/client.ts";
import { getCondition, isTrue } from "../../kube/conditions.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { type DeepReadonly, keyOf } from "../../kube/object.ts";
import { isCovered } from "../../request/coverage.ts";
import { isFinished, isRejected } from "../../request/phase.ts";
import type { Clock } from "../../util/clock.ts";
import { parseDurationMs } from "../../util/duration.ts";
import { Wait } from "../../util/wait.ts";
import { age } from "./pass.ts";
import type { RequestPeriods } from "./periods.ts";
import { rejectionOf } from "./rejection.ts";
import { targetKeyOf, type World } from "./world.ts";

type Request = DeepReadonly<RunnerRequest>;
type Target = DeepReadonly<RunnerTarget>;

/** Requests of a target that was deleted are kept as long as the CRD's defaults say. */
const defaultHistory = { succeeded: "1h", failed: "24h" };

export interface AfterLifeDeps {
  readonly client: Client<RunnerRequest>;
  readonly world: World;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly periods: RequestPeriods;
}

/**
 * AfterLife is what becomes of a request that nobody leads any more: it stays for people to look at, for as long as its target's
 * history says, its job still waits, or the number of its replacements must stay known. Then it is deleted.
 */
export class AfterLife {
  readonly #deps: AfterLifeDeps;
  /** Since when a job's target does not serve it any more, by uid of its request. */
  readonly #uncovered = new Map<string, Wait>();

  constructor(deps: AfterLifeDeps) {
    this.#deps = deps;
  }

  /** reconcile deletes the request, or says when to look again. */
  async reconcile(request: Request, signal: AbortSignal): Promise<ReconcileResult> {
    if (request.metadata.deletionTimestamp !== undefined) return {};
    const leftMs = this.#left(request);
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const { uid = "" } = request.metadata;
    await ignoreNotFound(this.#deps.client.delete(keyOf(request), { uid, signal }));
    return {};
  }

  /** forget drops what is remembered of a request that does not exist any more. */
  forget(uid: string): void {
    this.#uncovered.delete(uid);
  }

  /** How long it stays, in milliseconds. */
  #left(request: Request): number {
    // Somebody took the finalizer away. Nobody leads it any more, and its name is in the way of another request for the job.
    if (!isFinished(request.status)) return 0;
    const { clock, ledger, periods, world } = this.#deps;
    const lifeMs = age(clock.now(), request.metadata.creationTimestamp);
    const target = world.target(targetKeyOf(request));
    if (!ledger.isWanted(request) || lifeMs >= periods.jobLifetimeMs) {
      return this.#isInTheWay(request, target, lifeMs) ? 0 : this.#historyLeft(request, target, lifeMs);
    }
    // The number of its replacements is known from those that are there, so none goes before the job is over. Another request of the job
    // may have a runner with the labels that the target had: while it is there, the job needs no other target.
    const served = isCovered(request, target) || [...ledger.othersOfJob(request)].some(hasRunner);
    const { uid = "" } = request.metadata;
    // Nobody replaces it where its target does not serve the job any more: it goes, so that the job is matched anew.
    if (!served) return this.#uncoveredGrace(uid);
    this.#uncovered.delete(uid);
    return periods.slowAttemptMs;
  }

  /** Whether a finished request must go before its time, so that its job, if it still waits, is matched anew. */
  #isInTheWay(request: Request, target: Target | undefined, lifeMs: number): boolean {
    const reason = getCondition(request.status?.conditions, "Succeeded")?.reason;
    // Its name is in the way of the request that another target's job of the same id needs.
    if (reason === ("Uncovered" satisfies ReasonOf<"Succeeded">)) return true;
    if (!isRejected(request) || !this.#mayWait(request, lifeMs)) return false;
    // What it asks for is allowed by now.
    return target !== undefined && isCovered(request, target) && rejectionOf(request, target, this.#deps.world) === undefined;
  }

  /** Whether the job of a request may still be in GitHub's queue. */
  #mayWait({ spec, status }: Request, lifeMs: number): boolean {
    return (status?.job?.state ?? spec.job.state) === "Queued" && lifeMs < this.#deps.periods.jobLifetimeMs;
  }

  /** How long a finished request is still kept for people to look at, in milliseconds. */
  #historyLeft(request: Request, target: Target | undefined, lifeMs: number): number {
    const { status } = request;
    const history = target?.spec.history ?? defaultHistory;
    const keptMs = parseDurationMs(isTrue(status?.conditions, "Succeeded") ? history.succeeded : history.failed);
    const left = keptMs - age(this.#deps.clock.now(), status?.timings?.finishedAt);
    // Gone before its job is, it would be made and rejected anew by every sweep that finds the job waiting.
    const waits = isRejected(request) && this.#mayWait(request, lifeMs);
    return waits ? Math.max(left, this.#deps.periods.jobLifetimeMs - lifeMs) : left;
  }

  /** How long a target that left a job alone may still come back, as it does when somebody replaces it. */
  #uncoveredGrace(uid: string): number {
    const nowMs = this.#deps.clock.now();
    const grace = this.#uncovered.get(uid) ?? new Wait(nowMs, this.#deps.periods.uncoveredGraceMs);
    this.#uncovered.set(uid, grace);
    return grace.left(nowMs);
  }
}

/** hasRunner tells whether a request has launched a runner and is not over. */
function hasRunner({ status }: Request): boolean {
  return isTrue(status?.conditions, "Launched") && !isFinished(status);
}
