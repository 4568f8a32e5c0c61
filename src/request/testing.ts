import { apiVersion } from "../api/kind.ts";
import { runnerFinalizer, targetLabel } from "../api/v1alpha1/names.ts";
import type { RunnerRequest, RunnerRequestSpec } from "../api/v1alpha1/runner-request.ts";

let made = 0;

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
