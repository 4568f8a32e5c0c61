import { apiVersion } from "../api/kind.ts";
import type { JobState } from "../api/v1alpha1/job-state.ts";
import { deliveryAnnotation, parseRunnerName, requestName, runnerFinalizer, targetLabel } from "../api/v1alpha1/names.ts";
import { runnerRequestResource } from "../api/v1alpha1/resources.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { DeepReadonly, ObjectKey } from "../kube/object.ts";
import type { JobReport } from "../request/job-record.ts";
import { isoTime } from "../util/clock.ts";
import { shortHash } from "../util/hash.ts";
import type { WebhookEvent, WorkflowJob } from "./event.ts";
import { type App, appKeyOf, type Match, matchTarget, type Target } from "./matching.ts";
import { plainText } from "./plain-text.ts";

/** Source says by which way intake learnt of a job. */
export type Source = RunnerRequest["spec"]["source"];

/** Situation is everything beside the event that a decision depends on. */
export interface Situation {
  /** The Apps whose secret signed the delivery; several objects may stand for one App. */
  readonly apps: readonly App[];
  /** GitHub's host, as in the Apps' url. */
  readonly host: string;
  readonly targets: readonly Target[];
  readonly nowMs: number;
  readonly source: Source;
  readonly deliveryId?: string | undefined;
}

/** CreateDecision asks for a runner. */
export interface CreateDecision {
  readonly kind: "create";
  readonly request: RunnerRequest;
  /** Why the request will be rejected: whoever reads GitHub's list of deliveries learns it there. */
  readonly rejected?: string;
}

/** RecordDecision notes a job's state on the request of the job and on that of the runner that has the job. */
export interface RecordDecision {
  readonly kind: "record";
  readonly report: JobReport;
  /** Name of the job's own request, whichever namespace it is in. */
  readonly job: string;
  /**
   * That request, to be created if there is none: a covered job's `queued` may still be on its way, and must not start a runner for
   * a job that has one or is over.
   */
  readonly create?: RunnerRequest;
  /** The request of the runner, where the runner's name is one of ours. */
  readonly runner?: string;
  /** Namespaces in which the Apps' targets, and so their requests, are; those of the job's target come first. */
  readonly namespaces: readonly string[];
  /** Why no target covers the job. */
  readonly uncovered?: string;
}

/** Decision is what a delivery asks for. */
export type Decision =
  | CreateDecision
  | RecordDecision
  | { readonly kind: "ignore"; readonly reason: string }
  | { readonly kind: "pong" };

/**
 * decide says what an event asks for. It looks at nothing but its arguments, so the same event gives the same decision however
 * often it comes; that duplicates and late events change nothing is the doing of the names and of the record functions.
 *
 * | action | decision |
 * |---|---|
 * | queued | a request, whatever `status` says: a job that waited for approval is announced as queued with status waiting |
 * | waiting | nothing: a runner would idle, and take another job's place, until somebody approves |
 * | in_progress, completed | recorded on the request of the job and on that of the runner, which need not be the same |
 */
export function decide(event: Exclude<WebhookEvent, { kind: "malformed" }>, situation: Situation): Decision {
  switch (event.kind) {
    case "ping":
      return { kind: "pong" };
    case "other":
      return { kind: "ignore", reason: foreign(event) };
    case "workflow_job":
      break;
    default:
      event satisfies never;
  }
  const { action, job } = event;
  if (action === "waiting") {
    return { kind: "ignore", reason: `${job.repository} job ${job.id} waits for approval; it is announced again as queued` };
  }
  const match = matchTarget(job, situation.apps, situation.targets);
  if (action === "queued") {
    return match.target === undefined
      ? { kind: "ignore", reason: match.reason }
      : {
          kind: "create",
          request: newRequest(job, "Queued", match, situation),
          ...(match.rejected !== undefined && { rejected: match.rejected.slice(0, 300) }),
        };
  }
  const state = action === "completed" ? "Completed" : "InProgress";
  const namespaces = new Set<string>();
  if (match.target?.metadata.namespace !== undefined) namespaces.add(match.target.metadata.namespace);
  const runner = parseRunnerName(job.runnerName ?? "")?.request;
  if (runner !== undefined) for (const namespace of namespacesOf(situation)) namespaces.add(namespace);
  return {
    kind: "record",
    report: reportOf(job, state),
    job: requestNameOf(job.id, situation.host),
    namespaces: [...namespaces],
    ...uncoveredOr(match, (served) => ({ create: newRequest(job, state, served, situation) })),
    ...(runner !== undefined && { runner }),
  };
}

