import type { Clock } from "../util/clock.ts";
import type { Caller } from "./caller.ts";
import { abortable } from "./deadline.ts";
import { GitHubError } from "./errors.ts";
import { pages } from "./pages.ts";
import { refusalError } from "./refusal.ts";
import { organizationParameters } from "./scope.ts";
import { list, text, wholeNumber } from "./shape.ts";
import type { Scope } from "./types.ts";

const cachedMs = 600_000;
/** A group that is missing, or that GitHub no longer knows, is looked for again at most this often. */
const recheckMs = 60_000;
const defaultGroupId = 1;
const maxOrganizations = 100;

interface Listing {
  readonly listedAtMs: number;
  readonly idByName: ReadonlyMap<string, number>;
}

/** RunnerGroups resolves the names of runner groups to the ids that registrations need. */
export class RunnerGroups {
  readonly #caller: Pick<Caller, "inScope">;
  readonly #clock: Clock;
  readonly #listings = new Map<string, Listing>();
  readonly #listing = new Map<string, Promise<Listing>>();

  constructor(caller: Pick<Caller, "inScope">, clock: Clock) {
    this.#caller = caller;
    this.#clock = clock;
  }

  /** resolve returns the id of a group; `distrust` asks again because GitHub refused an id that came from here. */
  async resolve(scope: Scope, name: string, signal: AbortSignal, options: { distrust?: boolean } = {}): Promise<number> {
    if (!("organization" in scope)) {
      if (name.toLowerCase() === "default") return defaultGroupId;
      throw new GitHubError(
        "Invalid",
        `the repository ${scope.repository} has no runner group "${name}"; groups belong to organisations, a repository scope only has Default`,
      );
    }
    const { organization } = scope;
    const key = organization.toLowerCase();
    let listing = this.#listings.get(key);
    const ageMs = listing === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - listing.listedAtMs;
    const suspect = options.distrust === true || listing?.idByName.has(name.toLowerCase()) === false;
    if (listing === undefined || ageMs >= (suspect ? recheckMs : cachedMs)) listing = await this.#list(organization, key, signal);
    const id = listing.idByName.get(name.toLowerCase());
    if (id !== undefined) return id;
    throw new GitHubError(
      "NotFound",
      `the organisation ${organization} has no runner group "${name}", or the App may not see it; create it there or correct runnerGroup`,
    );
  }

  #list(organization: string, key: string, signal: AbortSignal): Promise<Listing> {
    let listing = this.#listing.get(key);
    if (listing === undefined) {
      listing = this.#ask(organization, key).finally(() => this.#listing.delete(key));
      this.#listing.set(key, listing);
    }
    return abortable(listing, signal);
  }

  async #ask(organization: string, key: string): Promise<Listing> {
    const scope = { organization };
    const idByName = new Map<string, number>();
    const groups = pages(async (page) => {
      const answer = await this.#caller.inScope(
        scope,
        {
          operation: "listRunnerGroups",
          send: (request) =>
            request("GET /orgs/{org}/actions/runner-groups", { ...organizationParameters(organization), per_page: 100, page }),
        },
        new AbortController().signal,
      );
      if (!answer.ok) throw refusalError("listRunnerGroups", scope, answer);
      return list(answer.data.runner_groups);
    });
    for await (const group of groups) idByName.set(text(group.name).toLowerCase(), wholeNumber(group.id));
    const listing: Listing = { listedAtMs: this.#clock.now(), idByName };
    this.#listings.set(key, listing);
    for (const oldest of this.#listings.keys()) {
      if (this.#listings.size <= maxOrganizations) break;
      this.#listings.delete(oldest);
    }
    return listing;
  }
}
