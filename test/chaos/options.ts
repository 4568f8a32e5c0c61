import { parseArgs } from "node:util";
import { type Profile, profiles } from "./fault-kinds.ts";
import { type WeaknessName, weaknesses, weaknessNames } from "./weaknesses.ts";

/** ChaosOptions is how `npm run chaos` was asked to run. */
export interface ChaosOptions {
  readonly seed: number;
  readonly runs: number;
  readonly jobs: number;
  readonly minutes: number;
  readonly profile: Profile | "all";
  readonly divisor: number;
  readonly restSeconds: number;
  readonly json: string | undefined;
  readonly logLevel: string;
  readonly keep: boolean;
  readonly printScript: boolean;
  readonly outage: boolean;
  /** A protection that the operator is built without: then a run that holds is the failure. */
  readonly weaken: WeaknessName | undefined;
  readonly help: boolean;
}

/** usage is what `npm run chaos -- --help` prints. */
export const usage = `npm run chaos -- [options]: random jobs and random faults on a real API server, and a verdict

  --seed S           the script; the same seed gives the same one (1)
  --runs K           seeds S, S+1, ... one after the other (1)
  --jobs N           jobs of each script, 1 to 5000 (200)
  --minutes M        how long jobs and faults come; fractions are fine (0.5)
  --profile P        which faults: all, ${profiles.join(", ")} (all)
  --outage github    instead of a script: GitHub is away for good, and what the operator does meanwhile is measured
  --weaken NAME      build the operator without one of its protections, stop at the first seed that finds the hole, and play it
                     once more with the protection:
                     ${weaknessNames.slice(0, 5).join(", ")},
                     ${weaknessNames.slice(5).join(", ")}
  --divisor D        --time-divisor of the operators (20)
  --rest-seconds R   how soon after the last fault the world has to be at rest (90)
  --json FILE        write the summary there
  --log-level L      of the operators (info)
  --keep             keep all logs and stories, also when everything held
  --print-script     print the script as JSON and do nothing
  --help             print this
`;

/** parseChaosOptions reads the command line; what it throws says what is wrong with it. */
export function parseChaosOptions(args: readonly string[]): ChaosOptions {
  const text = (fallback: string): { type: "string"; default: string } => ({ type: "string", default: fallback });
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    options: {
      seed: text("1"),
      runs: text("1"),
      jobs: text("200"),
      minutes: text("0.5"),
      profile: { type: "string" },
      divisor: text("20"),
      "rest-seconds": text("90"),
      json: { type: "string" },
      "log-level": text("info"),
      outage: { type: "string" },
      weaken: { type: "string" },
      keep: flag,
      "print-script": flag,
      help: { ...flag, short: "h" },
    },
  });
  const number = (name: "seed" | "runs" | "jobs" | "minutes" | "divisor" | "rest-seconds", min: number, max: number): number => {
    const value = Number(values[name]);
    const whole = name === "minutes" || Number.isInteger(value);
    if (!whole || !(value >= min && value <= max))
      throw new Error(`--${name}: "${values[name]}" is not a number from ${min} to ${max}`);
    return value;
  };
  const weakness = weaknessNames.find((name) => name === values.weaken);
  if (values.weaken !== undefined && weakness === undefined)
    throw new Error(`--weaken: "${values.weaken}" is not one of ${weaknessNames.join(", ")}`);
  if (values.outage !== undefined && values.outage !== "github") throw new Error(`--outage: "${values.outage}" is not github`);
  return {
    seed: number("seed", 0, 2 ** 31),
    runs: number("runs", 1, 1_000),
    jobs: number("jobs", 1, 5_000),
    minutes: number("minutes", 0.1, 24 * 60),
    profile: profileOf(values.profile ?? (weakness === undefined ? "all" : weaknesses[weakness].profile)),
    weaken: weakness,
    divisor: number("divisor", 1, 1_000),
    restSeconds: number("rest-seconds", 1, 3_600),
    json: values.json,
    logLevel: values["log-level"],
    keep: values.keep,
    printScript: values["print-script"],
    outage: values.outage === "github",
    help: values.help,
  };
}

function profileOf(text: string): Profile | "all" {
  if (text === "all") return text;
  const profile = profiles.find((candidate) => candidate === text);
  if (profile === undefined) throw new Error(`--profile: "${text}" is not one of all, ${profiles.join(", ")}`);
  return profile;
}
