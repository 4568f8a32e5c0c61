import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runnerRequestSpecSchema, type RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { type JobReport, recordAssignedJob, recordOwnJob } from "../request/job-record.ts";
import { askedOf } from "../request/asked.ts";
import { openStatus } from "../request/status.ts";
import { shortHash } from "../util/hash.ts";
import { decide, type Decision, isOurs, type Situation } from "./decide.ts";
import { readEvent } from "./event.ts";
import { gitHubApp, type JobPayload, jobPayload, runnerTarget } from "./test-objects.ts";

const nowMs = Date.parse("2026-01-15T09:00:05Z");
const situation = (change: Partial<Situation> = {}): Situation => ({
  apps: [gitHubApp()],
  host: "github.com",
  targets: [runnerTarget()],
  nowMs,
  source: "Webhook",
  deliveryId: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
  ...change,
});

function decideOn(payload: JobPayload, change: Partial<Situation> = {}): Decision {
  const event = readEvent("workflow_job", jobPayload(payload));
  if (event.kind === "malformed") throw new Error(event.reason);
  return decide(event, situation(change));
}

function expectKind<Kind extends Decision["kind"]>(decision: Decision, kind: Kind): Extract<Decision, { kind: Kind }> {
  if (decision.kind !== kind) throw new Error(`decided to ${decision.kind}: ${JSON.stringify(decision)}`);
  return decision as Extract<Decision, { kind: Kind }>;
}

const uncovered = { job: { labels: ["gpu"] } };

