import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { isApiError } from "../kube/api-error.ts";
import { type Client, ignoreNotFound, isNewer } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../kube/object.ts";
import { recordAssignedJob, recordOwnJob } from "../request/job-record.ts";
import { isFinished, isLetGo, isRejected } from "../request/phase.ts";
import { openStatus, type RequestStatus } from "../request/status.ts";
import type { Clock } from "../util/clock.ts";
import type { CreateDecision, RecordDecision } from "./decide.ts";
import { requestNameIndex } from "./indexes.ts";
import type { IntakeMetrics } from "./metrics.ts";
import { type CallContext, outOfTime, StoreCalls } from "./store-calls.ts";
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
export interface WriteContext extends CallContext {
  /** Whether a request belongs to the Apps that signed the event. */
  readonly isOurs: (request: Request) => boolean;
}

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
  readonly #calls = new StoreCalls();

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
    const created = await this.#calls.run(context, async (call) => {
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
    return await this.#calls.run(context, async (call) => {
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
    const found = await this.#calls.run(context, (call) => ignoreNotFound(this.#client.get(key, call)));
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
    const patched = await this.#calls.run(context, async (call) => {
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
      if (signal.aborted && error === signal.reason) throw outOfTime(error);
      throw error;
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
