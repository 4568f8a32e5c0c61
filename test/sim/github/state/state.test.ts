import { beforeEach, describe, expect, it } from "vitest";
import { resolveSettings } from "../options.ts";
import { ManualClock } from "../testing.ts";
import { addOrganization, addRepository, addRunnerGroup } from "./accounts.ts";
import { approveJob, cancelJob, completeJob, queueJob, rerunJobs, runStatus, startJob } from "./jobs.ts";
import { Ledger } from "./ledger.ts";
import type { Job, Runner, RunnerScope } from "./model.ts";
import { connectRunner, deleteRunner, disconnectRunner, mintRunner } from "./runners.ts";
import { tick } from "./tick.ts";
import { World } from "./world.ts";

const minute = 60_000;
let clock: ManualClock;
let world: World;
let ledger: Ledger;
let organization: RunnerScope;

beforeEach(() => {
  clock = new ManualClock();
  world = new World(resolveSettings({ seed: 7 }), clock);
  world.url = "http://127.0.0.1:1";
  ledger = new Ledger(world);
  organization = { kind: "organization", account: addOrganization(world, "acme") };
});

function mint(name: string, labels: readonly string[] = ["self-hosted", "ecs"], scope = organization): Runner {
  return mintRunner(world, scope, { name, labels, runner_group_id: 1 });
}

function idle(name: string, labels?: readonly string[], scope?: RunnerScope): Runner {
  const runner = mint(name, labels, scope);
  connectRunner(world, runner);
  return runner;
}

function queue(labels: readonly string[] = ["self-hosted", "ecs"], repository = "acme/web"): Job {
  return queueJob(world, { repository, labels });
}

describe("assignment", () => {
  it("gives the oldest job to whichever runner fits, not to the runner that was made for it", () => {
    const first = queue();
    const second = queue();
    const forSecond = idle("for-second");
    expect(first.runner).toBe(forSecond);
    expect(second.runner).toBeUndefined();
  });

  it("lets a job of another kind take a runner whose labels include its own", () => {
    const foreign = queue(["self-hosted"]);
    const runner = idle("for-ecs");
    expect(foreign.runner).toBe(runner);
  });

  it("chooses at random from the seed when told to", () => {
    world.settings.assignment = "random";
    const jobs = Array.from({ length: 8 }, () => queue());
    const runners = Array.from({ length: 8 }, (_, index) => idle(`r${index}`));
    const inOrder = jobs.every((job, index) => job.runner === runners[index]);
    expect(inOrder).toBe(false);
    expect(new Set(jobs.map((job) => job.runner)).size).toBe(8);
  });

  it("marks a runner busy before it has heard of its job", () => {
    const runner = idle("r");
    queue();
    expect(runner.busy).toBe(true);
    expect(() => deleteRunner(world, runner)).toThrow("still running a job");
  });

  it("does not serve a repository from a runner of another one", () => {
    const scope: RunnerScope = { kind: "repository", repository: addRepository(world, "acme/other") };
    idle("r", undefined, scope);
    expect(queue().runner).toBeUndefined();
  });

  it("keeps public repositories away from groups that do not allow them", () => {
    addRepository(world, "acme/open", { private: false });
    idle("r");
    expect(queue(undefined, "acme/open").runner).toBeUndefined();
  });

  it("serves only the selected repositories of a group", () => {
    const group = addRunnerGroup(world, "acme", { name: "special", repositories: ["acme/web"] });
    const runner = mintRunner(world, organization, { name: "r", labels: ["ecs"], runner_group_id: group.id });
    connectRunner(world, runner);
    expect(queue(["ecs"], "acme/other").runner).toBeUndefined();
    expect(queue(["ecs"]).runner).toBe(runner);
  });

  it("honours the runner group that a job asks for", () => {
    idle("r");
    expect(queueJob(world, { repository: "acme/web", labels: [], group: "special" }).runner).toBeUndefined();
    expect(queueJob(world, { repository: "acme/web", labels: [], group: "default" }).runner?.name).toBe("r");
  });

  it("requeues a job that its runner does not acquire in time, and the runner stays", () => {
    const runner = idle("r");
    const job = queue();
    world.assignmentsHeld = true;
    clock.advance(minute);
    tick(world);
    expect(job.runner).toBeUndefined();
    expect(runner.busy).toBe(false);
    world.assignmentsHeld = false;
    tick(world);
    expect(job.runner).toBe(runner);
    expect(job.assignments).toBe(2);
  });

  it("may come late although a runner idles", () => {
    const runner = idle("r");
    const job = queueJob(world, { repository: "acme/web", labels: ["ecs"], assignAfterMs: 6 * minute });
    tick(world);
    expect(job.runner).toBeUndefined();
    clock.advance(6 * minute);
    tick(world);
    expect(job.runner).toBe(runner);
  });

  it("leaves GitHub's own jobs alone", () => {
    idle("r", ["ubuntu-latest"]);
    expect(queue(["ubuntu-latest"]).runner).toBeUndefined();
  });
});

