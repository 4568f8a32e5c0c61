import { createRequire } from "node:module";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { resolveSettings } from "../options.ts";
import { addRepository, addUser } from "../state/accounts.ts";
import { addApp, install } from "../state/apps.ts";
import { approveJob, cancelJob, completeJob, queueJob, startJob } from "../state/jobs.ts";
import { connectRunner, mintRunner } from "../state/runners.ts";
import { World } from "../state/world.ts";
import { ManualClock } from "../testing.ts";
import { workflowJobExamples } from "./examples.ts";
import { type JobAction, workflowJobPayload } from "./payload.ts";

const schema = createRequire(import.meta.url)("@octokit/webhooks-schemas") as object;

/** Where GitHub itself does not keep to the schema it publishes. */
const exceptions = [{ example: 0, reason: "an old payload without run_attempt, created_at, head_branch and workflow_name" }];

const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, formats: { "uri-template": true } });
(addFormats as unknown as (target: Ajv) => void)(ajv);
ajv.addKeyword("tsAdditionalProperties");
ajv.addSchema(schema, "webhooks");

function errors(action: string, payload: unknown): string[] {
  const validate = ajv.getSchema(`webhooks#/definitions/workflow_job$${action}`);
  if (!validate) throw new Error(`no schema for ${action}`);
  void validate(JSON.parse(JSON.stringify(payload)));
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

function world(): World {
  const fresh = new World(resolveSettings({}), new ManualClock());
  fresh.url = "https://api.github.com";
  return fresh;
}

// Compiling GitHub's schemas takes seconds on a busy machine; that is not what the tests below should be measured by.
beforeAll(() => {
  for (const { action } of workflowJobExamples()) errors(action, {});
}, 60_000);

describe("generated payloads fit GitHub's published schema", () => {
  it.each(["acme/web", "dev/site"])("in every action of a job of %s", (name) => {
    const there = world();
    addUser(there, "dev");
    const repository = addRepository(there, name);
    const installation = install(there, addApp(there), repository.owner.login);
    const seen: Record<string, string[]> = {};
    const check = (action: JobAction) => {
      seen[action] = errors(action, workflowJobPayload(there, job, action, installation));
    };
    const job = queueJob(there, { repository: name, labels: ["ecs"], waiting: true });
    check("waiting");
    approveJob(there, job);
    check("queued");
    const runner = mintRunner(there, { kind: "repository", repository }, { name: "r", labels: ["ecs"], runner_group_id: 1 });
    connectRunner(there, runner);
    startJob(there, job, runner);
    check("in_progress");
    completeJob(there, job, "success");
    check("completed");
    expect(seen).toEqual({ waiting: [], queued: [], in_progress: [], completed: [] });
  });

  it("also when the job was cancelled before it started", () => {
    const there = world();
    const installation = install(there, addApp(there), "acme");
    const job = queueJob(there, { repository: "acme/web", labels: [] });
    cancelJob(there, job);
    expect(errors("completed", workflowJobPayload(there, job, "completed", installation))).toEqual([]);
  });

  it("and so do the published examples, but for the known one", () => {
    const failing = workflowJobExamples().flatMap((example, index) =>
      errors(example.action, example).length > 0 ? [index] : [],
    );
    expect(failing).toEqual(exceptions.map(({ example }) => example));
  });
});