describe("a queued job", () => {
  test("of a target gets a request with everything that is needed later", () => {
    expect(expectKind(decideOn({}), "create").request).toEqual({
      apiVersion: "getabako.dev/v1alpha1",
      kind: "RunnerRequest",
      metadata: {
        name: "job-31415926535",
        namespace: "ci",
        labels: { "getabako.dev/target": "web" },
        annotations: { "getabako.dev/delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958" },
        finalizers: ["getabako.dev/runner"],
      },
      spec: {
        targetRef: { name: "web" },
        source: "Webhook",
        job: {
          host: "github.com",
          id: "31415926535",
          runId: "27182818284",
          runAttempt: 1,
          repository: "acme/web",
          workflowName: "CI",
          name: "build (node 24)",
          labels: ["self-hosted", "ecs"],
          headBranch: "main",
          htmlUrl: "https://github.com/acme/web/actions/runs/27182818284/job/31415926535",
          queuedAt: "2026-01-15T09:00:00Z",
          installationId: "99",
          deliveryId: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          state: "Queued",
        },
      },
    });
  });

  test("on another host has that host's hash in its name", () => {
    const { request } = expectKind(decideOn({}, { host: "ghe.corp.example" }), "create");
    expect(request.metadata.name).toBe(`job-31415926535-${shortHash("ghe.corp.example")}`);
    expect(request.spec.job.host).toBe("ghe.corp.example");
  });

  test("that asks for a larger runner gets it in its request, in canonical form", () => {
    const targets = [runnerTarget({ overrides: { cpu: { max: 8 }, memory: { max: "32Gi" }, image: {} } })];
    const asked = decideOn({ job: { labels: ["ecs", "CPU=4.0", "memory=16GB", "image=Node-22"] } }, { targets });
    const { request, rejected } = expectKind(asked, "create");
    expect(request.spec.overrides).toEqual({ cpu: 4, memory: "16Gi", image: "node-22" });
    expect(request.spec.job.labels).toEqual(["ecs", "CPU=4.0", "memory=16GB", "image=Node-22"]);
    expect(rejected).toBeUndefined();
    expect(runnerRequestSpecSchema.safeParse(request.spec).error).toBeUndefined();
  });

  test("that asks for more than is allowed gets a request all the same, and the delivery says why it gets no runner", () => {
    const { request, rejected } = expectKind(decideOn({ job: { labels: ["ecs", "cpu=64"] } }), "create");
    expect(rejected).toBe("cpu=64: RunnerTarget web allows no overrides");
    expect(request.spec.overrides).toEqual({ cpu: 64 });
  });

  test("that asks for what nobody can read gets a request that the schema takes", () => {
    const nasty = Array.from({ length: 99 }, (_, index) => `cpu=${index}${"x".repeat(900)}\u0000`);
    const { request, rejected } = expectKind(decideOn({ job: { labels: ["ecs", ...nasty] } }), "create");
    expect(rejected?.length).toBeLessThanOrEqual(300);
    expect(request.spec.overrides).toBeUndefined();
    expect(runnerRequestSpecSchema.safeParse(request.spec).error).toBeUndefined();
    expect(expectKind(decideOn({ job: { labels: ["ecs", ...nasty, "cpu=1", "cpu=2"] } }), "ignore").reason).toContain("lacks");
  });

  test("gets no runner by a label that only looks right without its control characters", () => {
    const { request, rejected } = expectKind(decideOn({ job: { labels: ["ecs", "cpu=4\u0000"] } }), "create");
    expect(rejected).toContain("write a number of vCPUs");
    expect(askedOf(request).problems).toHaveLength(1);
  });

  test("that waited for approval has the status waiting, and gets a request all the same", () => {
    expect(decideOn({ job: { status: "waiting" } })).toMatchObject({
      kind: "create",
      request: { spec: { job: { state: "Queued" } } },
    });
  });

  test("with a runner in the event, as one of GitHub's examples has it, is not taken for assigned", () => {
    const { request } = expectKind(decideOn({ job: { runner_id: 5, runner_name: "job-1-1" } }), "create");
    expect(request.spec.job.state).toBe("Queued");
  });

  test("without created_at counts from started_at, and without that from now", () => {
    const queuedAt = (job: Record<string, unknown>) => expectKind(decideOn({ job }), "create").request.spec.job.queuedAt;
    expect(queuedAt({ created_at: undefined, started_at: "2026-01-15T08:59:00Z" })).toBe("2026-01-15T08:59:00Z");
    expect(queuedAt({ created_at: undefined, started_at: null })).toBe("2026-01-15T09:00:05Z");
  });

  test("without a usable delivery id gets a request without one", () => {
    const { request } = expectKind(decideOn({}, { deliveryId: undefined }), "create");
    expect(request.metadata).not.toHaveProperty("annotations");
    expect(request.spec.job).not.toHaveProperty("deliveryId");
  });

  test.each([
    ["no target covers", uncovered, "no RunnerTarget covers labels [gpu] in acme/web"],
    ["names no labels", { job: { labels: [] } }, expect.stringContaining("a job without labels is never served")],
    [
      "is meant for GitHub's runners",
      { job: { labels: ["ubuntu-latest"] } },
      "no RunnerTarget covers labels [ubuntu-latest] in acme/web",
    ],
  ])("that %s is ignored, with the reason in words", (_name, payload, reason) => {
    expect(decideOn(payload)).toEqual({ kind: "ignore", reason });
  });

  test("always gives an object that the schema takes", () => {
    const unit = fc.constantFrom("a", "é", "🚀", "\ud83d", "\udc00", "\u0000", "\u001b", " ");
    const text = fc.oneof(
      fc.string({ unit, maxLength: 40 }).map((part) => part.repeat(20)),
      fc.constant(null),
      fc.constant(undefined),
    );
    const job = fc.record({
      id: fc.oneof(fc.integer({ min: 1 }), fc.constant("18446744073709551615")),
      run_attempt: fc.oneof(fc.integer(), fc.constant(undefined)),
      name: text,
      workflow_name: text,
      head_branch: text,
      html_url: fc.oneof(text, fc.webUrl()),
      created_at: text,
      started_at: text,
      labels: fc.subarray(["SELF-HOSTED", "ecs", "Linux", "ecs"], { minLength: 1 }),
    });
    fc.assert(
      fc.property(job, (fields) => {
        const { request } = expectKind(decideOn({ job: fields }), "create");
        expect(runnerRequestSpecSchema.parse(request.spec)).toEqual(request.spec);
        expect(request.metadata.name).toMatch(/^[a-z0-9-]{1,57}$/);
      }),
    );
  });
});

describe("a waiting job", () => {
  test("is ignored: a runner for it would idle until somebody approves", () => {
    expect(decideOn({ action: "waiting" })).toEqual({ kind: "ignore", reason: expect.stringContaining("waits for approval") });
  });
});

