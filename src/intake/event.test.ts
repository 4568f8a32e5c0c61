import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePayload, readEvent, type WebhookEvent } from "./event.ts";
import { jobPayload } from "./test-objects.ts";

// The package's types describe a module that does not exist: its main file is the JSON itself.
const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as {
  name: string;
  examples: Record<string, unknown>[];
}[];
const published = examples.find(({ name }) => name === "workflow_job")?.examples ?? [];

function jobOf(event: WebhookEvent) {
  if (event.kind !== "workflow_job") throw new Error(`a ${event.kind} event`);
  return event.job;
}

const read = (job: Record<string, unknown>, repository: Record<string, unknown> = {}) =>
  jobOf(readEvent("workflow_job", jobPayload({ job, repository })));

describe("readEvent", () => {
  test("reads what GitHub tells of a job", () => {
    expect(
      readEvent("workflow_job", jobPayload({ action: "completed", job: { runner_id: 7, runner_name: "job-31415926535-1" } })),
    ).toEqual({
      kind: "workflow_job",
      action: "completed",
      job: {
        id: "31415926535",
        runId: "27182818284",
        runAttempt: 1,
        repository: "acme/web",
        visibility: "private",
        labels: ["self-hosted", "ecs"],
        name: "build (node 24)",
        workflowName: "CI",
        headBranch: "main",
        htmlUrl: "https://github.com/acme/web/actions/runs/27182818284/job/31415926535",
        conclusion: "success",
        runnerName: "job-31415926535-1",
        createdAt: "2026-01-15T09:00:00Z",
        startedAt: "2026-01-15T09:00:00Z",
        completedAt: "2026-01-15T09:04:00Z",
        installationId: "99",
      },
    });
  });

  test.each(published.map((payload) => ({ payload, action: String(payload["action"]) })))(
    "reads GitHub's published example of $action",
    ({ payload, action }) => {
      expect(readEvent("workflow_job", payload)).toMatchObject({
        kind: "workflow_job",
        action,
        job: {
          id: expect.stringMatching(/^[0-9]+$/),
          runId: expect.stringMatching(/^[0-9]+$/),
          repository: expect.stringContaining("/"),
        },
      });
    },
  );

  test("all eight of GitHub's examples are there", () => {
    expect(published).toHaveLength(8);
  });

  test.each([null, "", "  ", 0, undefined, false, {}, 12])("a runner name of %j is none", (runner_name) => {
    expect(read({ runner_name })).not.toHaveProperty("runnerName");
  });

  test.each([null, "", undefined, 5])("a workflow name or branch of %j is none", (text) => {
    const job = read({ workflow_name: text, head_branch: text });
    expect(job).not.toHaveProperty("workflowName");
    expect(job).not.toHaveProperty("headBranch");
  });

  test.each([0, -1, 1.5, null, "1", undefined])("a run attempt of %j is none", (run_attempt) => {
    expect(read({ run_attempt })).not.toHaveProperty("runAttempt");
  });

  test.each([null, "", "soon", "0001-01-01T00:00:00Z", "+275760-09-13T00:00:00Z", 5])("a time of %j is none", (created_at) => {
    expect(read({ created_at })).not.toHaveProperty("createdAt");
  });

  test("times are rendered as Kubernetes does", () => {
    expect(read({ created_at: "2026-01-15T10:00:00.123+01:00" }).createdAt).toBe("2026-01-15T09:00:00Z");
  });

  test("free text is cut to what the schema takes", () => {
    const job = read({
      name: "n".repeat(1_000),
      workflow_name: "w".repeat(1_000),
      head_branch: "b".repeat(1_000),
      conclusion: "c".repeat(100),
    });
    expect([job.name, job.workflowName, job.headBranch].map((text) => text?.length)).toEqual([300, 300, 300]);
    expect(job.conclusion).toHaveLength(32);
  });

  test("a link that is too long, or none, is left out rather than cut", () => {
    expect(read({ html_url: `https://github.com/${"x".repeat(600)}` })).not.toHaveProperty("htmlUrl");
    expect(read({ html_url: "javascript:alert(1)" })).not.toHaveProperty("htmlUrl");
  });

  test.each([null, undefined, []])("labels of %j are none", (labels) => {
    expect(read({ labels }).labels).toEqual([]);
  });

  test("labels that differ in case only are one, as the workflow spells it first", () => {
    expect(read({ labels: ["ECS", "ecs", "Self-Hosted"] }).labels).toEqual(["ECS", "Self-Hosted"]);
  });

  test.each([
    [{ visibility: "internal", private: true }, "internal"],
    [{ visibility: undefined, private: true }, "private"],
    [{ visibility: undefined, private: false }, "public"],
    [{ visibility: undefined, private: undefined }, "public"],
    [{ visibility: "something new", private: undefined }, "public"],
  ])("a repository of %j is %s", (repository, visibility) => {
    expect(read({}, repository).visibility).toBe(visibility);
  });

  test.each([
    ["no job", { action: "queued", repository: { full_name: "acme/web" } }, /workflow_job\.id/],
    ["a job that is a list", { action: "queued", workflow_job: [], repository: { full_name: "acme/web" } }, /workflow_job\.id/],
    ["an id of 0", jobPayload({ job: { id: 0 } }), /workflow_job\.id/],
    ["an id with other characters", jobPayload({ job: { id: "1/../2" } }), /workflow_job\.id/],
    ["no run id", jobPayload({ job: { run_id: null } }), /run_id/],
    ["no repository", { ...jobPayload(), repository: null }, /full_name/],
    ["a repository without owner", jobPayload({ repository: { full_name: "web" } }), /full_name/],
    ["a repository of more parts", jobPayload({ repository: { full_name: "acme/web/x" } }), /full_name/],
    ["labels that are no list", jobPayload({ job: { labels: "ecs" } }), /labels/],
    // Leaving the number out would make this a job that asks for less than it does.
    ["labels that are no texts", jobPayload({ job: { labels: ["ecs", 1] } }), /labels/],
  ])("an event with %s is malformed", (_name, payload, reason) => {
    expect(readEvent("workflow_job", payload)).toEqual({ kind: "malformed", reason: expect.stringMatching(reason) });
  });

  test("ping, foreign events and unknown actions are read as such, whatever else they hold", () => {
    expect(readEvent("ping", { zen: "x" })).toEqual({ kind: "ping" });
    expect(readEvent("check_run", { action: "created" })).toEqual({ kind: "other", name: "check_run", action: "created" });
    expect(readEvent("workflow_job", { action: "paused" })).toEqual({ kind: "other", name: "workflow_job", action: "paused" });
    expect(readEvent("workflow_job", {})).toEqual({ kind: "other", name: "workflow_job" });
  });

  test("never throws, whatever the payload is", () => {
    const payload = fc.record({
      action: fc.constantFrom("queued", "waiting", "in_progress", "completed", "other"),
      workflow_job: fc.oneof(fc.jsonValue(), fc.record({ id: fc.jsonValue(), run_id: fc.jsonValue(), labels: fc.jsonValue() })),
      repository: fc.oneof(fc.jsonValue(), fc.record({ full_name: fc.jsonValue(), visibility: fc.jsonValue() })),
      installation: fc.jsonValue(),
    });
    const kinds = ["other", "malformed", "workflow_job"];
    fc.assert(
      fc.property(payload, (value) => {
        expect(kinds).toContain(readEvent("workflow_job", value).kind);
      }),
    );
  });
});

describe("parsePayload", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test("whole numbers beyond 2^53 keep all their digits", () => {
    const payload = parsePayload(
      bytes('{"id":9007199254740993,"n":[9007199254740991,1.5,12345678901234567890],"s":"1234567890123456789"}'),
    );
    expect(payload).toEqual({
      id: "9007199254740993",
      n: [9007199254740991, 1.5, "12345678901234567890"],
      s: "1234567890123456789",
    });
  });

  test("an id beyond 2^53 reaches the job", () => {
    const text = JSON.stringify(jobPayload({ job: { id: 1 } })).replace('"id":1,', '"id":9223372036854775807,');
    expect(jobOf(readEvent("workflow_job", parsePayload(bytes(text)) ?? {})).id).toBe("9223372036854775807");
  });

  test.each(["", "{", "[]", "null", "3", '"text"', "payload=%7B%7D"])("%j is no JSON object", (text) => {
    expect(parsePayload(bytes(text))).toBeUndefined();
  });

  test("bytes that are no UTF-8 are no JSON", () => {
    expect(parsePayload(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeUndefined();
  });
});
