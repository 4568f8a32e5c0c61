import { verify } from "node:crypto";
import { ApiError } from "./errors.ts";
import { parseJson } from "./http.ts";
import type { App, Token } from "./state/model.ts";
import type { World } from "./state/world.ts";

/** Caller is who a request speaks for. */
export type Caller =
  | { readonly kind: "app"; readonly app: App; readonly jwt: string }
  | { readonly kind: "token"; readonly token: Token };

/** GitHub's own clock is right by definition, and grants no disagreement: that is why clients date their JWTs back. */
const longestLifeSeconds = 600;

/** authenticate reads the Authorization header as GitHub does. */
export function authenticate(world: World, header: string | undefined): Caller {
  if (!header) throw new ApiError(401, "Requires authentication");
  const credentials = /^(?:bearer|token) +(\S+)$/i.exec(header)?.[1];
  if (!credentials) throw new ApiError(401, "Bad credentials");
  const token = world.tokens.get(credentials);
  if (token) {
    if (token.revoked || world.now() >= token.expiresAt) throw new ApiError(401, "Bad credentials");
    return { kind: "token", token };
  }
  if (credentials.startsWith("ghs_")) throw new ApiError(401, "Bad credentials");
  return { kind: "app", app: verifyJwt(world, credentials), jwt: credentials };
}

function verifyJwt(world: World, jwt: string): App {
  const undecodable = new ApiError(401, "A JSON web token could not be decoded");
  const [header, claims, signature, ...rest] = jwt.split(".");
  if (!header || !claims || !signature || rest.length > 0) throw undecodable;
  const { alg } = decode(header);
  const { iss, iat, exp } = decode(claims);
  if (alg !== "RS256") throw undecodable;
  const app = [...world.apps.values()].find((candidate) => String(candidate.id) === String(iss) || candidate.clientId === iss);
  if (!app) throw new ApiError(404, "Integration not found");
  const signed = Buffer.from(`${header}.${claims}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!app.keys.some((key) => verify("RSA-SHA256", signed, key.publicKey, bytes))) throw undecodable;
  const now = Math.floor(world.now() / 1000);
  if (typeof exp !== "number" || exp <= now) {
    throw new ApiError(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (exp > now + longestLifeSeconds) throw new ApiError(401, "'Expiration time' claim ('exp') is too far in the future");
  if (typeof iat !== "number" || iat > now) {
    throw new ApiError(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  }
  return app;
}

function decode(part: string): Record<string, unknown> & { alg?: unknown; iss?: unknown; iat?: unknown; exp?: unknown } {
  const value = parseJson(Buffer.from(part, "base64url").toString("utf8"));
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** JwtMemory remembers App JWTs that were exchanged for a token, for as long as they could be sent again. */
export class JwtMemory {
  readonly #seen = new Map<string, number>();

  /** True when exactly these bytes were here before: GitHub then answers 404, as if the installation were gone. */
  isReplay(jwt: string, nowMs: number): boolean {
    for (const [known, at] of this.#seen) if (nowMs - at > 2 * longestLifeSeconds * 1000) this.#seen.delete(known);
    if (this.#seen.has(jwt)) return true;
    this.#seen.set(jwt, nowMs);
    return false;
  }
}
