import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { randomUUID } from "node:crypto";
import { type Flag as FlagRow, OptionsError, readFlags } from "./flags.ts";

export { OptionsError };

export const roles = ["intake", "controller"] as const;
export type Role = (typeof roles)[number];

/** An RFC 1123 label, as Kubernetes has it. */
const namespaceName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
type LogLevel = (typeof logLevels)[number];

/** Options is how `getabako run` was asked to run; frozen. */
export interface Options {
  readonly roles: ReadonlySet<Role>;
  readonly kubeconfig: string | undefined;
  readonly namespace: string;
  /** The only namespaces whose objects are served; undefined means all. */
  readonly watchNamespaces: readonly string[] | undefined;
  readonly identity: string;
  readonly leaseName: string;
  readonly leaderElection: boolean;
  readonly webhookPort: number;
  readonly telemetryPort: number;
  readonly host: string | undefined;
  readonly workers: number;
  /** How many times AWS' documented throttles the accounts have; 1 where AWS has raised none. */
  readonly awsRateFactor: number;
  /** Divides the operator's own waiting times; 1 in production. */
  readonly timeDivisor: number;
  readonly logLevel: LogLevel;
}

interface OptionHelp extends FlagRow {
  readonly env: string;
  readonly fallback: string;
}

/** optionTable documents every option of `getabako run`; the help text and the reference page are made from it. */
export const optionTable = [
  {
    flag: "roles",
    env: "GETABAKO_ROLES",
    fallback: "intake,controller",
    help: "What this process does: intake (webhooks), controller (everything else), or both.",
  },
  {
    flag: "kubeconfig",
    env: "KUBECONFIG",
    fallback: "",
    help: "Kubeconfig file; empty means the pod's service account, or kubectl's usual places.",
  },
  {
    flag: "namespace",
    env: "POD_NAMESPACE",
    fallback: "",
    help: "Namespace of the Lease; in a pod its own. Required elsewhere.",
  },
  {
    flag: "watch-namespace",
    env: "GETABAKO_WATCH_NAMESPACE",
    fallback: "",
    help: "Serve the objects of these namespaces only, with commas between; by default those of all.",
  },
  {
    flag: "identity",
    env: "POD_NAME",
    fallback: "",
    help: "Name of this process as holder of the Lease; by default one that no other process has.",
  },
  { flag: "lease-name", env: "GETABAKO_LEASE_NAME", fallback: "getabako", help: "Name of the Lease that elects the leader." },
  {
    flag: "leader-election",
    env: "GETABAKO_LEADER_ELECTION",
    fallback: "true",
    help: "Whether controllers wait for the Lease; turn it off only where a single process can run.",
  },
  { flag: "webhook-port", env: "GETABAKO_WEBHOOK_PORT", fallback: "8080", help: "Port of POST /webhook; 0 takes a free one." },
  {
    flag: "telemetry-port",
    env: "GETABAKO_TELEMETRY_PORT",
    fallback: "9090",
    help: "Port of /metrics, /healthz and /readyz; 0 takes a free one.",
  },
  { flag: "host", env: "GETABAKO_HOST", fallback: "", help: "Address to listen on; by default every one." },
  { flag: "workers", env: "GETABAKO_WORKERS", fallback: "32", help: "RunnerRequests worked on at a time." },
  {
    flag: "aws-rate-factor",
    env: "GETABAKO_AWS_RATE_FACTOR",
    fallback: "1",
    help: "How many times AWS' usual throttles of ECS and Fargate your accounts have: 2 where AWS has doubled them for you.",
  },
  {
    flag: "time-divisor",
    env: "GETABAKO_TIME_DIVISOR",
    fallback: "1",
    help: "Divides the operator's own waiting times, and so its pace at GitHub and AWS. For tests only: they do not get faster.",
  },
  { flag: "log-level", env: "GETABAKO_LOG_LEVEL", fallback: "info", help: `Least severe lines to log: ${logLevels.join(", ")}.` },
] as const satisfies readonly OptionHelp[];

type Flag = (typeof optionTable)[number]["flag"];

/**
 * parseOptions reads flags, then environment variables, then defaults.
 * @throws OptionsError with every problem at once.
 */
export function parseOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Options {
  const problems: string[] = [];
  const values = readFlags<Flag>("run", optionTable, args, problems);
  const text = (flag: Flag): string => {
    const row = optionTable.find((candidate) => candidate.flag === flag);
    if (row === undefined) return values[flag] ?? "";
    // An empty variable is how templates say "not set"; it would be port 0 otherwise.
    return values[flag] ?? (env[row.env] || row.fallback);
  };
  const integer = (flag: Flag, min: number, max: number): number => {
    const value = Number(text(flag));
    if (!Number.isInteger(value) || value < min || value > max) {
      problems.push(`--${flag}: "${text(flag)}" is not a whole number from ${min} to ${max}`);
    }
    return value;
  };

  const wanted = list(text("roles"));
  for (const role of wanted) if (!isRole(role)) problems.push(`--roles: "${role}" is not one of ${roles.join(", ")}`);
  if (wanted.length === 0) problems.push(`--roles: name at least one of ${roles.join(", ")}`);
  const watched = [...new Set(list(text("watch-namespace")))].toSorted();
  for (const each of watched) {
    if (!namespaceName.test(each)) problems.push(`--watch-namespace: "${each}" is not a name that a namespace can have`);
  }
  const election = text("leader-election");
  if (election !== "true" && election !== "false") problems.push(`--leader-election: "${election}" is neither true nor false`);
  const level = text("log-level");
  if (!isLogLevel(level)) problems.push(`--log-level: "${level}" is not one of ${logLevels.join(", ")}`);
  const namespace = text("namespace") === "" ? podNamespace() : text("namespace");
  if (namespace === undefined) problems.push("--namespace: not set; name the namespace in which the Lease lives");

  const options: Options = {
    roles: new Set(wanted.filter(isRole)),
    kubeconfig: text("kubeconfig") === "" ? undefined : text("kubeconfig"),
    namespace: namespace ?? "",
    watchNamespaces: watched.length === 0 ? undefined : watched,
    identity: text("identity") === "" ? `${hostname()}_${randomUUID()}` : text("identity"),
    leaseName: text("lease-name"),
    leaderElection: election === "true",
    webhookPort: integer("webhook-port", 0, 65_535),
    telemetryPort: integer("telemetry-port", 0, 65_535),
    host: text("host") === "" ? undefined : text("host"),
    workers: integer("workers", 1, 500),
    awsRateFactor: integer("aws-rate-factor", 1, 100),
    timeDivisor: integer("time-divisor", 1, 1_000),
    logLevel: isLogLevel(level) ? level : "info",
  };
  if (problems.length > 0) throw new OptionsError(problems);
  return Object.freeze(options);
}

/** helpText is what `getabako run --help` prints. */
export function helpText(): string {
  const rows = optionTable.map(({ flag, env, fallback, help }) => {
    const standard = fallback === "" ? "" : ` (default ${fallback})`;
    return `  --${flag.padEnd(17)}${help}${standard} [${env}]`;
  });
  return `${rows.join("\n")}\n`;
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** podNamespace is the namespace of the pod that this process runs in, if it runs in one. */
export function podNamespace(): string | undefined {
  try {
    return readFileSync("/var/run/secrets/kubernetes.io/serviceaccount/namespace", "utf8").trim();
  } catch {
    return undefined;
  }
}

function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text);
}

function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text);
}
