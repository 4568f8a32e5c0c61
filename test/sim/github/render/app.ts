import { createHash } from "node:crypto";
import type { App, Installation, Runner, RunnerGroup } from "../state/model.ts";
import type { World } from "../state/world.ts";
import { nodeId, renderUser, time } from "./account.ts";

/** renderApp is the answer of `GET /app`. */
export function renderApp(world: World, app: App) {
  return {
    id: app.id,
    slug: app.slug,
    client_id: app.clientId,
    node_id: nodeId("A", app.id),
    owner: renderUser(world, app.owner),
    name: app.name,
    description: null,
    external_url: world.settings.htmlUrl,
    html_url: `${world.settings.htmlUrl}/apps/${app.slug}`,
    created_at: time(app.createdAt),
    updated_at: time(app.createdAt),
    permissions: { ...app.permissions },
    events: [...app.events],
    installations_count: [...world.installations.values()].filter((installation) => installation.app === app).length,
  };
}

/** renderInstallation is an installation as every endpoint shows it. */
export function renderInstallation(world: World, installation: Installation) {
  const { account, app } = installation;
  return {
    id: installation.id,
    client_id: app.clientId,
    account: renderUser(world, account),
    repository_selection: installation.repositorySelection,
    access_tokens_url: `${world.url}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${world.url}/installation/repositories`,
    html_url: `${world.settings.htmlUrl}/organizations/${account.login}/settings/installations/${installation.id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: account.type,
    permissions: { ...installation.permissions },
    events: [...installation.events],
    created_at: time(installation.createdAt),
    updated_at: time(installation.createdAt),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: installation.suspendedAt === undefined ? null : renderUser(world, account),
    suspended_at: installation.suspendedAt === undefined ? null : time(installation.suspendedAt),
  };
}

const readOnlyLabels = new Set(["self-hosted", "linux", "windows", "macos", "x64", "arm64", "arm"]);

/** renderRunner is a self-hosted runner as the API shows it. */
export function renderRunner(runner: Runner) {
  return {
    id: runner.id,
    name: runner.name,
    os: runner.version === undefined ? "unknown" : "linux",
    status: runner.phase === "online" ? "online" : "offline",
    busy: runner.busy,
    ephemeral: true,
    runner_group_id: runner.group.id,
    labels: runner.labels.map((name, index) => ({
      id: index + 1,
      name,
      type: readOnlyLabels.has(name.toLowerCase()) ? ("read-only" as const) : ("custom" as const),
    })),
    version: runner.version ?? null,
  };
}

/** renderDownloads is the list of runner applications: one for each system and architecture, in no useful order. */
export function renderDownloads(version: string) {
  const builds = [
    ["osx", "x64", "tar.gz"],
    ["linux", "x64", "tar.gz"],
    ["linux", "arm", "tar.gz"],
    ["win", "x64", "zip"],
    ["linux", "arm64", "tar.gz"],
  ] as const;
  return builds.map(([os, architecture, ending]) => {
    const filename = `actions-runner-${os}-${architecture}-${version}.${ending}`;
    return {
      os,
      architecture,
      filename,
      download_url: `https://github.com/actions/runner/releases/download/v${version}/${filename}`,
      sha256_checksum: createHash("sha256").update(filename).digest("hex"),
    };
  });
}

/** renderGroup is a runner group of an organisation. */
export function renderGroup(world: World, organization: string, group: RunnerGroup) {
  const url = `${world.url}/orgs/${organization}/actions/runner-groups/${group.id}`;
  return {
    id: group.id,
    name: group.name,
    visibility: group.visibility,
    default: group.isDefault,
    runners_url: `${url}/runners`,
    hosted_runners_url: `${url}/hosted-runners`,
    ...(group.visibility === "selected" && { selected_repositories_url: `${url}/repositories` }),
    inherited: false,
    allows_public_repositories: group.allowsPublicRepositories,
    restricted_to_workflows: false,
    selected_workflows: [],
  };
}
