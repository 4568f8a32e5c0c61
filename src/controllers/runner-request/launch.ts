import { runnerName } from "../../api/v1alpha1/names.ts";
import type { Overrides } from "../../api/v1alpha1/overrides.ts";
import { isGitHubError } from "../../github/errors.ts";
import { type RunnerRecord, scopeName } from "../../github/types.ts";
import { isTrue } from "../../kube/conditions.ts";
import { keyText } from "../../kube/object.ts";
import { isProviderError } from "../../provider/errors.ts";
import type { Launch } from "../../provider/types.ts";
import { askedOf } from "../../request/asked.ts";
import { observe } from "../../request/status.ts";
import { canonicalJson } from "../../util/hash.ts";
import { Wait } from "../../util/wait.ts";
import { confirmNeeded } from "./confirm.ts";
import type { Held, Launches } from "./launches.ts";
import { adopt, adoptInherited, adoptOrReject, type Means, mint } from "./mint.ts";
import { age, lookAgain, openAttempt, type Pass } from "./pass.ts";
import { record, refuse } from "./record.ts";
import { judgeShape } from "./rejection.ts";
import { isRefusal, plannedStart } from "./retry.ts";
import { providerTrouble } from "./trouble.ts";
import { appKeyOf, classKeyOf, scopeOf, type World } from "./world.ts";

/** Known is what the sweeps of this process know by now. */
export interface Known {
  /** All runners of the target that an earlier process started. */
  readonly counted: boolean;
  /** A runner of this request that its status does not mention. */
  readonly seen: boolean;
}

/**
 * launch starts the runner of the current attempt: mint, create, record. The order makes a crash at any point harmless:
 *
 * 1. before the mint: nothing happened.
 * 2. after the mint: GitHub answers 409 next time. No instance is found, so the stale registration is removed and minted again.
 * 3. after the provider accepted: the instance is found by the request's uid and adopted, also where its runner is gone. Otherwise 409
 *    again; should the provider's list not show the instance yet, create() with the same identity returns it, since the provider is idempotent.
 * 4. after the status was written: the rung is settled.
 *
 * Returns true when an instance was recorded: the ladder ends there, so that its id is stored before anything else happens.
 */
export async function launch(pass: Pass, world: World, launches: Launches, known: Known): Promise<boolean> {
  const { status, nowMs, uid, target } = pass;
  if (isTrue(status.conditions, "Launched") || !isTrue(status.conditions, "Admitted")) return false;
  // The job may have gone since the slot was granted; what an unanswered call may have started is for finish to find.
  if (status.assignedJob === undefined && !pass.isNeeded()) return false;

  const means = findMeans(pass, world);
  if (means === undefined || target === undefined) return false;
  const plan = plannedStart(pass);
  // A slow try gave its slot back, so whoever is admitted has waited or was called; a quick one keeps its slot and waits here.
  const planned = plan === undefined || plan.slow || pass.woken || openAttempt(status) === undefined ? 0 : plan.atMs - nowMs;
  const wait = Math.max(planned, pass.pauses.left(uid, "launch", nowMs));
  if (wait > 0) {
    lookAgain(pass, wait);
    return false;
  }

  const number = openAttempt(status)?.number ?? (status.attempt ?? 0) + 1;
  const name = runnerName(pass.request.metadata.name, number);
  let held = launches.usable(uid, number, nowMs);
  if (status.assignedJob !== undefined) return adopt(pass, means, number, held?.runner);
  const called = launches.of(uid);
  const place = called === undefined ? means : whereCalled(means, called, world);
  const judged = judgeShape(pass.request, target, place.cls, place.provider);
  if (judged.why !== undefined) return await adoptOrReject(pass, place, launches, number, judged.why);
  // A replacement is for a job that is thought to wait because nothing was heard of it.
  const unheard = pass.request.spec.source === "Replacement";
  const doubtful =
    plan?.slow === true ||
    (held === undefined && (unheard || age(nowMs, pass.request.spec.job.queuedAt) > pass.periods.trustEventMs));
  if (doubtful && !(await confirmNeeded(pass, means.github))) return false;

  if (held === undefined) {
    // Once everything is counted, what was not seen is not there, and a list for each request that waited through a restart is saved.
    if (launches.isInherited(uid) && (known.seen || !known.counted)) {
      const adopted = await adoptInherited(pass, means, launches, number, known.seen);
      if (adopted !== false) return adopted === true;
    }
    const minted = await mint(pass, means, launches, number, name);
    if (minted === undefined || minted === true) return minted === true;
    held = minted;
  }
  return create(pass, world, whereCalled(means, held, world), held, { name, overrides: judged.overrides });
}

