import { isGitHubError } from "../../github/errors.ts";
import type { GitHubClient } from "../../github/client.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { scopeOf } from "../../controllers/runner-request/world.ts";
import { globMatches } from "../../util/glob.ts";
import { signIn } from "./app.ts";
import { fail, ok, orOk, type Outcome, skip, warn } from "./check.ts";
import type { TargetSubject } from "./target.ts";

/** As many repositories as are asked for by name whether a runner group admits them. */
const mostRepositories = 10;

/** registrationOutcomes ask GitHub whether runners can be registered where a target wants them, and whether its jobs may use them. */
export async function registrationOutcomes(subject: TargetSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const { target } = subject;
  const { app } = subject;
  const github = app === undefined ? undefined : await signIn(app, signal);
  if (app === undefined || github === undefined)
    return [skip(`not looked at, because GitHubApp ${target.spec.githubAppRef.name} could not sign in`)];
  const scope = scopeOf(target.spec.scope);
  try {
    // Nothing is found by that name; it needs the right to see the runners, as registering needs it.
    await github.findRunner(scope, "getabako-doctor", signal);
    if (!("organization" in scope)) return [ok(`runners can register at ${scope.repository}`)];
    return await groupOutcomes(
      github,
      target,
      scope.organization,
      knownRepositories(target, app.app.status?.recentRepositories),
      signal,
    );
  } catch (error) {
    if (!isGitHubError(error) || error.code === "Unavailable" || error.code === "RateLimited") throw error;
    const [what = "", ...advice] = error.message.split("; ");
    return [fail(what, advice.join("; ") || "correct the target's scope, or the App's installation")];
  }
}

async function groupOutcomes(
  github: GitHubClient,
  target: RunnerTarget,
  organization: string,
  repositories: readonly string[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const { runnerGroup, repositories: served } = target.spec;
  const isWanted = ({ name }: { readonly name: string }): boolean => name.toLowerCase() === runnerGroup.toLowerCase();
  const group = (await github.listRunnerGroups(organization, signal)).find(isWanted);
  if (group === undefined)
    return [
      fail(
        `${organization} has no runner group ${runnerGroup}`,
        "create it in the organization's settings, or correct spec.runnerGroup",
      ),
    ];
  const found: Outcome[] = [];
  const settings = `in the settings of runner group ${runnerGroup} of ${organization}`;
  if (served.allowPublic && !group.allowsPublic)
    found.push(
      warn(
        `runner group ${runnerGroup} admits no public repositories, and the target serves them`,
        `allow public repositories ${settings}`,
      ),
    );
  if (group.restrictedToWorkflows)
    found.push(
      warn(
        `runner group ${runnerGroup} is for certain workflows only: other jobs never get these runners`,
        `lift that ${settings}`,
      ),
    );
  const shutOut: string[] = [];
  for (const repository of group.visibility === "selected" ? repositories.slice(0, mostRepositories) : []) {
    const admitting = await github.listRunnerGroups(organization, signal, repository.split("/")[1] ?? "");
    if (!admitting.some(isWanted)) shutOut.push(repository);
  }
  if (shutOut.length > 0)
    found.push(
      fail(
        `runner group ${runnerGroup} does not admit ${shutOut.join(", ")}: their jobs never get these runners`,
        `add the repositories ${settings}`,
      ),
    );
  const unchecked = group.visibility === "selected" && repositories.length === 0 ? ", and admits selected repositories only" : "";
  return orOk(found, `runners can register at ${organization} in group ${runnerGroup}${unchecked}`);
}

/** Repositories that a target serves and that are known by name: those that it includes, and those that had jobs of late. */
function knownRepositories({ spec }: RunnerTarget, recent: readonly { readonly name: string }[] = []): readonly string[] {
  const { include = [], exclude } = spec.repositories;
  const serves = (name: string): boolean =>
    name.toLowerCase().startsWith(`${spec.scope.organization?.toLowerCase()}/`) &&
    (include.length === 0 || include.some((glob) => globMatches(glob, name))) &&
    !exclude.some((glob) => globMatches(glob, name));
  const named = include.filter((glob) => !glob.includes("*"));
  return [...new Set([...named, ...recent.map(({ name }) => name)])].filter(serves);
}
