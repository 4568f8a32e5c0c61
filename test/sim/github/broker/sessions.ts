import { randomUUID } from "node:crypto";
import type { Job, Runner } from "../state/model.ts";
import { connectRunner, disconnectRunner } from "../state/runners.ts";
import type { World } from "../state/world.ts";
import { listenerError } from "./errors.ts";

/** Message is what a listener polls for; its body is JSON inside JSON. */
export interface Message {
  readonly messageId: number;
  readonly messageType: "RunnerJobRequest" | "JobCancellation";
  readonly body: string;
}

interface Session {
  readonly id: string;
  readonly runner: Runner;
  lastSeen: number;
  polls: number;
  /** The assignment that the runner has been told of, and the cancellation. */
  toldOf: { readonly job: Job; readonly assignment: number } | undefined;
  toldToCancel: boolean;
}

/** Sessions are the open listeners: who is online, and what each is told next. */
export class Sessions {
  readonly #world: World;
  readonly #sessions = new Map<string, Session>();
  readonly #closing = new AbortController();
  #nextMessage = 1;

  constructor(world: World) {
    this.#world = world;
  }

  open(runner: Runner, version: string): string {
    if (olderThan(version, this.#world.settings.minimumRunnerVersion)) {
      throw listenerError(403, "RunnerVersionTooOld", `Runner version v${version} is deprecated and cannot receive messages.`);
    }
    if (runner.phase === "online")
      throw listenerError(409, "SessionConflict", `A session for the runner ${runner.name} already exists.`);
    runner.hasSession = true;
    const session: Session = {
      id: randomUUID(),
      runner,
      lastSeen: this.#world.now(),
      polls: 0,
      toldOf: undefined,
      toldToCancel: false,
    };
    this.#sessions.set(session.id, session);
    connectRunner(this.#world, runner, version);
    return session.id;
  }

  /** Ends a session; a runner that waits goes offline, one that the service has forgotten stays so. */
  close(runner: Runner): void {
    for (const session of this.#sessions.values()) if (session.runner === runner) this.#sessions.delete(session.id);
    disconnectRunner(this.#world, runner);
  }

  /** The job is being worked on, so its runner is alive. */
  seen(runner: Runner): void {
    for (const session of this.#sessions.values()) if (session.runner === runner) session.lastSeen = this.#world.now();
  }

  /** Holds until there is something to say, the time is up or the caller goes away. */
  async poll(runner: Runner, sessionId: string, gone: AbortSignal): Promise<Message | undefined> {
    const session = this.#sessions.get(sessionId);
    if (!session || session.runner !== runner)
      throw listenerError(403, "RunnerSessionInvalid", "The session is not valid any more.");
    session.polls += 1;
    session.lastSeen = this.#world.now();
    try {
      const end = Date.now() + this.#world.settings.pollMs;
      for (;;) {
        const message = this.#next(session, gone);
        const left = end - Date.now();
        if (message || left <= 0 || gone.aborted || this.#closing.signal.aborted) return message;
        await this.#change(runner, left, gone);
      }
    } finally {
      session.polls -= 1;
      session.lastSeen = this.#world.now();
    }
  }

  /** Marks runners whose session went silent as offline. */
  tick(): void {
    const since = this.#world.now() - this.#world.settings.sessionMs;
    for (const session of this.#sessions.values()) {
      if (session.polls > 0 || session.lastSeen > since) continue;
      this.#sessions.delete(session.id);
      disconnectRunner(this.#world, session.runner);
    }
  }

  shutDown(): void {
    this.#closing.abort();
  }

  #next(session: Session, gone: AbortSignal): Message | undefined {
    if (gone.aborted) return undefined;
    const { runner } = session;
    const { job } = runner;
    if (runner.phase === "gone") {
      // Its job was cancelled before it could acquire it: the real service lets the listener wait for ever.
      if (runner.removedBy === "finished" && runner.ran.length === 0) return undefined;
      throw listenerError(404, "RunnerNotFound", `Runner ${runner.name} was not found.`);
    }
    if (job?.status === "queued" && (session.toldOf?.job !== job || session.toldOf.assignment !== job.assignments)) {
      session.toldOf = { job, assignment: job.assignments };
      return this.#message("RunnerJobRequest", {
        id: `${job.id}-${job.assignments}`,
        runner_request_id: String(job.id),
        run_service_url: `${this.#world.url}/_run/`,
        should_acknowledge: true,
        billing_owner_id: String(job.run.repository.owner.id),
      });
    }
    if (job?.status === "in_progress" && job.cancelRequestedAt !== undefined && !session.toldToCancel) {
      session.toldToCancel = true;
      return this.#message("JobCancellation", { jobId: String(job.id), timeout: "00:05:00" });
    }
    return undefined;
  }

  #message(messageType: Message["messageType"], body: unknown): Message {
    this.#nextMessage += 1;
    return { messageId: this.#nextMessage, messageType, body: JSON.stringify(body) };
  }

  /** Resolves at the next change that concerns the runner, at the latest after `ms`. */
  #change(runner: Runner, ms: number, gone: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const signal = AbortSignal.any([gone, this.#closing.signal]);
      const end = () => {
        clearTimeout(timer);
        unlisten();
        signal.removeEventListener("abort", end);
        resolve();
      };
      // Not in the middle of the change: its consequences come first.
      const unlisten = this.#world.listen((entry) => entry.runner === runner && queueMicrotask(end));
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
    });
  }
}

function olderThan(version: string, minimum: string): boolean {
  const numbers = (text: string) => text.split(".").map(Number);
  const [mine, least] = [numbers(version), numbers(minimum)];
  for (const [index, wanted] of least.entries()) {
    const have = mine[index] ?? 0;
    if (have !== wanted) return have < wanted;
  }
  return false;
}
