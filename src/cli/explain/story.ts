import { parseReplacement } from "../../api/v1alpha1/names.ts";
import { attemptReasons, runnerRequestReasons } from "../../api/v1alpha1/reasons.ts";
import type { Attempt, RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { SlotLedger } from "../../controllers/runner-request/slots.ts";
import { targetKeyOf } from "../../controllers/runner-request/world.ts";
import { getCondition } from "../../kube/conditions.ts";
import { deepFreeze, keyOf, keyText } from "../../kube/object.ts";
import { isFinished, phaseOf } from "../../request/phase.ts";
import { formatDuration } from "../../util/duration.ts";
import { columns, plain } from "../output.ts";

/** Moment is one thing that happened. */
export interface Moment {
  readonly at: string;
  readonly what: string;
}

/** Story is a request's life so far, and what it waits for. */
export interface Story {
  readonly request: string;
  readonly repository: string;
  readonly job: string;
  readonly labels: readonly string[];
  readonly target: string;
  readonly phase: string;
  /** What it is doing now, in a sentence. */
  readonly now: string;
  readonly since?: string;
  readonly reason?: string;
  /** What the reason means in general. */
  readonly means?: string;
  /** How many requests get a runner before this one, where it waits for its turn. */
  readonly ahead?: number;
  /** What a person may do. */
  readonly advice?: string;
  readonly moments: readonly Moment[];
}

/** findRequests finds the requests of a job: by the name of one, or by the job's id, replacements included; the oldest first. */
export function findRequests(job: string, requests: readonly RunnerRequest[]): readonly RunnerRequest[] {
  const exact = requests.filter(({ metadata }) => metadata.name === job);
  const first = parseReplacement(job.startsWith("job-") ? job : `job-${job}`);
  const ofJob = requests.filter(({ metadata, spec }) => {
    const own = parseReplacement(metadata.name);
    return own.first === first.first || spec.job.id === job;
  });
  const found = exact.length > 0 && first.replacement > 0 ? exact : ofJob.length > 0 ? ofJob : exact;
  return found.toSorted((a, b) => parseReplacement(a.metadata.name).replacement - parseReplacement(b.metadata.name).replacement);
}

/** storyOf tells a request's story; `all` are the requests that stand in the same queues. */
export function storyOf(
  request: RunnerRequest,
  all: readonly RunnerRequest[],
  target: RunnerTarget | undefined,
  nowMs: number,
): Story {
  const { spec, status } = request;
  const state = stateOf(request);
  const reasons: Readonly<Record<string, string>> | undefined = runnerRequestReasons[state.type];
  const means = state.reason === undefined ? undefined : reasons[state.reason];
  const waitsForTurn = state.reason === "TargetAtCapacity" || state.reason === "AwaitingAdmission";
  const advice = state.reason === undefined ? undefined : adviceOf(state.reason, request, target);
  return {
    request: keyText(keyOf(request)),
    repository: spec.job.repository,
    job: spec.job.name,
    labels: spec.job.labels,
    target: keyText(targetKeyOf(request)),
    phase: status === undefined ? "Pending" : phaseOf(status),
    now: state.now,
    ...(state.since !== undefined && { since: state.since }),
    ...(state.reason !== undefined && { reason: state.reason }),
    ...(means !== undefined && { means }),
    ...(waitsForTurn && { ahead: aheadOf(request, all) }),
    ...(advice !== undefined && { advice }),
    moments: momentsOf(request, nowMs),
  };
}

interface State {
  readonly type: keyof typeof runnerRequestReasons;
  readonly now: string;
  readonly since?: string;
  readonly reason?: string;
}

/** stateOf is the condition that a request stands at: the first rung of its life that is not settled. */
function stateOf({ status, metadata }: RunnerRequest): State {
  const conditions = status?.conditions;
  const of = (type: State["type"], now: (message: string) => string): State => {
    const condition = getCondition(conditions, type);
    const message = condition?.message ?? "";
    return {
      type,
      now: now(message),
      ...(condition !== undefined && { since: condition.lastTransitionTime, reason: condition.reason }),
    };
  };
  const succeeded = getCondition(conditions, "Succeeded");
  if (isFinished(status))
    return of("Succeeded", (message) => `it ended ${succeeded?.status === "True" ? "well" : "badly"}: ${message}`);
  if (metadata.deletionTimestamp !== undefined) {
    const registered = getCondition(conditions, "Registered");
    const trouble = registered?.reason === "CannotDeregister" ? `: ${registered.message}` : "";
    return {
      type: "Registered",
      now: `it was deleted, and its runner is being removed${trouble}`,
      since: metadata.deletionTimestamp,
    };
  }
  const runner = status?.attempts?.at(-1)?.runnerName ?? "the runner";
  if (getCondition(conditions, "Admitted") === undefined)
    return {
      type: "Admitted",
      now: "the operator has not looked at it yet",
      reason: "AwaitingAdmission",
      ...(metadata.creationTimestamp !== undefined && { since: metadata.creationTimestamp }),
    };
  if (getCondition(conditions, "Admitted")?.status !== "True")
    return of("Admitted", (message) => `it waits to be admitted: ${message}`);
  if (getCondition(conditions, "Launched")?.status !== "True")
    return of("Launched", (message) => `it waits for its launch: ${message}`);
  if (getCondition(conditions, "Assigned")?.status === "True") return of("Assigned", () => `${runner} runs ${workOf(status)}`);
  if (getCondition(conditions, "Registered")?.status !== "True")
    return of("Registered", (message) => `${runner} is starting: ${message}`);
  return of("Assigned", (message) => `${runner} is online and has no job: ${message}`);
}

function workOf(status: RunnerRequest["status"]): string {
  const { assignedJob } = status ?? {};
  return assignedJob === undefined ? "a job" : `"${assignedJob.name}" of ${assignedJob.repository}`;
}

function aheadOf(request: RunnerRequest, all: readonly RunnerRequest[]): number {
  const ledger = new SlotLedger(() => undefined);
  for (const each of all) ledger.follow({ type: "add", new: deepFreeze(structuredClone(each)) });
  return ledger.ahead(request);
}

function adviceOf(reason: string, request: RunnerRequest, target: RunnerTarget | undefined): string | undefined {
  const { namespace } = request.metadata;
  const name = request.spec.targetRef.name;
  const doctor = `getabako doctor --only runnertarget/${namespace}/${name}`;
  const advice: Readonly<Record<string, string>> = {
    AwaitingAdmission: "see that the operator runs: getabako doctor --only operator",
    TargetAtCapacity: `raise maxRunners (${target?.spec.maxRunners ?? "?"}) of RunnerTarget ${namespace}/${name}, or wait: it goes on by itself`,
    TargetPaused: `set spec.paused of RunnerTarget ${namespace}/${name} to false`,
    TargetNotFound: "make the target again; without one, the job is matched anew after five minutes",
    TargetNotReady: `find out why: ${doctor}`,
    LabelsChanged: "nothing: the job is matched anew after five minutes",
    AwaitingChange: "change the class or the target as it says; it goes on by itself then",
    AwaitingRetry: "nothing: it is tried again by itself; if attempts end alike, look at the reasons below",
    InsufficientCapacity: "nothing: it is tried again by itself; if it happens often, add a rung to the class",
    ClassNotReady: `find out what is missing: ${doctor}`,
    Unauthorized: `give the operator the right that it names; ${doctor}`,
    ConfigError: "correct the class as it says",
    GitHubRateLimited: "nothing: it goes on when the limit is over",
    GitHubRefused: `find out what is missing: ${doctor}`,
    Rejected: "change the job's labels, or what the target and the class allow",
  };
  return advice[reason];
}

/** What happened and when; without a moment it has not happened. */
type Entry = readonly [at: string | undefined, what: string];

function momentsOf(request: RunnerRequest, nowMs: number): Moment[] {
  const { spec, status, metadata } = request;
  const entries: readonly Entry[] = [
    [spec.job.queuedAt, `job ${spec.job.id} was queued at GitHub`],
    [status?.timings?.createdAt ?? metadata.creationTimestamp, `this request was made (${spec.source})`],
    ...(status?.attempts ?? []).flatMap(attemptMoments),
    ...runnerMoments(status),
    [metadata.deletionTimestamp, "its deletion was asked for"],
    [status?.timings?.finishedAt, "its outcome was known and everything was cleaned up"],
  ];
  const known = entries.flatMap(([at, what], index) => (at === undefined ? [] : [{ at, what, index }]));
  return known
    .filter(({ at }) => Date.parse(at) <= nowMs + 60_000)
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at) || a.index - b.index)
    .map(({ at, what }) => ({ at, what }));
}

