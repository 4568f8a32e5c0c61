import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { JobAnswer } from "../../src/cli/explain/job.ts";
import type { Story } from "../../src/cli/explain/story.ts";
import { expectInDocs, screen } from "./docs.ts";
import { answerSchemas, problemsOf } from "./json-schemas.ts";
import { collection, namespace, paths } from "./places.ts";
import { type Draft, type Stage, startStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 120_000);
afterEach(() => stage.restore());
afterAll(() => stage?.stop());

function aTarget(name: string, spec: Record<string, unknown>): Draft {
  const standard = { githubAppRef: { name: "acme" }, scope: { organization: "acme" }, classRef: { name: "fargate" } };
  return {
    apiVersion: "getabako.dev/v1alpha1",
    kind: "RunnerTarget",
    metadata: { name, namespace },
    spec: { ...standard, ...spec },
  };
}

const job = (labels: string, ...more: string[]): string[] => ["--repo", "acme/web", "--labels", labels, ...more];
const answer = async (labels: string, ...more: string[]): Promise<JobAnswer> => {
  const read: unknown = JSON.parse((await stage.explain(job(labels, "-o", "json", ...more))).out);
  expect(problemsOf(answerSchemas.job, read)).toEqual([]);
  return read as JobAnswer;
};

describe("a job that may come", () => {
  test("is told its target, its runner and what all of them would cost", async () => {
    await stage.make(collection("runnertargets"), aTarget("gpu", { labels: ["self-hosted", "ecs", "gpu"] }));
    await stage.make(collection("runnertargets"), aTarget("docs", { labels: ["self-hosted", "docs"] }));
    expect(await answer("self-hosted,linux,ecs,cpu=4")).toEqual({
      repository: "acme/web",
      labels: ["self-hosted", "linux", "ecs", "cpu=4"],
      visibility: "private",
      verdict: "Served",
      target: "getabako/acme",
      runner: {
        class: "getabako/fargate",
        region: stage.ecs.region,
        cluster: "runners",
        labels: ["self-hosted", "linux", "x64", "ecs", "cpu=4"],
        // Fargate has no 4 vCPUs with 4Gi: the memory follows, as far as the target lets it.
        overrides: { cpu: 4, memory: "8Gi" },
        image: "ghcr.io/actions/actions-runner:2.336.0",
        securityGroups: ["sg-0c3"],
        size: { cpu: 4, memoryGiB: 8, diskGiB: 20 },
        rungs: [
          { name: "spot", providers: ["FARGATE_SPOT"] },
          { name: "on-demand", providers: ["FARGATE"] },
        ],
        atMost: { runners: 50, cpu: 200, memoryGiB: 400, diskGiB: 1000 },
      },
      targets: [
        { target: "getabako/acme", verdict: "Takes", why: "" },
        { target: "getabako/gpu", verdict: "Refuses", why: "RunnerTarget getabako/gpu lacks linux" },
        { target: "getabako/docs", verdict: "Refuses", why: "RunnerTarget getabako/docs lacks linux, ecs" },
      ],
    } satisfies JobAnswer);
    const { code, out } = await stage.explain(job("self-hosted,linux,ecs,cpu=4"));
    expect(code).toBe(0);
    await expectInDocs("served", screen("getabako explain --repo acme/web --labels self-hosted,linux,ecs,cpu=4", out));
  });

  test("that several targets cover is told why one comes first", async () => {
    await stage.make(collection("runnertargets"), aTarget("first", { labels: ["self-hosted", "ecs"], priority: 5 }));
    const { targets, target } = await answer("self-hosted,ecs");
    expect(target).toBe("getabako/first");
    expect(targets).toEqual([
      { target: "getabako/first", verdict: "Takes", why: "" },
      {
        target: "getabako/acme",
        verdict: "Outranked",
        why: "it would, but RunnerTarget getabako/first comes first: its priority is 5, not 0",
      },
    ]);
  });

  test("that no target covers is told which came closest, and why not", async () => {
    const { code, out } = await stage.explain(job("self-hosted,ecs,gpu"));
    expect(code).toBe(1);
    expect(out).toContain("gets no runner: no RunnerTarget covers labels [self-hosted, ecs, gpu] in acme/web");
    expect(out).toContain("Closest: RunnerTarget getabako/acme, but it lacks gpu");
    await expectInDocs("not served", screen("getabako explain --repo acme/web --labels self-hosted,ecs,gpu", out));
    expect(await answer("self-hosted,ecs", "--visibility", "public")).toMatchObject({
      verdict: "NotServed",
      closest: { target: "getabako/acme", why: "acme/web is public and RunnerTarget getabako/acme has allowPublic false" },
    });
  });

  test("that asks for too much is rejected in the words that the request would have", async () => {
    expect(await answer("self-hosted,ecs,cpu=64")).toMatchObject({
      verdict: "Rejected",
      reason: "cpu=64: RunnerTarget acme allows at most 8",
      target: "getabako/acme",
    });
    // What only the class can tell.
    expect(await answer("self-hosted,ecs,image=node-99")).toMatchObject({
      verdict: "Rejected",
      reason: expect.stringContaining("image=node-99: the class has none of that name"),
    });
    expect((await stage.explain(job("self-hosted,ecs,cpu=64"))).code).toBe(1);
  });

  test("is told of rungs that are passed over, and why it would wait", async () => {
    await stage.edit(paths.class, (draft) => {
      const times = { since: "2026-01-01T00:00:00Z", until: "2099-01-01T00:00:00Z" };
      draft.status.circuit = [
        { capacity: "spot", state: "Open", reason: "Interruptions", message: "interrupted again and again", ...times },
      ];
    });
    await stage.edit(paths.target, (draft) => void (draft.spec.paused = true));
    const { runner, waits } = await answer("self-hosted,ecs,size=large");
    expect(runner).toMatchObject({
      size: { cpu: 8, memoryGiB: 32, diskGiB: 100 },
      atMost: { cpu: 400, memoryGiB: 1600, diskGiB: 5000 },
    });
    expect(runner?.rungs[0]).toEqual({
      name: "spot",
      providers: ["FARGATE_SPOT"],
      passedOver: { until: "2099-01-01T00:00:00Z", message: "interrupted again and again" },
    });
    expect(waits).toEqual(["the target is paused"]);
  });
});

