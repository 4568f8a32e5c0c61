import { isGitHubError } from "../../github/errors.ts";
import type { ProviderError } from "../../provider/errors.ts";
import { observe } from "../../request/status.ts";
import { lookAgain, type Pass } from "./pass.ts";

/** githubTrouble turns an error of the GitHub client during a launch into a condition and a pause; other errors go on upwards. */
export function githubTrouble(pass: Pass, error: unknown): void {
  if (!isGitHubError(error)) throw error;
  const { status, nowMs } = pass;
  switch (error.code) {
    case "RateLimited":
      observe(status, "Launched", "Unknown", "GitHubRateLimited", error.message, nowMs);
      rest(pass, error.retryAfterMs ?? pass.periods.githubRefusedPauseMs);
      return;
    case "NameTaken":
      observe(
        status,
        "Launched",
        "Unknown",
        "GitHubUnavailable",
        "GitHub still holds the name of an earlier registration; tried again",
        nowMs,
      );
      failed(pass, error, undefined);
      return;
    case "Unavailable":
      observe(status, "Launched", "Unknown", "GitHubUnavailable", error.message, nowMs);
      failed(pass, error, error.retryAfterMs);
      return;
    case "NotFound":
    case "Unauthorized":
    case "Forbidden":
    case "Invalid":
      observe(status, "Launched", "Unknown", "GitHubRefused", error.message, nowMs);
      pass.events.push({ type: "Warning", reason: "GitHubRefused", action: "Launch", note: error.message });
      rest(pass, pass.periods.githubRefusedPauseMs);
      return;
    default:
      error.code satisfies never;
  }
}

/** providerTrouble: the provider's outcome is unknown or it asks for patience, so the same call is repeated after a pause. */
export function providerTrouble(pass: Pass, error: ProviderError): void {
  const reason = error.code === "Throttled" ? "Throttled" : error.code === "Unavailable" ? "Unavailable" : "ProviderError";
  observe(pass.status, "Launched", "Unknown", reason, error.message, pass.nowMs);
  failed(pass, error, error.retryAfterMs);
}

/** Waits as long as the other side asked, or longer after each failure. */
function failed(pass: Pass, error: Error, retryAfterMs: number | undefined): void {
  if (retryAfterMs === undefined) {
    // Collected, and thrown once the status is stored: one error line a failed pass, from the controller.
    pass.failure = error;
    pass.pauses.fail(pass.uid, "launch", pass.nowMs);
  } else {
    rest(pass, retryAfterMs);
  }
}

function rest(pass: Pass, ms: number): void {
  pass.pauses.pause(pass.uid, "launch", pass.nowMs, ms);
  lookAgain(pass, ms);
}
