import { runnerName } from "../../api/v1alpha1/names.ts";
import type { Attempt } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { isGitHubError } from "../../github/errors.ts";
import type { GitHub, RunnerRecord } from "../../github/types.ts";
import { isTrue } from "../../kube/conditions.ts";
import { type DeepReadonly, keyText } from "../../kube/object.ts";
import { isProviderError, type ProviderError } from "../../provider/errors.ts";
import type { Created, Instance, Launch, Provider, ResolvedClass } from "../../provider/types.ts";
import { observe } from "../../request/status.ts";
import { isoTime } from "../../util/clock.ts";
import { jobLifetimeMs } from "./attempts.ts";
import { confirmQueued } from "./confirm.ts";
import { githubTrouble } from "./github-trouble.ts";
import type { Held, Launches } from "./launches.ts";
import { age, lookAgain, openAttempt, type Pass, putAttempt } from "./pass.ts";
import { isRefusal, plannedStart, type RefusalCode, refusalReasons } from "./retry.ts";
import { appKeyOf, classKeyOf, scopeOf, type World } from "./world.ts";

/** A job that waits longer than this is read at GitHub before its first launch: its event may have been resent days later. */
const trustEventMs = 5 * 60_000;

interface Means {
  readonly target: DeepReadonly<RunnerTarget>;
  readonly cls: ResolvedClass;
  readonly provider: Provider;
  readonly github: GitHub;
}

/**
 * launch starts the runner of the current attempt: mint, create, record. The order makes a crash at any point harmless:
 *
 * 1. before the mint: nothing happened.
 * 2. after the mint: GitHub answers 409 next time. No instance is found, so the stale registration is removed and minted again.
 * 3. after the provider accepted: 409 again. The instance is found by the request's uid and adopted; should the provider's list not
 *    show it yet, create() with the same identity returns it, since the provider is idempotent.
 * 4. after the status was written: the rung is settled.
 *
 * Returns true when an instance was recorded: the ladder ends there, so that its id is stored before anything else happens.
 */
export async function launch(pass: Pass, world: World, launches: Launches): Promise<boolean> {
  const { status, nowMs } = pass;
  if (isTrue(status.conditions, "Launched") || !isTrue(status.conditions, "Admitted")) return false;

  const means = findMeans(pass, world);
  if (means === undefined) return false;
  const plan = plannedStart(pass);
  // A slow try gave its slot back, so whoever is admitted has waited or was called; a quick one keeps its slot and waits here.
  if (plan !== undefined && !plan.slow && plan.atMs > nowMs && openAttempt(status) !== undefined) {
    lookAgain(pass, plan.atMs - nowMs);
    return false;
  }
  const number = openAttempt(status)?.number ?? (status.attempt ?? 0) + 1;
  const name = runnerName(pass.request.metadata.name, number);
  let held = launches.get(pass.uid, number, nowMs);
  if (held?.created !== undefined) {
    record(pass, means, number, held.runner, held.created);
    return true;
  }
  if (held === undefined && status.assignedJob !== undefined) return adopt(pass, means, number, name);
  if (held === undefined && (plan?.slow === true || age(nowMs, pass.request.spec.job.queuedAt) > trustEventMs)) {
    if (age(nowMs, pass.request.spec.job.queuedAt) > jobLifetimeMs) return false;
    if (!(await confirmQueued(pass, means.github))) return false;
  }

  if (held === undefined) {
    const minted = await mint(pass, means, launches, number, name);
    if (minted === undefined) return false;
    if ("adopted" in minted) {
      record(pass, means, number, minted.runner, { instance: minted.adopted, adopted: true, refusals: [] });
      return true;
    }
    held = minted;
  }
  return create(pass, means, held, number, name);
}

/** Everything a launch needs, or the condition that says what is missing. A target that is Ready has all of it; it may go meanwhile. */
function findMeans(pass: Pass, world: World): Means | undefined {
  const { target, status, nowMs } = pass;
  if (target === undefined) {
    observe(status, "Launched", "Unknown", "ClassNotReady", "the RunnerTarget was deleted before the launch", nowMs);
    return undefined;
  }
  const classKey = classKeyOf(target);
  const found = world.runnerClass(classKey);
  const provider = world.provider(classKey.kind);
  const github = world.github(appKeyOf(target));
  if (found === undefined || provider === undefined) {
    observe(status, "Launched", "Unknown", "ClassNotReady", `${classKey.kind} ${keyText(classKey)} does not exist`, nowMs);
    return undefined;
  }
  if (github === undefined) {
    observe(
      status,
      "Launched",
      "Unknown",
      "GitHubUnavailable",
      `GitHubApp ${keyText(appKeyOf(target))} cannot be used; see its conditions`,
      nowMs,
    );
    lookAgain(pass, 30_000);
    return undefined;
  }
  return { target, cls: found.resolved, provider, github };
}

