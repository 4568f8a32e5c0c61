import type { GitHubApp } from "../api/v1alpha1/github-app.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";

type Spec<T> = T extends { spec: infer S } ? Partial<S> : never;

/** gitHubApp makes an App as the API server would return it; the App "acme" of namespace "ci" unless told otherwise. */
export function gitHubApp(spec: Spec<GitHubApp> = {}, metadata: Partial<GitHubApp["metadata"]> = {}): GitHubApp {
  return {
    apiVersion: "getabako.dev/v1alpha1",
    kind: "GitHubApp",
    metadata: { name: "acme", namespace: "ci", ...metadata },
    spec: {
      url: "https://github.com",
      appId: 123456,
      privateKeySecretRef: { name: "github-app", key: "private-key.pem" },
      webhookSecretRefs: [{ name: "github-app", key: "webhook-secret" }],
      ...spec,
    },
  };
}

/** runnerTarget makes a target as the API server would return it: "web" of namespace "ci", for the organisation acme. */
export function runnerTarget(spec: Spec<RunnerTarget> = {}, metadata: Partial<RunnerTarget["metadata"]> = {}): RunnerTarget {
  return {
    apiVersion: "getabako.dev/v1alpha1",
    kind: "RunnerTarget",
    metadata: { name: "web", namespace: "ci", ...metadata },
    spec: {
      githubAppRef: { name: "acme" },
      scope: { organization: "acme" },
      runnerGroup: "Default",
      repositories: { exclude: [], allowPublic: false },
      labels: ["self-hosted", "linux", "x64", "ecs"],
      match: "Subset",
      priority: 0,
      classRef: { kind: "ECSRunnerClass", name: "fargate" },
      maxRunners: 20,
      timeouts: { launch: "10m", registration: "5m", idle: "10m", job: "6h" },
      attempts: 5,
      history: { succeeded: "1h", failed: "24h" },
      paused: false,
      ...spec,
    },
  };
}

/** JobPayload is what a test says of a job; everything else is as GitHub would have it. */
export interface JobPayload {
  readonly action?: string;
  readonly job?: Readonly<Record<string, unknown>>;
  readonly repository?: Readonly<Record<string, unknown>>;
}

/** jobPayload makes the payload of a workflow_job event: a queued job of acme/web for [self-hosted, ecs]. */
export function jobPayload({ action = "queued", job, repository }: JobPayload = {}): Record<string, unknown> {
  const status = action === "queued" || action === "waiting" ? action : action === "completed" ? "completed" : "in_progress";
  const at = "2026-01-15T09:00:00Z";
  return {
    action,
    workflow_job: {
      id: 31415926535,
      run_id: 27182818284,
      run_attempt: 1,
      workflow_name: "CI",
      name: "build (node 24)",
      head_branch: "main",
      head_sha: "0123456789abcdef0123456789abcdef01234567",
      html_url: "https://github.com/acme/web/actions/runs/27182818284/job/31415926535",
      status,
      conclusion: action === "completed" ? "success" : null,
      created_at: at,
      started_at: at,
      completed_at: action === "completed" ? "2026-01-15T09:04:00Z" : null,
      labels: ["self-hosted", "ecs"],
      runner_id: null,
      runner_name: null,
      runner_group_id: null,
      runner_group_name: null,
      steps: [],
      ...job,
    },
    repository: { id: 1, name: "web", full_name: "acme/web", private: true, visibility: "private", ...repository },
    organization: { login: "acme", id: 2 },
    installation: { id: 99, node_id: "x" },
    sender: { login: "octocat", id: 3 },
  };
}
