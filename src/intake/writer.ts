import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { sleep } from "../kube/abort.ts";
import { type ApiError, isApiError } from "../kube/api-error.ts";
import { type Client, ignoreNotFound, isNewer } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../kube/object.ts";
import { recordAssignedJob, recordOwnJob } from "../request/job-record.ts";
import { isFinished, isLetGo, isRejected } from "../request/phase.ts";
import { openStatus, type RequestStatus } from "../request/status.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Clock } from "../util/clock.ts";
import { Semaphore } from "../util/semaphore.ts";
import type { CreateDecision, RecordDecision } from "./decide.ts";
import { requestNameIndex } from "./indexes.ts";
import type { IntakeMetrics } from "./metrics.ts";
import { StoreUnavailable } from "./store-unavailable.ts";

type Request = DeepReadonly<RunnerRequest>;

/** Written is what became of a decision. */
export interface Written {
  readonly outcome: "created" | "exists" | "recorded" | "unchanged" | "ignored";
  readonly reason?: string;
  /** The job's request, or that of the runner where the job has none. */
  readonly request?: ObjectKey;
  /** The delivery that the request was made for: with it in the lines of later deliveries, one id finds all of a job. */
  readonly requestDelivery?: string;
}

/** WriteContext is one delivery's part in a write. */
export interface WriteContext {
  /** Whether a request belongs to the Apps that signed the event. */
  readonly isOurs: (request: Request) => boolean;
  /** Aborts when the answer is due: GitHub waits 10 s, so callers give 8. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * A call that has taken this long is given up and made again while time is left: with several API servers behind one address, the
 * next connection often leads to one that answers. All calls can be repeated, as names and versions keep them from doing it twice.
 */
const callTimeoutMs = 2_000;
/**
 * Calls at a time. The others wait here, where their time does not pass: of a burst of a thousand webhooks the last would wait longer for one
 * of the 64 connections than a call may take, be given up, and wait behind all others again. Twice as many as there are connections
 * wait no longer than a slow API server answers two, and get four times the share of 32 workers: a webhook that is lost costs a job
 * minutes, a launch that comes later seconds.
 */
const maxCalls = 128;
const firstPauseMs = 100;
const longestPauseMs = 1_600;
/** Conflicts come from the controller and from other receivers, which write a request a handful of times in its life. */
const maxConflicts = 10;
/** Runners that no store knows are looked for in this many namespaces; more would let one event cost any number of calls. */
const maxLookups = 4;

/** Writer carries decisions out: it creates requests and patches their status, forward only, and answers once that is stored. */
export class Writer {
  readonly #client: Client<RunnerRequest>;
  readonly #informer: Informer<RunnerRequest>;
  readonly #clock: Clock;
  readonly #metrics: IntakeMetrics;
  readonly #calls = new Semaphore(maxCalls);

  constructor(options: {
    client: Client<RunnerRequest>;
    informer: Informer<RunnerRequest>;
    clock: Clock;
    metrics: IntakeMetrics;
  }) {
    this.#client = options.client;
    this.#informer = options.informer;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
  }

