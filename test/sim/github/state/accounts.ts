import type { Account, Repository, RunnerGroup } from "./model.ts";
import { fullName, type World } from "./world.ts";

/** GitHub's default runner group has this id in every organisation, and it is the only one at repository level. */
export const defaultGroupId = 1;
/** The group of GitHub's own machines, which refuses registrations. */
export const hostedGroupId = 2;

function addAccount(world: World, login: string, type: Account["type"]): Account {
  const existing = world.accounts.get(login.toLowerCase());
  if (existing) return existing;
  const group: RunnerGroup = {
    id: defaultGroupId,
    name: "Default",
    isDefault: true,
    visibility: "all",
    selected: new Set(),
    allowsPublicRepositories: false,
  };
  const account: Account = { id: world.id(), login, type, groups: [group] };
  world.accounts.set(login.toLowerCase(), account);
  return account;
}

/** addOrganization creates an organisation with its default runner group; an existing one is returned as it is. */
export function addOrganization(world: World, login: string): Account {
  return addAccount(world, login, "Organization");
}

/** addUser creates a personal account. */
export function addUser(world: World, login: string): Account {
  return addAccount(world, login, "User");
}

/** addRepository creates `owner/name`, and the organisation `owner` when nobody has that name. */
export function addRepository(world: World, name: string, options: { private?: boolean } = {}): Repository {
  const [owner, repo] = name.split("/");
  if (!owner || !repo) throw new Error(`addRepository: "${name}" is not owner/name`);
  const existing = world.repositories.get(name.toLowerCase());
  if (existing) {
    if (options.private !== undefined) existing.private = options.private;
    return existing;
  }
  const repository: Repository = {
    id: 700_000_000 + world.id(),
    owner: world.accounts.get(owner.toLowerCase()) ?? addOrganization(world, owner),
    name: repo,
    private: options.private ?? true,
    createdAt: world.now(),
  };
  world.repositories.set(name.toLowerCase(), repository);
  return repository;
}

/** renameRepository gives a repository another name; the old one answers 301 from then on. */
export function renameRepository(world: World, from: string, to: string): Repository {
  const repository = findRepository(world, from);
  if (!repository) throw new Error(`renameRepository: there is no ${from}`);
  world.repositories.delete(fullName(repository).toLowerCase());
  world.moved.set(fullName(repository).toLowerCase(), repository);
  repository.name = to;
  world.repositories.set(fullName(repository).toLowerCase(), repository);
  return repository;
}

/** addRunnerGroup creates a runner group of an organisation. */
export function addRunnerGroup(
  world: World,
  organization: string,
  options: {
    name: string;
    visibility?: RunnerGroup["visibility"];
    repositories?: readonly string[];
    allowsPublicRepositories?: boolean;
  },
): RunnerGroup {
  const account = world.accounts.get(organization.toLowerCase());
  if (account?.type !== "Organization") throw new Error(`addRunnerGroup: there is no organisation ${organization}`);
  const selected = (options.repositories ?? []).map((name) => addRepository(world, name).id);
  const group: RunnerGroup = {
    // Ids 1 and 2 are the default group and GitHub's own machines.
    id: 10 + world.id(),
    name: options.name,
    isDefault: false,
    visibility: options.visibility ?? (options.repositories ? "selected" : "all"),
    selected: new Set(selected),
    allowsPublicRepositories: options.allowsPublicRepositories ?? false,
  };
  account.groups.push(group);
  return group;
}

/** findRepository finds by full name, whatever its case. */
export function findRepository(world: World, name: string): Repository | undefined {
  return world.repositories.get(name.toLowerCase());
}

/** groupAdmits tells whether runners of a group may take jobs of a repository. */
export function groupAdmits(group: RunnerGroup, repository: Repository): boolean {
  if (!repository.private && !group.allowsPublicRepositories) return false;
  switch (group.visibility) {
    case "all":
      return true;
    case "private":
      return repository.private;
    case "selected":
      return group.selected.has(repository.id);
    default:
      return group.visibility satisfies never;
  }
}
