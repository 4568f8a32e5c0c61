import { parseArgs } from "node:util";

/** ContractOptions say where the contract is to be run, and with what. */
export interface ContractOptions {
  /** Absent: a simulator of its own. */
  readonly endpoint?: string;
  readonly region: string;
  readonly cluster: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly image: string;
  /** Capacity providers of the two rungs. */
  readonly providers: readonly [string, string];
  readonly executionRoleArn?: string;
}

/** contractUsage is what --help prints. */
export const contractUsage = `npm run test:contract -- [options]

Runs the contract that every provider must pass with the ECS provider against an ECS API. Without --endpoint it starts the
simulator. Credentials come from the usual AWS_* environment; an endpoint on this machine gets made-up ones if there are none.

  --endpoint URL            address of the API
  --region REGION           default us-east-1
  --cluster NAME            default runners; created on known emulators, must exist elsewhere
  --subnet ID               subnet of the tasks; repeat for more. Found by itself on moto
  --security-group ID       security group of the tasks; repeat for more. Found by itself on moto
  --image IMAGE             image of the tasks, which must run until it is stopped; default ghcr.io/actions/actions-runner:latest
  --first PROVIDER          capacity provider of the first rung, default FARGATE_SPOT
  --second PROVIDER         capacity provider of the second rung, default FARGATE
  --execution-role-arn ARN  execution role of the tasks
  --help                    print this`;

/** contractVariable carries the options to the test file, as JSON. */
export const contractVariable = "GETABAKO_CONTRACT";

/**
 * parseContractOptions reads the command line.
 * @throws TypeError for an unknown option; the message says which.
 */
export function parseContractOptions(args: readonly string[]): ContractOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      endpoint: { type: "string" },
      region: { type: "string", default: "us-east-1" },
      cluster: { type: "string", default: "runners" },
      subnet: { type: "string", multiple: true, default: [] },
      "security-group": { type: "string", multiple: true, default: [] },
      image: { type: "string", default: "ghcr.io/actions/actions-runner:latest" },
      first: { type: "string", default: "FARGATE_SPOT" },
      second: { type: "string", default: "FARGATE" },
      "execution-role-arn": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const { endpoint, "execution-role-arn": executionRoleArn } = values;
  if (endpoint !== undefined && !URL.canParse(endpoint))
    throw new TypeError(`--endpoint ${endpoint} is no URL; write for example http://127.0.0.1:4566`);
  return {
    ...(endpoint !== undefined && { endpoint: new URL(endpoint).origin }),
    region: values.region,
    cluster: values.cluster,
    subnets: values.subnet,
    securityGroups: values["security-group"],
    image: values.image,
    providers: [values.first, values.second],
    ...(executionRoleArn !== undefined && { executionRoleArn }),
  };
}
