import { z } from "zod";
import { type ApiObject, atomicList, cel, type KindDefinition } from "../kind.ts";
import { conditionsSchema, namespaceName, objectName, timestamp } from "./common.ts";
import { jobStates } from "./job-state.ts";
import { overridesSchema } from "./overrides.ts";
import { runnerRequestResource } from "./resources.ts";

const numericId = z
  .string()
  .min(1)
  .max(20)
  .regex(/^[0-9]+$/);
const shortText = z.string().max(300);
const scope = z.object({
  organization: z.string().max(64).exactOptional().describe("An organisation."),
  repository: z.string().max(140).exactOptional().describe("A repository as owner/name."),
});

const jobState = z.enum(jobStates);

export const runnerRequestSpecSchema = z
  .object({
    targetRef: z
      .object({ name: objectName.describe("Name of a RunnerTarget in the same namespace.") })
      .describe("The target that covers the job."),
    source: z
      .enum(["Webhook", "Queue", "Sweep", "Redelivery", "Replacement", "Pool", "Manual"])
      .default("Manual")
      .describe(
        "What made the request: Webhook (also one that was sent again), Sweep, Replacement or Manual; the others are reserved.",
      ),
    job: z
      .object({
        host: z.string().min(1).max(253).describe("Host of GitHub, such as github.com."),
        id: numericId.describe("The job's id at GitHub; a re-run has another one."),
        runId: numericId.describe("The workflow run it belongs to."),
        runAttempt: z.int().min(1).exactOptional().describe("Which attempt of the run."),
        repository: z.string().min(3).max(140).describe("The repository as owner/name."),
        workflowName: shortText.exactOptional().describe("Name of the workflow."),
        name: shortText.describe("Name of the job, as GitHub shows it."),
        labels: z.array(z.string().min(1).max(256)).min(1).max(100).meta(atomicList).describe("The labels of runs-on."),
        headBranch: shortText.exactOptional().describe("The branch."),
        htmlUrl: z.string().max(500).exactOptional().describe("The job's page."),
        queuedAt: timestamp.describe("When the job was created at GitHub."),
        installationId: numericId.exactOptional().describe("The App's installation that sent the event."),
        deliveryId: z
          .string()
          .max(64)
          .exactOptional()
          .describe("GitHub's id of the delivery that made the request; log lines carry it too."),
        state: jobState
          .default("Queued")
          .describe(
            "What the event that made the request said of the job. Later states are in status.job. A request that begins as Completed only remembers the job.",
          ),
      })
      .describe("The job that asks for a runner."),
    overrides: overridesSchema.exactOptional(),
  })
  .meta(cel({ rule: "self == oldSelf", message: "a RunnerRequest cannot be changed; delete it, or make another one" }))
  .describe("The job and the target; immutable.");

const attempt = z.object({
  number: z.int().min(1).describe("Counts from 1. Each attempt has a runner name and a JIT configuration of its own."),
  tries: z.int().min(0).exactOptional().describe("How often every rung of the ladder refused this attempt."),
  runnerName: z.string().max(64).exactOptional().describe("The runner's name at GitHub."),
  providerId: z.string().max(2048).exactOptional().describe("The instance, such as the ARN of an ECS task."),
  capacity: z.string().max(64).exactOptional().describe("The rung of the ladder that gave the instance."),
  refused: z
    .array(
      z.object({
        capacity: z.string().max(64).describe("The rung."),
        reason: z.string().max(100).describe("The backend's word for it."),
        message: shortText.describe("What it means."),
      }),
    )
    .max(8)
    .meta(atomicList)
    .exactOptional()
    .describe("Rungs that had no capacity when this attempt was last tried."),
  reason: z.string().max(100).exactOptional().describe("Why the attempt ended, or is about to."),
  message: shortText.exactOptional().describe("The same in words, with what to do."),
  startedAt: timestamp.describe("When the attempt began."),
  triedAt: timestamp.exactOptional().describe("When it was last refused; the next try is counted from here."),
  interruptedAt: timestamp.exactOptional().describe("When its capacity was taken away, or notice of that was given."),
  endedAt: timestamp.exactOptional().describe("When its instance and its registration were gone."),
});

