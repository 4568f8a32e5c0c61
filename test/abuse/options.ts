import { parseArgs } from "node:util";
import { type AbuseName, abuseNames } from "./abuses.ts";

/** AbuseOptions is how `npm run abuse` was asked to run. */
export interface AbuseOptions {
  readonly abuses: readonly AbuseName[];
  /** How long each is played. */
  readonly seconds: number;
  readonly json: string | undefined;
  readonly help: boolean;
}

/** usage is what `npm run abuse -- --help` prints. */
export const usage = `npm run abuse -- [options]: what strangers can do to the webhook's port and the metrics' one, and what honest webhooks notice

  --only A,B       ${abuseNames.slice(0, 6).join(", ")},
                   ${abuseNames.slice(6, 11).join(", ")},
                   ${abuseNames.slice(11).join(", ")} (all)
  --seconds N      how long each is played, 2 to 60 (8)
  --json FILE      write what was counted there
  --help           print this

Only the loopback interface is used. Counts are judged: nothing honest lost, memory within the chart's limit, no connection left. Times are not.
`;

/** parseAbuseOptions reads the command line; what it throws says what is wrong with it. */
export function parseAbuseOptions(args: readonly string[]): AbuseOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    options: {
      only: { type: "string" },
      seconds: { type: "string", default: "8" },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 2 || seconds > 60) {
    throw new Error(`--seconds: "${values.seconds}" is not a whole number from 2 to 60`);
  }
  const wanted = values.only?.split(",").map((name) => name.trim()) ?? abuseNames;
  const abuses = wanted.map((name) => {
    const known = abuseNames.find((each) => each === name);
    if (known === undefined) throw new Error(`--only: "${name}" is none of ${abuseNames.join(", ")}`);
    return known;
  });
  return { abuses, seconds, json: values.json, help: values.help };
}
