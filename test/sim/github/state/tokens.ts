import { randomBytes } from "node:crypto";
import { ApiError } from "../errors.ts";
import { installationCovers } from "./apps.ts";
import type { Installation, Repository, Token } from "./model.ts";
import { fullName, type World } from "./world.ts";

/** NarrowToken is the body of the token call: less than the installation has, never more. */
export interface NarrowToken {
  readonly repositories?: readonly string[];
  readonly repository_ids?: readonly number[];
  readonly permissions?: Readonly<Record<string, string>>;
}

const rank: Readonly<Record<string, number>> = { read: 1, write: 2, admin: 3 };

/** grants tells whether a set of permissions includes a level of one of them. */
export function grants(permissions: Readonly<Record<string, string>>, name: string, level: string): boolean {
  return (rank[permissions[name] ?? ""] ?? 0) >= (rank[level] ?? 9);
}

/** issueToken mints an installation token, short (40 characters) or in the new long form with dots. */
export function issueToken(world: World, installation: Installation, narrow: NarrowToken, longAsked: boolean): Token {
  if (installation.suspendedAt !== undefined) throw new ApiError(403, "This installation has been suspended");
  for (const [name, level] of Object.entries(narrow.permissions ?? {})) {
    if (grants(installation.permissions, name, level)) continue;
    throw new ApiError(422, "The permissions requested are not granted to this installation.");
  }
  const now = world.now();
  const issued = world.tokens.size;
  const long = longAsked || world.settings.tokens === "long" || (world.settings.tokens === "alternate" && issued % 2 === 1);
  const token: Token = {
    value: long ? longToken(installation) : `ghs_${randomBytes(27).toString("base64url").replace(/[-_]/g, "0").slice(0, 36)}`,
    installation,
    createdAt: now,
    expiresAt: now + world.settings.tokenLifetimeMs,
    permissions: narrow.permissions ?? installation.permissions,
    repositories: narrowedRepositories(world, installation, narrow),
    revoked: false,
  };
  world.tokens.set(token.value, token);
  world.secrets.add(token.value);
  world.record("token-issued", { detail: `installation ${installation.id}` });
  return token;
}

function narrowedRepositories(world: World, installation: Installation, narrow: NarrowToken): ReadonlySet<number> | undefined {
  if (!narrow.repositories && !narrow.repository_ids) return undefined;
  const chosen = [...world.repositories.values()].filter(
    (repository) =>
      installationCovers(installation, repository) &&
      (narrow.repositories?.includes(repository.name) || narrow.repository_ids?.includes(repository.id)),
  );
  const asked = (narrow.repositories?.length ?? 0) + (narrow.repository_ids?.length ?? 0);
  if (chosen.length < asked) {
    throw new ApiError(
      422,
      "There is at least one repository that does not exist or is not accessible to the parent installation.",
    );
  }
  return new Set(chosen.map((repository) => repository.id));
}

/** tokenCovers tells whether a token may see a repository. */
export function tokenCovers(token: Token, repository: Repository): boolean {
  return installationCovers(token.installation, repository) && (token.repositories?.has(repository.id) ?? true);
}

/** accessibleRepositories is what a token can see, for the answer that carries it. */
export function accessibleRepositories(world: World, token: Token): Repository[] {
  return [...world.repositories.values()]
    .filter((repository) => tokenCovers(token, repository))
    .sort((a, b) => fullName(a).localeCompare(fullName(b)));
}

/** The form that GitHub has been rolling out: `ghs_<app id>_<JWT>`, about 520 characters, of no fixed length. */
function longToken(installation: Installation): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const header = part({ alg: "RS256", typ: "JWT" });
  const claims = part({ iss: "github", sub: `installation:${installation.id}`, jti: randomBytes(9).toString("hex") });
  return `ghs_${installation.app.id}_${header}.${claims}.${randomBytes(256).toString("base64url")}`;
}