describe("a job that began or ended", () => {
  test("is remembered nowhere when it would have been rejected: no runner is started for it anyway", () => {
    const decision = decideOn({ action: "in_progress", job: { labels: ["ecs", "cpu=64"] } });
    const { create, uncovered: why } = expectKind(decision, "record");
    expect(create).toBeUndefined();
    expect(why).toBe("cpu=64: RunnerTarget web allows no overrides");
  });

  test("is recorded on its own request and on that of its runner", () => {
    const decision = expectKind(decideOn({ action: "in_progress", job: { runner_name: "job-5-2" } }), "record");
    expect(decision).toMatchObject({
      job: "job-31415926535",
      runner: "job-5",
      namespaces: ["ci"],
      report: { id: "31415926535", repository: "acme/web", state: "InProgress", runnerName: "job-5-2" },
      create: { metadata: { name: "job-31415926535" }, spec: { job: { state: "InProgress" } } },
    });
    expect(decision).not.toHaveProperty("uncovered");
  });

  test("completed carries the conclusion, and the request it may make starts as Completed", () => {
    expect(decideOn({ action: "completed", job: { conclusion: "cancelled" } })).toMatchObject({
      report: { state: "Completed", conclusion: "cancelled", completedAt: "2026-01-15T09:04:00Z" },
      create: { spec: { job: { state: "Completed" } } },
    });
  });

  test.each([null, 0, "", undefined, "GitHub Actions 5", "my-runner-1", "job-", "JOB-5-1"])(
    "on the runner %j names no request of ours",
    (runner_name) => {
      expect(decideOn({ action: "in_progress", job: { runner_name } })).not.toHaveProperty("runner");
    },
  );

  test("a replacement's runner leads to the replacement", () => {
    expect(decideOn({ action: "in_progress", job: { runner_name: "job-5-r2-3" } })).toMatchObject({ runner: "job-5-r2" });
  });

  test("that no target covers is still recorded where something is known of it, and makes nothing", () => {
    const decision = expectKind(decideOn({ action: "completed", job: { labels: ["gpu"], runner_name: "job-5-1" } }), "record");
    expect(decision).toMatchObject({
      runner: "job-5",
      namespaces: ["ci"],
      uncovered: "no RunnerTarget covers labels [gpu] in acme/web",
    });
    expect(decision).not.toHaveProperty("create");
  });

  test("runners are looked for where the App's targets are, the job's own namespace first", () => {
    const apps = [gitHubApp({ access: [{ namespaces: ["a", "b", "ci"] }] })];
    const ref = { name: "acme", namespace: "ci" };
    const targets = [
      runnerTarget({ githubAppRef: ref, labels: ["gpu"] }, { namespace: "a" }),
      runnerTarget({ githubAppRef: ref }, { namespace: "b" }),
      runnerTarget({ githubAppRef: { name: "other" } }, { namespace: "c" }),
    ];
    expect(decideOn({ action: "in_progress", job: { runner_name: "job-5-1" } }, { apps, targets })).toMatchObject({
      namespaces: ["b", "a"],
    });
  });

  test("a check of somebody else, without labels and runner, asks for nothing", () => {
    const decision = expectKind(
      decideOn({ action: "completed", job: { labels: [], conclusion: "skipped", steps: null } }),
      "record",
    );
    expect(decision).not.toHaveProperty("create");
    expect(decision).not.toHaveProperty("runner");
  });
});

describe("other events", () => {
  test("ping is answered", () => {
    expect(decide({ kind: "ping" }, situation())).toEqual({ kind: "pong" });
  });

  test.each([
    [{ kind: "other", name: "push" }, "push events ask for nothing here; only workflow_job is needed"],
    [{ kind: "other", name: "workflow_job", action: "requested" }, 'workflow_job action "requested" asks for nothing'],
    [{ kind: "other", name: "workflow_job" }, "a workflow_job event without action asks for nothing"],
  ] as const)("%j is ignored in words", (event, reason) => {
    expect(decide(event, situation())).toEqual({ kind: "ignore", reason });
  });
});

describe("isOurs", () => {
  const { request } = expectKind(decideOn({}), "create");
  const target = runnerTarget();
  const found = () => target;
  const registered = (namespace: string): RunnerRequest => ({
    ...request,
    status: { runner: { name: "job-31415926535-1", scope: { organization: "acme" }, githubAppRef: { namespace, name: "acme" } } },
  });

  test("a request whose target uses the App is ours", () => {
    expect(isOurs(request, situation(), found)).toBe(true);
  });

  test("the same job id on another host is another job", () => {
    expect(isOurs(request, situation({ host: "ghe.corp.example" }), found)).toBe(false);
  });

  test("an App of somebody else does not reach it, though it can sign any job id", () => {
    expect(isOurs(request, situation({ apps: [gitHubApp({}, { namespace: "evil" })] }), found)).toBe(false);
  });

  test("the registration's App counts once there is one, also when the target is gone or uses another", () => {
    expect(isOurs(registered("ci"), situation(), () => undefined)).toBe(true);
    expect(isOurs(registered("other"), situation(), found)).toBe(false);
  });

  test("without target and registration nobody can say", () => {
    expect(isOurs(request, situation(), () => undefined)).toBe(false);
  });
});

