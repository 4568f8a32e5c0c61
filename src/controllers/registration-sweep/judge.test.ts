import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerRecord } from "../../github/types.ts";
import { observe, openStatus, type RequestStatus } from "../../request/status.ts";
import { newRequest } from "../../request/testing.ts";
import { awaitsJob, expectedRunner, hear, type Hearing, judgeRunner, mayBeRemoved, type Sight } from "./judge.ts";

const nowMs = Date.parse("2026-01-15T09:00:00Z");
const startedAt = "2026-01-15T09:00:00Z";
const githubAppRef = { namespace: "default", name: "acme" };
const instance = {
  providerId: "i-1",
  state: "Running" as const,
  classRef: { kind: "ECSRunnerClass", namespace: "default", name: "fargate" },
  connection: {},
};

function requestWith(change: (status: RequestStatus) => void): RunnerRequest {
  const request = newRequest({ name: "job-1" });
  const status = openStatus(request, nowMs);
  change(status);
  return { ...request, status };
}

function online(status: RequestStatus): void {
  status.attempts = [{ number: 1, startedAt, runnerName: "job-1-1" }];
  status.runner = { name: "job-1-1", id: 7, scope: { organization: "acme" }, githubAppRef };
  status.instance = { ...instance };
  observe(status, "Registered", "True", "Online", "", nowMs);
}

describe("judgeRunner", () => {
  it.each<[string, (status: RequestStatus) => void, ReturnType<typeof judgeRunner>]>([
    ["the stored runner", online, "owned"],
    ["the first attempt, of which nothing is stored", () => undefined, "unrecorded"],
    ["an open attempt that was never started", (status) => (status.attempts = [{ number: 1, startedAt }]), "unrecorded"],
    ["an attempt that is being retired", (status) => (online(status), delete status.runner), "owned"],
    ["an attempt that is over", (status) => (status.attempts = [{ number: 1, startedAt, endedAt: startedAt }]), "leftover"],
    ["a request with an outcome", (status) => observe(status, "Succeeded", "True", "NotNeeded", "", nowMs), "leftover"],
  ])("%s", (_, change, verdict) => {
    expect(judgeRunner("job-1-1", 1, requestWith(change))).toBe(verdict);
  });
});

describe("mayBeRemoved", () => {
  const targets = [["self-hosted", "ECS"]];
  const runner = (overrides: Partial<RunnerRecord>): RunnerRecord => ({
    id: 1,
    name: "job-1-1",
    status: "offline",
    busy: false,
    labels: ["Self-Hosted", "ecs"],
    ...overrides,
  });

  it.each<[string, Partial<RunnerRecord>, boolean]>([
    ["offline with a target's labels, in any case", {}, true],
    ["with more labels than the target has", { labels: ["self-hosted", "ecs", "cpu=4"] }, true],
    ["without one of the target's labels", { labels: ["self-hosted"] }, false],
    ["with somebody else's labels", { labels: ["self-hosted", "gpu"] }, false],
    ["online", { status: "online" }, false],
    ["busy", { busy: true }, false],
  ])("%s", (_, overrides, expected) => {
    expect(mayBeRemoved(runner(overrides), targets)).toBe(expected);
  });

  it("is never true of a busy or an online runner, nor without a target", () => {
    const labels = fc.array(fc.constantFrom("self-hosted", "ecs", "gpu"));
    fc.assert(
      fc.property(labels, fc.array(labels), fc.boolean(), fc.constantFrom("online", "offline"), (own, others, busy, status) => {
        const removable = mayBeRemoved(runner({ labels: own, busy, status }), others);
        expect(removable && (busy || status === "online" || others.length === 0)).toBe(false);
      }),
    );
  });
});

describe("expectedRunner", () => {
  it("is the id of a runner that is online and has no job", () => {
    expect(expectedRunner(requestWith(online))).toBe(7);
    expect(awaitsJob(requestWith(online))).toBe(true);
  });

  it.each<[string, (status: RequestStatus) => void]>([
    ["was never online", (status) => observe(status, "Registered", "Unknown", "AwaitingRegistration", "", nowMs)],
    ["has a job", (status) => observe(status, "Assigned", "True", "JobInProgress", "", nowMs)],
    ["has ended", (status) => (status.instance = { ...instance, state: "Stopped" })],
    ["is being retired", (status) => (status.attempts = [{ number: 1, startedAt, reason: "IdleTimedOut" }])],
    ["was deregistered", (status) => delete status.runner],
    ["belongs to a request with an outcome", (status) => observe(status, "Succeeded", "True", "NotNeeded", "", nowMs)],
  ])("is nobody when the runner %s", (_, change) => {
    const request = requestWith((status) => (online(status), change(status)));
    expect(expectedRunner(request)).toBeUndefined();
  });
});

describe("hear", () => {
  /** What is told over a row of lists. */
  const told = (...sights: Sight[]): boolean[] => {
    let before: Hearing | undefined;
    return sights.flatMap((sight) => {
      const { now, tell } = hear(before, sight);
      before = now;
      return tell ?? [];
    });
  };

  it.each<[string, Sight[], boolean[]]>([
    ["one busy list", ["busy"], []],
    ["two in a row, and more of them", ["busy", "busy", "busy", "busy"], [true]],
    ["two that an idle one parts", ["busy", "idle", "busy"], []],
    ["two that one without it parts", ["busy", "unlisted", "busy"], []],
    ["idle again", ["busy", "busy", "idle", "idle"], [true, false]],
    ["idle again after a list that missed it", ["busy", "busy", "unlisted", "idle"], [true, false]],
    ["busy again after that", ["busy", "busy", "idle", "busy", "busy"], [true, false, true]],
    ["never busy", ["idle", "unlisted", "idle"], []],
  ])("%s", (_, sights, expected) => {
    expect(told(...sights)).toEqual(expected);
  });

  it("tells true and false by turns, and false only of an idle runner", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Sight[]>("busy", "idle", "unlisted")), (sights) => {
        expect(told(...sights)).toEqual(told(...sights).map((_, index) => index % 2 === 0));
        expect(told(...sights.filter((sight) => sight !== "idle")).includes(false)).toBe(false);
      }),
    );
  });
});
