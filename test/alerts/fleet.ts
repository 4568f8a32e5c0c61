/** Series by their name in PromQL, with promtool's notation of their values, a minute apart. */
export type World = Readonly<Record<string, string>>;

type Labels = Readonly<Record<string, string>>;

/** minutes is how long each world lasts. */
export const minutes = 90;

/** series names a series of one of the release's pods, as the chart's monitors label it. */
export function series(metric: string, labels: Labels = {}, pod = "getabako-a"): string {
  const all = { namespace: "runners", job: "getabako", pod, ...labels };
  return `${metric}{${Object.entries(all)
    .map(([name, value]) => `${name}="${value}"`)
    .join(",")}}`;
}

/** always is one value for as long as the world lasts. */
export function always(value: number): string {
  return `${value}x${minutes}`;
}

/** growing is a counter that grows by so much a minute. */
export function growing(perMinute: number): string {
  return `0+${perMinute}x${minutes}`;
}

/** healthyFleet is a release on a working day: two pods, jobs that are served, and the little that always goes wrong. */
export const healthyFleet: World = {
  [series("up")]: always(1),
  [series("up", {}, "getabako-b")]: always(1),
  [series("leader_election_master_status")]: always(1),
  [series("leader_election_master_status", {}, "getabako-b")]: always(0),
  [series("getabako_oldest_waiting_seconds", { reason: "TargetAtCapacity" })]: always(120),
  [series("getabako_oldest_waiting_seconds", { reason: "InsufficientCapacity" })]: always(0),
  // Somebody paused a target: what waits for it is meant to.
  [series("getabako_oldest_waiting_seconds", { reason: "TargetPaused" })]: always(7200),
  [series("getabako_jobs_starved")]: always(0),
  [series("getabako_webhook_requests_total", { event: "workflow_job", action: "queued", outcome: "created" })]: growing(20),
  [series("getabako_webhook_requests_total", { event: "workflow_job", action: "none", outcome: "rejected" })]: growing(0),
  [series("getabako_webhook_requests_total", { event: "workflow_job", action: "queued", outcome: "unavailable" })]: growing(0.1),
  // Strangers who knock at the address send no event of GitHub's.
  [series("getabako_webhook_requests_total", { event: "other", action: "none", outcome: "rejected" })]: growing(50),
  [series("getabako_jobs_caught_total", { net: "Redelivery" })]: growing(0.05),
  [series("getabako_jobs_caught_total", { net: "Sweep" })]: growing(0.05),
  [series("getabako_jobs_caught_total", { net: "Replacement" })]: growing(5),
  [series("getabako_runner_requests_finished_total", { reason: "JobCompleted" })]: growing(20),
  [series("getabako_runner_requests_finished_total", { reason: "RunnerLost" })]: growing(0.05),
  [series("getabako_runner_attempts_ended_total", { reason: "NotNeeded" })]: growing(5),
  [series("getabako_runner_attempts_ended_total", { reason: "NoJob" })]: growing(0.2),
  [series("getabako_objects", { kind: "RunnerTarget", ready: "True", reason: "Ready" })]: always(3),
  [series("getabako_objects", { kind: "RunnerTarget", ready: "False", reason: "ClassNotReady" })]: always(0),
  // A release came out a week ago, and the image is about to be built.
  [series("getabako_runner_version_days_left", { target: "team-web/web" })]: always(23),
  [series("getabako_github_rate_limit_remaining", { app: "acme", resource: "core" })]: always(4000),
  [series("getabako_github_rate_limit_limit", { app: "acme", resource: "core" })]: always(5000),
  [series("getabako_sweep_turns_total", { sweep: "Redelivery", outcome: "Done" })]: growing(0.2),
  [series("getabako_sweep_turns_total", { sweep: "Redelivery", outcome: "Failed" })]: growing(0.05),
  [series("getabako_provider_calls_total", { provider: "ECSRunnerClass", method: "create", code: "OK" })]: growing(20),
  [series("getabako_provider_calls_total", { provider: "ECSRunnerClass", method: "create", code: "Throttled" })]: growing(1),
  [series("getabako_provider_calls_total", { provider: "ECSRunnerClass", method: "create", code: "Unavailable" })]: growing(0.1),
  [series("getabako_provider_calls_total", { provider: "ECSRunnerClass", method: "create", code: "InsufficientCapacity" })]:
    growing(30),
};