  /**
   * create stores a request; one that is there already, also in another namespace, is a success. One on its way out is none: it will do
   * nothing for a job that still waits, and its name is free only when it is gone. One that was rejected gives way to another target that
   * serves the job by now; where webhooks are taken without the right to delete, the leader's sweep sees to that. @throws StoreUnavailable
   */
  async create(decision: CreateDecision, context: WriteContext): Promise<Written> {
    const { request, rejected } = decision;
    // One job, one request: a duplicate costs no call, and a target of another namespace that covers the job by now does not get it too.
    const stored = this.#stored(request.metadata.name, context);
    if (stored !== undefined && !givesWay(stored, decision)) return existing(stored);
    if (stored !== undefined && !(await this.#remove(stored, context))) return existing(stored);
    const created = await this.#create(request, context);
    const why = rejected === undefined ? undefined : { reason: `the job gets no runner: ${rejected}` };
    if (created !== undefined) return { outcome: "created", request: keyOf(request), ...why };
    const found = await this.#get(keyOf(request), context);
    if (found === undefined) throw new StoreUnavailable("Refused", leaving(request));
    return existing(found);
  }

  /** record notes a job's state on the request of the job and on that of its runner, in one write where they are the same. @throws StoreUnavailable */
  async record(decision: RecordDecision, context: WriteContext): Promise<Written> {
    // The runner's side comes first. In between, one more job seems to wait than does; the other way round a request could be given
    // up as not needed, in the moment in which its job has a runner and the job that this runner was made for has none.
    const runner = decision.runner === decision.job ? undefined : await this.#recordRunner(decision, context);
    const own = await this.#recordOwn(decision, context);
    const done = own ?? runner;
    if (done === undefined)
      return { outcome: "ignored", reason: decision.uncovered ?? "neither the job nor its runner has a RunnerRequest" };
    const both = [own?.outcome, runner?.outcome];
    const outcome = both.includes("created") ? "created" : both.includes("recorded") ? "recorded" : "unchanged";
    return { ...done, outcome };
  }

  async #recordOwn(decision: RecordDecision, context: WriteContext): Promise<Recorded | undefined> {
    const roles = { own: true, runner: decision.runner === decision.job };
    const stored = this.#stored(decision.job, context);
    if (stored !== undefined && this.#comesLater(stored, decision)) return { outcome: "unchanged", request: keyOf(stored) };
    if (stored !== undefined) {
      const recorded = await this.#apply(stored, roles, decision, context);
      if (recorded !== undefined) return recorded;
      // Gone since: expired, or deleted by a person. If the job is covered it is remembered again, as below.
    }
    if (decision.create === undefined) return roles.runner ? await this.#recordRunner(decision, context) : undefined;

    const created = await this.#create(decision.create, context);
    const base = created ?? (await this.#get(keyOf(decision.create), context));
    const recorded = base === undefined ? undefined : await this.#apply(base, roles, decision, context);
    return created === undefined ? recorded : { outcome: "created", request: keyOf(created) };
  }

  /**
   * Whether the end of a job need not be written to its own request now: another request's runner ran it, so the end was just stored
   * there, and the controller takes it over with the next thing that it writes here. A request that is finished is written no more.
   */
  #comesLater(own: Request, { report, runner, job }: RecordDecision): boolean {
    if (report.state !== "Completed" || runner === undefined || runner === job || isFinished(own.status)) return false;
    return own.status?.job?.state === "InProgress" && own.status.job.runnerName === report.runnerName;
  }

  async #recordRunner(decision: RecordDecision, context: WriteContext): Promise<Recorded | undefined> {
    const { runner: name } = decision;
    if (name === undefined) return undefined;
    const roles = { own: name === decision.job, runner: true };
    const stored = this.#stored(name, context);
    if (stored !== undefined) return await this.#apply(stored, roles, decision, context);
    // The store may be behind: only the API server can say that there is no such request.
    for (const namespace of decision.namespaces.slice(0, maxLookups)) {
      const found = await this.#get({ namespace, name }, context);
      if (found !== undefined && context.isOurs(found)) return await this.#apply(found, roles, decision, context);
    }
    return undefined;
  }

  #stored(name: string, context: WriteContext): Request | undefined {
    return [...this.#informer.store.byIndex(requestNameIndex, name)].find(context.isOurs);
  }

  /** Returns undefined when a request of that name exists. */
  async #create(request: RunnerRequest, context: WriteContext): Promise<Request | undefined> {
    const created = await this.#try(context, async (call) => {
      try {
        return await this.#client.create(request, call);
      } catch (error) {
        if (isApiError(error, "AlreadyExists")) return undefined;
        throw error;
      }
    });
    if (created === undefined) return undefined;
    this.#informer.observe(created);
    this.#metrics.created(created.spec.source);
    return created;
  }

  /** Returns false when it may not: a process that the internet reaches can take no runner away. */
  async #remove({ metadata: { namespace = "", name, uid } }: Request, context: WriteContext): Promise<boolean> {
    return await this.#try(context, async (call) => {
      try {
        await this.#client.delete({ namespace, name }, { ...call, ...(uid !== undefined && { uid }) });
        return true;
      } catch (error) {
        if (isApiError(error, "Forbidden")) return false;
        // Another receiver was faster, and may have made the next one already.
        if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
        return true;
      }
    });
  }

  async #get(key: ObjectKey, context: WriteContext): Promise<Request | undefined> {
    const found = await this.#try(context, (call) => ignoreNotFound(this.#client.get(key, call)));
    if (found !== undefined) this.#informer.observe(found);
    return found;
  }

  /**
   * Applies a report to a request until it is stored there. The record functions only move forward, so applying it again to what
   * somebody else wrote meanwhile is right, and a base that shows the report already proves that it is stored, however old it is.
   * Returns undefined when the request is gone.
   */
  async #apply(
    first: Request,
    roles: { own: boolean; runner: boolean },
    { report }: RecordDecision,
    context: WriteContext,
  ): Promise<Recorded | undefined> {
    const key = keyOf(first);
    let base: Request | undefined = first;
    for (let conflicts = 0; base !== undefined && conflicts <= maxConflicts; conflicts++) {
      const from: Request = base;
      const newest = (): Request => {
        const known = this.#informer.store.get(key);
        return known !== undefined && isNewer(known, from) ? known : from;
      };
      // What is stored already needs no turn.
      if (this.#draftOf(newest(), roles, report) === undefined) return { outcome: "unchanged", request: key };
      const recorded = await this.#inTurn(key, context, () => this.#record(newest(), roles, report, context));
      if (recorded !== undefined) return recorded;
      base = await this.#get(key, context);
    }
    if (base === undefined) return undefined;
    throw new StoreUnavailable("Refused", `RunnerRequest ${keyText(keyOf(base))} changes too fast; deliver again`);
  }

  /** Returns undefined when the request is gone, or another one than the base by now. */
  async #record(
    base: Request,
    roles: { own: boolean; runner: boolean },
    report: RecordDecision["report"],
    context: WriteContext,
  ): Promise<Recorded | undefined> {
    const request = keyOf(base);
    const draft = this.#draftOf(base, roles, report);
    if (draft === undefined) return { outcome: "unchanged", request };
    const { deliveryId } = base.spec.job;
    const patched = await this.#try(context, async (call) => {
      try {
        return await this.#client.patchStatus(base, draft, call);
      } catch (error) {
        if (isApiError(error, "Conflict") || isApiError(error, "NotFound")) return undefined;
        throw error;
      }
    });
    if (patched === undefined) return undefined;
    this.#informer.observe(patched);
    return { outcome: "recorded", request, ...(deliveryId !== undefined && { requestDelivery: deliveryId }) };
  }

  /** Returns undefined when the request shows the report already. */
  #draftOf(base: Request, roles: { own: boolean; runner: boolean }, report: RecordDecision["report"]): RequestStatus | undefined {
    const now = this.#clock.now();
    const draft = openStatus(base, now);
    const ownChanged = roles.own && recordOwnJob(draft, report, now);
    const runnerChanged = roles.runner && recordAssignedJob(draft, report, now);
    return ownChanged || runnerChanged ? draft : undefined;
  }

  /** Waits for the others of this process that write the request: a burst's events come while its launches are stored. */
  async #inTurn<R>(key: ObjectKey, { signal }: WriteContext, work: () => Promise<R>): Promise<R> {
    try {
      return await this.#client.inTurn(key, work, signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw new StoreUnavailable("Absent", outOfTime, { cause: error });
      throw error;
    }
  }

  /** Makes a call, again while it gets no answer and time is left. */
  async #try<R>(context: WriteContext, call: (options: { signal: AbortSignal; timeoutMs: number }) => Promise<R>): Promise<R> {
    const { signal, log } = context;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        return await this.#calls.run(() => call({ signal, timeoutMs: callTimeoutMs }), signal);
      } catch (error) {
        if (!isApiError(error)) {
          if (signal.aborted) throw new StoreUnavailable("Absent", outOfTime, { cause: error });
          throw error;
        }
        if (!isPassing(error)) throw new StoreUnavailable("Refused", whyRefused(error), { cause: error });
        log.debug({ reason: error.reason, status: error.status }, "the API server did not answer, trying again");
        const rested = await sleep(Math.max(error.retryAfterMs ?? 0, pauseMs * (0.5 + Math.random())), signal);
        if (!rested) throw new StoreUnavailable("Absent", outOfTime, { cause: error });
      }
    }
  }
}

