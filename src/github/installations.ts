import type { Clock } from "../util/clock.ts";
import type { Caller } from "./caller.ts";
import { abortable } from "./deadline.ts";
import { GitHubError } from "./errors.ts";
import { accountName } from "./list-installations.ts";
import { refusalError } from "./refusal.ts";
import { organizationParameters, repositoryParameters, scopeOwner } from "./scope.ts";
import { idText } from "./shape.ts";
import { type Scope, scopeName } from "./types.ts";

/** A 404 within this time of a lookup is taken at its word: without it every removed runner would cost a second call. */
const lookupTrustedMs = 60_000;
const maxScopes = 1_000;

/**
 * Installations finds which installation of the App covers a scope. An App has at most one installation per account, so ids are kept
 * by owner; whether it covers a repository is only known by asking for that repository.
 */
export class Installations {
  readonly #app: Pick<Caller, "asApp">;
  readonly #clock: Clock;
  readonly #idByOwner = new Map<string, string>();
  /** When GitHub last named the installation for a scope; oldest first, capped. */
  readonly #lookedUpAtMs = new Map<string, number>();
  /** One lookup per scope at a time, for everyone who waits for it. */
  readonly #lookups = new Map<string, Promise<string>>();

  constructor(app: Pick<Caller, "asApp">, clock: Clock) {
    this.#app = app;
    this.#clock = clock;
  }

  /** remember takes an id that came with an event. It is a hint: the first 404 makes GitHub confirm it. */
  remember(scope: Scope, installationId: string): void {
    const owner = scopeOwner(scope).toLowerCase();
    if (/^\d+$/.test(installationId) && !this.#idByOwner.has(owner)) this.#idByOwner.set(owner, installationId);
  }

  /** forget drops an id that GitHub does not know any more, unless a newer one has taken its place. */
  forget(scope: Scope, installationId: string): void {
    const owner = scopeOwner(scope).toLowerCase();
    if (this.#idByOwner.get(owner) === installationId) this.#idByOwner.delete(owner);
  }

  /** known is the id that was found or told so far. */
  known(scope: Scope): string | undefined {
    return this.#idByOwner.get(scopeOwner(scope).toLowerCase());
  }

  async find(scope: Scope, signal: AbortSignal): Promise<string> {
    return this.known(scope) ?? (await this.lookUp(scope, signal));
  }

  /** lookUp asks GitHub, also when an id is known: ids die when the App is installed anew. */
  lookUp(scope: Scope, signal: AbortSignal): Promise<string> {
    const key = scopeName(scope).toLowerCase();
    let lookup = this.#lookups.get(key);
    if (lookup === undefined) {
      lookup = this.#ask(scope, key).finally(() => this.#lookups.delete(key));
      this.#lookups.set(key, lookup);
    }
    return abortable(lookup, signal);
  }

  /** confirm asks GitHub whether a scope still belongs to the installation that answered 404, unless it was asked a moment ago. */
  async confirm(scope: Scope, installationId: string, signal: AbortSignal): Promise<string> {
    const lookedUpAtMs = this.#lookedUpAtMs.get(scopeName(scope).toLowerCase());
    if (lookedUpAtMs !== undefined && this.#clock.now() - lookedUpAtMs < lookupTrustedMs) return installationId;
    return this.lookUp(scope, signal);
  }

  async #ask(scope: Scope, key: string): Promise<string> {
    const answer = await this.#app.asApp(
      {
        operation: "findInstallation",
        send: (request) =>
          "organization" in scope
            ? request("GET /orgs/{org}/installation", organizationParameters(scope.organization))
            : request("GET /repos/{owner}/{repo}/installation", repositoryParameters(scope.repository)),
      },
      new AbortController().signal,
    );
    const owner = scopeOwner(scope);
    if (!answer.ok) {
      if (answer.status !== 404) throw refusalError("findInstallation", scope, answer);
      this.#lookedUpAtMs.delete(key);
      if ("organization" in scope) this.#idByOwner.delete(owner.toLowerCase());
      throw new GitHubError("NotFound", notInstalled(scope), { status: 404 });
    }
    const { id, account, suspended_at: suspendedAt } = answer.data;
    const login = accountName(account);
    // Renamed and transferred repositories redirect here, perhaps to an account that this scope was never meant for.
    if (login.toLowerCase() !== owner.toLowerCase()) {
      throw new GitHubError("NotFound", `${scopeName(scope)} has moved to another account; write its new name into the scope`, {
        status: 404,
      });
    }
    if (typeof suspendedAt === "string") {
      throw new GitHubError(
        "Forbidden",
        `the App's installation on ${login} is suspended; unsuspend it in the settings of ${login}, under GitHub Apps`,
        { status: 403 },
      );
    }
    const installationId = idText(id);
    this.#idByOwner.set(owner.toLowerCase(), installationId);
    this.#lookedUpAtMs.delete(key);
    this.#lookedUpAtMs.set(key, this.#clock.now());
    for (const oldest of this.#lookedUpAtMs.keys()) {
      if (this.#lookedUpAtMs.size <= maxScopes) break;
      this.#lookedUpAtMs.delete(oldest);
    }
    return installationId;
  }
}

function notInstalled(scope: Scope): string {
  return "organization" in scope
    ? `the App is not installed on the organisation ${scope.organization} (404); install it there or correct the name. Personal accounts have repository scopes only`
    : `the App is not installed on the repository ${scope.repository} (404); install it there, add the repository to its selection, or correct the name`;
}
