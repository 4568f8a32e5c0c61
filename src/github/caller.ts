import type { Logger } from "../telemetry/log.ts";
import type { Clock } from "../util/clock.ts";
import { AppCaller } from "./app-caller.ts";
import type { AppJwtSigner } from "./app-jwt.ts";
import { withDeadline } from "./deadline.ts";
import { isGitHubError } from "./errors.ts";
import type { Call, Exchange, Sleep } from "./exchange.ts";
import { type InstallationToken, InstallationTokens } from "./installation-tokens.ts";
import { Installations } from "./installations.ts";
import { type Operation, traitsOf } from "./operations.ts";
import type { Answer } from "./transport.ts";
import type { Scope } from "./types.ts";

/** A token that is younger than this may be unknown to the server that answers; GitHub's own clients wait this long, too. */
const replicationLagMs = 5_000;
const lagWaitsMs = [500, 1_000, 2_000] as const;

/** Timeouts bound each call, retries and token included. Waiting for the pace of writes comes on top. */
export interface Timeouts {
  readonly callMs: number;
  /** Registrations have been seen to take more than 10 s, and giving up on one leaves an unknown outcome. */
  readonly mintMs: number;
}

/** Caller sends calls with the right identity and under their deadline. Limits and unknown outcomes are thrown, refusals are returned. */
export class Caller {
  readonly #exchange: Exchange;
  readonly #appCaller: AppCaller;
  readonly #timeouts: Timeouts;
  readonly #paceWaitMs: number;
  readonly #clock: Clock;
  readonly #sleep: Sleep;
  readonly #tokens: InstallationTokens;
  readonly installations: Installations;

  constructor(parts: {
    exchange: Exchange;
    signer: AppJwtSigner;
    timeouts: Timeouts;
    paceWaitMs: number;
    clock: Clock;
    sleep: Sleep;
    log: Logger;
  }) {
    this.#exchange = parts.exchange;
    this.#appCaller = new AppCaller(parts);
    this.#timeouts = parts.timeouts;
    this.#paceWaitMs = parts.paceWaitMs;
    this.#clock = parts.clock;
    this.#sleep = parts.sleep;
    this.#tokens = new InstallationTokens({ app: this, signer: parts.signer, clock: parts.clock });
    this.installations = new Installations(this, parts.clock);
  }

  /** asApp sends a call that the App makes for itself. */
  asApp<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>> {
    return withDeadline(call.operation, this.#deadlineMs(call.operation), signal, (bounded) =>
      this.#appCaller.run(call, bounded),
    );
  }

  /** inScope sends a call with a token of the installation that covers the scope. */
  inScope<T>(scope: Scope, call: Call<T>, signal: AbortSignal): Promise<Answer<T>> {
    return withDeadline(call.operation, this.#deadlineMs(call.operation), signal, async (bounded) => {
      const { answer, installationId } = await this.#withToken(scope, call, bounded);
      if (answer.ok || answer.status !== 404) return answer;
      // 404 is also what an installation gets that no longer covers the scope: "gone" must not be concluded from that.
      const confirmed = await this.installations.confirm(scope, installationId, bounded);
      return confirmed === installationId ? answer : (await this.#withToken(scope, call, bounded)).answer;
    });
  }

  #deadlineMs(operation: Operation): number {
    const { write } = traitsOf(operation);
    return (write === "mint" ? this.#timeouts.mintMs : this.#timeouts.callMs) + (write === undefined ? 0 : this.#paceWaitMs);
  }

  async #withToken<T>(scope: Scope, call: Call<T>, signal: AbortSignal): Promise<{ answer: Answer<T>; installationId: string }> {
    let renewed = false;
    for (let lagWaits = 0; ; ) {
      const token = await this.#token(scope, signal);
      const answer = await this.#exchange.run(token.installationId, () => token.authorization, call, signal);
      const refused = !answer.ok && (answer.status === 401 || answer.status === 403);
      const lagWaitMs = lagWaitsMs[lagWaits];
      if (refused && lagWaitMs !== undefined && this.#clock.now() - token.mintedAtMs < replicationLagMs) {
        lagWaits += 1;
        await this.#sleep(lagWaitMs, signal);
      } else if (refused && answer.status === 401 && !renewed) {
        renewed = true;
        this.#tokens.invalidate(token);
      } else {
        return { answer, installationId: token.installationId };
      }
    }
  }

  async #token(scope: Scope, signal: AbortSignal): Promise<InstallationToken> {
    const known = await this.installations.find(scope, signal);
    try {
      return await this.#tokens.get(known, signal);
    } catch (error) {
      if (!isGitHubError(error) || error.code !== "NotFound") throw error;
    }
    // The App was installed anew, moved or removed: the id is stale, and asking with it again would only earn more 404s.
    this.installations.forget(scope, known);
    return this.#tokens.get(await this.installations.lookUp(scope, signal), signal);
  }
}
