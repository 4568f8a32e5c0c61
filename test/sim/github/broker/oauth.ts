import { constants, randomBytes, verify } from "node:crypto";
import { parseJson } from "../http.ts";
import type { Runner } from "../state/model.ts";
import { isUsable } from "../state/runners.ts";
import type { World } from "../state/world.ts";
import { BrokerError, unauthorized } from "./errors.ts";

const lifetimeSeconds = 3_600;
const skewSeconds = 300;

/** RunnerTokens exchanges a runner's signed assertion for an access token, and knows who a token belongs to. */
export class RunnerTokens {
  readonly #world: World;
  readonly #tokens = new Map<string, { readonly runner: Runner; readonly expiresAt: number }>();
  readonly #seen = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The token endpoint. A registration that is gone, used up or expired is an invalid client. */
  exchange(form: URLSearchParams, audience: string) {
    if (form.get("grant_type") !== "client_credentials") throw new BrokerError(400, { error: "unsupported_grant_type" });
    if (form.get("client_assertion_type") !== "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") {
      throw new BrokerError(400, { error: "invalid_request" });
    }
    const runner = this.#verified(form.get("client_assertion") ?? "", audience);
    if (!runner || !isUsable(this.#world, runner)) throw new BrokerError(400, { error: "invalid_client" });
    return { access_token: this.issue(runner), token_type: "bearer", expires_in: lifetimeSeconds };
  }

  issue(runner: Runner): string {
    const token = `sim_${randomBytes(30).toString("base64url")}`;
    this.#tokens.set(token, { runner, expiresAt: this.#world.now() + lifetimeSeconds * 1000 });
    this.#world.secrets.add(token);
    return token;
  }

  /** The runner behind an Authorization header, or 401: one real client only asks for a token after it was refused. */
  owner(header: string | undefined): Runner {
    const token = /^bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? "";
    const known = this.#tokens.get(token);
    if (!known || this.#world.now() >= known.expiresAt) throw unauthorized();
    return known.runner;
  }

  #verified(assertion: string, audience: string): Runner | undefined {
    const [header = "", claims = "", signature = ""] = assertion.split(".");
    const { alg } = decode(header);
    const { iss, sub, aud, exp, nbf, jti } = decode(claims);
    const runner = [...this.#world.runners.values()].find((candidate) => candidate.jit.clientId === iss);
    if (!runner || iss !== sub || aud !== audience) return undefined;
    const now = this.#world.now() / 1000;
    if (typeof exp !== "number" || exp <= now - skewSeconds || (typeof nbf === "number" && nbf > now + skewSeconds))
      return undefined;
    if (typeof jti !== "string" || this.#seen.has(jti)) return undefined;
    const padding =
      alg === "PS256" ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
    if (alg !== "RS256" && alg !== "PS256") return undefined;
    const key = { key: runner.jit.publicKey, ...padding };
    if (!verify("RSA-SHA256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"))) return undefined;
    this.#seen.add(jti);
    return runner;
  }
}

interface Claims {
  readonly alg?: unknown;
  readonly iss?: unknown;
  readonly sub?: unknown;
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly nbf?: unknown;
  readonly jti?: unknown;
}

function decode(part: string): Claims {
  const value = parseJson(Buffer.from(part, "base64url").toString("utf8"));
  return typeof value === "object" && value !== null ? value : {};
}
