import type { Logger } from "../telemetry/log.ts";
import type { AppJwtSigner } from "./app-jwt.ts";
import { GitHubError } from "./errors.ts";
import type { Call, Exchange } from "./exchange.ts";
import { appOwner } from "./rate-limits.ts";
import { refusalCause } from "./refusal.ts";
import type { Answer } from "./transport.ts";

/** AppCaller sends calls that the App makes for itself, with a JWT. */
export class AppCaller {
  readonly #exchange: Exchange;
  readonly #signer: AppJwtSigner;
  readonly #log: Logger;

  constructor(parts: { exchange: Exchange; signer: AppJwtSigner; log: Logger }) {
    this.#exchange = parts.exchange;
    this.#signer = parts.signer;
    this.#log = parts.log;
  }

  /** run throws Unauthorized when GitHub refuses the JWT also after the clock was corrected; other refusals are returned. */
  async run<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>> {
    let answer = await this.#send(call, signal);
    if (answer.ok || answer.status !== 401) return answer;
    if (this.#signer.learn(answer.headers.date)) {
      this.#log.warn({ skewMs: this.#signer.skewMs }, "corrected the clock after github refused a jwt");
      answer = await this.#send(call, signal);
      if (answer.ok || answer.status !== 401) return answer;
    }
    const skewSeconds = Math.round(this.#signer.skewMs / 1_000);
    const clock = Math.abs(skewSeconds) >= 30 ? `; this machine's clock is off by ${Math.abs(skewSeconds)} s, correct it` : "";
    throw new GitHubError(
      "Unauthorized",
      `GitHub refuses the App's key (401); check that appId and private key belong together and that the key was not revoked${clock}`,
      {
        status: 401,
        cause: refusalCause(answer),
      },
    );
  }

  #send<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>> {
    return this.#exchange.run(appOwner, () => `Bearer ${this.#signer.sign()}`, call, signal);
  }
}
