/** RunnerExit is how a container ended. */
export interface RunnerExit {
  readonly exitCode: number;
  /** As the agent words it, such as `OutOfMemoryError: Container killed due to memory usage`. */
  readonly reason?: string;
}

/** RunningTask is what a runner in place of the task's main container is given. */
export interface RunningTask {
  readonly arn: string;
  readonly id: string;
  readonly cluster: string;
  readonly startedBy: string | undefined;
  readonly group: string;
  readonly capacity: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly container: string;
  readonly image: string;
  readonly command: readonly string[];
  /** The container's environment: environment files, the task definition, and the overrides on top. */
  readonly environment: Readonly<Record<string, string>>;
  /** Aborted for SIGTERM; the runner then has the container's stopTimeout to end. */
  readonly terminated: AbortSignal;
  /** Aborted for SIGKILL; the task is over by then, whatever the runner still does. */
  readonly killed: AbortSignal;
}

/**
 * RunnerHook stands in for the main container of each task that reaches RUNNING. The container ends when the promise does: with
 * the number or exit it resolves to (nothing = 0), with 1 if it rejects. A hook that returns no promise only watches, and the
 * container runs until a test or a stop ends it.
 */
export type RunnerHook = (task: RunningTask) => Promise<number | RunnerExit | void> | void;
