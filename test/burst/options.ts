import { parseArgs } from "node:util";

/** BurstOptions is how `npm run burst` was asked to run. */
export interface BurstOptions {
  readonly jobs: number;
  /** The class has a queue that the tasks' changes come through, and its calls are judged as such. */
  readonly events: boolean;
  readonly json: string | undefined;
  readonly help: boolean;
}

const fewestJobs = 30;
const mostJobs = 2_000;

/** usage is what `npm run burst -- --help` prints. */
export const usage = `npm run burst -- [options]: a burst of jobs against AWS' documented throttles, on a real API server, and what it cost

  --jobs N         how many jobs to queue at once, ${fewestJobs} to ${mostJobs} (500)
  --events         tasks' changes come through a queue, and the calls are judged as those of a class that has one
  --json FILE      write what was counted there
  --help           print this
`;

/** parseBurstOptions reads the command line; what it throws says what is wrong with it. */
export function parseBurstOptions(args: readonly string[]): BurstOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    options: {
      jobs: { type: "string", default: "500" },
      events: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < fewestJobs || jobs > mostJobs) {
    throw new Error(`--jobs: "${values.jobs}" is not a whole number from ${fewestJobs} to ${mostJobs}`);
  }
  return { jobs, events: values.events, json: values.json, help: values.help };
}
