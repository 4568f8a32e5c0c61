import type { RunnerHook } from "./types.ts";

/** RunnerSource starts a runner from a JIT configuration, as the GitHub simulator's `runners` does. */
export interface RunnerSource {
  start(jitConfig: string): {
    readonly done: Promise<{ readonly exitCode: number }>;
    stop(signal: "SIGTERM" | "SIGKILL"): void;
  };
}

/** jitVariable is the environment variable that GitHub's runner reads its JIT configuration from. */
export const jitVariable = "ACTIONS_RUNNER_INPUT_JITCONFIG";

/** githubRunner makes each task a runner of a GitHub simulator in the same process, from the configuration in its environment. */
export function githubRunner(github: { readonly runners: RunnerSource }): RunnerHook {
  return async (task) => {
    const jitConfig = task.environment[jitVariable];
    if (jitConfig === undefined) {
      // The real image's entrypoint has nothing to start then either.
      return { exitCode: 1, reason: `${jitVariable} is not set` };
    }
    const runner = github.runners.start(jitConfig);
    const terminate = (): void => runner.stop("SIGTERM");
    task.terminated.addEventListener("abort", terminate, { once: true });
    task.killed.addEventListener("abort", () => runner.stop("SIGKILL"), { once: true });
    if (task.terminated.aborted) {
      terminate();
    }
    const { exitCode } = await runner.done;
    return exitCode;
  };
}