/**
 * Whether a stored request is over, was never more than words, and its job still waits for the runner that another target gives it. The
 * same target's change of mind is the controller's to see: it knows the class too.
 */
function givesWay(stored: Request, { request, rejected }: CreateDecision): boolean {
  if (rejected !== undefined || !isRejected(stored) || !isLetGo(stored)) return false;
  if ((stored.status?.job?.state ?? stored.spec.job.state) !== "Queued") return false;
  const { metadata, spec } = stored;
  return metadata.namespace !== request.metadata.namespace || spec.targetRef.name !== request.spec.targetRef.name;
}

function existing(request: Request): Written {
  const isOver = (request.status?.job?.state ?? request.spec.job.state) === "Completed";
  if (request.metadata.deletionTimestamp !== undefined && !isOver) throw new StoreUnavailable("Refused", leaving(request));
  return { outcome: "exists", request: keyOf(request) };
}

function leaving(request: Request): string {
  return `RunnerRequest ${keyText(keyOf(request))} is being deleted; the job gets another one if this delivery is sent again`;
}

interface Recorded {
  readonly outcome: "created" | "recorded" | "unchanged";
  readonly request: ObjectKey;
  readonly requestDelivery?: string;
}

const outOfTime = "the API server did not answer in time; nothing is lost if this delivery is sent again";

/** Failures that say nothing about the call: no answer, too busy, broken. */
function isPassing(error: ApiError): boolean {
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

function whyRefused(error: ApiError): string {
  switch (error.reason) {
    case "Forbidden":
    case "Unauthorized":
      return `the API server does not let the operator do this (${error.reason}): check its Role and whether the namespace is being deleted`;
    case "NotFound":
      return "the API server knows no such namespace, or the CRDs of getabako.dev are not installed";
    case "Invalid":
    case "BadRequest":
      return `the API server refused the RunnerRequest (${error.reason}): check that the installed CRDs are those of this release`;
    default:
      return `the API server refused the call (${error.reason})`;
  }
}
