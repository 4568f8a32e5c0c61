import { once } from "node:events";
import { jitVariable } from "../sim/ecs/runner/github-runner.ts";
import { githubRunner } from "../sim/ecs/runner/github-runner.ts";
import type { RunnerHook } from "../sim/ecs/runner/types.ts";
import type { GitHubSim } from "../sim/github/sim.ts";
import type { Harm } from "./harm.ts";
import type { Journal } from "./journal.ts";

/** Prank is what the runner of a task does instead of its work. */
export type Prank =
  | { readonly does: "exit"; readonly code: number }
  /** It runs, and GitHub never hears of it. */
  | { readonly does: "sulk" }
  /** It connects, and its process is gone after a moment. */
  | { readonly does: "vanish"; readonly afterMs: number };

/** trickyRunner makes each task a runner of the simulated GitHub, unless a prank is due. */
export function trickyRunner(world: {
  github: GitHubSim;
  pranks: Prank[];
  sulking: ReadonlySet<string>;
  harm: Harm;
  journal: Journal;
}): RunnerHook {
  const { github, pranks, sulking, harm, journal } = world;
  const honest = githubRunner(github);
  return async (task) => {
    const prank: Prank | undefined = sulking.has(task.group) ? { does: "sulk" } : pranks.shift();
    if (prank === undefined) return await honest(task);
    journal.note("fault", `the runner of task ${task.id} (${task.group}): ${JSON.stringify(prank)}`);
    if (prank.does !== "vanish") harm.prank();
    switch (prank.does) {
      case "exit":
        return prank.code;
      case "sulk":
        if (!task.terminated.aborted) await once(task.terminated, "abort");
        return 143;
      case "vanish": {
        harm.task(task.id, "its process was killed");
        const runner = github.runners.start(task.environment[jitVariable] ?? "");
        const timer = setTimeout(() => runner.stop("SIGKILL"), prank.afterMs);
        task.terminated.addEventListener("abort", () => runner.stop("SIGTERM"), { once: true });
        const { exitCode } = await runner.done;
        clearTimeout(timer);
        return exitCode;
      }
      default:
        return prank satisfies never;
    }
  };
}
