import { z } from "zod";
import { type ApiObject, atomicList, cel, type KindDefinition, listSet } from "../kind.ts";
import { conditionsSchema, crossNamespaceRef, repositoryGlobs, timestamp } from "./common.ts";
import { overridePolicySchema } from "./overrides.ts";
import { runnerTargetResource } from "./resources.ts";

/** The same pattern as util/duration.ts reads; at most weeks, so that no timer overflows. */
const duration = z
  .string()
  .max(16)
  .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$/);
/** A deadline of 0 would end every runner at once. */
const deadline = duration.meta(cel({ rule: "self.matches('[1-9]')", message: "a deadline must be longer than 0" }));
const account = /^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$/;

const timeoutDefaults = { launch: "10m", registration: "5m", idle: "10m", job: "6h" };
const historyDefaults = { succeeded: "1h", failed: "24h" };

export const runnerTargetSpecSchema = z
  .object({
    githubAppRef: crossNamespaceRef.describe("The GitHubApp whose webhooks bring the jobs and that registers the runners."),
    scope: z
      .object({
        organization: z
          .string()
          .min(1)
          .max(64)
          .regex(account)
          .exactOptional()
          .describe("Serve an organisation: runners register there."),
        repository: z
          .string()
          .min(3)
          .max(140)
          .regex(/^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/)
          .exactOptional()
          .describe("Serve one repository (owner/name): runners register there, so no other repository can take them."),
      })
      .meta(
        cel(
          { rule: "has(self.organization) != has(self.repository)", message: "set exactly one of organization and repository" },
          {
            rule: "self == oldSelf",
            message: "scope cannot be changed, runners that exist would be lost: make a new RunnerTarget and delete this one",
          },
        ),
      )
      .describe("Whose jobs are served and where runners register; exactly one of the two."),
    runnerGroup: z
      .string()
      .min(1)
      .max(64)
      .default("Default")
      .describe("Runner group of the organisation that the runners join, by name; it must admit the repositories."),
    repositories: z
      .object({
        include: repositoryGlobs.min(1).exactOptional().describe("Serve only these repositories; by default all of the scope."),
        exclude: repositoryGlobs.default([]).describe("Never serve these repositories."),
        allowPublic: z
          .boolean()
          .default(false)
          .describe(
            "Whether public repositories are served. Everybody who can open a pull request there can run code on your runners.",
          ),
      })
      .default({ exclude: [], allowPublic: false })
      .describe("Which repositories of the scope are served."),
    labels: z
      .array(
        z
          .string()
          .min(1)
          .max(128)
          .regex(/^[^\s,=]+$/),
      )
      .min(1)
      .max(32)
      .meta(listSet)
      .describe(
        "The runners' labels. They register with these and the override labels of their job, so name self-hosted, the system and the architecture too if workflows ask for them. Case is ignored.",
      ),
    match: z
      .enum(["Subset", "Exact"])
      .default("Subset")
      .describe(
        "Subset: serve jobs that ask for some or all of the labels, as GitHub assigns them. Exact: only jobs that ask for all of them.",
      ),
    overrides: overridePolicySchema
      .exactOptional()
      .describe(
        "Which labels of the form key=value a workflow may use to shape its runner, and how far; by default none. A job that asks for more gets a RunnerRequest that is Rejected.",
      ),
    priority: z.int().min(-1000).max(1000).default(0).describe("When several targets cover a job, the highest priority gets it."),
    classRef: z
      .object({
        kind: z.enum(["ECSRunnerClass"]).default("ECSRunnerClass").describe("Kind of the class; it chooses the provider."),
        ...crossNamespaceRef.shape,
      })
      .describe("The class that the runners run by."),
    maxRunners: z
      .int()
      .min(0)
      .max(10000)
      .default(20)
      .describe("How many runners may exist at once. Further jobs wait in order; none is dropped."),
    timeouts: z
      .object({
        launch: deadline.default(timeoutDefaults.launch).describe("From the launch until the instance runs."),
        registration: deadline
          .default(timeoutDefaults.registration)
          .describe("From a running instance until GitHub knows the runner as online."),
        idle: deadline.default(timeoutDefaults.idle).describe("How long a registered runner may wait for a job."),
        job: deadline
          .default(timeoutDefaults.job)
          .describe("How long a job may run; then the runner is stopped although it is busy."),
      })
      .default(timeoutDefaults)
      .describe("Deadlines of a runner's life."),
    attempts: z
      .int()
      .min(1)
      .max(20)
      .default(5)
      .describe(
        "Fast attempts to get a runner for a job; afterwards one every 15 minutes while GitHub says that the job is queued, for 24 hours at most.",
      ),
    history: z
      .object({
        succeeded: duration.default(historyDefaults.succeeded).describe("How long RunnerRequests that ended well are kept."),
        failed: duration.default(historyDefaults.failed).describe("How long those that ended badly are kept."),
      })
      .default(historyDefaults)
      .describe("How long finished RunnerRequests are kept."),
    paused: z.boolean().default(false).describe("Stops launching; jobs are still recorded, and running ones go on."),
  })
  .meta(
    cel({
      rule: "!has(self.scope.repository) || self.runnerGroup == 'Default'",
      message: "runnerGroup is for organizations: repository runners have no other group than Default",
    }),
  )
  .describe("Which jobs are served, with which labels, by which class, under which limits.");

