import { randomBytes, randomUUID } from "node:crypto";
import { ApiError } from "../errors.ts";
import { completeJob, startJob } from "../state/jobs.ts";
import type { Conclusion, Job, Runner } from "../state/model.ts";
import { fullName, type World } from "../state/world.ts";
import { BrokerError, runServiceError, unauthorized } from "./errors.ts";

/** By name and by number, since clients send either. */
const conclusions: readonly (readonly [name: string, conclusion: Conclusion])[] = [
  ["Succeeded", "success"],
  ["SucceededWithIssues", "success"],
  ["Failed", "failure"],
  ["Canceled", "cancelled"],
  ["Skipped", "skipped"],
  ["Abandoned", "failure"],
];

interface Lease {
  readonly job: Job;
  readonly runner: Runner;
  readonly planId: string;
  readonly jobId: string;
  readonly token: string;
}

/** RunService is where a runner acquires, renews and completes its job. */
export class RunService {
  readonly #world: World;
  readonly #leases = new Map<string, Lease>();
  readonly #onRenew: (runner: Runner) => void;

  constructor(world: World, onRenew: (runner: Runner) => void) {
    this.#world = world;
    this.#onRenew = onRenew;
  }

  /** Gives the job to the runner that it was assigned to, with everything that running it takes. */
  acquire(runner: Runner, messageId: string) {
    const job = this.#world.jobs.get(Number(messageId.split("-")[0]));
    if (!job) throw runServiceError(404, "Job not found");
    if (job.status === "completed") throw runServiceError(422, "Job is already completed");
    try {
      startJob(this.#world, job, runner);
    } catch (error) {
      if (error instanceof ApiError) throw runServiceError(error.status, error.message);
      throw error;
    }
    const lease: Lease = {
      job,
      runner,
      planId: randomUUID(),
      jobId: randomUUID(),
      token: `sim_job_${randomBytes(24).toString("base64url")}`,
    };
    this.#leases.set(lease.planId, lease);
    this.#world.secrets.add(lease.token);
    return this.#jobMessage(lease);
  }

  renew(header: string | undefined, planId: string) {
    const { job, runner } = this.#lease(header, planId);
    if (job.status !== "in_progress" || job.runner !== runner) throw runServiceError(404, "Job not found");
    job.lockedUntil = this.#world.now() + this.#world.settings.lockMs;
    this.#onRenew(runner);
    this.#world.record("runner-renewed", { job, runner });
    return { lockedUntil: new Date(job.lockedUntil).toISOString() };
  }

  complete(header: string | undefined, planId: string, conclusion: unknown): void {
    const { job, runner } = this.#lease(header, planId);
    if (job.status !== "in_progress" || job.runner !== runner) throw runServiceError(404, "Job not found");
    const known = typeof conclusion === "number" ? conclusions[conclusion] : conclusions.find(([name]) => name === conclusion);
    if (!known)
      throw new BrokerError(400, { source: "actions-run-service", statusCode: 400, errorMessage: "Unknown conclusion" });
    this.#leases.delete(planId);
    // Whatever the runner says: a job that somebody cancelled ends as cancelled.
    completeJob(this.#world, job, job.cancelRequestedAt === undefined ? known[1] : "cancelled");
  }

  /** Renewing and completing takes the job's own token, not the listener's. */
  #lease(header: string | undefined, planId: string): Lease {
    const lease = this.#leases.get(planId);
    if (!lease) throw runServiceError(404, "Job not found");
    if (header !== `Bearer ${lease.token}`) throw unauthorized();
    return lease;
  }

  #jobMessage({ job, planId, jobId, token }: Lease) {
    const repository = fullName(job.run.repository);
    const text = (value: string) => ({ value, isSecret: false });
    return {
      messageType: "RunnerJobRequest",
      plan: { planId, planType: "actions", scopeIdentifier: randomUUID(), version: 0 },
      timeline: { id: randomUUID(), changeId: 0 },
      jobId,
      jobDisplayName: job.name,
      requestId: job.id,
      lockedUntil: new Date(job.lockedUntil ?? this.#world.now()).toISOString(),
      variables: {
        "system.github.job": text(job.name),
        // What a simulated job does: wait, then end like this. A real client ignores both.
        "sim.duration_ms": text(String(job.durationMs)),
        "sim.conclusion": text(conclusions.find(([, conclusion]) => conclusion === job.outcome)?.[0] ?? "Failed"),
      },
      contextData: {
        github: {
          repository,
          run_id: String(job.run.id),
          run_attempt: String(job.attempt),
          workflow: job.run.workflowName,
          sha: job.run.headSha,
        },
      },
      steps: [],
      resources: {
        endpoints: [
          {
            name: "SystemVssConnection",
            url: `${this.#world.url}/_run/`,
            authorization: { scheme: "OAuth", parameters: { AccessToken: token } },
          },
        ],
      },
    };
  }
}
