import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { isGitHubError } from "../../github/errors.ts";
import { type GitHub, type RunnerRecord, scopeName } from "../../github/types.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import { inPool } from "../../util/in-pool.ts";
import { distinctScopes, type RunnerScope, runnerScopeText } from "../runner-scope.ts";
import { codeOf } from "../sweep-error.ts";
import { type Extent, SweepLoop } from "../sweep-loop.ts";
import type { SweepMetrics } from "../sweep-metrics.ts";
import { isShort } from "../sweep-quota.ts";
import { Told } from "../sweep-told.ts";
import { type Finds, type JoinDeps, joinRunners } from "./finds.ts";
import { hear, type Hearing } from "./judge.ts";
import type { RegistrationSweepPeriods } from "./periods.ts";
import { type Suspect, Suspects } from "./suspects.ts";

type Request = DeepReadonly<RunnerRequest>;

/** Scopes listed at a time. */
const listsInFlight = 4;
/** Removals and questions of one scope at a time, and how many of each a sweep begins there; the next one goes on. */
const callsInFlight = 2;
const callsASweep = 50;

export interface RegistrationSweepDeps extends JoinDeps {
  /** Where runners are, or may be, registered: by targets and by requests alive. */
  readonly scopes: () => Iterable<RunnerScope>;
  readonly github: (app: ObjectKey) => GitHub | undefined;
  /** The requests of a name in all namespaces that are served, read at the API server. */
  readonly liveRequests: (name: string, signal: AbortSignal) => Promise<readonly RunnerRequest[]>;
  /** Is told of each request that has a registration which its status does not mention, in every round that shows it. */
  readonly unrecorded: (request: ObjectKey) => void;
  /** Counts a request that was told of so, once. */
  readonly caught: () => void;
  /** Is told of each request whose runner GitHub has forgotten. */
  readonly registrationLost: (request: ObjectKey) => void;
  /**
   * Is told of each request whose runner works on a job that nobody told us of, once, and when that runner is idle again: `busy` says
   * which. A request that has heard of a job, or whose attempt is over, is not spoken of any more.
   */
  readonly worksUnheard: (request: ObjectKey, busy: boolean) => void;
  /** Is told of each complete list, after all else that follows from it; what it asks GitHub for is part of the scope's turn. */
  readonly listed?: (scope: RunnerScope, github: GitHub, runners: readonly RunnerRecord[], signal: AbortSignal) => Promise<void>;
  readonly metrics: SweepMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly periods: RegistrationSweepPeriods;
}

/**
 * RegistrationSweep joins what GitHub lists with the RunnerRequests, scope by scope; only names that can be ours are looked at:
 *
 * 1. an attempt that is not recorded: an earlier process registered its runner, and may have started it. Its request is told.
 * 2. no request of that name, or its attempt is over: the registration is removed, unless it may be at work or belong to somebody
 *    else. Another installation of getabako may serve the same scope and names its runners as we do. Its runners cannot be told from
 *    ours for certain, so one is removed only if it is offline, not busy, has the labels of a target of ours in that scope, looked so in
 *    two lists in a row, and the API server confirms that there is no such request. What that can cost the other installation is one
 *    attempt of a runner that takes longer to start than our sweeps are apart; what it saves us is a leftover, which GitHub itself
 *    drops after a day offline. So in doubt it stays.
 * 3. a request whose runner was online, has no job, and is missing in two lists in a row: GitHub has forgotten it (it reaps runners
 *    that idle, and forgets one whose assignment failed). GitHub is asked for it by its id, since a list may miss a runner while
 *    others leave, and then its request is told.
 * 4. a request whose runner is busy in two lists in a row and that has heard of no job: the event was lost. It is told, and told
 *    again when the runner is idle.
 *
 * The first list of a scope is also its census (`taken`). It is needed beside that of the instances: a runner is registered before its
 * instance is started, so GitHub shows launches that a provider's list, which lags behind its writes, does not show yet.
 */
