import { runnerName } from "../../api/v1alpha1/names.ts";
import { isGitHubError } from "../../github/errors.ts";
import type { GitHub, RunnerRecord } from "../../github/types.ts";
import { isProviderError } from "../../provider/errors.ts";
import type { Provider, ResolvedClass } from "../../provider/types.ts";
import { observe } from "../../request/status.ts";
import { confirmNeeded, refreshAssignedJob } from "./confirm.ts";
import type { Held, Launches, Terms } from "./launches.ts";
import { lookAgain, type Pass } from "./pass.ts";
import { record } from "./record.ts";
import { githubTrouble, providerTrouble } from "./trouble.ts";
import { scopeOf } from "./world.ts";

/** Means is everything that one launch needs. */
export interface Means {
  readonly cls: ResolvedClass;
  readonly provider: Provider;
  readonly github: GitHub;
  readonly terms: Terms;
  /** The target's labels and the override labels of the job. */
  readonly labels: readonly string[];
  readonly runnerGroup: string;
}

/**
 * mint registers the attempt's runner and returns its configuration. A taken name is the trace of an earlier try: its instance is
 * adopted (true), or the name is cleared and minted again. Undefined when that has to wait.
 */
export async function mint(
  pass: Pass,
  means: Means,
  launches: Launches,
  number: number,
  name: string,
): Promise<Held | true | undefined> {
  const { github, terms, labels, runnerGroup } = means;
  const scope = scopeOf(terms.scope);
  const take = async (): Promise<Held> => {
    const minted = launches.minting(pass.uid);
    try {
      const answer = await github.mintJitConfig(scope, { name, labels, runnerGroup }, pass.signal);
      return launches.hold(pass.uid, number, terms, answer, pass.nowMs);
    } finally {
      minted();
    }
  };
  try {
    try {
      return await take();
    } catch (error) {
      if (!isGitHubError(error) || error.code !== "NameTaken") throw error;
    }
    const registered = await github.findRunner(scope, name, pass.signal);
    if (await adoptListed(pass, means, number, registered)) return true;
    // Another process may have started the instance on whichever rung a moment before it ended. Started once more while the list does
    // not show it, the launch would begin at the first rung, where the provider does not know it.
    if (launches.isInherited(pass.uid) && launches.mayShowUp(pass.uid, number, pass.nowMs)) {
      seek(pass, "looking for the instance that an earlier process may have started", pass.periods.leftoversEveryMs);
      return undefined;
    }
    if (registered !== undefined && (await github.deleteRunner(scope, registered.id, pass.signal)) === "busy") {
      // It has a job, so its instance exists, and the provider's list only does not show it yet.
      seek(pass, unlisted, pass.periods.seekEveryMs);
      return undefined;
    }
    // The earlier try may have got as far as a runner that did the job and is gone, while nobody heard the events.
    if (!(await confirmNeeded(pass, github))) return undefined;
    return await take();
  } catch (error) {
    if (isProviderError(error)) providerTrouble(pass, error);
    else githubTrouble(pass, error);
    return undefined;
  }
}

/**
 * adopt looks for the instance of a runner whose job is known although its launch was never stored; nothing is started. When the
 * instance does not show up, GitHub is asked what became of the job, so that a lost event does not keep the request for ever.
 */
export async function adopt(pass: Pass, means: Means, number: number, runner: RunnerRecord | undefined): Promise<boolean> {
  try {
    if (await adoptListed(pass, means, number, runner)) return true;
    seek(pass, unlisted, pass.periods.seekEveryMs);
    await refreshAssignedJob(pass, means.github);
    return false;
  } catch (error) {
    if (!isProviderError(error)) throw error;
    providerTrouble(pass, error);
    return false;
  }
}

/**
 * adoptInherited looks for the instance of an earlier process before anything is asked of GitHub. A taken name is the usual trace of one,
 * but the runner may have come and gone meanwhile, with its instance still there: the name is free again then, and a launch would begin
 * at the first rung, where the provider does not know the call that another rung accepted.
 *
 * Returns whether it was adopted; undefined when that has to wait.
 *
 * @param seen whether a sweep has seen an instance or a registration of the attempt.
 */
export async function adoptInherited(
  pass: Pass,
  means: Means,
  launches: Launches,
  number: number,
  seen: boolean,
): Promise<boolean | undefined> {
  try {
    if (await adoptListed(pass, means, number)) return true;
    if (!seen || !launches.mayShowUp(pass.uid, number, pass.nowMs)) return false;
    seek(pass, "looking for the instance that an earlier process may have started", pass.periods.leftoversEveryMs);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    providerTrouble(pass, error);
  }
  return undefined;
}

/**
 * adoptOrReject is for an attempt whose call is not made, or not repeated, because the job may not have its runner (any more). What an
 * earlier call may have started is the request's all the same: it is looked for, for as long as the provider's list may lag behind.
 */
export async function adoptOrReject(pass: Pass, means: Means, launches: Launches, number: number, why: string): Promise<boolean> {
  const { uid, nowMs } = pass;
  const held = launches.of(uid);
  if (held?.called !== undefined || launches.isInherited(uid)) {
    try {
      if (await adoptListed(pass, means, number, held?.runner)) return true;
      if (launches.mayShowUp(uid, number, nowMs)) {
        seek(pass, `looking for the runner of an earlier call; ${why}`, pass.periods.leftoversEveryMs);
        return false;
      }
    } catch (error) {
      if (!isProviderError(error)) throw error;
      providerTrouble(pass, error);
      return false;
    }
  }
  observe(pass.status, "Admitted", "False", "Rejected", why, nowMs);
  return false;
}

const unlisted = "the runner works, but the provider does not list its instance yet";

function seek(pass: Pass, message: string, againMs: number): void {
  observe(pass.status, "Launched", "Unknown", "Unavailable", message, pass.nowMs);
  pass.pauses.pause(pass.uid, "launch", pass.nowMs, againMs);
  lookAgain(pass, againMs);
}

/** A runner whose record was not read; it is looked up by its name when it has to be removed. */
function unknownRunner(name: string, labels: readonly string[]): RunnerRecord {
  return { id: 0, name, status: "offline", busy: false, labels };
}

/**
 * adoptListed takes in the live instance of an attempt whose answer was lost, as far as the provider can tell. Its runner is known by its
 * name alone where nobody has read more of it. Returns whether there is one.
 */
export async function adoptListed(pass: Pass, means: Means, number: number, runner?: RunnerRecord): Promise<boolean> {
  if (!means.provider.capabilities.listable) return false;
  for await (const instance of means.provider.list(means.cls, { requestUid: pass.uid }, pass.signal)) {
    if (instance.attempt !== number || instance.state === "Stopped") continue;
    const known = runner ?? unknownRunner(runnerName(pass.key.name, number), means.labels);
    pass.log.info({ providerId: instance.id, runner: known.name }, "adopted an instance that an earlier process had started");
    record(pass, number, means.terms, known, { instance, adopted: true, refusals: [] });
    return true;
  }
  return false;
}
