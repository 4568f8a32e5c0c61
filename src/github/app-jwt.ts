import { type KeyObject, randomUUID, sign } from "node:crypto";
import type { Clock } from "../util/clock.ts";

const backdatedSeconds = 60;
const lifetimeSeconds = 9 * 60;

/** AppJwtSigner signs the short-lived JWTs with which the App speaks for itself, on GitHub's clock rather than ours. */
export class AppJwtSigner {
  readonly #issuer: string;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  /** GitHub's clock minus ours, as last learnt from an answer. */
  #skewMs = 0;

  constructor(appId: string, key: KeyObject, clock: Clock) {
    this.#issuer = appId;
    this.#key = key;
    this.#clock = clock;
  }

  get skewMs(): number {
    return this.#skewMs;
  }

  /** now is the time on GitHub's clock, as far as it is known. */
  now(): number {
    return this.#clock.now() + this.#skewMs;
  }

  /**
   * sign makes a new JWT. Each one has an id of its own: two processes that sign in the same second would otherwise send the same
   * bytes, and GitHub answers the second with a 404 that looks like a removed installation.
   */
  sign(): string {
    const now = Math.floor(this.now() / 1_000);
    const claims = { iat: now - backdatedSeconds, exp: now + lifetimeSeconds, iss: this.#issuer, jti: randomUUID() };
    const content = `${segment({ alg: "RS256", typ: "JWT" })}.${segment(claims)}`;
    return `${content}.${sign("RSA-SHA256", Buffer.from(content), this.#key).toString("base64url")}`;
  }

  /**
   * learn corrects the clock from the Date header of an answer that refused a JWT.
   * @returns whether the correction is large enough for a new JWT to fare better.
   */
  learn(dateHeader: string | undefined): boolean {
    const theirs = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
    if (Number.isNaN(theirs)) return false;
    const change = theirs - this.now();
    // The header has whole seconds and the answer was under way: less than this explains no refusal, since iat is backdated.
    if (Math.abs(change) < 30_000) return false;
    this.#skewMs += change;
    return true;
  }
}

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
