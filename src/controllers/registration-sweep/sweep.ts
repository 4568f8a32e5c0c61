import { parseRunnerName } from "../../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { type GitHub, type RunnerRecord, scopeName } from "../../github/types.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import { inPool } from "../../util/in-pool.ts";
import { distinctScopes, type RunnerScope, runnerScopeText } from "../runner-scope.ts";
import { codeOf } from "../sweep-error.ts";
import { type Extent, SweepLoop } from "../sweep-loop.ts";
import type { SweepMetrics } from "../sweep-metrics.ts";
import { expectedRunner, judgeRunner, mayBeRemoved } from "./judge.ts";
import type { RegistrationSweepPeriods } from "./periods.ts";

type Request = DeepReadonly<RunnerRequest>;

/** Scopes listed at a time. */
const listsInFlight = 4;
/** Removals and questions of one scope at a time, and how many of each a sweep begins there; the next one goes on. */
const callsInFlight = 2;
const callsASweep = 50;
/** The share of the App's rate limit that is left to launches and removals: below it, only the census lists. */
const reservedShare = 1 / 3;

export interface RegistrationSweepDeps {
  /** Where runners are, or may be, registered: by targets and by requests alive. */
  readonly scopes: () => Iterable<RunnerScope>;
  readonly github: (app: ObjectKey) => GitHub | undefined;
  /** The requests of a name in all namespaces, and all requests, as the local copy has them. */
  readonly named: (name: string) => Iterable<Request>;
  readonly requests: () => Iterable<Request>;
  /** The requests of a name in all namespaces that are served, read at the API server. */
  readonly liveRequests: (name: string, signal: AbortSignal) => Promise<readonly RunnerRequest[]>;
  /** The labels of each target of a scope. */
  readonly labels: (scope: RunnerScope) => Iterable<readonly string[]>;
  /** Whether this process is in the middle of a launch for a request, so that what looks unrecorded is only not recorded yet. */
  readonly launching: (uid: string) => boolean;
  /** Is told of each request that has a registration which its status does not mention, in every round that shows it. */
  readonly unrecorded: (request: ObjectKey) => void;
  /** Counts a request that was told of so, once. */
  readonly caught: () => void;
  /** Is told of each request whose runner GitHub has forgotten. */
  readonly registrationLost: (request: ObjectKey) => void;
  readonly metrics: SweepMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly periods: RegistrationSweepPeriods;
}

/** Finds is what one list of a scope was found to hold. */
interface Finds {
  readonly unrecorded: readonly { readonly runner: RunnerRecord; readonly request: Request }[];
  readonly unwanted: readonly { readonly runner: RunnerRecord; readonly request: string; readonly known: boolean }[];
  readonly lost: readonly { readonly id: number; readonly request: Request }[];
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
 *
 * The first list of a scope is also its census (`taken`). It is needed beside that of the instances: a runner is registered before its
 * instance is started, so GitHub shows launches that a provider's list, which lags behind its writes, does not show yet.
 */
export class RegistrationSweep {
  readonly name = "registration-sweep";
  readonly #deps: RegistrationSweepDeps;
  readonly #loop: SweepLoop;
  /** By scope, since when a runner (by id and what is wrong with it) has looked as it does; bounded by the list and the requests. */
  readonly #suspects = new Map<string, Map<string, { readonly sinceMs: number; told: boolean }>>();
  /** Scopes that were listed completely since this process leads. */
  readonly #taken = new Set<string>();
  #onTaken: (scope: RunnerScope) => void = () => undefined;

