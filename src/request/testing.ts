import { apiVersion } from "../api/kind.ts";
import { runnerFinalizer, targetLabel } from "../api/v1alpha1/names.ts";
import type { RunnerRequest, RunnerRequestSpec } from "../api/v1alpha1/runner-request.ts";
import { observe, openStatus } from "./status.ts";

let made = 0;

/** Life says how far a request of lifeOf has come. */
export interface Life {
  /** How many attempts have ended, and whether another one is open. */
  readonly closed?: number;
  readonly open?: boolean;
  /** Id of the stored instance. */
  readonly stored?: string;
  readonly finished?: boolean;
  readonly deleted?: boolean;
  readonly finalizer?: boolean;
}

/** lifeOf is a request with a status as the controller would have left it. */
export function lifeOf({ closed = 0, open = false, stored, finished, deleted, finalizer = true }: Life): RunnerRequest {
  const at = "2026-01-15T09:00:00Z";
  const request = newRequest(deleted === true ? { deletedAt: at } : {});
  const status = openStatus(request, Date.parse(at));
  const ended = { startedAt: at, endedAt: at, reason: "NoJob" };
  for (let number = 1; number <= closed; number += 1) status.attempts.push({ number, ...ended });
  if (open) status.attempts.push({ number: closed + 1, startedAt: at });
  if (stored !== undefined) {
    const classRef = { kind: "ECSRunnerClass", namespace: "default", name: "fargate" };
    status.instance = { providerId: stored, state: "Running", classRef, connection: {} };
  }
  if (finished === true) observe(status, "Succeeded", "True", "JobCompleted", "", Date.parse(at));
  const { finalizers = [], ...metadata } = request.metadata;
  return { ...request, metadata: { ...metadata, ...(finalizer && { finalizers }) }, status };
}

/** newRequest is a RunnerRequest for tests, as the API server would hold it after its creation; the last override wins. */
export function newRequest(
  overrides: {
    name?: string;
    namespace?: string;
    uid?: string;
    target?: string;
    createdAt?: string;
    deletedAt?: string;
    job?: Partial<RunnerRequestSpec["job"]>;
    status?: NonNullable<RunnerRequest["status"]>;
  } = {},
): RunnerRequest {
  made += 1;
  const id = overrides.job?.id ?? String(31_000_000_000 + made);
  const createdAt = overrides.createdAt ?? "2026-01-15T09:00:00Z";
  return {
    apiVersion,
    kind: "RunnerRequest",
    metadata: {
      name: overrides.name ?? `job-${id}`,
      namespace: overrides.namespace ?? "default",
      uid: overrides.uid ?? `00000000-0000-4000-8000-${String(made).padStart(12, "0")}`,
      generation: 1,
      creationTimestamp: createdAt,
      finalizers: [runnerFinalizer],
      labels: { [targetLabel]: overrides.target ?? "web" },
      ...(overrides.deletedAt !== undefined && { deletionTimestamp: overrides.deletedAt }),
    },
    spec: {
      targetRef: { name: overrides.target ?? "web" },
      source: "Webhook",
      job: {
        host: "github.com",
        id,
        runId: "9000",
        repository: "acme/web",
        name: "build",
        labels: ["self-hosted", "ecs"],
        queuedAt: createdAt,
        state: "Queued",
        ...overrides.job,
      },
    },
    ...(overrides.status !== undefined && { status: overrides.status }),
  };
}
