import type { Caller } from "./caller.ts";
import { deleteRunner } from "./delete-runner.ts";
import { GitHubError } from "./errors.ts";
import { type Refusal, refusalCause, refusalError } from "./refusal.ts";
import type { RunnerGroups } from "./runner-groups.ts";
import { toRunnerRecord } from "./runner-record.ts";
import { organizationParameters, repositoryParameters } from "./scope.ts";
import type { Answer } from "./transport.ts";
import { type JitRunner, type MintJitConfig, type Scope, scopeName } from "./types.ts";

interface RawJitConfig {
  readonly runner: Parameters<typeof toRunnerRecord>[0];
  readonly encoded_jit_config: string;
}

/**
 * mintJitConfig registers a runner and returns its single-use configuration. GitHub keeps an offline record from now on. The POST is
 * sent once more only after an answer that proves that nothing was registered: 401, 403 and 404 that a newer token, installation or
 * group id cures. Everything else is left to the caller, who finds the record by its name.
 */
export async function mintJitConfig(
  { caller, groups }: { readonly caller: Caller; readonly groups: RunnerGroups },
  scope: Scope,
  body: MintJitConfig,
  signal: AbortSignal,
): Promise<JitRunner> {
  checkBody(body);
  const groupId = await groups.resolve(scope, body.runnerGroup, signal);
  let answer = await register(caller, scope, body, groupId, signal);
  if (!answer.ok && answer.status === 404) {
    // A group that was deleted and created again has a new id.
    const newGroupId = await groups.resolve(scope, body.runnerGroup, signal, { distrust: true });
    if (newGroupId !== groupId) answer = await register(caller, scope, body, newGroupId, signal);
  }
  if (!answer.ok) throw mintError(scope, body, answer);
  const { runner: raw, encoded_jit_config: jitConfig } = answer.data;
  if (typeof jitConfig !== "string" || jitConfig === "" || typeof raw?.name !== "string") {
    throw new GitHubError(
      "Unavailable",
      `GitHub's answer to the registration of ${body.name} in ${scopeName(scope)} is incomplete`,
      { status: answer.status },
    );
  }
  const runner = toRunnerRecord(raw);
  const missing = raw.labels === undefined ? [] : missingLabels(body.labels, runner.labels);
  if (missing.length > 0) {
    // No job would ever find this runner, and nobody else knows its id yet.
    await deleteRunner(caller, scope, runner.id, signal).catch(() => undefined);
    throw new GitHubError(
      "Invalid",
      `GitHub registered ${body.name} without the labels ${missing.join(", ")}; remove them from the target or choose others`,
    );
  }
  return { runner, jitConfig };
}

function register(
  caller: Caller,
  scope: Scope,
  body: MintJitConfig,
  groupId: number,
  signal: AbortSignal,
): Promise<Answer<RawJitConfig>> {
  const parameters = { name: body.name, runner_group_id: groupId, labels: [...body.labels] };
  return caller.inScope<RawJitConfig>(
    scope,
    {
      operation: "mintJitConfig",
      send: (request) =>
        "organization" in scope
          ? request("POST /orgs/{org}/actions/runners/generate-jitconfig", {
              ...organizationParameters(scope.organization),
              ...parameters,
            })
          : request("POST /repos/{owner}/{repo}/actions/runners/generate-jitconfig", {
              ...repositoryParameters(scope.repository),
              ...parameters,
            }),
    },
    signal,
  );
}

/** Peers have burnt thousands of machines on one refused name that was sent again and again: refuse it before GitHub does. */
function checkBody({ name, labels }: MintJitConfig): void {
  if (!/^[a-z0-9-]{1,64}$/i.test(name)) {
    throw new GitHubError(
      "Invalid",
      "a runner's name has 1 to 64 letters, digits and hyphens; shorten the name or remove other characters",
    );
  }
  if (labels.length < 1 || labels.length > 100)
    throw new GitHubError("Invalid", `a runner has 1 to 100 labels, not ${labels.length}`);
  if (labels.some((label) => label.trim() === "")) throw new GitHubError("Invalid", "a runner's label is empty");
}

function missingLabels(asked: readonly string[], got: readonly string[]): readonly string[] {
  const registered = new Set(got.map((label) => label.toLowerCase()));
  return asked.filter((label) => !registered.has(label.toLowerCase()));
}

function mintError(scope: Scope, body: MintJitConfig, refusal: Refusal): GitHubError {
  const where = scopeName(scope);
  const options = { status: refusal.status, cause: refusalCause(refusal) };
  if (refusal.status === 409) {
    return new GitHubError(
      "NameTaken",
      `a runner named ${body.name} is registered in ${where} already (409), perhaps by a call whose answer was lost`,
      options,
    );
  }
  if (refusal.status === 422) {
    const what = `group ${body.runnerGroup}, ${body.labels.length} labels`;
    return new GitHubError(
      "Invalid",
      `GitHub finds the registration of ${body.name} in ${where} invalid (422; ${what}); check the labels and the runner group`,
      options,
    );
  }
  return refusalError("mintJitConfig", scope, refusal);
}
