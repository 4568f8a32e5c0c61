import type { KeyObject } from "node:crypto";

/** Account is an organisation or a person that owns repositories. */
export interface Account {
  readonly id: number;
  readonly login: string;
  readonly type: "Organization" | "User";
  /** Empty for people: their repositories only know the default group. */
  readonly groups: RunnerGroup[];
}

/** RunnerGroup decides which repositories of an organisation may use its runners. */
export interface RunnerGroup {
  readonly id: number;
  name: string;
  readonly isDefault: boolean;
  visibility: "all" | "private" | "selected";
  /** Repository ids, used when visibility is "selected". */
  readonly selected: Set<number>;
  allowsPublicRepositories: boolean;
}

/** Repository is the place that jobs belong to; `name` changes when it is renamed, `id` never. */
export interface Repository {
  readonly id: number;
  readonly owner: Account;
  name: string;
  private: boolean;
  readonly createdAt: number;
}

/** App is one GitHub App, with every key and secret that is valid now. */
export interface App {
  readonly id: number;
  readonly clientId: string;
  readonly slug: string;
  readonly name: string;
  readonly owner: Account;
  readonly createdAt: number;
  /** Several keys may be valid at once, which is how people rotate them. */
  readonly keys: { readonly privateKey: string; readonly publicKey: KeyObject }[];
  permissions: Record<string, string>;
  events: string[];
  hook: Hook;
}

/** Hook is the App's one webhook. More than one receiver means: GitHub's one URL is a load balancer in front of them. */
export interface Hook {
  readonly id: number;
  receivers: string[];
  /** No secret, no signature header. */
  secret: string | undefined;
  /** Which receiver is next. */
  cursor: number;
}

export interface Installation {
  readonly id: number;
  readonly app: App;
  readonly account: Account;
  readonly createdAt: number;
  repositorySelection: "all" | "selected";
  readonly repositories: Set<number>;
  permissions: Record<string, string>;
  events: string[];
  suspendedAt: number | undefined;
}

export interface Token {
  readonly value: string;
  readonly installation: Installation;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly permissions: Readonly<Record<string, string>>;
  /** Undefined means every repository of the installation. */
  readonly repositories: ReadonlySet<number> | undefined;
  revoked: boolean;
}

export type RunnerScope =
  | { readonly kind: "organization"; readonly account: Account }
  | { readonly kind: "repository"; readonly repository: Repository };

/** RunnerPhase is where a runner is in its life; "gone" runners stay in the books but not in the API. */
export type RunnerPhase = "minted" | "online" | "offline" | "gone";

export interface Runner {
  readonly id: number;
  readonly name: string;
  readonly scope: RunnerScope;
  readonly group: RunnerGroup;
  readonly labels: readonly string[];
  readonly jit: JitCredentials;
  readonly mintedAt: number;
  phase: RunnerPhase;
  busy: boolean;
  version: string | undefined;
  connectedAt: number | undefined;
  disconnectedAt: number | undefined;
  idleSince: number | undefined;
  /** After a crash GitHub keeps `busy` for a while. */
  busyUntil: number | undefined;
  /** The job that GitHub gave to this runner and that has not ended. */
  job: Job | undefined;
  removedAt: number | undefined;
  removedBy: RemovedBy | undefined;
  /** How often it came online; a second time is a JIT configuration used twice. */
  connects: number;
  /** Ids of the jobs that it started. */
  readonly ran: number[];
  /** It speaks the protocol, so it can be told to cancel; a runner driven by a test cannot. */
  hasSession: boolean;
}

export type RemovedBy = "finished" | "api" | "idle-reaped" | "never-connected" | "disconnected" | "test";

export interface JitCredentials {
  readonly encoded: string;
  readonly clientId: string;
  readonly publicKey: KeyObject;
  readonly expiresAt: number;
}

export type JobStatus = "waiting" | "queued" | "in_progress" | "completed";
export type Conclusion = "success" | "failure" | "neutral" | "cancelled" | "skipped" | "timed_out" | "action_required";

export interface Job {
  readonly id: number;
  readonly run: Run;
  readonly attempt: number;
  /** The id of the same job in the run's first attempt: names are free text and need not be unique. */
  readonly key: number;
  readonly name: string;
  readonly labels: readonly string[];
  /** The runner group that the workflow asked for; not part of any event. */
  readonly group: string | undefined;
  /** A job for GitHub's own machines: it never touches a self-hosted runner. */
  readonly hosted: boolean;
  /** What the runner is told about its length. */
  readonly durationMs: number;
  /** How it ends when it runs. */
  readonly outcome: Conclusion;
  readonly createdAt: number;
  queuedAt: number | undefined;
  /** GitHub may keep a job back although a runner idles. */
  notBefore: number | undefined;
  status: JobStatus;
  conclusion: Conclusion | null;
  startedAt: number | undefined;
  completedAt: number | undefined;
  /** Assigned, and from `in_progress` on shown in the API. */
  runner: Runner | undefined;
  assignedAt: number | undefined;
  /** Renewed by the runner; when it passes, GitHub gives the job up. */
  lockedUntil: number | undefined;
  runnerName: string | undefined;
  runnerId: number | undefined;
  runnerGroup: RunnerGroup | undefined;
  /** Names of the runners that started it: more than one is a job that ran twice. */
  readonly startedBy: string[];
  assignments: number;
  /** Somebody pressed "Cancel". A runner with a session is told and may still say how it ended. */
  cancelRequestedAt: number | undefined;
}

export interface Run {
  readonly id: number;
  readonly number: number;
  readonly repository: Repository;
  readonly workflowName: string;
  readonly event: string;
  readonly headBranch: string;
  readonly headSha: string;
  readonly createdAt: number;
  attempt: number;
  /** Every job of every attempt. */
  readonly jobs: Job[];
}
