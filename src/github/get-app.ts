import type { Caller } from "./caller.ts";
import { GitHubError } from "./errors.ts";
import { refusalCause, refusalError } from "./refusal.ts";
import { levels } from "./list-installations.ts";
import { list, text } from "./shape.ts";
import type { AppInfo } from "./types.ts";

/** getApp reads the App itself: what it may do and which events it gets. */
export async function getApp(caller: Caller, signal: AbortSignal): Promise<AppInfo> {
  const answer = await caller.asApp({ operation: "getApp", send: (request) => request("GET /app") }, signal);
  if (!answer.ok) {
    if (answer.status !== 404) throw refusalError("getApp", undefined, answer);
    throw new GitHubError(
      "NotFound",
      "GitHub knows no App with this appId (404); copy the App ID from the App's settings page, on the host that spec.url names",
      {
        status: 404,
        cause: refusalCause(answer),
      },
    );
  }
  const app = answer.data;
  return { slug: text(app?.slug), permissions: levels(app?.permissions), events: list(app?.events) };
}