function runnerMoments(status: RunnerRequest["status"]): readonly Entry[] {
  const { timings = {}, instance, job, assignedJob } = status ?? {};
  const suffix = (before: string, text: string | undefined): string => (text === undefined ? "" : `${before}${text}`);
  const moved = job === undefined || job.state === "Queued" ? undefined : job;
  return [
    [timings.launchedAt, `the provider accepted the runner${suffix(", on ", instance?.capacity)}`],
    [instance?.startedAt, `its instance runs${suffix(" in ", instance?.zone)}`],
    [timings.registeredAt, "GitHub sees the runner online"],
    [timings.startedAt, `the runner took ${workOf(status)}`],
    [instance?.interruptedAt, "the provider took its capacity away"],
    [timings.completedAt, `the job ended${suffix(": ", assignedJob?.conclusion)}`],
    [instance?.stoppedAt, `its instance ended${suffix(": ", instance?.stopReason)}`],
    [moved?.updatedAt, `the job that asked is ${moved?.state}${suffix(" on ", moved?.runnerName)}`],
  ];
}

function attemptMoments(attempt: Attempt): readonly Entry[] {
  const { number, runnerName, refused = [], reason, message, endedAt, triedAt, providerId } = attempt;
  const meaning: string | undefined = reason === undefined ? undefined : attemptReasons[reason as keyof typeof attemptReasons];
  const refusals = refused.map((each) => `${each.capacity}: ${each.message}`).join("; ");
  return [
    [attempt.startedAt, `attempt ${number} began${runnerName === undefined ? "" : `, runner ${runnerName}`}`],
    [
      refused.length === 0 ? undefined : (triedAt ?? attempt.startedAt),
      providerId === undefined
        ? `attempt ${number} was refused by ${refusals}`
        : `rungs that had no room for attempt ${number}: ${refusals}`,
    ],
    [endedAt, `attempt ${number} ended, ${reason ?? "for no known reason"}: ${message ?? meaning ?? ""}`],
  ];
}

/** storyText is a story for people. */
export function storyText(story: Story, nowMs: number): string {
  const age = story.since === undefined ? "" : ` (for ${formatDuration(Math.max(nowMs - Date.parse(story.since), 0))})`;
  const reason = story.reason === undefined ? "" : ` [${story.reason}]`;
  const lines = [
    `RunnerRequest ${story.request}: job "${story.job}" of ${story.repository}, labels [${story.labels.join(", ")}], target ${story.target}`,
    `${story.phase}: ${story.now}${age}${reason}`,
    ...(story.means === undefined ? [] : [`Which means: ${story.means}`]),
    ...(story.ahead === undefined ? [] : [`Ahead of it: ${story.ahead === 0 ? "nobody" : story.ahead}`]),
    ...(story.advice === undefined ? [] : [`What to do: ${story.advice}`]),
  ];
  const rows = story.moments.map(({ at, what }) => [at.replace("T", " ").slice(0, 19), plain(what)]);
  return `${lines.map(plain).join("\n")}\n\n${columns(rows, "  ")}`;
}