describe("any order and repetition of one job's events", () => {
  /** The API server in one line: a name exists once, and what exists is patched. */
  function apply(requests: Map<string, RunnerRequest>, decision: Decision): void {
    if (decision.kind === "create") {
      const { name } = decision.request.metadata;
      if (!requests.has(name)) requests.set(name, decision.request);
    } else if (decision.kind === "record") {
      if (!requests.has(decision.job) && decision.create !== undefined) requests.set(decision.job, decision.create);
      update(requests, decision.job, (status, report) => recordOwnJob(status, report, nowMs), decision.report);
      if (decision.runner !== undefined) {
        update(requests, decision.runner, (status, report) => recordAssignedJob(status, report, nowMs), decision.report);
      }
    }
  }

  function update(
    requests: Map<string, RunnerRequest>,
    name: string,
    record: (status: ReturnType<typeof openStatus>, report: JobReport) => boolean,
    report: JobReport,
  ): void {
    const request = requests.get(name);
    if (request === undefined) return;
    const status = openStatus(request, nowMs);
    if (record(status, report)) requests.set(name, { ...request, status });
  }

  const life = (runner_name: string | null, conclusion: string): readonly JobPayload[] => [
    { action: "queued" },
    { action: "waiting" },
    ...(runner_name === null ? [] : [{ action: "in_progress", job: { runner_name, started_at: "2026-01-15T09:01:00Z" } }]),
    { action: "completed", job: { runner_name, conclusion, started_at: "2026-01-15T09:01:00Z" } },
  ];

  test.each([
    ["its own runner", "job-31415926535-1", "success"],
    ["another of our runners", "job-5-1", "failure"],
    ["a foreign runner", "my runner", "success"],
    ["no runner, cancelled", null, "cancelled"],
  ])("with %s ends in one state, and completes once", (_name, runnerName, conclusion) => {
    const events = life(runnerName, conclusion);
    // The other runner's request exists: it was launched.
    const other = expectKind(decideOn({ job: { id: 5 } }), "create").request;
    const run = (order: readonly JobPayload[]) => {
      const requests = new Map([[other.metadata.name, other]]);
      for (const event of order) apply(requests, decideOn(event));
      return requests;
    };
    const final = run(events);
    const own = final.get("job-31415926535");
    expect(own?.status?.job).toMatchObject({ state: "Completed", conclusion });

    const orders = fc
      .array(fc.constantFrom(...events), { maxLength: 8 })
      .chain((more) => fc.shuffledSubarray([...events, ...more], { minLength: events.length + more.length }));
    fc.assert(
      fc.property(orders, (order) => {
        const requests = run(order);
        const seen = requests.get("job-31415926535");
        expect([...requests.keys()].sort()).toEqual(["job-31415926535", "job-5"]);
        expect(seen?.status?.job).toEqual(own?.status?.job);
        expect(seen?.status?.assignedJob).toEqual(own?.status?.assignedJob);
        expect(requests.get("job-5")?.status?.assignedJob).toEqual(final.get("job-5")?.status?.assignedJob);
        // What was made after the job began must never look like a job that still waits.
        expect(seen?.spec.job.state === "Queued" || seen?.status?.job?.state === "Completed").toBe(true);
      }),
    );
  });

  test("every prefix of every order shows the furthest state that it contains", () => {
    const rank = { queued: 0, waiting: -1, in_progress: 1, completed: 2 } as const;
    const states = ["Queued", "InProgress", "Completed"];
    const events = life("job-31415926535-1", "success");
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { minLength: 1, maxLength: 8 }), (order) => {
        const requests = new Map<string, RunnerRequest>();
        for (const event of order) apply(requests, decideOn(event));
        const furthest = Math.max(...order.map(({ action }) => rank[action as keyof typeof rank]));
        const request = requests.get("job-31415926535");
        expect(request?.status?.job?.state ?? request?.spec.job.state).toBe(states[furthest]);
      }),
    );
  });
});
