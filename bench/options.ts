import { parseArgs } from "node:util";
import { type ScenarioName, scenarioNames } from "./scenarios.ts";

/** BenchOptions is how `npm run bench` was asked to run. */
export interface BenchOptions {
  readonly scenarios: readonly ScenarioName[];
  readonly runs: number;
  /** A tenth of everything: to see that the bench itself works, and to check the counts in a short time. */
  readonly small: boolean;
  /** Milliseconds that GitHub and ECS take for a call. */
  readonly latencyMs: { readonly github: number; readonly ecs: number };
  /** AWS' documented throttles. */
  readonly throttle: boolean;
  readonly json: string | undefined;
  /** A folder for CPU profiles and heap snapshots of the operator. */
  readonly profile: string | undefined;
  readonly help: boolean;
}

/** usage is what `npm run bench -- --help` prints. */
export const usage = `npm run bench -- [options]: what a job costs, beside what the machine could do at best

  --scenario A,B   ${scenarioNames.join(", ")} (all)
  --runs N         how often each is played (3)
  --small          a tenth of the load
  --latency G,E    milliseconds that GitHub and ECS take for a call (0,0); 60,120 is a usual distance
  --throttle       ECS refuses what is above AWS' documented limits
  --json FILE      all figures of all runs
  --profile DIR    CPU profiles of the operator, and a heap snapshot after each run
  --help           print this

Times are printed and never asserted. What is asserted are counts: calls and requests for each job, and that nothing is launched twice.
`;

/** parseBenchOptions reads the command line; what it throws says what is wrong with it. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    options: {
      scenario: { type: "string" },
      runs: { type: "string", default: "3" },
      small: { type: "boolean", default: false },
      latency: { type: "string", default: "0,0" },
      throttle: { type: "boolean", default: false },
      json: { type: "string" },
      profile: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const wanted = values.scenario?.split(",").map((name) => name.trim()) ?? scenarioNames;
  const scenarios = wanted.map((name) => {
    const known = scenarioNames.find((each) => each === name);
    if (known === undefined) throw new Error(`--scenario: "${name}" is none of ${scenarioNames.join(", ")}`);
    return known;
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > 100) throw new Error(`--runs: "${values.runs}" is no number from 1 to 100`);
  const latency = /^([0-9]{1,4}),([0-9]{1,4})$/.exec(values.latency);
  if (latency === null) throw new Error(`--latency: "${values.latency}" is not two numbers of milliseconds, such as 60,120`);
  return {
    scenarios,
    runs,
    small: values.small,
    latencyMs: { github: Number(latency[1]), ecs: Number(latency[2]) },
    throttle: values.throttle,
    json: values.json,
    profile: values.profile,
    help: values.help,
  };
}
