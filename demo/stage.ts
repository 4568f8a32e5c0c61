import { appendFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { group } from "../src/api/kind.ts";
import { Ecs } from "../test/e2e/ecs.ts";
import { githubRunner } from "../test/sim/ecs/runner/github-runner.ts";
import { spawnRunner } from "../test/sim/ecs/runner/spawn.ts";
import type { RunnerHook } from "../test/sim/ecs/runner/types.ts";
import { startEcsSim } from "../test/sim/ecs/server.ts";
import type { EcsSim } from "../test/sim/ecs/sim.ts";
import type { GitHubSim } from "../test/sim/github/sim.ts";
import { type Ground, type GroundOptions, setGround } from "./ground.ts";
import { readSamples, regionOf } from "./samples.ts";

const miniRunner = fileURLToPath(new URL("../test/sim/runner/mini-runner.ts", import.meta.url));

/** targetTag is the tag in which a task carries the name of its RunnerTarget. */
export const targetTag = `${group}/target`;
/** Its runners are processes that speak GitHub's protocol; those of the other targets live inside the simulator, which is faster. */
const targetOfProcesses = "large";

/** Stage is everything that the demo plays on; close it to leave nothing behind. */
export interface Stage extends Ground {
  readonly ecs: EcsSim;
  /** The simulated account as anybody sees it, with AWS' own client. */
  readonly client: Ecs;
}

/** setStage sets the ground with a simulated ECS. */
export async function setStage({ say, signal }: Pick<GroundOptions, "say" | "signal">): Promise<Stage> {
  const samples = readSamples();
  const region = regionOf(samples);
  let simulated: Pick<Stage, "ecs" | "client"> | undefined;
  const ground = await setGround({
    say,
    signal,
    samples,
    ecs: async ({ github, directory, building }) => {
      const ecs = await startEcsSim({
        region,
        timings: { PROVISIONING: 300, PENDING: 500, ACTIVATING: 100 },
        runner: runnerOf(github, join(directory, "runners.log")),
      });
      building.defer(() => ecs.close());
      const client = new Ecs(ecs.url, { accessKeyId: "AKIADEMO", secretAccessKey: "unused" }, { region });
      building.defer(() => client.close());
      simulated = { ecs, client };
      say(`simulated GitHub at ${github.url}, simulated ECS at ${ecs.url}`);
      return { endpoint: ecs.url };
    },
  });
  if (simulated === undefined) throw new Error("the ground was set without an ECS");
  return { ...ground, ...simulated };
}

/** writeEvidence keeps what the simulators saw beside the logs. */
export async function writeEvidence({ directory, github, ecs, kubectl }: Stage): Promise<void> {
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  const journal = github
    .journal()
    .map(({ at, kind, job, runner, detail }) => ({ at, kind, job: job?.id, runner: runner?.name, detail }));
  await Promise.all([
    writeFile(
      join(directory, "github.json"),
      json({ report: github.report(), counters: github.counters(), violations: github.violations, journal }),
    ),
    writeFile(join(directory, "ecs.json"), json({ report: ecs.report(), calls: ecs.calls.list() })),
    kubectl(["get", "getabako,events", "-A", "-o", "yaml"]).then((text) => writeFile(join(directory, "objects.yaml"), text)),
  ]);
}

function runnerOf(github: GitHubSim, log: string): RunnerHook {
  const inside = githubRunner(github);
  const process_ = spawnRunner({
    command: [process.execPath, miniRunner],
    onLine: (task, line) => appendFileSync(log, `${task.id.slice(0, 8)} ${line}\n`),
  });
  return (task) => (task.tags[targetTag] === targetOfProcesses ? process_ : inside)(task);
}
