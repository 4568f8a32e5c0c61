import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { GitHubClient } from "../../github/client.ts";
import type { AppInfo, InstallationInfo } from "../../github/types.ts";
import type { Outcome } from "./check.ts";
import type { Context } from "./context.ts";

/** AppSubject is a GitHubApp and what its checks find out for those after them. */
export interface AppSubject {
  readonly app: GitHubApp;
  readonly context: Context;
  /** Secret; dropped with the subject, and never printed. */
  privateKey?: string;
  caBundle?: string;
  github?: GitHubClient;
  info?: AppInfo;
  installations?: readonly InstallationInfo[];
  /** The checks up to the sign-in, which targets wait for as well: each is made once. */
  readonly made: Map<string, Promise<readonly Outcome[]>>;
}

/** githubOf is the client of a subject whose sign-in was a success. */
export function githubOf({ github, app }: AppSubject): GitHubClient {
  if (github === undefined) throw new Error(`GitHubApp ${app.metadata.name} has not signed in`);
  return github;
}