/**
 * isOurs tells whether a request belongs to one of the Apps that signed an event. Names alone do not say so: whoever owns an App
 * of their own can sign an event about any job id and any runner name, and must not reach other people's requests with it.
 */
export function isOurs(
  request: DeepReadonly<RunnerRequest>,
  { apps, host }: Pick<Situation, "apps" | "host">,
  targetOf: (key: ObjectKey) => Target | undefined,
): boolean {
  if (request.spec.job.host !== host) return false;
  const app = appOfRequest(request, targetOf);
  return apps.some(({ metadata }) => metadata.name === app?.name && metadata.namespace === app.namespace);
}

/** appOfRequest is the key of the GitHubApp that a request belongs to, as far as that can be told. */
export function appOfRequest(
  request: DeepReadonly<RunnerRequest>,
  targetOf: (key: ObjectKey) => Target | undefined,
): ObjectKey | undefined {
  // The App of the registration is written down when a runner is launched, and outlives the target.
  const app = request.status?.runner?.githubAppRef;
  if (app !== undefined) return app;
  const target = targetOf({ namespace: request.metadata.namespace ?? "", name: request.spec.targetRef.name });
  return target === undefined ? undefined : appKeyOf(target);
}

function foreign(event: { readonly name: string; readonly action?: string }): string {
  if (event.name !== "workflow_job") return `${event.name} events ask for nothing here; only workflow_job is needed`;
  return event.action === undefined
    ? "a workflow_job event without action asks for nothing"
    : `workflow_job action "${event.action}" asks for nothing`;
}

function reportOf(job: WorkflowJob, state: JobState): JobReport {
  const { id, repository, name, htmlUrl, conclusion, runnerName, startedAt, completedAt } = job;
  return { id, repository, name, htmlUrl, state, conclusion, runnerName, startedAt, completedAt };
}

/** requestNameOf is the name of the request for a job on a host. */
export function requestNameOf(jobId: string, host: string): string {
  return requestName(jobId, host === "github.com" ? undefined : shortHash(host));
}

function newRequest(job: WorkflowJob, state: JobState, { target, asked }: Served, situation: Situation): RunnerRequest {
  const { host, deliveryId } = situation;
  return {
    apiVersion,
    kind: runnerRequestResource.kind,
    metadata: {
      name: requestNameOf(job.id, host),
      namespace: target.metadata.namespace ?? "",
      labels: { [targetLabel]: target.metadata.name },
      ...(deliveryId !== undefined && { annotations: { [deliveryAnnotation]: deliveryId } }),
      // On from the start, so that nothing is ever launched for an object that may vanish.
      finalizers: [runnerFinalizer],
    },
    spec: {
      targetRef: { name: target.metadata.name },
      source: situation.source,
      job: {
        host,
        id: job.id,
        runId: job.runId,
        ...(job.runAttempt !== undefined && { runAttempt: job.runAttempt }),
        repository: job.repository,
        ...(job.workflowName !== undefined && { workflowName: job.workflowName }),
        name: job.name,
        // As many as the schema takes (see matching.ts), spelled as the workflow has them.
        labels: job.labels.map((label) => plainText(label, 256)),
        ...(job.headBranch !== undefined && { headBranch: job.headBranch }),
        ...(job.htmlUrl !== undefined && { htmlUrl: job.htmlUrl }),
        // One of GitHub's published examples has no created_at; started_at is set from the start and means the same until the job runs.
        queuedAt: job.createdAt ?? job.startedAt ?? isoTime(situation.nowMs),
        ...(job.installationId !== undefined && { installationId: job.installationId }),
        ...(deliveryId !== undefined && { deliveryId }),
        state,
      },
      ...(asked.problems.length === 0 && asked.labels.length > 0 && { overrides: asked.overrides }),
    },
  };
}

type Served = Extract<Match, { readonly asked: unknown }>;

/** What a state of a job is recorded with: nobody starts a runner for one that is rejected, so it need not be remembered. */
function uncoveredOr(
  match: Match,
  served: (match: Served) => Pick<RecordDecision, "create">,
): Pick<RecordDecision, "create" | "uncovered"> {
  if (match.target === undefined) return { uncovered: match.reason };
  return match.rejected === undefined ? served(match) : { uncovered: match.rejected };
}

function namespacesOf({ apps, targets }: Situation): ReadonlySet<string> {
  const namespaces = new Set<string>();
  for (const target of targets) {
    const { namespace, name } = appKeyOf(target);
    const uses = apps.some(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
    if (uses && target.metadata.namespace !== undefined) namespaces.add(target.metadata.namespace);
  }
  return namespaces;
}