export class RegistrationSweep {
  readonly name = "registration-sweep";
  readonly #deps: RegistrationSweepDeps;
  readonly #loop: SweepLoop;
  readonly #suspects: Suspects;
  /** By scope and then by request and runner, which of those that await a job were seen busy; bounded by the requests. */
  readonly #hearings = new Map<string, Map<string, Hearing>>();
  readonly #told = new Told();
  /** Scopes that were listed completely since this process leads. */
  readonly #taken = new Set<string>();
  #onTaken: (scope: RunnerScope) => void = () => undefined;

  constructor(deps: RegistrationSweepDeps) {
    this.#deps = deps;
    this.#suspects = new Suspects(deps.clock, deps.periods.settleMs);
    this.#loop = new SweepLoop({ rhythm: deps.periods, clock: deps.clock });
  }

  /** onTaken is told of each scope that has been counted. */
  onTaken(handler: (scope: RunnerScope) => void): void {
    this.#onTaken = handler;
  }

  /** taken tells whether every registration of an App in a scope is known. */
  taken(scope: RunnerScope): boolean {
    return this.#taken.has(runnerScopeText(scope));
  }

  /** soon has scopes counted that were not counted yet. */
  soon(): void {
    this.#loop.soon();
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#loop.run((extent) => this.sweep(signal, extent), signal);
  }

  /** sweep makes one round; it says whether every scope has been counted. */
  async sweep(signal: AbortSignal, extent: Extent = "all"): Promise<boolean> {
    const scopes = distinctScopes(this.#deps.scopes());
    const known = new Set(scopes.map(runnerScopeText));
    for (const text of this.#hearings.keys()) if (!known.has(text)) this.#hearings.delete(text);
    this.#suspects.keepPlaces(known);
    this.#told.keepPlaces(known);
    for (const text of this.#taken) if (!known.has(text)) this.#taken.delete(text);
    const due = scopes.filter((scope) => extent === "all" || !this.taken(scope));
    await inPool(due, listsInFlight, (scope) => this.#sweepScope(scope, signal));
    return scopes.every((scope) => this.taken(scope));
  }

  /** One scope's turn; an error ends it, and the next sweep begins anew. */
  async #sweepScope(scope: RunnerScope, signal: AbortSignal): Promise<void> {
    const text = runnerScopeText(scope);
    const github = this.#deps.github(scope.app);
    // Its Secret is not read yet, or cannot be used: the App's own condition says so.
    if (github === undefined || (this.taken(scope) && isShort(github, scope.scope))) return;
    try {
      const runners = await github.listRunners(scope.scope, signal);
      const finds = joinRunners(this.#deps, scope, runners);
      this.#told.keep(text, new Set([...runners, ...finds.lost].map(({ id }) => String(id))));
      this.#hear(text, finds.waiting);
      const ripe = this.#suspects.remember(text, finds);
      // The census misses none. Later ones are most likely registrations whose answer is on its way to this very process.
      const unrecorded = this.taken(scope) ? ripe.unrecorded : finds.unrecorded;
      for (const { runner, request } of unrecorded) this.#tellUnrecorded(text, runner, request);
      if (!this.#taken.has(text)) {
        this.#taken.add(text);
        this.#onTaken(scope);
      }
      // The lost first: a job waits for each of them, and for a leftover nobody does.
      await this.#each(scope, ripe.lost, (find) => this.#lose(scope, github, find, signal), signal);
      await this.#each(scope, ripe.unwanted, (find) => this.#remove(scope, github, find, signal), signal);
      await this.#deps.listed?.(scope, github, runners, signal);
    } catch (error) {
      if (signal.aborted) return;
      const { log } = this.#deps;
      log.warn(
        { scope: scopeName(scope.scope), ...codeOf(error) },
        "could not sweep the runners of a scope, the next sweep tries again",
      );
    }
  }

  #hear(text: string, waiting: Finds["waiting"]): void {
    const before = this.#hearings.get(text);
    const hearings = new Map<string, Hearing>();
    for (const { request, name, sight } of waiting) {
      const key = keyOf(request);
      const id = `${keyText(key)} ${name}`;
      // Its status says so where a refused removal told of it, or an earlier process.
      const known = before?.get(id) ?? (request.status?.runner?.busySince === undefined ? undefined : "told");
      const { now, tell } = hear(known, sight);
      if (now !== undefined) hearings.set(id, now);
      if (tell === undefined) continue;
      const fields = { runnerRequest: keyText(key), runner: name };
      if (tell) this.#deps.log.info(fields, "a runner works on a job that nobody told us of");
      else this.#deps.log.info(fields, "a runner that worked on a job that nobody told us of is idle again");
      this.#deps.worksUnheard(key, tell);
    }
    this.#hearings.set(text, hearings);
  }

  /**
   * Works on what is ripe, each apart from the others: one that always fails must not keep the rest from their turn. Only a rate limit
   * ends it early, since it would refuse the others too.
   */
  async #each<Find extends { readonly suspect: Suspect }>(
    scope: RunnerScope,
    finds: readonly Find[],
    work: (find: Find) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const failures: unknown[] = [];
    await inPool(finds.slice(0, callsASweep), callsInFlight, async (find) => {
      if (failures.some((error) => isGitHubError(error) && error.code === "RateLimited")) return;
      find.suspect.tries += 1;
      try {
        await work(find);
      } catch (error) {
        if (signal.aborted) throw error;
        failures.push(error);
      }
    });
    if (failures.length === 0) return;
    const fields = { scope: scopeName(scope.scope), failed: failures.length, ...codeOf(failures[0]) };
    this.#deps.log.warn(fields, "could not take care of some runners of a scope, the next sweep tries again");
  }

  #tellUnrecorded(text: string, runner: RunnerRecord, request: Request): void {
    const key = keyOf(request);
    if (this.#told.first(text, String(runner.id), "unrecorded")) {
      this.#deps.metrics.swept("registration", "unrecorded");
      this.#deps.caught();
      this.#deps.log.info(
        { runnerRequest: keyText(key), runner: runner.name },
        "found a registration that an earlier process had made",
      );
    }
    this.#deps.unrecorded(key);
  }