type Minted = Held | { readonly adopted: Instance; readonly runner: RunnerRecord };

/** Registers the attempt's runner. A taken name is the trace of an earlier try: adopt its instance, or clear the name and mint again. */
async function mint(pass: Pass, means: Means, launches: Launches, number: number, name: string): Promise<Minted | undefined> {
  const { github, target } = means;
  const scope = scopeOf(target.spec.scope);
  const body = { name, labels: target.spec.labels, runnerGroup: target.spec.runnerGroup };
  try {
    try {
      return launches.hold(pass.uid, number, await github.mintJitConfig(scope, body, pass.signal), pass.nowMs);
    } catch (error) {
      if (!isGitHubError(error) || error.code !== "NameTaken") throw error;
    }
    const registered = await github.findRunner(scope, name, pass.signal);
    const instance = await findInstance(pass, means, number);
    if (instance !== undefined) {
      pass.log.info({ providerId: instance.id, runner: name }, "adopted an instance that an earlier process had started");
      return { adopted: instance, runner: registered ?? { id: 0, name, status: "offline", busy: false, labels: body.labels } };
    }
    if (registered !== undefined && (await github.deleteRunner(scope, registered.id, pass.signal)) === "busy") {
      // It has a job, so its instance exists and the provider's list only does not show it yet.
      observe(
        pass.status,
        "Launched",
        "Unknown",
        "Unavailable",
        "the runner already works, but the provider does not list its instance yet",
        pass.nowMs,
      );
      lookAgain(pass, 10_000);
      return undefined;
    }
    // The earlier try may have got as far as a runner that did the job and is gone, while nobody heard the events.
    if (!(await confirmQueued(pass, github))) return undefined;
    return launches.hold(pass.uid, number, await github.mintJitConfig(scope, body, pass.signal), pass.nowMs);
  } catch (error) {
    if (isProviderError(error)) providerTrouble(pass, error);
    else githubTrouble(pass, "Launched", error);
    return undefined;
  }
}

/** A job's event proves that the attempt's runner exists although nothing was stored: it is looked for, and nothing is started. */
async function adopt(pass: Pass, means: Means, number: number, name: string): Promise<boolean> {
  try {
    const instance = await findInstance(pass, means, number);
    if (instance === undefined) {
      observe(
        pass.status,
        "Launched",
        "Unknown",
        "Unavailable",
        "the runner works, but the provider does not list its instance yet",
        pass.nowMs,
      );
      lookAgain(pass, 10_000);
      return false;
    }
    const unknown: RunnerRecord = { id: 0, name, status: "online", busy: true, labels: means.target.spec.labels };
    record(pass, means, number, unknown, { instance, adopted: true, refusals: [] });
    return true;
  } catch (error) {
    if (!isProviderError(error)) throw error;
    providerTrouble(pass, error);
    return false;
  }
}

/** The live instance of an attempt whose answer was lost, as far as the provider can tell. */
async function findInstance(pass: Pass, means: Means, number: number): Promise<Instance | undefined> {
  if (!means.provider.capabilities.listable) return undefined;
  for await (const instance of means.provider.list(means.cls, { requestUid: pass.uid }, pass.signal)) {
    if (instance.attempt === number && instance.state !== "Stopped") return instance;
  }
  return undefined;
}

async function create(pass: Pass, means: Means, held: Held, number: number, name: string): Promise<boolean> {
  const { request, status } = pass;
  const job = request.spec.job;
  const order: Launch = {
    requestUid: pass.uid,
    requestNamespace: pass.key.namespace,
    requestName: pass.key.name,
    attempt: number,
    tries: openAttempt(status)?.tries ?? 0,
    runnerName: name,
    labels: means.target.spec.labels,
    class: means.cls,
    jitConfig: held.jitConfig,
    tags: {
      target: request.spec.targetRef.name,
      repository: job.repository,
      "run-id": job.runId,
      "job-id": job.id,
      ...(job.workflowName !== undefined && { workflow: job.workflowName }),
    },
  };
  held.called = true;
  try {
    held.created = await means.provider.create(order, pass.signal);
  } catch (error) {
    if (isProviderError(error) && isRefusal(error.code)) {
      held.called = false;
      refuse(pass, means, held, number, error, error.code);
    } else if (isProviderError(error)) {
      providerTrouble(pass, error);
    } else {
      throw error;
    }
    return false;
  }
  record(pass, means, number, held.created.adopted ? await dropUnused(pass, means, held.runner) : held.runner, held.created);
  return true;
}

/**
 * The instance was started by an earlier call with another configuration, so the registration that was minted for this one would stay
 * behind. Without an id, the runner is looked up by its name when it has to be removed.
 */
async function dropUnused(pass: Pass, means: Means, runner: RunnerRecord): Promise<RunnerRecord> {
  try {
    await means.github.deleteRunner(scopeOf(means.target.spec.scope), runner.id, pass.signal);
    return { ...runner, id: 0 };
  } catch (error) {
    if (!isGitHubError(error)) throw error;
    return runner;
  }
}