  constructor(deps: RegistrationSweepDeps) {
    this.#deps = deps;
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
    for (const text of this.#suspects.keys()) if (!known.has(text)) this.#suspects.delete(text);
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
    if (github === undefined || (this.taken(scope) && isShort(github))) return;
    try {
      const finds = this.#join(scope, await github.listRunners(scope.scope, signal));
      const ripe = this.#remember(text, finds);
      // The census misses none. Later ones are most likely registrations whose answer is on its way to this very process.
      const unrecorded = this.taken(scope) ? ripe.unrecorded : finds.unrecorded;
      for (const { runner, request } of unrecorded) this.#tellUnrecorded(text, runner, request);
      if (!this.#taken.has(text)) {
        this.#taken.add(text);
        this.#onTaken(scope);
      }
      await inPool(ripe.unwanted.slice(0, callsASweep), callsInFlight, (find) => this.#remove(scope, github, find, signal));
      await inPool(ripe.lost.slice(0, callsASweep), callsInFlight, (find) => this.#lose(scope, github, find, signal));
    } catch (error) {
      if (signal.aborted) return;
      const { log } = this.#deps;
      log.warn(
        { scope: scopeName(scope.scope), ...codeOf(error) },
        "could not sweep the runners of a scope, the next sweep tries again",
      );
    }
  }

  /** Joins a complete list with the local copy as it is now. */
  #join(scope: RunnerScope, runners: readonly RunnerRecord[]): Finds {
    const text = runnerScopeText(scope);
    const unrecorded: Finds["unrecorded"][number][] = [];
    const unwanted: Finds["unwanted"][number][] = [];
    for (const runner of runners) {
      const parsed = parseRunnerName(runner.name);
      if (parsed === undefined) continue;
      // Two namespaces may each have a request for the same job; a registration that fits one of them is no leftover of the other.
      const named = [...this.#deps.named(parsed.request)];
      const verdicts = named.map((request) => judgeRunner(runner.name, parsed.attempt, request));
      if (verdicts.includes("owned")) continue;
      const waiting = named.filter((_, index) => verdicts[index] === "unrecorded");
      for (const request of waiting) {
        if (!this.#deps.launching(request.metadata.uid ?? "")) unrecorded.push({ runner, request });
      }
      if (waiting.length === 0 && mayBeRemoved(runner, this.#deps.labels(scope))) {
        unwanted.push({ runner, request: parsed.request, known: named.length > 0 });
      }
    }
    const listed = new Set(runners.map(({ id }) => id));
    const lost: Finds["lost"][number][] = [];
    for (const request of this.#deps.requests()) {
      const id = expectedRunner(request);
      if (id !== undefined && !listed.has(id) && scopeTextOf(request) === text) lost.push({ id, request });
    }
    return { unrecorded, unwanted, lost };
  }

  /** Replaces what is known of a scope, and picks what has looked the same for long enough. */
  #remember(text: string, { unrecorded, unwanted, lost }: Finds): Finds {
    const nowMs = this.#deps.clock.now();
    const before = this.#suspects.get(text);
    const now = new Map<string, { readonly sinceMs: number; told: boolean }>();
    const isRipe = (suspect: string): boolean => {
      const known = before?.get(suspect) ?? { sinceMs: nowMs, told: false };
      now.set(suspect, known);
      return nowMs - known.sinceMs >= this.#deps.periods.settleMs;
    };
    this.#suspects.set(text, now);
    return {
      unrecorded: unrecorded.filter(({ runner }) => isRipe(`unrecorded ${runner.id}`)),
      unwanted: unwanted.filter(({ runner }) => isRipe(`unwanted ${runner.id}`)),
      lost: lost.filter(({ id }) => isRipe(`lost ${id}`)),
    };
  }

  #tellUnrecorded(text: string, runner: RunnerRecord, request: Request): void {
    const suspect = this.#suspects.get(text)?.get(`unrecorded ${runner.id}`);
    const key = keyOf(request);
    if (suspect?.told === false) {
      suspect.told = true;
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
    if (outcome === "gone") return;
    this.#deps.metrics.swept("registration", outcome === "busy" ? "busy" : "removed");
    const fields = { scope: scopeName(scope.scope), runner: runner.name };
    if (outcome === "busy") this.#deps.log.info(fields, "left a registration alone that belongs to no attempt: it is busy");
    else this.#deps.log.info(fields, "removed a registration that belongs to no attempt");
  }

  async #lose(scope: RunnerScope, github: GitHub, { id, request }: Finds["lost"][number], signal: AbortSignal): Promise<void> {
    if ((await github.getRunner(scope.scope, id, signal)) !== undefined) return;
    const key = keyOf(request);
    const suspect = this.#suspects.get(runnerScopeText(scope))?.get(`lost ${id}`);
    if (suspect?.told === false) {
      suspect.told = true;
      this.#deps.metrics.swept("registration", "lost");
      this.#deps.log.info(
        { runnerRequest: keyText(key), runner: request.status?.runner?.name },
        "GitHub does not list a runner any more that was online and had no job",
      );
    }
    this.#deps.registrationLost(key);
  }
}

/** Whether the App has little of its rate limit left. */
function isShort(github: GitHub): boolean {
  const core = github.rateLimits()["core"];
  return core !== undefined && core.remaining < core.limit * reservedShare;
}

function scopeTextOf({ status }: Request): string | undefined {
  if (status?.runner === undefined) return undefined;
  const { githubAppRef, scope } = status.runner;
  const { organization, repository } = scope;
  return runnerScopeText({
    app: githubAppRef,
    scope: repository === undefined ? { organization: organization ?? "" } : { repository },
  });
}
