import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { QueueJob } from "../sim/github/state/jobs.ts";
import type { Job } from "../sim/github/state/model.ts";
import { until } from "../../demo/until.ts";
import { labels } from "./objects.ts";
import type { Stage } from "./stage.ts";

/** Act is something that happens at a second of the scene. */
export interface Act {
  readonly at: number;
  /** For people: in the log of the command, and in the caption of the picture. */
  readonly what: string;
  readonly play: (stage: Stage, signal: AbortSignal) => Promise<void> | void;
}

/** sceneSeconds is when the picture is taken: in the middle of the last trouble. */
export const sceneSeconds = 400;
/** A job for each of the two busy repositories in turn. */
const betweenJobsSeconds = 3;
const neverMs = 3_600_000;

type Repository = "web" | "api";

function queue({ github }: Stage, target: Repository, options: Omit<QueueJob, "repository" | "labels"> = {}): Job {
  return github.queueJob({ repository: `acme/${target}`, labels: labels[target], durationMs: 12_000, ...options });
}

/** trickle is the working day behind all acts. */
async function trickle(stage: Stage, signal: AbortSignal): Promise<void> {
  const startedAt = Date.now();
  for (let index = 0; index < sceneSeconds / betweenJobsSeconds; index++) {
    const outcome = index % 11 === 10 ? "failure" : "success";
    queue(stage, index % 2 === 0 ? "api" : "web", {
      name: `test (${index + 1})`,
      durationMs: 8_000 + ((index * 3_700) % 14_000),
      outcome,
    });
    await sleep(startedAt + (index + 1) * betweenJobsSeconds * 1_000 - Date.now(), undefined, { signal });
  }
}

/** A running task of a capacity provider whose runner has a job; the oldest. */
async function busyTask(stage: Stage, capacity: string, signal: AbortSignal): Promise<string> {
  const { ecs, requests } = stage;
  return await until({ what: `a busy task on ${capacity}`, timeoutMs: 30_000, signal }, () => {
    const busy = new Set(
      [...requests.store.list()].flatMap(({ status }) =>
        status?.assignedJob?.state === "InProgress" ? [status.instance?.providerId] : [],
      ),
    );
    return ecs.liveTasks().find((task) => task.capacity === capacity && task.lastStatus === "RUNNING" && busy.has(task.arn))?.arn;
  });
}

/** Somebody sends what looks like a webhook, with a signature that fits no secret. */
async function forge({ operator, github }: Stage, signal: AbortSignal): Promise<void> {
  for (let index = 0; index < 12; index++) {
    await fetch(operator.webhookUrl, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-github-delivery": randomUUID(),
        "x-github-event": "workflow_job",
        "x-github-hook-installation-target-id": String(github.app.id),
        "x-hub-signature-256": `sha256=${"0".repeat(64)}`,
      },
      body: "{}",
      signal,
    });
  }
}