/** Notes what was started; from here on the instance belongs to the request. */
function record(pass: Pass, means: Means, number: number, runner: RunnerRecord, created: Created): void {
  const { status, nowMs } = pass;
  const now = isoTime(nowMs);
  const { instance } = created;
  noteRegistration(pass, means, runner);
  status.instance = {
    providerId: instance.id,
    state: instance.state,
    version: instance.version,
    ...(instance.capacity !== undefined && { capacity: instance.capacity }),
    ...(instance.zone !== undefined && { zone: instance.zone }),
    ...(instance.createdAt !== undefined && { createdAt: instance.createdAt }),
    ...(instance.startedAt !== undefined && { startedAt: instance.startedAt }),
    classRef: { kind: means.cls.kind, namespace: means.cls.namespace, name: means.cls.name },
    connection: { ...means.provider.connection(means.cls) },
  };
  const refused = created.refusals.slice(0, 8).map((refusal) => ({ ...refusal }));
  const {
    triedAt: _triedAt,
    reason: _reason,
    message: _message,
    refused: _refused,
    ...begun
  } = openAttempt(status) ?? { number, startedAt: now };
  putAttempt(status, {
    ...begun,
    runnerName: runner.name,
    providerId: instance.id,
    ...(instance.capacity !== undefined && { capacity: instance.capacity }),
    ...(refused.length > 0 && { refused }),
  });
  status.timings.launchedAt = now;
  const where = instance.capacity === undefined ? "" : ` on ${instance.capacity}`;
  observe(status, "Launched", "True", "Accepted", `runner ${runner.name} was accepted${where}`, nowMs);
  if (!isTrue(status.conditions, "Registered")) observe(status, "Registered", "Unknown", "AwaitingRegistration", "", nowMs);
  if (!isTrue(status.conditions, "Assigned")) observe(status, "Assigned", "Unknown", "AwaitingJob", "", nowMs);
  const note = `started runner ${runner.name} as ${instance.id}${where}${created.adopted ? " (found again)" : ""}`;
  pass.events.push({ type: "Normal", reason: "Launched", action: "Launch", note });
  for (const refusal of refused) {
    pass.events.push({
      type: "Warning",
      reason: "CapacityRefused",
      action: "Launch",
      note: `${refusal.capacity}: ${refusal.reason}: ${refusal.message}`,
    });
  }
}

function noteRegistration(pass: Pass, means: Means, runner: RunnerRecord): void {
  pass.status.runner = {
    name: runner.name,
    ...(runner.id > 0 && { id: runner.id }),
    labels: [...runner.labels],
    scope: { ...means.target.spec.scope },
    githubAppRef: { ...appKeyOf(means.target) },
  };
}

/** A definite refusal: nothing was started, the attempt stays open and its configuration is kept for the next try. */
function refuse(pass: Pass, means: Means, held: Held, number: number, error: ProviderError, code: RefusalCode): void {
  const { status, nowMs } = pass;
  const now = isoTime(nowMs);
  noteRegistration(pass, means, held.runner);
  const open: Attempt = openAttempt(status) ?? { number, startedAt: now };
  const refused = error.refusals.slice(0, 8).map((refusal) => ({ ...refusal }));
  putAttempt(status, {
    ...open,
    runnerName: held.runner.name,
    tries: (open.tries ?? 0) + 1,
    triedAt: now,
    ...(refused.length > 0 && { refused }),
  });
  observe(status, "Launched", code === "InvalidRequest" ? "False" : "Unknown", refusalReasons[code], error.message, nowMs);
  pass.events.push({ type: "Warning", reason: refusalReasons[code], action: "Launch", note: error.message });

  const plan = plannedStart(pass);
  if (plan === undefined) return;
  lookAgain(pass, plan.atMs - nowMs);
  if (plan.slow) {
    // The slot goes to somebody who can use it; a later try asks for one again.
    const waitsFor = code === "InvalidRequest" ? ("AwaitingChange" as const) : ("AwaitingRetry" as const);
    observe(
      status,
      "Admitted",
      "Unknown",
      waitsFor,
      `${error.message}; tried again after ${isoTime(plan.atMs)}, or when the class or the target changes`,
      nowMs,
    );
  }
}

/** The provider's outcome is unknown or it asks for patience: the same call is repeated. */
function providerTrouble(pass: Pass, error: ProviderError): void {
  const reason = error.code === "Throttled" ? "Throttled" : error.code === "Unavailable" ? "Unavailable" : "ProviderError";
  observe(pass.status, "Launched", "Unknown", reason, error.message, pass.nowMs);
  if (error.retryAfterMs !== undefined) lookAgain(pass, error.retryAfterMs);
  else pass.failure = error;
}
