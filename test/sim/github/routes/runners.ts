import { notFound } from "../errors.ts";
import type { Answer } from "../http.ts";
import { renderDownloads, renderGroup, renderRunner } from "../render/app.ts";
import { findRepository, groupAdmits } from "../state/accounts.ts";
import { deleteRunner, type MintRunner, mintRunner, runnersIn } from "../state/runners.ts";
import { type Handler, page, param, type RestCall, scopeOf, visibleOrganization } from "./call.ts";

function mint(call: RestCall): Answer {
  const runner = mintRunner(call.world, scopeOf(call, "write"), call.body as MintRunner);
  return { status: 201, body: { runner: renderRunner(runner), encoded_jit_config: runner.jit.encoded } };
}

function list(call: RestCall): Answer {
  const name = call.query.get("name");
  const found = runnersIn(call.world, scopeOf(call, "read")).filter((runner) => name === null || runner.name === name);
  const { items, headers } = page(call, found);
  return { status: 200, headers, body: { total_count: found.length, runners: items.map(renderRunner) } };
}

function downloads(call: RestCall): Answer {
  scopeOf(call, "read");
  return { status: 200, body: renderDownloads(call.world.settings.offeredRunnerVersion) };
}

function one(call: RestCall, level: "read" | "write") {
  const id = Number(param(call, "runner_id"));
  const runner = runnersIn(call.world, scopeOf(call, level)).find((candidate) => candidate.id === id);
  if (!runner) throw notFound();
  return runner;
}

function get(call: RestCall): Answer {
  return { status: 200, body: renderRunner(one(call, "read")) };
}

function remove(call: RestCall): Answer {
  deleteRunner(call.world, one(call, "write"));
  return { status: 204 };
}

/** runnerRoutes: self-hosted runners of repositories and organisations, and runner groups. */
export const runnerRoutes: Readonly<Record<string, Handler>> = {
  "actions/generate-runner-jitconfig-for-repo": mint,
  "actions/generate-runner-jitconfig-for-org": mint,
  "actions/list-self-hosted-runners-for-repo": list,
  "actions/list-self-hosted-runners-for-org": list,
  "actions/list-runner-applications-for-repo": downloads,
  "actions/list-runner-applications-for-org": downloads,
  "actions/get-self-hosted-runner-for-repo": get,
  "actions/get-self-hosted-runner-for-org": get,
  "actions/delete-self-hosted-runner-from-repo": remove,
  "actions/delete-self-hosted-runner-from-org": remove,

  "actions/list-self-hosted-runner-groups-for-org": (call) => {
    const account = visibleOrganization(call, "read");
    const wanted = call.query.get("visible_to_repository");
    // The parameter is the repository's name alone; its owner is the organisation.
    const repository = wanted === null ? undefined : findRepository(call.world, `${account.login}/${wanted.split("/").pop()}`);
    const groups = account.groups.filter((group) => wanted === null || (repository && groupAdmits(group, repository)));
    const { items, headers } = page(call, groups);
    const runnerGroups = items.map((group) => renderGroup(call.world, account.login, group));
    return { status: 200, headers, body: { total_count: groups.length, runner_groups: runnerGroups } };
  },
};
