/** Scope is where runners register: one organisation or one repository. */
export type Scope = { readonly organization: string } | { readonly repository: string };

/** scopeName renders a scope as GitHub writes it: `acme` or `acme/web`. */
export function scopeName(scope: Scope): string {
  return "organization" in scope ? scope.organization : scope.repository;
}

/** RunnerRecord is a self-hosted runner as GitHub's REST API shows it. */
export interface RunnerRecord {
  readonly id: number;
  readonly name: string;
  readonly status: "online" | "offline";
  readonly busy: boolean;
  readonly labels: readonly string[];
  /** Of the runner's software, once it has connected; older servers do not say. */
  readonly version?: string;
}

export interface JitRunner {
  readonly runner: RunnerRecord;
  /** The single-use configuration, a secret. */
  readonly jitConfig: string;
}

export interface MintJitConfig {
  /** At most 64 characters of [a-z0-9-]; new for every attempt. */
  readonly name: string;
  /** 1 to 100 labels; only these are registered. */
  readonly labels: readonly string[];
  /** By name; resolved to an id and cached. Repository scopes only have Default. */
  readonly runnerGroup: string;
}

/** JobRecord is a workflow job as `GET /repos/{owner}/{repo}/actions/jobs/{id}` shows it. */
export interface JobRecord {
  readonly id: string;
  readonly runId: string;
  readonly status: "queued" | "in_progress" | "completed" | "waiting" | "requested" | "pending";
  readonly conclusion: string | undefined;
  readonly runnerName: string | undefined;
  readonly startedAt: string | undefined;
  readonly completedAt: string | undefined;
}

/** RunJobRecord is a job in the list of its run's jobs, with what a webhook would tell of it. */
export interface RunJobRecord extends JobRecord {
  readonly name: string;
  /** Absent when GitHub left them out: the job must not seem to ask for less than it does. */
  readonly labels: readonly string[] | undefined;
  readonly runAttempt: number | undefined;
  readonly workflowName: string | undefined;
  readonly headBranch: string | undefined;
  readonly htmlUrl: string | undefined;
  readonly createdAt: string | undefined;
}

/** RunRecord is a workflow run as the list of a repository's runs shows it. */
export interface RunRecord {
  readonly id: string;
  /** As GitHub wrote it: only compared. */
  readonly updatedAt: string;
  /** Under its present name, which a renamed repository does not share with the one that was asked for. */
  readonly repository: string;
  readonly visibility: "public" | "private" | "internal";
}

/** DeliveryRecord is one attempt to deliver a webhook. */
export interface DeliveryRecord {
  /** 64 bits: text, since a number would lose the last digits and name another delivery. */
  readonly id: string;
  /** The event's, shared by all attempts to deliver it. */
  readonly guid: string;
  readonly deliveredAt: string;
  readonly redelivery: boolean;
  readonly succeeded: boolean;
  /** What the receiver answered; 0 or a 5xx of GitHub's own when nobody did. */
  readonly statusCode: number;
  readonly event: string;
  readonly action: string | undefined;
}

/** DeliveryPage is a page of deliveries, newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly DeliveryRecord[];
  /** Where the next, older page begins; absent on the last. */
  readonly next: string | undefined;
  /** When GitHub answered, on its own clock, as RFC 3339 has it: that of the deliveries' times. */
  readonly answeredAt: string | undefined;
}

/** DeliveryQuery says which page, and of which deliveries: all, or only those that failed. */
export interface DeliveryQuery {
  readonly failed?: boolean;
  readonly cursor?: string | undefined;
}

export interface AppInfo {
  readonly slug: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
}

/** HookConfig is how GitHub sends the App's webhooks. It does not say whether the webhook is active. */
export interface HookConfig {
  /** Absent when none was entered. */
  readonly url: string | undefined;
  readonly contentType: string | undefined;
  /** Whether there is a secret; GitHub does not show it. */
  readonly hasSecret: boolean;
  readonly verifiesTls: boolean;
}

/** RunnerGroupInfo is a runner group of an organization. */
export interface RunnerGroupInfo {
  readonly name: string;
  readonly visibility: string;
  readonly allowsPublic: boolean;
  /** Only jobs of certain workflows get its runners. */
  readonly restrictedToWorkflows: boolean;
}

export interface InstallationInfo {
  readonly id: string;
  readonly account: string;
  readonly suspended: boolean;
  readonly repositorySelection: "all" | "selected";
  readonly permissions: Readonly<Record<string, string>>;
}

/** LimitedOwner is whose quota a call draws from: the App's own, or that of the installation that covers a scope. */
export type LimitedOwner = "app" | Scope;

/** RateLimit is the newest state of one of GitHub's buckets, read from response headers. `resetAt` is RFC 3339. */
export interface RateLimit {
  readonly limit: number;
  readonly remaining: number;
  readonly resetAt: string;
}

/**
 * GitHub is what the operator needs from one App on one host. Every method has a deadline of its own, waits for the App's budget,
 * obeys Retry-After and throws only GitHubError (or the signal's reason).
 */
export interface GitHub {
  /** Registers a runner. Never repeated blindly: throws NameTaken when the name exists, often because an answer was lost. */
  mintJitConfig(scope: Scope, body: MintJitConfig, signal: AbortSignal): Promise<JitRunner>;
  getRunner(scope: Scope, id: number, signal: AbortSignal): Promise<RunnerRecord | undefined>;
  findRunner(scope: Scope, name: string, signal: AbortSignal): Promise<RunnerRecord | undefined>;
  listRunners(scope: Scope, signal: AbortSignal): Promise<readonly RunnerRecord[]>;
  /** Reads which version of the runner GitHub offers now; undefined when its answer names none. */
  getOfferedRunner(scope: Scope, signal: AbortSignal): Promise<string | undefined>;
  /** "busy" is GitHub's 422: the runner found work and must be left alone. */
  deleteRunner(scope: Scope, id: number, signal: AbortSignal): Promise<"deleted" | "gone" | "busy">;
  getJob(repository: string, jobId: string, signal: AbortSignal): Promise<JobRecord | undefined>;
  /** Lists the runs of a repository in one state, newest first; GitHub shows the first 1,000. */
  listRuns(repository: string, status: "queued" | "in_progress", signal: AbortSignal): Promise<readonly RunRecord[]>;
  /** Lists the newest attempt of each of a run's jobs; undefined when GitHub has no such run. */
  listRunJobs(repository: string, runId: string, signal: AbortSignal): Promise<readonly RunJobRecord[] | undefined>;
  /** Reads one page of the deliveries of the App's webhook. */
  listDeliveries(query: DeliveryQuery, signal: AbortSignal): Promise<DeliveryPage>;
  /** Has an event sent again; "gone" when GitHub does not keep it any more. */
  redeliver(deliveryId: string, signal: AbortSignal): Promise<"accepted" | "gone">;
  getApp(signal: AbortSignal): Promise<AppInfo>;
  listInstallations(signal: AbortSignal): Promise<readonly InstallationInfo[]>;
  /**
   * The buckets seen so far, by GitHub's name for them (`core`, `actions_runner_registration`). Each installation has buckets of its own,
   * and so has the App: those of one of them whose window still runs, or by default of each bucket the one of which the least is left.
   */
  rateLimits(of?: LimitedOwner): Readonly<Record<string, RateLimit>>;
}