describe("a job", () => {
  it("ends with its ephemeral runner", () => {
    const runner = idle("r");
    const job = queue();
    startJob(world, job, runner);
    expect(job).toMatchObject({ status: "in_progress", runnerName: "r" });
    completeJob(world, job, "success");
    expect(job).toMatchObject({ status: "completed", conclusion: "success" });
    expect(runner).toMatchObject({ phase: "gone", removedBy: "finished" });
  });

  it("can only be acquired by the runner it was assigned to", () => {
    idle("r");
    const job = queue();
    expect(() => startJob(world, job, mint("other"))).toThrow("another runner");
  });

  it("takes its runner's registration along when it is cancelled before the runner acquires it", () => {
    const runner = idle("r");
    const job = queue();
    cancelJob(world, job);
    expect(job).toMatchObject({ status: "completed", conclusion: "cancelled", startedBy: [] });
    expect(job.startedAt).toBe(job.completedAt);
    expect(runner.phase).toBe("gone");
  });

  it("that waits for approval is nobody's until it is approved", () => {
    const runner = idle("r");
    const job = queueJob(world, { repository: "acme/web", labels: ["ecs"], waiting: true });
    expect(job.runner).toBeUndefined();
    approveJob(world, job);
    expect(job.runner).toBe(runner);
  });

  it("fails when its runner vanishes and the lock runs out, and the runner stays busy for a while", () => {
    const runner = idle("r");
    const job = queue();
    startJob(world, job, runner);
    disconnectRunner(world, runner);
    expect(() => deleteRunner(world, runner)).toThrow("still running a job");
    clock.advance(world.settings.lockMs - 1);
    tick(world);
    expect(job.status).toBe("in_progress");
    clock.advance(minute);
    tick(world);
    expect(job).toMatchObject({ status: "completed", conclusion: "failure" });
    deleteRunner(world, runner);
    expect(ledger.report().lost).toHaveLength(1);
  });

  it("is cancelled after a day in the queue", () => {
    const job = queue();
    clock.advance(24 * 60 * minute);
    tick(world);
    expect(job).toMatchObject({ status: "completed", conclusion: "cancelled" });
  });

  it("gets a new id when it runs again, in the same run", () => {
    const job = queue();
    const runner = idle("r");
    expect(() => rerunJobs(world, job.run, () => true)).toThrow("already running");
    startJob(world, job, runner);
    completeJob(world, job, "failure");
    const [again] = rerunJobs(world, job.run, () => true);
    expect(again).toMatchObject({ attempt: 2, status: "queued", name: job.name, labels: job.labels });
    expect(again?.id).not.toBe(job.id);
    expect(runStatus(job.run).status).toBe("queued");
  });

  it("makes its whole run in_progress when it starts, though a sibling still waits", () => {
    const job = queue();
    queueJob(world, { repository: "acme/web", labels: ["gpu"], runId: job.run.id });
    startJob(world, job, idle("r"));
    expect(runStatus(job.run)).toEqual({ status: "in_progress", conclusion: null });
  });
});

