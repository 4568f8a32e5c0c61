import type { GitHubApp, GitHubAppStatus } from "../../api/v1alpha1/github-app.ts";
import type { EventReason, readyReasons } from "../../api/v1alpha1/reasons.ts";
import { isGitHubError } from "../../github/errors.ts";
import type { AppInfo, GitHub, InstallationInfo } from "../../github/types.ts";
import type { Client } from "../../kube/client.ts";
import { type Condition, setCondition } from "../../kube/conditions.ts";
import type { ReconcileContext, ReconcileResult } from "../../kube/controller.ts";
import type { Informer } from "../../kube/informer.ts";
import type { DeepReadonly, ObjectKey } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import { type Clock, isoTime } from "../../util/clock.ts";
import { type AppClients, isMissing } from "./clients.ts";

/** GitHubAppPeriods: how often an App is looked at, in milliseconds. */
export const githubAppPeriods = {
  /** Its settings are read this often while all is well ... */
  recheckMs: 10 * 60_000,
  /** ... and this often while something is wrong. */
  recheckFailingMs: 60_000,
  /** The rate limits that calls have shown are written at this pace. */
  rateLimitMs: 60_000,
};

/** What the App must be allowed; source: GitHub docs, "Permissions required for GitHub Apps", self-hosted runners and workflow jobs. */
const actionsPermission = { name: "actions", level: "read", label: "Repository permissions > Actions: Read-only" } as const;
const runnerPermissions = [
  { name: "organization_self_hosted_runners", label: "Organization permissions > Self-hosted runners: Read and write" },
  { name: "administration", label: "Repository permissions > Administration: Read and write" },
] as const;

type Reason = keyof (typeof readyReasons)["GitHubApp"];
interface Verdict {
  readonly status: Condition["status"];
  readonly reason: Reason;
  readonly message: string;
}

export interface GitHubAppDeps {
  readonly client: Client<GitHubApp>;
  readonly informer: Informer<GitHubApp>;
  readonly clients: AppClients;
  readonly recorder: Recorder<EventReason>;
  readonly clock: Clock;
  readonly periods: typeof githubAppPeriods;
}

interface Seen {
  readonly atMs: number;
  readonly github: GitHub;
  readonly generation: number;
  readonly verdict: Verdict;
  readonly info: AppInfo | undefined;
  readonly installations: readonly InstallationInfo[] | undefined;
  /** The verdict is that of an earlier check: GitHub did not answer this one. */
  readonly carriedOver?: true;
}

/** GitHubAppReconciler checks that an App can do its work, says precisely what is missing, and shows its rate limits. */
export class GitHubAppReconciler {
  readonly #deps: GitHubAppDeps;
  /** The newest answer for each App: a cache that spares GitHub two calls a minute while only rate limits are written. */
  readonly #seen = new Map<string, Seen>();

  constructor(deps: GitHubAppDeps) {
    this.#deps = deps;
  }

  /** reconcile checks one App. */
  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const app = this.#deps.informer.store.get(key);
    const text = `${key.namespace}/${key.name}`;
    if (app === undefined || app.metadata.deletionTimestamp !== undefined) {
      this.#seen.delete(text);
      return {};
    }
    const nowMs = this.#deps.clock.now();
    const generation = app.metadata.generation ?? 0;
    const github = this.#deps.clients.refresh(key, app);
    let seen = this.#seen.get(text);
    if (isMissing(github) && github.reason === "AwaitingCheck" && readyFor(app, generation)) {
      // A Secret that was not read yet is no news about the App; the source of Secrets wakes us within moments.
      return { requeueAfterMs: 1_000 };
    }
    if (isMissing(github)) {
      const verdict: Verdict = {
        status: github.reason === "AwaitingCheck" ? "Unknown" : "False",
        reason: github.reason,
        message: github.message,
      };
      seen = { atMs: nowMs, github: {} as GitHub, generation, verdict, info: undefined, installations: undefined };
    } else if (
      seen === undefined ||
      seen.github !== github ||
      seen.generation !== generation ||
      nowMs - seen.atMs >= this.#pauseAfter(seen)
    ) {
      seen = await this.#check(app, github, generation, seen, nowMs, context);
    }
    this.#seen.set(text, seen);
    await this.#write(app, seen, isMissing(github) ? undefined : github, nowMs, context);
    return {
      requeueAfterMs: Math.min(this.#deps.periods.rateLimitMs, Math.max(seen.atMs + this.#pauseAfter(seen) - nowMs, 1_000)),
    };
  }