/**
 * An unanswered call is repeated where it was made, although the target has another class by now: elsewhere it could start a second
 * instance. When that class is gone too, nothing can be asked any more; the instance, if there is one, is the sweep's to find.
 */
function whereCalled(means: Means, held: Held, world: World): Means {
  if (held.called === undefined) return means;
  const { place } = held.terms;
  const cls = world.runnerClass(place.classRef);
  const provider = world.provider(place.classRef.kind);
  if (cls === undefined || provider === undefined) return means;
  return canonicalJson(provider.connection(cls)) === canonicalJson(place.connection)
    ? { ...means, cls, provider, terms: held.terms }
    : means;
}

/** findMeans is everything a launch needs, or the condition that says what is missing. A target that is Ready has all of it; it may go meanwhile. */
export function findMeans(pass: Pass, world: World): Means | undefined {
  const { target, status, nowMs } = pass;
  if (target === undefined) {
    observe(status, "Launched", "Unknown", "ClassNotReady", "the RunnerTarget was deleted before the launch", nowMs);
    return undefined;
  }
  const classKey = classKeyOf(target);
  const appKey = appKeyOf(target);
  const cls = world.runnerClass(classKey);
  const provider = world.provider(classKey.kind);
  const github = world.github(appKey);
  if (cls === undefined || provider === undefined) {
    observe(status, "Launched", "Unknown", "ClassNotReady", `${classKey.kind} ${keyText(classKey)} does not exist`, nowMs);
    return undefined;
  }
  if (github === undefined) {
    const message = `GitHubApp ${keyText(appKey)} cannot be used; see its conditions`;
    observe(status, "Launched", "Unknown", "GitHubUnavailable", message, nowMs);
    lookAgain(pass, pass.periods.noAppPauseMs);
    return undefined;
  }
  const { kind, namespace, name } = cls;
  const terms = {
    scope: { ...target.spec.scope },
    githubAppRef: appKey,
    place: { classRef: { kind, namespace, name }, connection: provider.connection(cls) },
  };
  return {
    cls,
    provider,
    github,
    terms,
    labels: [...target.spec.labels, ...askedOf(pass.request).labels],
    runnerGroup: target.spec.runnerGroup,
  };
}

interface Runner {
  readonly name: string;
  readonly overrides: Overrides;
}

async function create(pass: Pass, world: World, means: Means, held: Held, { name, overrides }: Runner): Promise<boolean> {
  const { request, status } = pass;
  const { job } = request.spec;
  if (!world.leads()) {
    // A process that was frozen wakes up in the middle of a pass, and another one may have counted its runners meanwhile.
    pass.log.warn("not launching: this process leads no more");
    return false;
  }
  const tries = openAttempt(status)?.tries ?? 0;
  const order: Launch = {
    requestUid: pass.uid,
    requestNamespace: pass.key.namespace,
    requestName: pass.key.name,
    attempt: held.attempt,
    tries,
    runnerName: name,
    registeredIn: { app: keyText(held.terms.githubAppRef), scope: scopeName(scopeOf(held.terms.scope)) },
    labels: means.labels,
    class: means.cls,
    overrides,
    avoid: world.avoid(means.cls, { uid: pass.uid, attempt: held.attempt, tries }, overrides.capacity),
    jitConfig: held.jitConfig,
    tags: {
      target: request.spec.targetRef.name,
      repository: job.repository,
      "run-id": job.runId,
      "job-id": job.id,
      ...(job.workflowName !== undefined && { workflow: job.workflowName }),
    },
  };
  const calledBefore = held.called;
  held.called = new Wait(pass.nowMs, pass.periods.listLagMs);
  // The target may have another class since the registration was minted; the instance is where it was started.
  held.terms = { ...held.terms, place: means.terms.place };
  try {
    held.created = await means.provider.create(order, pass.signal);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    // Its turn has not come: there is nothing new to look for should the job go meanwhile, and the slot can still be taken back.
    if (error.unsent) held.called = calledBefore;
    if (isRefusal(error.code)) {
      held.called = undefined;
      refuse(pass, held, error, error.code);
    } else {
      providerTrouble(pass, error);
    }
    return false;
  }
  const runner = held.created.adopted ? await dropUnused(pass, means, held.runner) : held.runner;
  record(pass, held.attempt, held.terms, runner, held.created);
  return true;
}

/**
 * The instance was started by an earlier call with another configuration, so the registration that was minted for this one would stay
 * behind. Without an id, the runner is looked up by its name when it has to be removed.
 */
async function dropUnused(pass: Pass, means: Means, runner: RunnerRecord): Promise<RunnerRecord> {
  try {
    await means.github.deleteRunner(scopeOf(means.terms.scope), runner.id, pass.signal);
    return { ...runner, id: 0 };
  } catch (error) {
    if (!isGitHubError(error)) throw error;
    return runner;
  }
}
