import type { alertNames } from "../chart/values-effects.ts";
import { always, growing, minutes, series, type World } from "./fleet.ts";

/** Case is one trouble, and what its alert says of it. Series replace those of the healthy fleet; undefined takes one away. */
export interface Case {
  readonly trouble: string;
  readonly series: Readonly<Record<string, string | undefined>>;
  /** Minutes: not yet then, and firing then. */
  readonly quietAt: number;
  readonly firesAt: number;
  /** Labels besides the severity, where the expression keeps some, and the text of `description`; one for each alert that fires. */
  readonly says: readonly { readonly labels?: Readonly<Record<string, string>>; readonly description: string }[];
}

/** From some minute on another value. */
const from = (minute: number, before: number, after: number): string => `${before}x${minute - 1} ${after}x${minutes - minute}`;
/** A counter that begins to grow at some minute. */
const growingFrom = (minute: number, perMinute: number): string => `0x${minute - 1} 0+${perMinute}x${minutes - minute}`;
const gone = (minute: number, value: number): string => `${value}x${minute - 1} _x${minutes - minute}`;

const down = "No pod answers Prometheus: webhooks are lost until they are sent again, and no runner is started.";
const oldest = (reason: string): string => series("getabako_oldest_waiting_seconds", { reason });
const calls = (code: string, method = "create"): string =>
  series("getabako_provider_calls_total", { provider: "ECSRunnerClass", method, code });
const webhooks = (outcome: string, action = "queued"): string =>
  series("getabako_webhook_requests_total", { event: "workflow_job", action, outcome });

/** cases has at least one trouble for each alert. */
export const cases: Readonly<Record<(typeof alertNames)[number], readonly Case[]>> = {
  GetabakoDown: [
    {
      trouble: "no pod answers",
      series: { [series("up")]: from(10, 1, 0), [series("up", {}, "getabako-b")]: from(10, 1, 0) },
      quietAt: 14,
      firesAt: 16,
      says: [{ description: down }],
    },
    {
      trouble: "there is no pod any more",
      series: { [series("up")]: gone(10, 1), [series("up", {}, "getabako-b")]: undefined },
      quietAt: 14,
      firesAt: 21,
      says: [{ description: down }],
    },
  ],
  GetabakoNoLeader: [
    {
      trouble: "nobody has the Lease",
      series: { [series("leader_election_master_status")]: from(10, 1, 0) },
      quietAt: 14,
      firesAt: 16,
      says: [{ description: "No pod holds the Lease: jobs are recorded and none is served." }],
    },
  ],
  GetabakoJobsWaiting: [
    {
      trouble: "a job waits for capacity",
      series: { [oldest("InsufficientCapacity")]: `0+60x${minutes}` },
      quietAt: 15,
      firesAt: 16,
      says: [
        {
          labels: { reason: "InsufficientCapacity" },
          description: "The oldest job that waits for InsufficientCapacity was queued 16m 0s ago.",
        },
      ],
    },
    {
      // A launch that is tried again and again: each try moves the request to another reason and back.
      trouble: "what a job waits for changes every minute",
      series: {
        [oldest("InsufficientCapacity")]: Array.from({ length: minutes }, (_, minute) =>
          minute % 2 === 0 ? minute * 60 : 0,
        ).join(" "),
        [oldest("AwaitingRetry")]: Array.from({ length: minutes }, (_, minute) => (minute % 2 === 1 ? minute * 60 : 0)).join(" "),
      },
      quietAt: 15,
      firesAt: 17,
      says: [
        {
          labels: { reason: "AwaitingRetry" },
          description: "The oldest job that waits for AwaitingRetry was queued 17m 0s ago.",
        },
      ],
    },
  ],
  GetabakoJobsStarved: [
    {
      trouble: "two jobs have lost all their fast replacements",
      series: { [series("getabako_jobs_starved")]: from(10, 0, 2) },
      quietAt: 24,
      firesAt: 26,
      says: [{ description: "Jobs that lost their fast replacements to other jobs: 2." }],
    },
  ],
  GetabakoWebhooksRejected: [
    {
      trouble: "half of the webhooks are refused",
      series: { [webhooks("rejected", "none")]: growingFrom(10, 20) },
      quietAt: 18,
      firesAt: 30,
      says: [
        { description: "49.88% of the webhooks for jobs are refused: a wrong secret, or an App that no GitHubApp stands for." },
      ],
    },
  ],
  GetabakoWebhooksUnavailable: [
    {
      trouble: "the API server takes no writes",
      series: { [webhooks("unavailable")]: growingFrom(10, 20) },
      quietAt: 14,
      firesAt: 40,
      says: [{ description: "200 webhooks in 10 minutes were answered with 503; they are sent again." }],
    },
  ],
  GetabakoWebhooksLost: [
    {
      trouble: "nothing comes but through the nets",
      series: { [series("getabako_jobs_caught_total", { net: "Sweep" })]: growingFrom(10, 1) },
      quietAt: 20,
      firesAt: 80,
      says: [{ description: "63 jobs in an hour were found by a net under the webhooks, minutes later than they should." }],
    },
  ],
  GetabakoRequestsFailing: [
    {
      trouble: "runners are lost with their jobs",
      series: { [series("getabako_runner_requests_finished_total", { reason: "RunnerLost" })]: growingFrom(10, 1) },
      quietAt: 12,
      firesAt: 60,
      says: [{ labels: { reason: "RunnerLost" }, description: "30 requests in 30 minutes ended as RunnerLost." }],
    },
  ],
  GetabakoAttemptsFailing: [
    {
      trouble: "no runner comes online",
      series: { [series("getabako_runner_attempts_ended_total", { reason: "RegistrationTimedOut" })]: growingFrom(10, 2) },
      quietAt: 14,
      firesAt: 60,
      says: [
        { labels: { reason: "RegistrationTimedOut" }, description: "60 attempts in 30 minutes ended as RegistrationTimedOut." },
      ],
    },
  ],
  GetabakoObjectNotReady: [
    {
      trouble: "a class has lost its cluster, and its target with it",
      series: {
        [series("getabako_objects", { kind: "ECSRunnerClass", ready: "False", reason: "ClusterNotFound" })]: from(10, 0, 1),
        [series("getabako_objects", { kind: "RunnerTarget", ready: "False", reason: "ClassNotReady" })]: from(10, 0, 1),
      },
      quietAt: 24,
      firesAt: 26,
      says: [
        {
          labels: { kind: "ECSRunnerClass", reason: "ClusterNotFound" },
          description: "Not Ready: 1 of kind ECSRunnerClass, for ClusterNotFound.",
        },
        {
          labels: { kind: "RunnerTarget", reason: "ClassNotReady" },
          description: "Not Ready: 1 of kind RunnerTarget, for ClassNotReady.",
        },
      ],
    },
  ],
  GetabakoRunnerOutdated: [
    {
      trouble: "an image was not rebuilt for a release",
      series: { [series("getabako_runner_version_days_left", { target: "team-web/web" })]: from(10, 14.2, 13.8) },
      quietAt: 24,
      firesAt: 26,
      says: [
        {
          labels: { target: "team-web/web" },
          description: "Days that GitHub still gives jobs to the runners of team-web/web: 14; at 0 it refuses them.",
        },
      ],
    },
    {
      trouble: "GitHub refuses the runner in an image",
      series: { [series("getabako_runner_version_days_left", { target: "team-web/web" })]: from(10, 20, 0) },
      quietAt: 24,
      firesAt: 26,
      says: [
        {
          labels: { target: "team-web/web" },
          description: "Days that GitHub still gives jobs to the runners of team-web/web: 0; at 0 it refuses them.",
        },
      ],
    },
  ],
  GetabakoGitHubRateLimitLow: [
    {
      trouble: "an App has used up its calls",
      series: { [series("getabako_github_rate_limit_remaining", { app: "acme", resource: "core" })]: from(10, 4000, 250) },
      quietAt: 14,
      firesAt: 16,
      says: [{ labels: { app: "acme", resource: "core" }, description: "GitHubApp acme has 5% of its limit core left." }],
    },
  ],
  GetabakoSweepsFailing: [
    {
      trouble: "every turn of a sweep fails",
      series: { [series("getabako_sweep_turns_total", { sweep: "Redelivery", outcome: "Failed" })]: growingFrom(10, 1) },
      quietAt: 14,
      firesAt: 60,
      says: [
        {
          labels: { sweep: "Redelivery" },
          description: "30 turns of Redelivery failed in 30 minutes: what the webhooks lose stays lost.",
        },
      ],
    },
  ],
  GetabakoProviderThrottled: [
    {
      trouble: "AWS refuses a call a second",
      series: { [calls("Throttled")]: growingFrom(10, 60) },
      quietAt: 19,
      firesAt: 40,
      says: [
        {
          labels: { provider: "ECSRunnerClass", method: "create" },
          description: "ECSRunnerClass throttles create: calls refused a second: 1.",
        },
      ],
    },
  ],
  GetabakoProviderFailing: [
    {
      trouble: "a right is missing",
      series: { [calls("Unauthorized", "delete")]: growingFrom(10, 10), [calls("OK", "delete")]: always(0) },
      quietAt: 18,
      firesAt: 40,
      says: [
        {
          labels: { provider: "ECSRunnerClass", method: "delete" },
          description: "100% of the calls of delete to ECSRunnerClass fail.",
        },
      ],
    },
  ],
};

