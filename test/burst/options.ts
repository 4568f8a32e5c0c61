import { parseArgs } from "node:util";

/** BurstOptions is how `npm run burst` was asked to run. */
export interface BurstOptions {
  readonly jobs: number;
  /** Judge the calls as a class with an event queue has to keep them. */
  readonly events: boolean;
  /** Becomes spec.events.queueUrl of the class. */
  readonly queueUrl: string | undefined;
  readonly json: string | undefined;
  readonly help: boolean;
}

const fewestJobs = 30;
const mostJobs = 2_000;

/** usage is what `npm run burst -- --help` prints. */
export const usage = `npm run burst -- [options]: a burst of jobs against AWS' documented throttles, on a real API server, and what it cost

  --jobs N         how many jobs to queue at once, ${fewestJobs} to ${mostJobs} (500)
  --events         judge the calls as those of a class whose tasks' changes come through a queue
  --queue-url URL  that queue: spec.events.queueUrl of the class
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
      "queue-url": { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < fewestJobs || jobs > mostJobs) {
    throw new Error(`--jobs: "${values.jobs}" is not a whole number from ${fewestJobs} to ${mostJobs}`);
  }
  return { jobs, events: values.events, queueUrl: values["queue-url"], json: values.json, help: values.help };
}
