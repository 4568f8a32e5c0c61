import { parseArgs } from "node:util";

/** DemoOptions is how `npm run demo` was asked to run. */
export interface DemoOptions {
  readonly jobs: number;
  readonly keep: boolean;
  readonly help: boolean;
}

const fewestJobs = 12;
const mostJobs = 2_000;

/** usage is what `npm run demo -- --help` prints. */
export const usage = `npm run demo -- [options]: getabako at work, on a real API server and simulated GitHub and ECS

  --jobs N   how many jobs to queue, ${fewestJobs} to ${mostJobs} (100)
  --keep     leave everything running afterwards, until Ctrl-C, and say how to look around
  --help     print this
`;

/** parseDemoOptions reads the command line; what it throws says what is wrong with it. */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    options: {
      jobs: { type: "string", default: "100" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < fewestJobs || jobs > mostJobs) {
    throw new Error(`--jobs: "${values.jobs}" is not a whole number from ${fewestJobs} to ${mostJobs}`);
  }
  return { jobs, keep: values.keep, help: values.help };
}
