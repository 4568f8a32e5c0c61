import { isGitHubError } from "../github/errors.ts";
import { isApiError } from "../kube/api-error.ts";
import { isProviderError } from "../provider/errors.ts";

/** codeOf is what a log line says of an error: its code, and the error itself only where it has none and so is a fault of ours. */
export function codeOf(error: unknown): { readonly code: string; readonly err?: unknown } {
  if (isProviderError(error) || isGitHubError(error)) return { code: error.code };
  return isApiError(error) ? { code: error.reason } : { code: "Internal", err: error };
}