/** acts is the scene, in order: one trouble after the other, each with its trace on the dashboard. */
export const acts: readonly Act[] = [
  {
    at: 0,
    what: "jobs of two repositories trickle in",
    play: (stage) => void stage.github.webhooks.addFault({ kind: "duplicate", probability: 0.1, times: 20, copies: 1 }),
  },
  {
    at: 30,
    what: "two jobs for a target whose class names a cluster that does not exist",
    play: (stage) => {
      for (const name of ["lab (1)", "lab (2)"]) stage.github.queueJob({ repository: "acme/web", labels: labels.lab, name });
    },
  },
  {
    at: 40,
    what: "a merge queue: 30 jobs at once for a target with eight runners",
    play: (stage) => void Array.from({ length: 30 }, (_, index) => queue(stage, "web", { name: `merge (${index + 1})` })),
  },
  {
    at: 55,
    what: "three webhooks are lost: two were answered with an error, one was never sent",
    play: (stage) => {
      for (const [name, kind] of [
        ["lost (1)", "fail"],
        ["lost (2)", "fail"],
        ["lost (3)", "drop"],
      ] as const) {
        stage.github.webhooks.addFault({ kind, job: name, action: "queued" });
        queue(stage, "api", { name });
      }
    },
  },
  {
    at: 60,
    what: "a job is cancelled while its runner idles",
    play: async (stage, signal) => {
      const job = queue(stage, "api", { name: "cancelled", assignAfterMs: neverMs });
      await until({ what: "its runner to come online", timeoutMs: 30_000, signal }, () =>
        stage.github.registrations().some(({ name, phase }) => name.includes(`-${job.id}-`) && phase === "online"),
      );
      stage.github.cancelJob(job.id);
    },
  },
  {
    at: 75,
    what: "a job asks for 16 vCPUs where four are allowed",
    play: (stage) => void stage.github.queueJob({ repository: "acme/api", labels: [...labels.api, "cpu=16"], name: "greedy" }),
  },
  {
    at: 90,
    what: "Spot takes the capacity of a running job away",
    play: async (stage, signal) => stage.ecs.interruptSpot(await busyTask(stage, "FARGATE_SPOT", signal)),
  },
  { at: 100, what: "twelve webhooks with a wrong signature", play: forge },
  {
    at: 115,
    what: "a job uses up the memory of its task",
    play: async (stage, signal) => stage.ecs.outOfMemory(await busyTask(stage, "FARGATE_SPOT", signal)),
  },
  {
    at: 130,
    what: "Fargate Spot has no capacity; launches go to the next rung",
    play: (stage) => stage.ecs.capacity.refuse("FARGATE_SPOT"),
  },
  {
    at: 150,
    what: "jobs that nobody made runners for take those of another job",
    play: (stage) => {
      for (let index = 0; index < 8; index++) {
        stage.github.queueJob({ repository: "acme/legacy", labels: labels.shared, name: `old (${index})`, durationMs: 20_000 });
      }
      stage.github.queueJob({ repository: "acme/web", labels: labels.shared, name: "robbed" });
    },
  },
  {
    at: 210,
    what: "two images cannot be pulled",
    play: async (stage, signal) => {
      const failed = new Set<string>();
      while (failed.size < 2) {
        const { arn } = await until({ what: "a task that starts", timeoutMs: 30_000, signal }, () =>
          stage.ecs.liveTasks().find((task) => task.lastStatus === "PENDING" && !failed.has(task.arn)),
        );
        stage.ecs.failToStart(arn, "CannotPullContainerError: pull image manifest has been retried 5 times: i/o timeout");
        failed.add(arn);
      }
    },
  },
  { at: 230, what: "AWS throttles six launches", play: (stage) => void stage.ecs.faults.throttle(6) },
  {
    at: 245,
    what: "the queue of events cannot be read for 15 seconds",
    play: async (stage, signal) => {
      stage.queue.gate.fault = "denied";
      await sleep(15_000, undefined, { signal });
      stage.queue.gate.fault = undefined;
    },
  },
  {
    at: 290,
    what: "Spot has no capacity, and Fargate for three tasks only",
    play: (stage) => {
      stage.ecs.capacity.refuse("FARGATE_SPOT");
      stage.ecs.capacity.limit("FARGATE", 3);
    },
  },
  {
    at: 310,
    what: "a nightly build: 12 jobs, which wait for capacity",
    play: (stage) => void Array.from({ length: 12 }, (_, index) => queue(stage, "api", { name: `nightly (${index + 1})` })),
  },
];

/** playScene plays all acts by the clock, and returns when the scene began and when its picture is due, in seconds. */
export async function playScene(
  stage: Stage,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<{ readonly start: number; readonly end: number }> {
  const startedAt = Date.now();
  const failed = new AbortController();
  const until_ = AbortSignal.any([signal, failed.signal]);
  // An act may take its time without holding up the next one.
  const inTheBack = (work: Promise<void>): void =>
    void work.catch((error: unknown) => failed.abort(error instanceof Error ? error : new Error(String(error))));
  const wait = async (seconds: number): Promise<void> => {
    await sleep(Math.max(0, startedAt + seconds * 1_000 - Date.now()), undefined, { signal: until_ }).catch(() => {
      until_.throwIfAborted();
    });
  };
  inTheBack(trickle(stage, until_));
  for (const { at, what, play } of acts) {
    await wait(at);
    say(`${String(at).padStart(4)} s  ${what}`);
    inTheBack(Promise.resolve(play(stage, until_)).then(() => undefined));
  }
  await wait(sceneSeconds);
  return { start: startedAt / 1_000, end: Date.now() / 1_000 };
}
