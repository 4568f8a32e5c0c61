import type { Caller } from "../auth.ts";
import { ApiError, notFound } from "../errors.ts";
import type { Answer } from "../http.ts";
import { findInstallation } from "../state/apps.ts";
import { findRepository } from "../state/accounts.ts";
import type { Account, App, Repository, RunnerScope, Token } from "../state/model.ts";
import { grants, tokenCovers } from "../state/tokens.ts";
import type { World } from "../state/world.ts";
import type { JwtMemory } from "../auth.ts";
import type { RateLimits } from "../rate-limit.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";

/** RestCall is one routed and validated request on its way to a handler. */
export interface RestCall {
  readonly world: World;
  readonly webhooks: Webhooks;
  readonly limits: RateLimits;
  readonly jwts: JwtMemory;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
  /** The path as it was asked for, for Link headers. */
  readonly path: string;
}

export type Handler = (call: RestCall) => Answer;

/** param is a path parameter, which routing has made sure is there. */
export function param(call: RestCall, name: string): string {
  return call.params[name] ?? "";
}

/** theApp is the App behind a JWT. */
export function theApp(call: RestCall): App {
  if (call.caller.kind !== "app") throw new ApiError(401, "A JSON web token could not be decoded");
  return call.caller.app;
}

/** theToken is the installation token of the caller. */
export function theToken(call: RestCall): Token {
  if (call.caller.kind !== "token") throw new ApiError(403, "Resource not accessible by integration");
  return call.caller.token;
}

/** require checks a permission of the token; the header says what would have been enough. */
export function requirePermission(token: Token, name: string, level: "read" | "write"): void {
  if (grants(token.permissions, name, level)) return;
  throw new ApiError(403, "Resource not accessible by integration", {
    headers: { "x-accepted-github-permissions": `${name}=${level}` },
  });
}

/** repositoryOf finds the repository of the path; a renamed one answers 301. */
export function repositoryOf(call: RestCall): Repository {
  const name = `${param(call, "owner")}/${param(call, "repo")}`;
  const repository = findRepository(call.world, name);
  if (repository) return repository;
  const moved = call.world.moved.get(name.toLowerCase());
  if (!moved) throw notFound();
  const rest = call.path.split("/").slice(4).join("/");
  throw new ApiError(301, "Moved Permanently", { headers: { location: `${call.world.url}/repositories/${moved.id}/${rest}` } });
}

/** visibleRepository is the repository of the path, if the token may see it and holds the permission. */
export function visibleRepository(call: RestCall, permission: string, level: "read" | "write"): Repository {
  const token = theToken(call);
  const repository = repositoryOf(call);
  if (!tokenCovers(token, repository)) throw notFound();
  requirePermission(token, permission, level);
  return repository;
}

/** visibleOrganization is the organisation of the path; personal accounts and strangers answer 404. */
export function visibleOrganization(call: RestCall, level: "read" | "write"): Account {
  const token = theToken(call);
  const account = call.world.accounts.get(param(call, "org").toLowerCase());
  if (account?.type !== "Organization" || token.installation.account !== account) throw notFound();
  requirePermission(token, "organization_self_hosted_runners", level);
  return account;
}

/** scopeOf is where the runners of the path live. */
export function scopeOf(call: RestCall, level: "read" | "write"): RunnerScope {
  if (call.params["org"] !== undefined) return { kind: "organization", account: visibleOrganization(call, level) };
  return { kind: "repository", repository: visibleRepository(call, "administration", level) };
}

/** installationOn is the App's installation on an account, or 404. */
export function installationOn(call: RestCall, account: Account | undefined) {
  const installation = account && findInstallation(call.world, theApp(call), account);
  if (!installation) throw notFound();
  return installation;
}

/** page cuts a list as `page` and `per_page` ask, with GitHub's Link header. */
export function page<T>(
  call: RestCall,
  items: readonly T[],
): { readonly items: readonly T[]; readonly headers: Record<string, string> } {
  const perPage = pageSize(call);
  const number = Math.max(1, Number(call.query.get("page") ?? 1));
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const link = (to: number, rel: string) => {
    const query = new URLSearchParams(call.query);
    query.set("page", String(to));
    return `<${call.world.url}${call.path}?${query.toString()}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link(number - 1, "prev"), link(1, "first")] : []),
    ...(number < last ? [link(number + 1, "next"), link(last, "last")] : []),
  ];
  return {
    items: items.slice((number - 1) * perPage, number * perPage),
    headers: links.length > 0 ? { link: links.join(", ") } : {},
  };
}

/** pageSize is `per_page` within GitHub's bounds: 30 by default, 100 at most. */
export function pageSize(call: RestCall): number {
  return Math.min(100, Math.max(1, Number(call.query.get("per_page") ?? 30)));
}