/** The version of a runner's software. */
const runnerVersion = z
  .string()
  .max(17)
  .regex(/^[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}$/);

export const runnerTargetStatusSchema = z
  .object({
    observedGeneration: z.int().min(0).exactOptional().describe("The generation that the status speaks of."),
    queued: z.int().min(0).exactOptional().describe("RunnerRequests that wait for a runner to be launched."),
    starting: z.int().min(0).exactOptional().describe("Runners that were launched and are not online yet."),
    idle: z.int().min(0).exactOptional().describe("Runners that are online and wait for a job."),
    running: z.int().min(0).exactOptional().describe("Runners with a job."),
    runnerVersion: z
      .object({
        connected: runnerVersion
          .exactOptional()
          .describe(
            "The oldest version among the target's runners that GitHub's lists showed online in the last day that had any.",
          ),
        offered: runnerVersion
          .exactOptional()
          .describe("The release that GitHub offers; newer ones among `releases` were taken back."),
        releases: z
          .array(
            z.object({
              version: runnerVersion.describe("The release."),
              seenAt: timestamp.describe("When the operator first saw GitHub offer it; it is out since then or longer."),
            }),
          )
          .max(10)
          .meta(atomicList)
          .exactOptional()
          .describe("The newest releases that GitHub offered, oldest first."),
        refusedAt: timestamp.exactOptional().describe("When a runner last ended because GitHub refused its version."),
        acceptedAt: timestamp
          .exactOptional()
          .describe("When a runner was launched that GitHub accepted after such an end: what was refused before counts no more."),
      })
      .exactOptional()
      .describe("What the condition RunnerVersion is judged by; kept so that days are counted across restarts."),
    conditions: conditionsSchema.exactOptional(),
  })
  .describe("What the target's runners are doing.");

export type RunnerTargetSpec = z.infer<typeof runnerTargetSpecSchema>;
export type RunnerTargetStatus = z.infer<typeof runnerTargetStatusSchema>;
export type RunnerTarget = ApiObject<RunnerTargetSpec, RunnerTargetStatus>;

export const runnerTargetKind: KindDefinition = {
  kind: runnerTargetResource.kind,
  plural: runnerTargetResource.plural,
  singular: "runnertarget",
  shortNames: ["rt"],
  description:
    "RunnerTarget says which queued jobs get runners from getabako, with which labels, by which class and under which limits.",
  spec: runnerTargetSpecSchema,
  status: runnerTargetStatusSchema,
  validations: [
    {
      rule: "self.metadata.name.size() <= 63",
      message: "metadata.name is used as a label value and may have at most 63 characters",
    },
  ],
  columns: [
    {
      name: "Ready",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: "Whether jobs are served.",
      priority: 0,
    },
    {
      name: "Reason",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: "Why, or why not.",
      priority: 1,
    },
    { name: "Queued", type: "integer", jsonPath: ".status.queued", description: "Requests that wait.", priority: 0 },
    { name: "Starting", type: "integer", jsonPath: ".status.starting", description: "Runners not online yet.", priority: 0 },
    { name: "Idle", type: "integer", jsonPath: ".status.idle", description: "Runners without a job.", priority: 0 },
    { name: "Running", type: "integer", jsonPath: ".status.running", description: "Runners with a job.", priority: 0 },
    { name: "Max", type: "integer", jsonPath: ".spec.maxRunners", description: "Limit of runners.", priority: 0 },
    { name: "Scope", type: "string", jsonPath: ".spec.scope.*", description: "Organisation or repository.", priority: 1 },
    { name: "Class", type: "string", jsonPath: ".spec.classRef.name", description: "Class of the runners.", priority: 1 },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since creation.", priority: 0 },
  ],
};