describe("a runner", () => {
  it("has a name of its own in its scope, for a moment even after its end", () => {
    const runner = idle("r");
    expect(() => mint("R")).toThrow("Already exists");
    const job = queue();
    startJob(world, job, runner);
    completeJob(world, job, "success");
    expect(() => mint("r")).toThrow("Already exists");
    clock.advance(world.settings.nameReuseMs);
    expect(mint("r").phase).toBe("minted");
  });

  it("that was deleted leaves its name free", () => {
    deleteRunner(world, mint("r"));
    expect(mint("r").phase).toBe("minted");
  });

  it.each(["", "a".repeat(65), "a/b", 'a"b', "a:b", "a*b", "a?b", "a|b", "a\\b", "a<b"])("cannot be called %j", (name) => {
    expect(() => mint(name)).toThrow("Invalid name");
  });

  it("cannot join the group of GitHub's own machines, nor an unknown one", () => {
    expect(() => mintRunner(world, organization, { name: "r", labels: ["a"], runner_group_id: 2 })).toThrow(
      "cannot be registered",
    );
    expect(() => mintRunner(world, organization, { name: "r", labels: ["a"], runner_group_id: 99 })).toThrow("Not Found");
  });

  it("cannot connect with a configuration that was not used for an hour", () => {
    const runner = mint("r");
    clock.advance(world.settings.jitLifetimeMs);
    expect(() => connectRunner(world, runner)).toThrow("invalid_client");
  });

  it("that idles is taken away when GitHub does that", () => {
    world.settings.idleReapMs = 3 * minute;
    const runner = idle("r");
    clock.advance(3 * minute);
    tick(world);
    expect(runner).toMatchObject({ phase: "gone", removedBy: "idle-reaped" });
  });

  it("that never connected is taken away after a day, and until then it is left behind", () => {
    const runner = mint("r");
    expect(ledger.report().leftBehind.map(({ name }) => name)).toEqual(["r"]);
    clock.advance(24 * 60 * minute);
    tick(world);
    expect(runner.removedBy).toBe("never-connected");
    expect(ledger.report().leftBehind).toEqual([]);
  });

  it("that goes offline before it acquired its job gives the job back", () => {
    const runner = idle("r");
    const job = queue();
    disconnectRunner(world, runner);
    expect(job.runner).toBeUndefined();
    expect(idle("s").job).toBe(job);
  });
});

describe("the report", () => {
  it("names jobs that never ran and jobs that ran twice", () => {
    const never = queue(["gpu"]);
    const cancelled = queue(["gpu"]);
    cancelJob(world, cancelled);
    const twice = queue();
    startJob(world, twice, idle("r"));
    twice.startedBy.push("somebody-else");
    const report = ledger.report();
    expect(report.neverRun.map(({ id }) => id)).toEqual([never.id]);
    expect(report.ranTwice.map(({ id }) => id)).toEqual([twice.id]);
    expect(report.jobs).toEqual({ total: 3, completed: 1, cancelled: 1, running: 1, queued: 1 });
  });

  it("names runners that came online twice, and counts the most that were alive at once", () => {
    const runner = idle("r");
    mint("s");
    disconnectRunner(world, runner);
    connectRunner(world, runner);
    deleteRunner(world, runner);
    expect(ledger.report()).toMatchObject({ reused: [{ name: "r" }], mostRunnersAtOnce: 2 });
  });
});

describe("a listener", () => {
  it("may cancel a job between assignment and start", () => {
    world.listen((entry) => {
      if (entry.kind === "job-assigned" && entry.job) cancelJob(world, entry.job);
    });
    const runner = idle("r");
    const job = queue();
    expect(job).toMatchObject({ status: "completed", conclusion: "cancelled" });
    expect(runner.phase).toBe("gone");
  });
});
