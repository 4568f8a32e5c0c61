import { parseReplacement, releaseAnnotation, runnerFinalizer } from "../../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { getCondition, isTrue } from "../../kube/conditions.ts";
import { keyOf, keyText } from "../../kube/object.ts";
import { isFinished, isRejected } from "../../request/phase.ts";
import { formatDuration } from "../../util/duration.ts";
import { type Check, fail, ok, orOk, type Outcome, warn } from "./check.ts";

/** RequestSubject is all RunnerRequests at a moment. */
export interface RequestSubject {
  readonly requests: readonly RunnerRequest[];
  readonly nowMs: number;
}

/** requestChecks are about the jobs that are there now. */
export const requestChecks: readonly Check<RequestSubject>[] = [
  { name: "deletion", run: stuckOutcomes },
  { name: "rejected", run: rejectedOutcomes },
  { name: "waiting", run: waitingOutcomes },
];

/** A runner is stopped and removed within two minutes; what takes longer than this does not end by itself. */
const stuckMs = 15 * 60_000;
/** So long may a job wait for its turn before somebody looks why. */
const patienceMs = 15 * 60_000;
/** As many replacements are made quickly; then the operator calls the request Starved. */
const quickReplacements = 3;
/** Lines of one kind; the rest is counted. */
const mostLines = 10;

function objectOf(request: RunnerRequest): string {
  return `runnerrequest/${keyText(keyOf(request))}`;
}

function since(text: string | undefined, nowMs: number): string {
  return text === undefined ? "some time" : formatDuration(Math.max(nowMs - Date.parse(text), 0));
}

function stuckOutcomes({ requests, nowMs }: RequestSubject): readonly Outcome[] {
  const stuck = requests.filter(
    ({ metadata }) =>
      metadata.deletionTimestamp !== undefined &&
      metadata.finalizers?.includes(runnerFinalizer) === true &&
      nowMs - Date.parse(metadata.deletionTimestamp) > stuckMs,
  );
  const outcomes = stuck.map((request): Outcome => {
    const { namespace, name, deletionTimestamp } = request.metadata;
    const why = troubleOf(request);
    return {
      ...fail(
        `its deletion was asked for ${since(deletionTimestamp, nowMs)} ago, and its runner is not cleaned up${why === undefined ? "" : `: ${why}`}`,
        `see that the operator runs; if the instance or the registration cannot be removed, look yourself, then: kubectl annotate rr -n ${namespace} ${name} ${releaseAnnotation}=true`,
      ),
      object: objectOf(request),
    };
  });
  return orOk(bounded(outcomes), "no request is stuck in its deletion");
}

/** Why an operator cannot clean up, where it has said so. */
function troubleOf({ status }: RunnerRequest): string | undefined {
  const registered = getCondition(status?.conditions, "Registered");
  return registered?.reason === "CannotDeregister" ? registered.message : undefined;
}

function rejectedOutcomes({ requests }: RequestSubject): readonly Outcome[] {
  const outcomes = requests.filter(isRejected).map((request): Outcome => {
    const message = getCondition(request.status?.conditions, "Succeeded")?.message ?? "";
    const advice = "change the job's labels, or what the target and the class allow";
    return {
      ...warn(`job "${request.spec.job.name}" of ${request.spec.job.repository} was rejected: ${message}`, advice),
      object: objectOf(request),
    };
  });
  return orOk(bounded(outcomes), "no job was rejected of late");
}

function waitingOutcomes({ requests, nowMs }: RequestSubject): readonly Outcome[] {
  const waiting = requests
    .filter(
      ({ status, metadata }) =>
        !isFinished(status) && metadata.deletionTimestamp === undefined && !isTrue(status?.conditions, "Launched"),
    )
    .toSorted((a, b) => (a.spec.job.queuedAt < b.spec.job.queuedAt ? -1 : 1));
  const [oldest] = waiting;
  const outcomes = waiting.flatMap((request): Outcome[] => {
    const { reason, message } = waitOf(request);
    const age = since(request.spec.job.queuedAt, nowMs);
    const object = objectOf(request);
    if (reason === "AwaitingChange") {
      const advice = "change the class or the target as it says; the request goes on then by itself";
      return [{ ...warn(`it has waited for ${age} for a change: ${message}`, advice), object }];
    }
    if (parseReplacement(request.metadata.name).replacement > quickReplacements) {
      const text = `it is replacement ${parseReplacement(request.metadata.name).replacement} for a job whose runners other jobs took (Starved)`;
      return [{ ...warn(text, "give these jobs labels of their own, or the target more maxRunners"), object }];
    }
    if (nowMs - Date.parse(request.spec.job.queuedAt) <= patienceMs) return [];
    const command = `getabako explain --job ${request.metadata.name} -n ${request.metadata.namespace}`;
    return [{ ...warn(`it has waited for ${age}, ${reason}: ${message}`, `for the whole story: ${command}`), object }];
  });
  const message =
    oldest === undefined
      ? "no job waits for a runner"
      : `${waiting.length} ${waiting.length === 1 ? "job waits" : "jobs wait"} for a runner, the oldest for ${since(oldest.spec.job.queuedAt, nowMs)}`;
  return outcomes.length === 0 ? [ok(message)] : [...bounded(outcomes)];
}

/** waitOf is what a request waits for before its launch, as the operator says it. */
export function waitOf({ status }: RunnerRequest): { readonly reason: string; readonly message: string } {
  const admitted = getCondition(status?.conditions, "Admitted");
  if (admitted === undefined) return { reason: "AwaitingAdmission", message: "the operator has not looked at it yet" };
  const launched = getCondition(status?.conditions, "Launched");
  return admitted.status === "True" && launched !== undefined ? launched : admitted;
}

function bounded(outcomes: readonly Outcome[]): readonly Outcome[] {
  if (outcomes.length <= mostLines) return outcomes;
  const rest = outcomes.length - mostLines;
  return [...outcomes.slice(0, mostLines), warn(`and ${rest} more like these`, "kubectl get runnerrequests -A lists them")];
}
