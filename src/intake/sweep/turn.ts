import { isGitHubError } from "../../github/errors.ts";
import type { GitHub, LimitedOwner } from "../../github/types.ts";
import type { Logger } from "../../telemetry/log.ts";
import { isStoreUnavailable } from "../store-unavailable.ts";
import type { SweptApp } from "./apps.ts";
import type { Budget } from "./budget.ts";
import type { Sweep, SweepMetrics, TurnOutcome } from "./metrics.ts";

/** Withheld stands for a call that was not made: the turn has had its share, or the quota that the call draws on has none to spare. */
class Withheld extends Error {
  override readonly name = "Withheld";
  readonly by: "Share" | "Quota";

  constructor(by: "Share" | "Quota") {
    super(`a call is withheld: ${by}`);
    this.by = by;
  }
}

/** Errors in a row at which it is GitHub that is broken, and not what was asked for. */
const maxFailures = 3;

/** A server that answers as slowly as it may must not keep the Apps behind it from their turns. */
const longestTurnMs = 180_000;

/** Turn is one App's part in a sweep: its calls go through here, so that none is made beyond the budget. */
export class Turn {
  readonly app: SweptApp;
  readonly #budget: Budget;
  readonly #log: Logger;
  readonly #startedAtMs = performance.now();
  #left: number;
  #hasRefusal = false;
  /** Calls in a row that GitHub did not answer. */
  #failures = 0;
  #outcome: TurnOutcome = "Done";

  constructor(app: SweptApp, { budget, log }: Pick<TurnOptions, "budget" | "log">, maxCalls: number) {
    this.app = app;
    this.#budget = budget;
    this.#log = log;
    this.#left = maxCalls;
  }

  /** How the turn would end now. */
  get outcome(): TurnOutcome {
    return this.#outcome;
  }

  /** How many calls are left of the turn's share. */
  get left(): number {
    return this.#left;
  }

  /** check is for whoever wants to know before the first call. @throws Withheld when a call on an owner's quota may not be made now. */
  check(owner: LimitedOwner): void {
    if (this.#left <= 0 || performance.now() - this.#startedAtMs > longestTurnMs) throw new Withheld("Share");
    if (!this.#budget.allows(this.app, owner)) throw new Withheld("Quota");
  }

  /**
   * call makes one call, which draws on an owner's quota. A list that needed several pages is charged afterwards with `spend`.
   * @throws Withheld when it may not be made.
   */
  async call<R>(owner: LimitedOwner, make: (github: GitHub) => Promise<R>): Promise<R> {
    this.check(owner);
    this.#left -= 1;
    try {
      const answer = await make(this.app.github);
      this.#failures = 0;
      return answer;
    } catch (error) {
      if (isGitHubError(error)) this.#budget.limited(this.app, owner, error);
      throw error;
    }
  }

  /**
   * goesOnAfter tells whether an error says nothing of what is next in this turn: a repository or run that cannot be read, or an account
   * whose quota is not to be touched. Where several calls in a row are not answered, it says something.
   */
  goesOnAfter(error: unknown): boolean {
    if (error instanceof Withheld) {
      this.#outcome = "Withheld";
      return error.by === "Quota";
    }
    if (!isGitHubError(error)) return false;
    switch (error.code) {
      case "NotFound":
      case "Forbidden":
      case "Invalid":
      case "NameTaken":
        return true;
      case "RateLimited":
        this.#outcome = "Withheld";
        return true;
      case "Unavailable":
        this.#failures += 1;
        this.#outcome = "Failed";
        return this.#failures < maxFailures;
      case "Unauthorized":
        return false;
      default:
        return error.code satisfies never;
    }
  }

  /**
   * store has something of one request stored. What the API server refuses says nothing of the next request, which may be of another
   * namespace, so that is "refused" and a line in the log, the first time in a turn.
   * @throws StoreUnavailable when the API server is away.
   */
  async store<R>(request: string, write: () => Promise<R>): Promise<R | "refused"> {
    try {
      return await write();
    } catch (error) {
      if (!isStoreUnavailable(error) || error.kind !== "Refused") throw error;
      const cause = error.cause instanceof Error ? error.cause.message : undefined;
      const line = { ...factsOf(this.app), request, reason: error.message, ...(cause !== undefined && { cause }) };
      this.#log[this.#hasRefusal ? "debug" : "warn"](line, "the API server refused what a sweep found");
      this.#hasRefusal = true;
      return "refused";
    }
  }

  /** spend charges calls beside the one that `call` has counted. */
  spend(calls: number): void {
    this.#left -= calls;
  }
}

/** TurnOptions are what all turns share. */
export interface TurnOptions {
  readonly budget: Budget;
  readonly metrics: SweepMetrics;
  readonly log: Logger;
}

/**
 * takeTurn gives an App its turn. What goes wrong at GitHub or at the API server ends the turn with one line, and nothing else: the
 * next sweep begins from what is stored.
 */
export async function takeTurn(
  sweep: Sweep,
  turn: Turn,
  { metrics, log }: TurnOptions,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  const startedAt = performance.now();
  let outcome: TurnOutcome;
  try {
    await work();
    outcome = turn.outcome;
  } catch (error) {
    if (signal.aborted) return;
    outcome = error instanceof Withheld ? "Withheld" : endOfTurn(error, turn.app, log);
  }
  metrics.turned(sweep, outcome, (performance.now() - startedAt) / 1_000);
}

/** isWithheld tells whether a thrown value stands for a call that was not made. */
export function isWithheld(error: unknown): boolean {
  return error instanceof Withheld;
}

/** endOfTurn notes an error in one line, without more of it than its code; what is no error of a known kind is a fault of ours, with its stack. */
function endOfTurn(error: unknown, app: SweptApp, log: Logger): TurnOutcome {
  const facts = factsOf(app);
  if (isGitHubError(error)) {
    log.warn({ ...facts, code: error.code, reason: error.message }, "sweep stopped by github");
    return error.code === "RateLimited" ? "Withheld" : "Failed";
  }
  if (isStoreUnavailable(error)) log.warn({ ...facts, code: "StoreUnavailable" }, "sweep stopped by the API server");
  else log.error({ ...facts, err: error }, "sweep stopped by an error in getabako");
  return "Failed";
}

/** factsOf names an App in a line of the log. */
export function factsOf(app: SweptApp): { readonly host: string; readonly appId: number | undefined } {
  return { host: app.host, appId: app.objects[0]?.spec.appId };
}

/** pagesOf is how many calls a list of so many entries has taken: a full last page is followed by an empty one. */
export function pagesOf(entries: number): number {
  return Math.floor(entries / 100) + 1;
}
