import type { Ledger } from "../../accounting/ledger.ts";
import { releaseAnnotation, runnerFinalizer } from "../../api/v1alpha1/names.ts";
import type { EventReason, ReasonOf } from "../../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import type { Client } from "../../kube/client.ts";
import { getCondition, isTrue } from "../../kube/conditions.ts";
import type { ReconcileContext, ReconcileResult } from "../../kube/controller.ts";
import { hasFinalizer, withFinalizer, withoutFinalizer } from "../../kube/finalizers.ts";
import type { Informer } from "../../kube/informer.ts";
import { type DeepReadonly, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import { recordAssignedJob, recordOwnJob } from "../../request/job-record.ts";
import { isFinished } from "../../request/phase.ts";
import { openStatus, type RequestStatus, summarise } from "../../request/status.ts";
import { titleOf } from "../../request/title.ts";
import type { Clock } from "../../util/clock.ts";
import { admit } from "./admit.ts";
import { AfterLife } from "./after-life.ts";
import { adoptUnrecorded } from "./adopt-unrecorded.ts";
import { finish } from "./finish.ts";
import type { InstanceWatcher } from "./instances.ts";
import { launch } from "./launch.ts";
import type { Launches } from "./launches.ts";
import { liveness } from "./liveness.ts";
import type { LostRegistrations } from "./lost-registrations.ts";
import type { RunnerRequestMetrics } from "./metrics.ts";
import { interruptedAction, observeInstance } from "./observe-instance.ts";
import { lookAgain, type Pass } from "./pass.ts";
import type { Pauses } from "./pauses.ts";
import type { RequestPeriods } from "./periods.ts";
import { recordHeld } from "./record.ts";
import { register } from "./register.ts";
import type { RegistrationWatcher } from "./registrations.ts";
import { placeOf, retire, tellOfDeletion } from "./retire.ts";
import type { SlotLedger } from "./slots.ts";
import type { UnheardWork } from "./unheard-work.ts";
import type { Wakeups } from "./wakeups.ts";
import { targetKeyOf, type World } from "./world.ts";

/** byTarget is the index of requests by "namespace/name" of their target. */
export const byTarget = "target";

/** byTaker is the index of requests by "namespace/name" of the runner that took their job. */
export const byTaker = "taker";

export interface RunnerRequestDeps {
  readonly client: Client<RunnerRequest>;
  readonly informer: Informer<RunnerRequest>;
  readonly world: World;
  readonly slots: SlotLedger;
  readonly ledger: Ledger;
  /** Whether the runners of a target that an earlier leader started are all known; contended slots are granted only then. */
  readonly counted: (target: DeepReadonly<RunnerTarget>) => boolean;
  readonly launches: Launches;
  readonly instances: InstanceWatcher;
  readonly registrations: RegistrationWatcher;
  readonly wakeups: Wakeups;
  readonly lost: LostRegistrations;
  readonly unheard: UnheardWork;
  readonly pauses: Pauses;
  readonly periods: RequestPeriods;
  readonly recorder: Recorder<EventReason>;
  readonly metrics: RunnerRequestMetrics;
  readonly clock: Clock;
}

/** RunnerRequestReconciler leads a request through its life: one ladder, read from top to bottom on every pass, and one status write at most. */
export class RunnerRequestReconciler {
  readonly #deps: RunnerRequestDeps;
  readonly #afterLife: AfterLife;

  constructor(deps: RunnerRequestDeps) {
    this.#deps = deps;
    this.#afterLife = new AfterLife(deps);
  }

  /** reconcile brings one request a step further. */
  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const request = this.#deps.informer.store.get(key);
    if (request === undefined) return {};
    const uid = request.metadata.uid ?? "";
    if (!hasFinalizer(request, runnerFinalizer)) {
      if (request.status !== undefined || request.metadata.deletionTimestamp !== undefined) {
        this.#forget(request);
        return await this.#afterLife.reconcile(request, context.signal);
      }
      // Made by hand. Nothing is launched for an object that may vanish, so the finalizer comes first.
      const finalizers = withFinalizer(request, runnerFinalizer);
      const kept = await this.#deps.client.patchMetadata(request, { finalizers }, { signal: context.signal });
      this.#deps.informer.observe(kept);
      return {};
    }

    const { ledger } = this.#deps;
    const nowMs = this.#deps.clock.now();
    const log = context.log.child({
      runnerRequest: keyText(key),
      delivery: request.spec.job.deliveryId,
      job: request.spec.job.id,
    });
    const target = this.#deps.world.target(targetKeyOf(request));
    const status = openStatus(request, nowMs);
    status.title ??= titleOf(request.spec.job);
    // The requests of one job share its fate, and webhooks are recorded on the first of them only.
    const news = ledger.laterNews(request)?.status?.job;
    if (news !== undefined) recordOwnJob(status, { ...request.spec.job, ...news }, nowMs);
    this.#takeIn(status, key, nowMs);
    const woken = this.#deps.wakeups.take(uid);
    if (woken) this.#deps.pauses.clear(uid, "launch");
    const unheard = this.#deps.unheard.of(uid, status.runner?.name);
    const pass: Pass = {
      pauses: this.#deps.pauses,
      periods: this.#deps.periods,
      sibling: (name) => this.#deps.informer.store.get({ namespace: key.namespace, name }),
      isNeeded: () => !ledger.isSurplus({ ...request, status }),
      woken,
      registrationLost: this.#deps.lost.has(uid, status.runner?.name),
      unheardWork: unheard?.busy,
      key,
      uid,
      request,
      status,
      target,
      nowMs,
      leadingSinceMs: this.#deps.launches.sinceMs,
      signal: context.signal,
      log,
      events: [],
      requeueAfterMs: undefined,
      failure: undefined,
    };

    const { clean, written } = await this.#step(pass).catch((error: unknown) => {
      // What called it out of its pause is not answered until the pass is stored; one that was deleted meanwhile needs no answer.
      if (woken && this.#deps.informer.store.get(key)?.metadata.uid === uid) this.#deps.wakeups.call(uid);
      throw error;
    });
    if (unheard !== undefined) this.#deps.unheard.done(uid, unheard);
    // A target that was changed is not Ready at first: whom the change called is still called when it is.
    if (woken && waitsForTarget(status)) this.#deps.wakeups.call(uid);
    // Only now: what was started is stored, so nothing has to be remembered for a repetition.
    if (status.instance !== undefined) this.#deps.launches.forget(uid);
    this.#forgetEnded(request, status);
    if (status.runner === undefined || isTrue(status.conditions, "Registered")) this.#deps.registrations.forget(key);
    this.#tell(pass);

    if (clean || this.#released(pass)) {
      const free = await this.#deps.client.patchMetadata(
        written,
        { finalizers: withoutFinalizer(written, runnerFinalizer) },
        { signal: context.signal },
      );
      // An object that was only held by its finalizer is gone with it; the watch tells.
      if (free.metadata.deletionTimestamp === undefined) this.#deps.informer.observe(free);
      this.#forget(request);
    }
    if (pass.failure !== undefined) throw pass.failure;
    return pass.requeueAfterMs === undefined ? {} : { requeueAfterMs: pass.requeueAfterMs };
  }

  /** Climbs the ladder and stores what it led to. */
  async #step(pass: Pass): Promise<{ readonly clean: boolean; readonly written: DeepReadonly<RunnerRequest> }> {
    const clean = await this.#ladder(pass);
    summarise(pass.status, pass.nowMs);
    const { client, informer } = this.#deps;
    const { key, request, status, signal } = pass;
    // In one process intake writes the job's events to the same object, often in the moment in which its launch is to be stored.
    const write = async (): Promise<DeepReadonly<RunnerRequest>> => {
      const stored = await client.patchStatus(request, status, { signal, known: informer.store.get(key) });
      if (stored !== request) informer.observe(stored);
      return stored;
    };
    return { clean, written: await client.inTurn(key, write, signal) };
  }

  /** The job of another request that says that this one's runner has it, where the event that tells so never reached this one. */
  #takeIn(status: RequestStatus, key: ObjectKey, nowMs: number): void {
    const runnerName = status.runner?.name;
    if (runnerName === undefined || status.assignedJob !== undefined) return;
    const index = `${key.namespace}/${runnerName}`;
    for (const { spec, status: told } of this.#deps.informer.store.byIndex(byTaker, index)) {
      if (told?.job !== undefined) recordAssignedJob(status, { ...spec.job, ...told.job }, nowMs);
    }
  }

  /** The rungs, in order. Each opens by asking whether it is settled. Returns whether nothing is left of the request outside. */
  async #ladder(pass: Pass): Promise<boolean> {
    const { world, launches, slots, instances, registrations } = this.#deps;
    const deleted = pass.request.metadata.deletionTimestamp !== undefined;
    if (recordHeld(pass, launches)) return false;
    if (!deleted && !isFinished(pass.status)) {
      const counted = pass.target !== undefined && this.#deps.counted(pass.target);
      const admitted = admit(pass, world, slots, counted, launches);
      if (admitted === "stored-first") {
        lookAgain(pass, 1);
        return false;
      }
      if (admitted === "adopt-only" && (await adoptUnrecorded(pass, world, slots))) return false;
      // A launch is stored before anything else happens, so that a crash cannot lose the instance's id for long.
      const known = { counted, seen: slots.found(pass.request) !== undefined };
      if (admitted === "admitted" && (await launch(pass, world, launches, known))) return false;
      register(pass, registrations);
    }
    await observeInstance(pass, world, instances);
    if (deleted) {
      const instance = pass.status.instance;
      if (instance !== undefined && instance.state !== "Stopped") {
        tellOfDeletion(pass);
        await retire(pass, world, "Deleted", "its RunnerRequest was deleted", true);
      }
    } else {
      await liveness(pass, world);
    }
    return finish(pass, world, launches);
  }

  /** Whether a person let the request go although something of it could not be removed. */
  #released(pass: Pass): boolean {
    if (pass.request.metadata.annotations?.[releaseAnnotation] !== "true") return false;
    if (pass.request.metadata.deletionTimestamp === undefined) return false;
    const left = [pass.status.instance?.providerId, pass.status.runner?.name].filter((part) => part !== undefined).join(" and ");
    this.#deps.recorder.event(pass.request, {
      type: "Warning",
      reason: "Released",
      action: "Release",
      note: `released by annotation ${releaseAnnotation}; left behind: ${left === "" ? "nothing known" : left}`,
    });
    return true;
  }

  /** Publishes what the pass did, once it is stored: events for `kubectl describe`, lines for the log. */
  #tell(pass: Pass): void {
    for (const event of pass.events) {
      this.#deps.recorder.event(pass.request, event);
      const fields = { reason: event.reason, runner: pass.status.runner?.name, providerId: pass.status.instance?.providerId };
      if (event.type === "Normal") pass.log.info(fields, event.note);
      else pass.log.warn(fields, event.note);
      if (event.action === "Retry") this.#deps.metrics.attemptEnded(event.reason);
      if (event.action === interruptedAction && event.reason === "Interrupted")
        this.#deps.metrics.interrupted(pass.status.assignedJob?.state === "InProgress");
    }
  }

  /** gone drops everything that this process remembers of a request that does not exist any more. */
  gone(request: DeepReadonly<RunnerRequest>): void {
    this.#afterLife.forget(request.metadata.uid ?? "");
    this.#forget(request);
  }

  /**
   * Stops watching an instance whose end is stored, and not before: a write that was refused is repeated from the observation, which
   * nobody may tell a second time.
   */
  #forgetEnded(before: DeepReadonly<RunnerRequest>, { instance }: RequestStatus): void {
    const last = instance ?? before.status?.instance;
    if (last !== undefined && (instance === undefined || instance.state === "Stopped"))
      this.#deps.instances.forget(last.providerId, placeOf(last));
  }

  /** Drops what was remembered to lead a request, once there is nothing left to lead. */
  #forget(request: DeepReadonly<RunnerRequest>): void {
    const uid = request.metadata.uid ?? "";
    const key = { namespace: request.metadata.namespace ?? "", name: request.metadata.name };
    this.#deps.launches.forget(uid);
    this.#deps.wakeups.take(uid);
    this.#deps.lost.forget(uid);
    this.#deps.unheard.forget(uid);
    this.#deps.pauses.forget(uid);
    this.#deps.registrations.forget(key);
    const instance = request.status?.instance;
    if (instance !== undefined) this.#deps.instances.forget(instance.providerId, placeOf(instance));
  }
}

const ofTarget: readonly string[] = ["TargetNotFound", "TargetNotReady", "TargetPaused"] satisfies ReasonOf<"Admitted">[];

/** waitsForTarget tells whether it is the target that keeps a request from going on. */
function waitsForTarget(status: RequestStatus): boolean {
  return ofTarget.includes(getCondition(status.conditions, "Admitted")?.reason ?? "");
}