function aRequest(name: string, queuedAt: string, more: { spec?: object; status?: object } = {}): Draft {
  return {
    apiVersion: "getabako.dev/v1alpha1",
    kind: "RunnerRequest",
    metadata: { name, namespace, finalizers: ["getabako.dev/runner"] },
    spec: {
      targetRef: { name: "acme" },
      source: "Webhook",
      job: {
        host: "github.com",
        id: name.replace(/^job-|-r\d+$/g, ""),
        runId: "271828",
        repository: "acme/web",
        name: "build",
        labels: ["self-hosted", "ecs"],
        queuedAt,
      },
      ...more.spec,
    },
    status: { phase: "Pending", job: { state: "Queued", updatedAt: queuedAt }, ...more.status },
  };
}

const waits = (reason: string, message: string): object => ({
  conditions: [{ type: "Admitted", status: "Unknown", reason, message, lastTransitionTime: "2026-11-28T10:05:00Z" }],
});
const story = async (name: string): Promise<readonly Story[]> => {
  const read: unknown = JSON.parse((await stage.explain(["--job", name, "-o", "json"])).out);
  expect(problemsOf(answerSchemas.stories, read)).toEqual([]);
  return (read as { requests: Story[] }).requests;
};

describe("a job that is there", () => {
  test("is told what it waits for, since when, how many are ahead, and what was tried", async () => {
    await stage.make(
      collection("runnerrequests"),
      aRequest("job-101", "2026-11-28T10:00:00Z", {
        status: waits("TargetAtCapacity", "RunnerTarget acme has all of its 50 runners"),
      }),
    );
    const attempts = [
      {
        number: 1,
        runnerName: "job-102-1",
        providerId: "arn:aws:ecs:us-east-1:123456789012:task/runners/0123456789abcdef",
        startedAt: "2026-11-28T10:01:02Z",
        endedAt: "2026-11-28T10:03:00Z",
        reason: "Interrupted",
        message: "the capacity was taken away before a job began",
        refused: [{ capacity: "spot", reason: "RESOURCE:CPU", message: "no capacity on FARGATE_SPOT" }],
      },
    ];
    const waiting = {
      ...waits("TargetAtCapacity", "RunnerTarget acme has all of its 50 runners; fewer than 5 requests are ahead"),
      attempt: 1,
      attempts,
      timings: { createdAt: "2026-11-28T10:01:01Z" },
    };
    await stage.make(collection("runnerrequests"), aRequest("job-102", "2026-11-28T10:01:00Z", { status: waiting }));
    const [told] = await story("102");
    expect(told).toMatchObject({
      request: "getabako/job-102",
      phase: "Pending",
      reason: "TargetAtCapacity",
      since: "2026-11-28T10:05:00Z",
      now: "it waits to be admitted: RunnerTarget acme has all of its 50 runners; fewer than 5 requests are ahead",
      means: "The RunnerTarget has maxRunners runners; the request waits for its turn.",
      ahead: 1,
      advice: expect.stringContaining("raise maxRunners (50) of RunnerTarget getabako/acme"),
    });
    expect(told?.moments.map(({ what }) => what)).toEqual([
      "job 102 was queued at GitHub",
      "this request was made (Webhook)",
      "attempt 1 began, runner job-102-1",
      "rungs that had no room for attempt 1: spot: no capacity on FARGATE_SPOT",
      "attempt 1 ended, Interrupted: the capacity was taken away before a job began",
    ]);
    expect((await story("job-101"))[0]).toMatchObject({ ahead: 0 });
    const { code, out } = await stage.explain(["--job", "job-102"]);
    expect(code).toBe(0);
    const settled = out.replace(/\(for [^)]*\)/, "(for 12m)");
    await expectInDocs(
      "story",
      screen("getabako explain --job 102", settled, (text) => text),
    );
  });

  test("is told with its replacements, in their order", async () => {
    await stage.make(collection("runnerrequests"), aRequest("job-7-r1", "2026-11-28T10:00:00Z"));
    const stolen = [
      {
        type: "Succeeded",
        status: "True",
        reason: "JobCompleted",
        message: "the runner ran another job",
        lastTransitionTime: "2026-11-28T10:05:00Z",
      },
    ];
    await stage.make(collection("runnerrequests"), aRequest("job-7", "2026-11-28T10:00:00Z", { status: { conditions: stolen } }));
    const told = await story("7");
    expect(told.map(({ request, phase, now }) => [request, phase, now])).toEqual([
      ["getabako/job-7", "Succeeded", "it ended well: the runner ran another job"],
      ["getabako/job-7-r1", "Pending", "the operator has not looked at it yet"],
    ]);
    expect((await story("job-7-r1")).map(({ request }) => request)).toEqual(["getabako/job-7-r1"]);
  });

  test("that nobody knows is said to be unknown, with the next question", async () => {
    const { code, out } = await stage.explain(["--job", "404"]);
    expect(code).toBe(1);
    expect(out).toContain("There is no RunnerRequest for 404");
    expect(out).toContain("getabako explain --repo OWNER/NAME --labels");
  });
});

test("names of strangers cannot paint over the terminal", async () => {
  const nasty = aRequest("job-9", "2026-11-28T10:00:00Z");
  nasty.spec.job.name = "\u001b[2J\u001b[1;1Hall is well\u202e";
  await stage.make(collection("runnerrequests"), nasty);
  const { out } = await stage.explain(["--job", "9"]);
  expect(out).toContain("all is well");
  // eslint-disable-next-line no-control-regex
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
});
