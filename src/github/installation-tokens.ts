import type { Clock } from "../util/clock.ts";
import type { AppJwtSigner } from "./app-jwt.ts";
import type { Caller } from "./caller.ts";
import { abortable } from "./deadline.ts";
import { GitHubError } from "./errors.ts";
import { refusalCause, refusalError } from "./refusal.ts";
import { text } from "./shape.ts";

const renewBeforeExpiryMs = 60_000;

/** InstallationToken is opaque text: its form and length have changed and will again. It shows itself to nobody but the transport. */
export class InstallationToken {
  readonly installationId: string;
  readonly mintedAtMs: number;
  readonly expiresAtMs: number;
  readonly #text: string;

  constructor(fields: { installationId: string; mintedAtMs: number; expiresAtMs: number; text: string }) {
    this.installationId = fields.installationId;
    this.mintedAtMs = fields.mintedAtMs;
    this.expiresAtMs = fields.expiresAtMs;
    this.#text = fields.text;
  }

  get authorization(): string {
    return `Bearer ${this.#text}`;
  }
}

/** InstallationTokens keeps one token per installation until a minute before it expires. */
export class InstallationTokens {
  readonly #app: Pick<Caller, "asApp">;
  readonly #signer: AppJwtSigner;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, InstallationToken>();
  /** One token request per installation at a time, for everyone who waits for it. */
  readonly #minting = new Map<string, Promise<InstallationToken>>();

  constructor(parts: { app: Pick<Caller, "asApp">; signer: AppJwtSigner; clock: Clock }) {
    this.#app = parts.app;
    this.#signer = parts.signer;
    this.#clock = parts.clock;
  }

  /** get throws NotFound when GitHub does not know the installation, also after a second try with another JWT. */
  get(installationId: string, signal: AbortSignal): Promise<InstallationToken> {
    const token = this.#tokens.get(installationId);
    // Expiry is a moment on GitHub's clock.
    if (token !== undefined && token.expiresAtMs - renewBeforeExpiryMs > this.#signer.now()) return Promise.resolve(token);
    let minting = this.#minting.get(installationId);
    if (minting === undefined) {
      minting = this.#mint(installationId).finally(() => this.#minting.delete(installationId));
      this.#minting.set(installationId, minting);
    }
    return abortable(minting, signal);
  }

  /** invalidate forgets a token that GitHub no longer accepts, unless somebody else has replaced it already. */
  invalidate(token: InstallationToken): void {
    if (this.#tokens.get(token.installationId) === token) this.#tokens.delete(token.installationId);
  }

  async #mint(installationId: string): Promise<InstallationToken> {
    this.#tokens.delete(installationId);
    let answer = await this.#request(installationId);
    // A JWT that GitHub takes for a repetition is answered with 404, too; a second one rules that out.
    if (!answer.ok && answer.status === 404) answer = await this.#request(installationId);
    if (!answer.ok) {
      if (answer.status === 403) {
        const message = `GitHub forbids a token for installation ${installationId} of the App (403); check that the installation is not suspended and that an IP allow list lets the operator in`;
        throw new GitHubError("Forbidden", message, { status: 403, cause: refusalCause(answer) });
      }
      throw refusalError("mintToken", undefined, answer);
    }
    const secret = text(answer.data.token);
    const expiry = Date.parse(text(answer.data.expires_at));
    const expiresAtMs = Number.isNaN(expiry) ? this.#signer.now() + 30 * 60_000 : expiry;
    const token = new InstallationToken({ installationId, mintedAtMs: this.#clock.now(), expiresAtMs, text: secret });
    this.#tokens.set(installationId, token);
    return token;
  }

  #request(installationId: string) {
    return this.#app.asApp(
      {
        operation: "mintToken",
        // Ids go beyond 2^53, so they are text here; the route's parameter is typed as a number.
        send: (request) =>
          request("POST /app/installations/{installation_id}/access_tokens", {
            installation_id: installationId as unknown as number,
          }),
      },
      new AbortController().signal,
    );
  }
}
