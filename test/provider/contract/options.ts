import { parseArgs } from "node:util";

/** ownBackends are those that the suite starts by itself. */
export const ownBackends = ["simulator", "moto", "ministack"] as const;
export type OwnBackend = (typeof ownBackends)[number];

/** ContractOptions say where the contract is to be run, and with what. */
export interface ContractOptions {
  /** Absent: the suite's own backends, one after the other. */
  readonly endpoint?: string;
  /** Which of those. */
  readonly only: readonly OwnBackend[];
  readonly region: string;
  readonly cluster: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly image: string;
  /** What image=other gives. */
  readonly otherImage: string;
  /** What securityGroup=db-access gives. */
  readonly otherSecurityGroup: string;
  /** What the tasks run; absent: ./run.sh. */
  readonly command?: readonly string[];
  /** Path of Node in the image, where tasks are real containers: then what runs in them is looked at too. */
  readonly node?: string;
  /** Capacity providers of the two rungs. */
  readonly providers: readonly [string, string];
  readonly executionRoleArn?: string;
}

/** contractUsage is what --help prints. */
export const contractUsage = `npm run test:contract -- [options]

Runs the contract that every provider must pass with the ECS provider against an ECS API. Without --endpoint it starts the
simulator, moto and ministack by itself, one after the other; ministack runs the tasks as real containers, with podman, which needs root
on Linux. Where that is impossible it is skipped, says so, and the exit code is 69. Credentials for --endpoint come from the usual AWS_*
environment; emulators get made-up ones if there are none.

  --only NAME               one of ${ownBackends.join(", ")}; repeat for more
  --endpoint URL            address of the API
  --region REGION           default us-east-1
  --cluster NAME            default runners; created on known emulators, must exist elsewhere
  --subnet ID               subnet of the tasks; repeat for more. Found by itself on moto
  --security-group ID       security group of the tasks; repeat for more. Found by itself on moto
  --image IMAGE             image of the tasks, which must run until it is stopped; default ghcr.io/actions/actions-runner:latest
  --command WORD            what the tasks run, one word each; default ./run.sh
  --node PATH               path of Node in the image: what runs in the containers is looked at too
  --other-image IMAGE       image that a task can choose instead; default ghcr.io/actions/actions-runner:2.336.0
  --other-security-group ID security group that a task can choose instead; default sg-0d4
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
      only: { type: "string", multiple: true, default: [] },
      command: { type: "string", multiple: true, default: [] },
      node: { type: "string" },
      "other-image": { type: "string", default: "ghcr.io/actions/actions-runner:2.336.0" },
      "other-security-group": { type: "string", default: "sg-0d4" },
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
  const { endpoint, node, "execution-role-arn": executionRoleArn } = values;
  const unknown = values.only.find((name) => !ownBackends.some((own) => own === name));
  if (unknown !== undefined) throw new TypeError(`--only ${unknown}: there are ${ownBackends.join(", ")}`);
  if (endpoint !== undefined && values.only.length > 0) throw new TypeError("--only goes without --endpoint");
  if (endpoint !== undefined && !URL.canParse(endpoint))
    throw new TypeError(`--endpoint ${endpoint} is no URL; write for example http://127.0.0.1:4566`);
  return {
    ...(endpoint !== undefined && { endpoint: new URL(endpoint).origin }),
    region: values.region,
    cluster: values.cluster,
    subnets: values.subnet,
    securityGroups: values["security-group"],
    only: ownBackends.filter((name) => values.only.length === 0 || values.only.includes(name)),
    image: values.image,
    otherImage: values["other-image"],
    otherSecurityGroup: values["other-security-group"],
    ...(values.command.length > 0 && { command: values.command }),
    ...(node !== undefined && { node }),
    providers: [values.first, values.second],
    ...(executionRoleArn !== undefined && { executionRoleArn }),
  };
}
