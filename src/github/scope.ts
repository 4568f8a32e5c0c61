import { GitHubError } from "./errors.ts";
import type { Scope } from "./types.ts";

/** scopeOwner is the account that a scope belongs to. */
export function scopeOwner(scope: Scope): string {
  return "organization" in scope ? organizationParameters(scope.organization).org : repositoryParameters(scope.repository).owner;
}

/** repositoryParameters splits `acme/web` into the parameters of GitHub's routes. */
export function repositoryParameters(repository: string): { readonly owner: string; readonly repo: string } {
  const [, owner, repo] = /^([\w-]{1,100})\/([\w.-]{1,100})$/.exec(repository) ?? [];
  // "." and ".." would walk up the path of the URL.
  if (owner === undefined || repo === undefined || /^\.{1,2}$/.test(repo)) {
    throw new GitHubError("Invalid", `${JSON.stringify(repository).slice(0, 80)} is not a repository; write it as owner/name`);
  }
  return { owner, repo };
}

/** organizationParameters checks an organisation's name and returns it as the parameter of GitHub's routes. */
export function organizationParameters(organization: string): { readonly org: string } {
  if (!/^[\w-]{1,100}$/.test(organization)) {
    throw new GitHubError(
      "Invalid",
      `${JSON.stringify(organization).slice(0, 80)} is not an organisation's name; write the part after the host in its address`,
    );
  }
  return { org: organization };
}
