import { GitHubError, type GitHubErrorCode } from "./errors.ts";
import { type Operation, permissionFor, traitsOf } from "./operations.ts";
import { errorCode, scrubCause } from "./redact.ts";
import type { Answer } from "./transport.ts";
import { type Scope, scopeName } from "./types.ts";

/** Refusal is an answer other than 2xx. */
export type Refusal = Extract<Answer<unknown>, { ok: false }>;

/** refusalCode maps a status to a code; limits are recognised before, from the headers. */
export function refusalCode(status: number): GitHubErrorCode {
  if (status === 401) return "Unauthorized";
  if (status === 403) return "Forbidden";
  if (status === 404 || status === 410) return "NotFound";
  if (status === 409) return "NameTaken";
  if (status === 429) return "RateLimited";
  if (status >= 500 || status === 408) return "Unavailable";
  return "Invalid";
}

/** refusalError says in a sentence of ours what GitHub refused and what to check. GitHub's own text is never passed on. */
export function refusalError(operation: Operation, scope: Scope | undefined, refusal: Refusal): GitHubError {
  const code = refusalCode(refusal.status);
  const { does } = traitsOf(operation);
  const where = scope === undefined ? "" : ` of ${scopeName(scope)}`;
  const permission = permissionFor(operation, scope);
  const accepted = refusal.headers.acceptedPermissions;
  const asked = accepted === undefined ? "" : ` (GitHub accepts ${accepted})`;
  const message = {
    Unauthorized: `GitHub does not accept the App's credentials (401, to ${does}${where}); check appId, the private key and this machine's clock`,
    Forbidden: `GitHub forbids to ${does}${where} (403); ${permission === undefined ? "check the App's permissions" : `the App needs ${permission}`}${asked}, and its installation has to approve a change`,
    NotFound: `GitHub cannot ${does}${where} (404); check that the name is right and that the App is installed there${permission === undefined ? "" : ` with ${permission}`}${asked}`,
    NameTaken: `GitHub refuses to ${does}${where} because the name exists already (409)`,
    RateLimited: `GitHub limits the calls of this App (${refusal.status})`,
    Unavailable: `GitHub failed to ${does}${where} (${refusal.status})`,
    Invalid: `GitHub finds the request to ${does}${where} invalid (${refusal.status})`,
  }[code];
  return new GitHubError(code, message, { status: refusal.status, cause: refusalCause(refusal) });
}

/** refusalCause keeps what GitHub's support asks for, and nothing else of the answer. */
export function refusalCause(refusal: Refusal): Error {
  return scrubCause(new Error(`status ${refusal.status}, request id ${refusal.headers.requestId ?? "unknown"}`));
}

/** brokenError says that no answer arrived, and for the common reasons what to do. */
export function brokenError(operation: Operation, host: string, thrown: unknown): GitHubError {
  const { does } = traitsOf(operation);
  const code = errorCode(thrown);
  return new GitHubError("Unavailable", `no complete answer from ${host} to the request to ${does}${advice(code)}`, {
    cause: scrubCause(thrown),
  });
}

function advice(code: string | undefined): string {
  if (code === undefined) return "";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `: its name does not resolve (${code}); check spec.url, the cluster's DNS and proxy settings`;
  if (code === "ECONNREFUSED" || code === "UND_ERR_CONNECT_TIMEOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH") {
    return `: it cannot be reached (${code}); check spec.url, network policies and proxy settings`;
  }
  if (/CERT|SIGNED|ISSUER|LEAF_SIGNATURE|ERR_TLS/.test(code))
    return `: its certificate is not trusted (${code}); put the CA that issued it into caBundleRef`;
  return ` (${code})`;
}
