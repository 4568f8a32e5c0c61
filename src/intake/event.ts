import { isoTime } from "../util/clock.ts";
import type { JobDemand } from "./matching.ts";
import { plainText } from "./plain-text.ts";

/** jobActions are the actions of workflow_job that this version knows; GitHub may add others at any time. */
export const jobActions = ["queued", "waiting", "in_progress", "completed"] as const;
export type JobAction = (typeof jobActions)[number];

/** WorkflowJob is a job as a workflow_job event tells of it: ids are text, and what GitHub left out, null, 0 or "" is absent. */
export interface WorkflowJob extends JobDemand {
  readonly id: string;
  readonly runId: string;
  readonly runAttempt?: number;
  readonly name: string;
  readonly workflowName?: string;
  readonly headBranch?: string;
  readonly htmlUrl?: string;
  readonly conclusion?: string;
  readonly runnerName?: string;
  readonly createdAt?: string;
  readonly startedAt?: string;
  readonly completedAt?: string;
  readonly installationId?: string;
}

/** WebhookEvent is a delivery's payload, read. */
export type WebhookEvent =
  | { readonly kind: "ping" }
  | { readonly kind: "workflow_job"; readonly action: JobAction; readonly job: WorkflowJob }
  /** An event or an action that asks for nothing here. */
  | { readonly kind: "other"; readonly name: string; readonly action?: string }
  /** A workflow_job event that lacks what makes it one. */
  | { readonly kind: "malformed"; readonly reason: string };

type Json = Readonly<Record<string, unknown>>;

/** readEvent reads the payload of an event, as X-GitHub-Event names it. It never throws: payloads are written by others. */
export function readEvent(name: string, payload: Json): WebhookEvent {
  if (name === "ping") return { kind: "ping" };
  const action = textOf(payload["action"], 64);
  if (name !== "workflow_job") return other(name, action);
  const known = jobActions.find((candidate) => candidate === action);
  if (known === undefined) return other(name, action);

  const job = objectOf(payload["workflow_job"]);
  const repository = objectOf(payload["repository"]);
  const id = idOf(job["id"]);
  const runId = idOf(job["run_id"]);
  const fullName = textOf(repository["full_name"], 200);
  const labels = labelsOf(job["labels"]);
  if (id === undefined) return malformed("workflow_job.id is missing or no id");
  if (runId === undefined) return malformed("workflow_job.run_id is missing or no id");
  if (fullName === undefined || !/^[\w.-]+\/[\w.-]+$/.test(fullName) || fullName.length > 140) {
    return malformed("repository.full_name is missing or not owner/name");
  }
  if (labels === undefined) return malformed("workflow_job.labels is not a list of texts");

  const runAttempt = job["run_attempt"];
  const htmlUrl = textOf(job["html_url"], 501);
  return {
    kind: "workflow_job",
    action: known,
    job: {
      id,
      runId,
      repository: fullName,
      visibility: visibilityOf(repository),
      labels,
      name: textOf(job["name"], 300) ?? "",
      ...(typeof runAttempt === "number" && Number.isSafeInteger(runAttempt) && runAttempt > 0 && { runAttempt }),
      // A link that was cut leads nowhere.
      ...(htmlUrl !== undefined && htmlUrl.length <= 500 && /^https?:\/\//.test(htmlUrl) && { htmlUrl }),
      ...present("workflowName", textOf(job["workflow_name"], 300)),
      ...present("headBranch", textOf(job["head_branch"], 300)),
      ...present("conclusion", textOf(job["conclusion"], 32)),
      ...present("runnerName", textOf(job["runner_name"], 128)),
      ...present("createdAt", momentOf(job["created_at"])),
      ...present("startedAt", momentOf(job["started_at"])),
      ...present("completedAt", momentOf(job["completed_at"])),
      ...present("installationId", idOf(objectOf(payload["installation"])["id"])),
    },
  };
}

/**
 * parsePayload reads the body of a delivery; undefined when it is not UTF-8, not JSON or not an object. Whole numbers beyond 2^53,
 * which JSON.parse would round, become their digits as text, so that an id is never that of another job.
 */
export function parsePayload(body: Uint8Array): Json | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    // Reviving makes parsing several times slower, and hardly any payload needs it.
    const payload: unknown = /[0-9]{16}/.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
    return typeof payload === "object" && payload !== null && !Array.isArray(payload) ? (payload as Json) : undefined;
  } catch {
    return undefined;
  }
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  const exact = typeof value !== "number" || Number.isSafeInteger(value) || source === undefined || !/^[0-9]+$/.test(source);
  return exact ? value : source;
}

function other(name: string, action: string | undefined): WebhookEvent {
  return { kind: "other", name: plainText(name, 64), ...present("action", action) };
}

function malformed(what: string): WebhookEvent {
  return { kind: "malformed", reason: `not a workflow_job event: ${what}` };
}

/** idOf reads an id; GitHub writes 0 where it has none. */
function idOf(value: unknown): string | undefined {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === "string" && /^[1-9][0-9]{0,19}$/.test(text) ? text : undefined;
}

function textOf(value: unknown, max: number): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = plainText(value, max).trim();
  return text === "" ? undefined : text;
}

/** momentOf reads a time; what is no time after 1970 (Go's zero time among it) is none. */
function momentOf(value: unknown): string | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return ms > 0 && ms < Date.UTC(9999, 0) ? isoTime(ms) : undefined;
}

/** labelsOf drops no label that it cannot read: the job would then seem to ask for less than it does. */
function labelsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((label) => typeof label === "string")) return undefined;
  const bySpelling = new Map<string, string>();
  for (const label of value) {
    const key = label.toLowerCase();
    // With a space in its place cpu=4 would be readable, and its runner get a label that is not the job's.
    if (!bySpelling.has(key)) bySpelling.set(key, plainText(label.replace(/\p{Cc}/gu, "\uFFFD"), 1_000));
  }
  return [...bySpelling.values()];
}

/** visibilityOf takes a repository for public unless it is said to be private: the safe error. */
function visibilityOf(repository: Json): JobDemand["visibility"] {
  const { visibility } = repository;
  if (visibility === "public" || visibility === "private" || visibility === "internal") return visibility;
  return repository["private"] === true ? "private" : "public";
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function present<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Value };
}
