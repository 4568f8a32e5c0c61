import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** DashboardOptions is how `npm run dashboard` was asked to run. */
export interface DashboardOptions {
  /** Where the picture goes. */
  readonly output: string;
  /** Answers of Prometheus that an earlier run saved: drawn without a new run. */
  readonly from: string | undefined;
  readonly save: string | undefined;
  readonly help: boolean;
}

const picture = fileURLToPath(new URL("../../docs/images/dashboard.svg", import.meta.url));

/** usage is what `npm run dashboard -- --help` prints. */
export const usage = `npm run dashboard -- [options]: plays seven minutes of troubles, and draws the Grafana dashboard with
what a real Prometheus saw of them

  --output FILE    the picture (docs/images/dashboard.svg)
  --save FILE      keep Prometheus' answers there
  --from FILE      draw answers that were kept, without a run
  --help           print this
`;

/** parseDashboardOptions reads the command line; what it throws says what is wrong with it. */
export function parseDashboardOptions(args: readonly string[]): DashboardOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    options: {
      output: { type: "string", default: picture },
      from: { type: "string" },
      save: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return { output: values.output, from: values.from, save: values.save, help: values.help };
}
