import { parseArgs } from "node:util";

/** DemoOptions is how `npm run demo` was asked to run. */
export interface DemoOptions {
  readonly jobs: number;
  readonly keep: boolean;
  /** What runs the tasks. */
  readonly ecs: (typeof ecsKinds)[number];
  readonly help: boolean;
}

/** ecsKinds: the simulator is quick; ministack is an emulator that runs containers. */
const ecsKinds = ["simulator", "ministack"] as const;
const fewestJobs = 16;
const mostJobs = 2_000;

/** usage is what `npm run demo -- --help` prints. */
export const usage = `npm run demo -- [options]: getabako at work, on a real API server, simulated GitHub and ECS

  --jobs N   how many jobs to queue, ${fewestJobs} to ${mostJobs} (100)
  --ecs simulator|ministack
             ministack runs every runner as a real container, with podman in namespaces of its own: root on Linux; a dozen jobs
             (exit code 69 where that is impossible)
  --keep     leave everything running afterwards, until Ctrl-C, and say how to look around
  --help     print this
`;

/** parseDemoOptions reads the command line; what it throws says what is wrong with it. */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    options: {
      jobs: { type: "string" },
      ecs: { type: "string", default: "simulator" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const ecs = ecsKinds.find((kind) => kind === values.ecs);
  if (ecs === undefined) throw new Error(`--ecs: "${values.ecs}" is not one of ${ecsKinds.join(", ")}`);
  if (ecs === "ministack" && values.jobs !== undefined) throw new Error("--jobs goes with the simulator: containers are a dozen");
  const jobs = Number(values.jobs ?? "100");
  if (!Number.isInteger(jobs) || jobs < fewestJobs || jobs > mostJobs) {
    throw new Error(`--jobs: "${values.jobs}" is not a whole number from ${fewestJobs} to ${mostJobs}`);
  }
  return { jobs, keep: values.keep, ecs, help: values.help };
}