/** harmless is what looks like trouble and must wake nobody. */
export const harmless: Readonly<Record<string, World>> = {
  "a roll-out: one pod after the other is away, and the leader changes": {
    [series("up")]: `1x9 0x2 1x${minutes - 12}`,
    [series("up", {}, "getabako-b")]: `1x12 0x2 1x${minutes - 15}`,
    [series("leader_election_master_status")]: `1x9 0x${minutes - 10}`,
    [series("leader_election_master_status", {}, "getabako-b")]: `0x11 1x${minutes - 12}`,
  },
  "a new pod, whose counters begin at nothing": {
    [series("getabako_runner_requests_finished_total", { reason: "RunnerLost" }, "getabako-c")]: `_x30 0x${minutes - 31}`,
    [series("getabako_webhook_requests_total", {
      event: "workflow_job",
      action: "queued",
      outcome: "created",
    })]: `0+20x30 0+20x${minutes - 31}`,
  },
  "a quiet night: no webhook, and a stranger who tries once": {
    [webhooks("created")]: always(0),
    [webhooks("unavailable")]: always(0),
    [webhooks("rejected", "none")]: `0x40 1x${minutes - 41}`,
  },
  "a burst that is throttled for some minutes": { [calls("Throttled")]: `0x10 0+60x5 300x${minutes - 17}` },
  "a full target whose jobs wait less than the threshold": { [oldest("TargetAtCapacity")]: always(880) },
  "a class that is not Ready while it is changed": {
    [series("getabako_objects", {
      kind: "RunnerTarget",
      ready: "False",
      reason: "ClassNotReady",
    })]: `0x10 1x10 0x${minutes - 22}`,
  },
  "a provider without capacity": { [calls("InsufficientCapacity")]: growing(600) },
};
