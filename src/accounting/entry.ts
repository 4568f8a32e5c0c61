import { parseReplacement } from "../api/v1alpha1/names.ts";
import type { ReasonOf } from "../api/v1alpha1/reasons.ts";
import type { JobState } from "../api/v1alpha1/job-state.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { getCondition, isTrue } from "../kube/conditions.ts";
import { type DeepReadonly, keyOf, keyText } from "../kube/object.ts";
import { isFinished, isLetGo, isRetiring } from "../request/phase.ts";
import { bucketOf, targetTextOf } from "./bucket.ts";

type Request = DeepReadonly<RunnerRequest>;

/** Entry is what one request means for the books of its bucket: a pure reading of the object. */
export interface Entry {
  /** The request as "namespace/name". */
  readonly text: string;
  readonly request: Request;
  readonly bucket: string;
  /** Its target as "namespace/name". */
  readonly target: string;
  /** The job that asked, unique over all hosts. */
  readonly job: string;
  readonly state: JobState;
  /** The job of somebody else that its runner has, or had. */
  readonly taken: string | undefined;
  /** 0 for the job's first request, k for its replacement `-r<k>`. */
  readonly replacement: number;
  /** A runner without a job is there or on its way, and nobody has given it up. */
  readonly supply: boolean;
  /** A runner is going to be there for the job, though it may be between two attempts. */
  readonly pledged: boolean;
  /** It ended because another request has a runner for the job. */
  readonly leftToAnother: boolean;
  /** The request ended, or is being deleted, without its runner having been taken: its job was given up together with it. */
  readonly gaveUp: boolean;
  /** How far the runner is: 0 not launched, 1 launched, 2 online. */
  readonly advance: 0 | 1 | 2;
  /** Since when the request serves its job no more, in milliseconds; the time is stored, so a restart loses nothing of a grace. */
  readonly leftAtMs: number | undefined;
}

/** jobKey names a job: ids are unique on one host only. */
export function jobKey(host: string, id: string): string {
  return `${host}/${id}`;
}

/** entryOf reads a request for the books. */
export function entryOf(request: Request): Entry {
  const { status, metadata, spec } = request;
  const state = status?.job?.state ?? spec.job.state;
  const deleting = metadata.deletionTimestamp !== undefined;
  const finished = isFinished(status) || isLetGo(request);
  // At work for somebody that nobody told of: no runner of this request is left for the job that asked.
  const busySince = status?.assignedJob === undefined ? status?.runner?.busySince : undefined;
  const waits = !finished && !deleting && status?.assignedJob === undefined && busySince === undefined;
  const retiring = status !== undefined && isRetiring(status);
  const outcome = getCondition(status?.conditions, "Succeeded")?.reason;
  const leftToAnother = outcome === ("NotNeeded" satisfies ReasonOf<"Succeeded">) && status?.assignedJob === undefined;
  const job = jobKey(spec.job.host, spec.job.id);
  const ran = status?.assignedJob === undefined ? job : jobKey(spec.job.host, status.assignedJob.id);
  return {
    text: keyText(keyOf(request)),
    request,
    bucket: bucketOf(request),
    target: targetTextOf(request),
    job,
    state,
    taken: ran === job ? undefined : ran,
    replacement: parseReplacement(metadata.name).replacement,
    supply: waits && !retiring,
    // A runner that is given up while its own job waits is followed by another attempt.
    pledged: waits && (!retiring || state === "Queued"),
    leftToAnother,
    // The job was not given up with a request that left it to another one: that may lose its runner yet.
    gaveUp: (finished || deleting) && status?.assignedJob === undefined && !leftToAnother,
    advance: advanceOf(request),
    leftAtMs: waits ? undefined : busySince === undefined ? leftAt(request) : Date.parse(busySince),
  };
}

function advanceOf({ status }: Request): Entry["advance"] {
  if (status?.instance?.state === "Stopped") return 0;
  return isTrue(status?.conditions, "Registered") ? 2 : isTrue(status?.conditions, "Launched") ? 1 : 0;
}

/** The moment in which a request's runner took a job, or in which the request ended without one. */
function leftAt({ status, metadata }: Request): number {
  const assigned = getCondition(status?.conditions, "Assigned");
  const left = assigned?.status === "True" ? assigned : getCondition(status?.conditions, "Succeeded");
  return Date.parse(left?.lastTransitionTime ?? metadata.creationTimestamp ?? "");
}