  #pauseAfter({ verdict, carriedOver }: Seen): number {
    return verdict.status === "True" && carriedOver === undefined
      ? this.#deps.periods.recheckMs
      : this.#deps.periods.recheckFailingMs;
  }

  async #check(
    app: DeepReadonly<GitHubApp>,
    github: GitHub,
    generation: number,
    before: Seen | undefined,
    nowMs: number,
    context: ReconcileContext,
  ): Promise<Seen> {
    try {
      const info = await github.getApp(context.signal);
      const installations = await github.listInstallations(context.signal);
      return { atMs: nowMs, github, generation, verdict: judgeApp(info, installations), info, installations };
    } catch (error) {
      if (!isGitHubError(error)) throw error;
      const known = app.status?.conditions?.find((condition) => condition.type === "Ready");
      const passing = error.code === "Unavailable" || error.code === "RateLimited";
      if (passing && known?.status === "True" && known.observedGeneration === generation) {
        // Not to be reached is no verdict: what GitHub said of this spec before still holds, also what it said to an earlier leader.
        const verdict: Verdict = { status: known.status, reason: known.reason as Reason, message: known.message };
        const { info, installations } = before ?? {};
        return { atMs: nowMs, github, generation, verdict, info, installations, carriedOver: true };
      }
      const reason: Reason =
        error.code === "RateLimited" ? "RateLimited" : error.code === "Unavailable" ? "Unavailable" : "Unauthorized";
      const status = passing ? "Unknown" : "False";
      return {
        atMs: nowMs,
        github,
        generation,
        verdict: { status, reason, message: error.message },
        info: before?.info,
        installations: before?.installations,
      };
    }
  }

  async #write(
    app: DeepReadonly<GitHubApp>,
    seen: Seen,
    github: GitHub | undefined,
    nowMs: number,
    context: ReconcileContext,
  ): Promise<void> {
    const conditions = structuredClone(app.status?.conditions ?? []) as Condition[];
    const known = conditions.find((condition) => condition.type === "Ready");
    const news = known?.status !== seen.verdict.status || known.reason !== seen.verdict.reason;
    setCondition(conditions, { type: "Ready", ...seen.verdict, observedGeneration: seen.generation }, nowMs);
    const limits = github?.rateLimits() ?? {};
    const status: GitHubAppStatus = {
      ...(structuredClone(app.status) as GitHubAppStatus | undefined),
      observedGeneration: seen.generation,
      conditions,
      ...(seen.info !== undefined && { slug: seen.info.slug }),
      ...(seen.installations !== undefined && { installations: seen.installations.slice(0, 100).map(shortInstallation) }),
      ...(Object.keys(limits).length > 0 && { rateLimit: limits }),
    };
    const written = await this.#deps.client.patchStatus(app, status, { signal: context.signal });
    if (written !== app) this.#deps.informer.observe(written as GitHubApp);
    if (news && seen.verdict.status === "False") {
      this.#deps.recorder.event(app, {
        type: "Warning",
        reason: seen.verdict.reason,
        action: "CheckReadiness",
        note: seen.verdict.message,
      });
      context.log.warn({ reason: seen.verdict.reason, at: isoTime(nowMs) }, "GitHubApp is not ready");
    }
  }
}

function readyFor(app: DeepReadonly<GitHubApp>, generation: number): boolean {
  const ready = app.status?.conditions?.find((condition) => condition.type === "Ready");
  return ready?.status === "True" && ready.observedGeneration === generation;
}

function shortInstallation(installation: InstallationInfo): NonNullable<GitHubAppStatus["installations"]>[number] {
  const { id, account, suspended, repositorySelection } = installation;
  return { id, account, repositorySelection, ...(suspended && { suspended }) };
}

/** judgeApp says what an App lacks for its work, the first thing first. */
export function judgeApp(info: AppInfo, installations: readonly InstallationInfo[]): Verdict {
  const settings = `the settings of GitHub App ${info.slug}`;
  if (info.permissions[actionsPermission.name] === undefined) {
    return { status: "False", reason: "PermissionMissing", message: `add "${actionsPermission.label}" in ${settings}` };
  }
  if (!runnerPermissions.some(({ name }) => info.permissions[name] === "write")) {
    const wanted = runnerPermissions.map(({ label }) => `"${label}"`).join(" (for organizations) or ");
    return { status: "False", reason: "PermissionMissing", message: `add ${wanted} (for single repositories) in ${settings}` };
  }
  if (!info.events.includes("workflow_job")) {
    return { status: "False", reason: "EventMissing", message: `subscribe to the event "Workflow job" in ${settings}` };
  }
  const active = installations.filter((installation) => !installation.suspended);
  if (active.length === 0) {
    return {
      status: "False",
      reason: "NotInstalled",
      message: `install GitHub App ${info.slug} in the organizations whose jobs are to be served`,
    };
  }
  const behind = active.find((installation) => !runnerPermissions.some(({ name }) => installation.permissions[name] === "write"));
  if (behind !== undefined && active.length === 1) {
    const message = `the owner of ${behind.account} has to accept the App's new permissions: runners cannot be registered there yet`;
    return { status: "False", reason: "PermissionMissing", message };
  }
  return {
    status: "True",
    reason: "Ready",
    message: `signed in as ${info.slug}, installed in ${active.length} ${active.length === 1 ? "account" : "accounts"}`,
  };
}
