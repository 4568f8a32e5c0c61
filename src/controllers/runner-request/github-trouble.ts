import { isGitHubError } from "../../github/errors.ts";
import { observe } from "../../request/status.ts";
import { lookAgain, type Pass } from "./pass.ts";

/** How long to wait when GitHub refuses for a reason that people have to mend. */
const refusedPauseMs = 60_000;

/** githubTrouble turns an error of the GitHub client into a condition and a time to look again; other errors go on upwards. */
export function githubTrouble(pass: Pass, type: "Launched" | "Registered", error: unknown): void {
  if (!isGitHubError(error)) throw error;
  const { status, nowMs } = pass;
  const say = (reason: "GitHubRateLimited" | "GitHubUnavailable" | "GitHubRefused"): void => {
    if (type === "Launched") observe(status, "Launched", "Unknown", reason, error.message, nowMs);
  };
  switch (error.code) {
    case "RateLimited":
      say("GitHubRateLimited");
      lookAgain(pass, error.retryAfterMs ?? refusedPauseMs);
      return;
    case "Unavailable":
    case "NameTaken":
      say("GitHubUnavailable");
      if (error.retryAfterMs !== undefined) lookAgain(pass, error.retryAfterMs);
      else pass.failure = error;
      return;
    case "NotFound":
    case "Unauthorized":
    case "Forbidden":
    case "Invalid":
      say("GitHubRefused");
      pass.events.push({
        type: "Warning",
        reason: "GitHubRefused",
        action: type === "Launched" ? "Launch" : "Register",
        note: error.message,
      });
      lookAgain(pass, refusedPauseMs);
      return;
    default:
      error.code satisfies never;
  }
}
