import { isGitHubError } from "../../github/errors.ts";
import type { GitHub } from "../../github/types.ts";
import type { Logger } from "../../telemetry/log.ts";
import { isStoreUnavailable } from "../writer.ts";
import type { SweptApp } from "./apps.ts";
import type { Budget } from "./budget.ts";
import type { Sweep, SweepMetrics, TurnOutcome } from "./metrics.ts";

/** Withheld ends a turn whose budget does not allow another call. */
class Withheld extends Error {
  override readonly name = "Withheld";
}

/** Turn is one App's part in a sweep: its calls go through here, so that none is made beyond the budget. */
export class Turn {
  readonly app: SweptApp;
  readonly #budget: Budget;
  readonly #log: Logger;
  #left: number;
  #hasRefusal = false;

  constructor(app: SweptApp, { budget, log }: Pick<TurnOptions, "budget" | "log">, maxCalls: number) {
    this.app = app;
    this.#budget = budget;
    this.#log = log;
    this.#left = maxCalls;
  }

  /** Whether this turn may make another call: it has not had its share, and the App has quota to spare. */
  get mayCall(): boolean {
    return this.#left > 0 && this.#budget.allows(this.app.key, this.app.github);
  }

  /**
   * call makes one call. A list that needed several pages is charged afterwards with `spend`.
   * @throws Withheld when the turn may make no more calls.
   */
  async call<R>(make: (github: GitHub) => Promise<R>): Promise<R> {
    if (!this.mayCall) throw new Withheld("the turn is over");
    this.#left -= 1;
    return await make(this.app.github);
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
  { budget, metrics, log }: TurnOptions,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  const startedAt = performance.now();
  let outcome: TurnOutcome = "Done";
  try {
    await work();
  } catch (error) {
    if (signal.aborted) return;
    outcome = isWithheld(error) ? "Withheld" : endOfTurn(error, turn.app, budget, log);
  }
  metrics.turned(sweep, outcome, (performance.now() - startedAt) / 1_000);
}

/** isWithheld tells whether a thrown value is the end of a budget. */
export function isWithheld(error: unknown): boolean {
  return error instanceof Withheld;
}

/** endOfTurn notes an error in one line, without more of it than its code; what is no error of a known kind is a fault of ours, with its stack. */
function endOfTurn(error: unknown, app: SweptApp, budget: Budget, log: Logger): TurnOutcome {
  const facts = factsOf(app);
  if (isGitHubError(error)) {
    budget.limited(app.key, error);
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

/** isOfRepository tells an error that concerns one repository from one that the App's other calls would meet, too. */
export function isOfRepository(error: unknown): boolean {
  return isGitHubError(error) && (error.code === "NotFound" || error.code === "Forbidden" || error.code === "Invalid");
}

/** pagesOf is how many calls a list of so many entries has taken: a full last page is followed by an empty one. */
export function pagesOf(entries: number): number {
  return Math.floor(entries / 100) + 1;
}