  async #remove(scope: RunnerScope, github: GitHub, find: Finds["unwanted"][number], signal: AbortSignal): Promise<void> {
    const { runner, request, known } = find;
    // Those that the local copy has were judged by what never goes back; of the others it may not have heard yet.
    if (!known && (await this.#deps.liveRequests(request, signal)).length > 0) return;
    const outcome = await github.deleteRunner(scope.scope, runner.id, signal);
    if (outcome === "gone" || (outcome === "busy" && !this.#told.first(runnerScopeText(scope), String(runner.id), "busy")))
      return;
    this.#deps.metrics.swept("registration", outcome === "busy" ? "busy" : "removed");
    const fields = { scope: scopeName(scope.scope), runner: runner.name };
    if (outcome === "busy") this.#deps.log.info(fields, "left a registration alone that belongs to no attempt: it is busy");
    else this.#deps.log.info(fields, "removed a registration that belongs to no attempt");
  }

  async #lose(scope: RunnerScope, github: GitHub, { id, request }: Finds["lost"][number], signal: AbortSignal): Promise<void> {
    if ((await github.getRunner(scope.scope, id, signal)) !== undefined) return;
    const key = keyOf(request);
    if (this.#told.first(runnerScopeText(scope), String(id), "lost")) {
      this.#deps.metrics.swept("registration", "lost");
      this.#deps.log.info(
        { runnerRequest: keyText(key), runner: request.status?.runner?.name },
        "GitHub does not list a runner any more that was online and had no job",
      );
    }
    this.#deps.registrationLost(key);
  }
}
