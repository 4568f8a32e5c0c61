import { ApiError } from "./errors.ts";
import { completeJob, startHostedJob, startJob } from "./state/jobs.ts";
import type { Conclusion, Job, Runner } from "./state/model.ts";
import { connectRunner, disconnectRunner, findRunner } from "./state/runners.ts";
import type { World } from "./state/world.ts";

/** RunnerExit is how a simulated runner process ended; as with the real one, 0 does not prove that a job ran. */
export interface RunnerExit {
  readonly exitCode: number;
  readonly reason: "job-finished" | "registration-gone" | "refused" | "terminated" | "killed";
  readonly jobId: number | undefined;
}

/** RunnerProcess is a runner that lives inside the simulator: it connects, takes one job, runs it for its duration and ends. */
export interface RunnerProcess {
  readonly done: Promise<RunnerExit>;
  /** SIGTERM cancels a running job and says goodbye; SIGKILL just vanishes, and GitHub finds out later. */
  stop(signal: "SIGTERM" | "SIGKILL"): void;
}

/** RunnerControl drives runners without any HTTP, one step at a time or as a whole. */
export class RunnerControl {
  readonly #world: World;
  readonly #running = new Set<RunnerProcess>();
  readonly #hosted = new Map<Job, NodeJS.Timeout>();

  constructor(world: World) {
    this.#world = world;
    world.listen((entry) => {
      if (entry.kind === "job-queued" && entry.job?.hosted) this.#runHosted(entry.job);
    });
  }

  find(which: number | string): Runner {
    const runner = findRunner(this.#world, which);
    // Never the text itself: it may be a configuration.
    if (!runner)
      throw new ApiError(404, `no live runner has this ${typeof which === "number" ? `id ${which}` : "name or configuration"}`);
    return runner;
  }

  /** The process starts and opens its session. */
  connect(which: number | string, version?: string): Runner {
    const runner = this.find(which);
    connectRunner(this.#world, runner, version);
    return runner;
  }

  /** The next message of the session: acquires and returns the job that GitHub gave to this runner, if any. */
  poll(which: number | string): Job | undefined {
    const runner = this.find(which);
    const { job } = runner;
    if (runner.phase !== "online" || !job || job.status !== "queued") return undefined;
    startJob(this.#world, job, runner);
    return job;
  }

  /** The job (acquired first, if `poll` was not called) ends, and with it the registration. */
  finish(which: number | string, conclusion?: Conclusion): Job {
    const runner = this.find(which);
    this.poll(which);
    const { job } = runner;
    if (!job || job.status !== "in_progress") throw new Error(`runner ${runner.name} has no job to finish`);
    completeJob(this.#world, job, conclusion ?? job.outcome);
    return job;
  }

  /** The process or its network ends without a word. */
  disconnect(which: number | string): void {
    disconnectRunner(this.#world, this.find(which));
  }

  /** A whole runner, on real timers. */
  start(jitConfig: string): RunnerProcess {
    const process = new SimulatedRunner(this.#world, jitConfig);
    this.#running.add(process);
    void process.done.then(() => this.#running.delete(process));
    return process;
  }

  close(): void {
    for (const process of this.#running) process.stop("SIGKILL");
    for (const timer of this.#hosted.values()) clearTimeout(timer);
    this.#hosted.clear();
  }

  /** GitHub's own machines take their jobs at once. */
  #runHosted(job: Job): void {
    const later = (ms: number, work: () => void) => this.#hosted.set(job, setTimeout(work, ms));
    later(0, () => {
      startHostedJob(this.#world, job);
      later(job.durationMs, () => {
        this.#hosted.delete(job);
        completeJob(this.#world, job, job.outcome);
      });
    });
  }
}

class SimulatedRunner implements RunnerProcess {
  readonly done: Promise<RunnerExit>;
  readonly #world: World;
  readonly #runner: Runner | undefined;
  #resolve!: (exit: RunnerExit) => void;
  #ended = false;
  #job: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unlisten: () => void = () => undefined;

  constructor(world: World, jitConfig: string) {
    this.#world = world;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#runner = findRunner(world, jitConfig);
    const runner = this.#runner;
    if (!runner) {
      this.#end(0, "refused");
      return;
    }
    this.#unlisten = world.listen((entry) => {
      if (entry.runner !== runner) return;
      // Acquired after the change that led here is complete.
      if (entry.kind === "job-assigned") queueMicrotask(() => this.#acquire());
      // Its job went away between assignment and acquire: the real one listens on for ever, though GitHub has forgotten it.
      if (entry.kind === "runner-gone" && entry.detail === "finished" && !this.#job) return;
      if (entry.kind === "runner-gone") this.#end(0, this.#job ? "job-finished" : "registration-gone");
    });
    try {
      connectRunner(world, runner);
    } catch {
      // The real one prints why and ends with 0.
      this.#end(0, "refused");
    }
  }

  stop(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#ended || !this.#runner) return;
    const running = this.#job?.status === "in_progress" ? this.#job : undefined;
    this.#end(signal === "SIGTERM" ? 143 : 137, signal === "SIGTERM" ? "terminated" : "killed");
    if (signal === "SIGTERM" && running) completeJob(this.#world, running, "cancelled");
    else disconnectRunner(this.#world, this.#runner);
  }

  #acquire(): void {
    const job = this.#runner?.job;
    if (this.#ended || !this.#runner || !job || job.status !== "queued") return;
    startJob(this.#world, job, this.#runner);
    this.#job = job;
    // Renewed as the real one does, so a long job does not lose its lock.
    const renew = setInterval(() => {
      job.lockedUntil = this.#world.now() + this.#world.settings.lockMs;
    }, 1_000);
    const end = setTimeout(() => completeJob(this.#world, job, job.outcome), job.durationMs);
    this.#timer = end;
    void this.done.then(() => {
      clearInterval(renew);
      clearTimeout(end);
    });
  }

  #end(exitCode: number, reason: RunnerExit["reason"]): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#unlisten();
    this.#resolve({ exitCode, reason, jobId: this.#job?.id });
  }
}
