import { runnerName } from "../../api/v1alpha1/names.ts";
import { isGitHubError } from "../../github/errors.ts";
import { isProviderError } from "../../provider/errors.ts";
import { observe } from "../../request/status.ts";
import { findMeans } from "./launch.ts";
import { adoptListed } from "./mint.ts";
import { lookAgain, openAttempt, type Pass } from "./pass.ts";
import type { SlotLedger } from "./slots.ts";
import { scopeOf, type World } from "./world.ts";

/**
 * adoptUnrecorded takes in the runner that a sweep found for a request while its target is full. A registration alone does not say that
 * there is an instance: an earlier process may have ended between the mint and the launch, or somebody took the name. So the instance is
 * looked for, for as long as the provider's list may lag behind; when there is none, the registration goes and the request waits for its
 * turn. Nothing is started here, since the limit is reached.
 *
 * Returns true when an instance was recorded.
 */
export async function adoptUnrecorded(pass: Pass, world: World, slots: SlotLedger): Promise<boolean> {
  const { status, nowMs, request, periods } = pass;
  const means = findMeans(pass, world);
  if (means === undefined) return false;
  const number = openAttempt(status)?.number ?? (status.attempt ?? 0) + 1;
  const name = runnerName(request.metadata.name, number);
  lookAgain(pass, periods.leftoversEveryMs);
  try {
    if (await adoptListed(pass, means, number)) return true;
    observe(status, "Admitted", "Unknown", "AwaitingAdmission", `looking for the runner ${name} of an earlier process`, nowMs);
    if (slots.found(request)?.isOver(nowMs) === false) return false;
    const scope = scopeOf(means.terms.scope);
    const runner = await means.github.findRunner(scope, name, pass.signal);
    // Busy: it has a job, so its instance exists, and the list only does not show it yet.
    if (runner !== undefined && (await means.github.deleteRunner(scope, runner.id, pass.signal)) === "busy") return false;
    slots.dismiss(request);
    lookAgain(pass, 1);
  } catch (error) {
    if (!isProviderError(error) && !isGitHubError(error)) throw error;
    pass.log.info({ code: error.code, runner: name }, "could not look for the runner of an earlier process yet");
  }
  return false;
}