export const runnerRequestStatusSchema = z
  .object({
    phase: z
      .enum(["Pending", "Launching", "Starting", "Idle", "Running", "Finishing", "Succeeded", "Failed"])
      .exactOptional()
      .describe("A summary of the conditions for people; nothing decides by it."),
    title: z
      .string()
      .max(64)
      .exactOptional()
      .describe("The job that asked, cut to what fits into a column of `kubectl get`; for people, nothing reads it."),
    attempt: z.int().min(0).exactOptional().describe("Number of the newest attempt."),
    conditions: conditionsSchema.exactOptional(),
    job: z
      .object({
        state: jobState.describe("Queued, InProgress or Completed; it never goes back."),
        conclusion: z.string().max(32).exactOptional().describe("GitHub's conclusion, once completed."),
        runnerName: z.string().max(128).exactOptional().describe("The runner that took the job, ours or not."),
        updatedAt: timestamp.describe("When the operator learnt it."),
      })
      .exactOptional()
      .describe("The job that asked."),
    assignedJob: z
      .object({
        id: numericId.describe("The job's id."),
        repository: z.string().max(140).describe("Its repository."),
        name: shortText.describe("Its name."),
        htmlUrl: z.string().max(500).exactOptional().describe("Its page."),
        state: jobState.describe("InProgress or Completed."),
        conclusion: z.string().max(32).exactOptional().describe("GitHub's conclusion, once completed."),
        startedAt: timestamp.exactOptional().describe("When it began to run."),
        completedAt: timestamp.exactOptional().describe("When it ended."),
      })
      .exactOptional()
      .describe("The job that this runner really took: GitHub assigns by labels, so it may be another one than asked."),
    runner: z
      .object({
        name: z.string().max(64).describe("Its name."),
        id: z.int().min(0).exactOptional().describe("Its id."),
        labels: z.array(z.string().max(256)).max(100).meta(atomicList).exactOptional().describe("Its labels."),
        busySince: timestamp
          .exactOptional()
          .describe("Since when GitHub calls it busy with a job that nobody told of; another runner serves the job that asked."),
        scope: scope.describe("Where it is registered."),
        githubAppRef: z
          .object({
            namespace: namespaceName.describe("Namespace of the GitHubApp."),
            name: objectName.describe("Name of the GitHubApp."),
          })
          .describe("The App that registered it; kept here so that it can be removed when the target is gone."),
      })
      .exactOptional()
      .describe("The registration at GitHub; absent once it was removed."),
    instance: z
      .object({
        providerId: z.string().max(2048).describe("The instance, such as the ARN of an ECS task."),
        state: z.enum(["Pending", "Running", "Stopping", "Stopped"]).describe("As last seen."),
        version: z.int().min(0).exactOptional().describe("The backend's counter of changes."),
        capacity: z.string().max(64).exactOptional().describe("The rung of the ladder it came from."),
        zone: z.string().max(64).exactOptional().describe("The zone it runs in."),
        createdAt: timestamp.exactOptional().describe("When the backend created it."),
        startedAt: timestamp.exactOptional().describe("When it began to run."),
        interruptedAt: timestamp
          .exactOptional()
          .describe(
            "When the backend took the capacity away, or gave notice of it (Spot: two minutes before the end, with events).",
          ),
        stopRequestedAt: timestamp.exactOptional().describe("When the operator last asked for its end."),
        stoppedAt: timestamp.exactOptional().describe("When it ended."),
        stopReason: z.string().max(100).exactOptional().describe("Why it ended, in the backend's word."),
        exitCode: z.int().exactOptional().describe("The runner's exit code."),
        classRef: z
          .object({
            kind: z.string().max(63).describe("Kind of the class."),
            namespace: namespaceName.describe("Namespace of the class."),
            name: objectName.describe("Name of the class."),
          })
          .describe("The class it was started by."),
        connection: z
          .record(z.string(), z.string().max(2048))
          .meta({ maxProperties: 8 })
          .describe(
            "How to reach it, from the class: kept here so that it can be removed when the class is gone. Never a secret.",
          ),
      })
      .exactOptional()
      .describe("The compute of the newest attempt."),
    attempts: z.array(attempt).max(5).meta(atomicList).exactOptional().describe("The newest five attempts, oldest first."),
    timings: z
      .object({
        queuedAt: timestamp.exactOptional().describe("The job was created at GitHub."),
        createdAt: timestamp.exactOptional().describe("This object was created."),
        launchedAt: timestamp.exactOptional().describe("The provider accepted the runner."),
        registeredAt: timestamp.exactOptional().describe("GitHub knew the runner as online."),
        startedAt: timestamp.exactOptional().describe("The runner took a job."),
        completedAt: timestamp.exactOptional().describe("That job ended."),
        finishedAt: timestamp.exactOptional().describe("The outcome was known and its instance had ended."),
      })
      .exactOptional()
      .describe("Moments of the request's life."),
  })
  .describe("The life of the runner.");

export type RunnerRequestSpec = z.infer<typeof runnerRequestSpecSchema>;
export type RunnerRequestStatus = z.infer<typeof runnerRequestStatusSchema>;
export type Attempt = z.infer<typeof attempt>;
export type RunnerRequest = ApiObject<RunnerRequestSpec, RunnerRequestStatus>;

export const runnerRequestKind: KindDefinition = {
  kind: runnerRequestResource.kind,
  plural: runnerRequestResource.plural,
  singular: "runnerrequest",
  shortNames: ["rr"],
  description:
    "RunnerRequest is the whole life of one runner that was made for one job. The operator writes it; deleting it stops the runner.",
  spec: runnerRequestSpecSchema,
  status: runnerRequestStatusSchema,
  validations: [
    {
      rule: "self.metadata.name.size() <= 57",
      message: "metadata.name may have at most 57 characters: the runner's name adds the attempt to it, and GitHub allows 64",
    },
    {
      rule: "self.metadata.name.matches('^job-[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
      message:
        "metadata.name begins with job- and may hold a-z, 0-9 and - only: the runner's name is made of it, and is known again by that",
    },
  ],
  columns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase", description: "Where the request is in its life.", priority: 0 },
    {
      name: "Reason",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Succeeded")].reason',
      description: "What it waits for, or how it ended.",
      priority: 0,
    },
    {
      name: "Job",
      type: "string",
      jsonPath: ".status.title",
      description: "The job that asked, cut to 24 columns.",
      priority: 0,
    },
    { name: "Target", type: "string", jsonPath: ".spec.targetRef.name", description: "The target.", priority: 1 },
    {
      name: "Capacity",
      type: "string",
      jsonPath: ".status.instance.capacity",
      description: "The rung of the ladder.",
      priority: 1,
    },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since creation.", priority: 0 },
  ],
  selectableFields: [".spec.targetRef.name", ".spec.job.repository", ".status.phase"],
};
