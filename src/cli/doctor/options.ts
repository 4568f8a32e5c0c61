import { connectionFlags, type Flag, OptionsError, outputFlag, readTexts } from "../flags.ts";

/** DoctorOptions is how `getabako doctor` was asked. */
export interface DoctorOptions {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** The namespace whose objects are checked; undefined means all. */
  readonly namespace: string | undefined;
  /** Where the operator runs; undefined means: wherever it is found. */
  readonly operatorNamespace: string | undefined;
  readonly leaseName: string | undefined;
  /** The user whose rights are checked; undefined means the operator's service account. */
  readonly as: string | undefined;
  readonly only: readonly string[];
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** subjects are what --only may begin with, and the short names that kubectl has for them. */
export const subjects: Readonly<Record<string, readonly string[]>> = {
  kubernetes: [],
  crd: ["crds"],
  operator: [],
  githubapp: ["gha", "githubapps"],
  ecsrunnerclass: ["ecsrc", "ecsrunnerclasses"],
  runnertarget: ["rt", "runnertargets"],
  runnerrequest: ["rr", "runnerrequests"],
};

export const doctorFlags = [
  ...connectionFlags,
  {
    flag: "namespace",
    short: "n",
    value: "NAMESPACE",
    env: "GETABAKO_WATCH_NAMESPACE",
    help: "Check the objects of this namespace only; by default those of all.",
  },
  {
    flag: "operator-namespace",
    value: "NAMESPACE",
    env: "POD_NAMESPACE",
    help: "Where the operator runs; by default it is looked for by its Deployment.",
  },
  { flag: "lease-name", value: "NAME", env: "GETABAKO_LEASE_NAME", help: "Name of the operator's Lease; by default found too." },
  {
    flag: "as",
    value: "USER",
    help: "Whose rights are checked, as NAMESPACE/SERVICEACCOUNT or a user name; by default the operator's.",
  },
  {
    flag: "only",
    value: "KIND[/NAME],...",
    help: `Check only these: ${Object.keys(subjects).join(", ")}, with or without a name (githubapp/acme).`,
  },
  { flag: "timeout", value: "SECONDS", fallback: "20", help: "How long a single check may take." },
  outputFlag,
] as const satisfies readonly Flag[];

/** parseDoctorOptions reads the command line. @throws OptionsError with every problem at once. */
export function parseDoctorOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Readonly<DoctorOptions> {
  const problems: string[] = [];
  const texts = readTexts<(typeof doctorFlags)[number]["flag"]>("doctor", doctorFlags, args, env, problems);
  const seconds = Number(texts.timeout);
  if (!(seconds >= 1 && seconds <= 300)) problems.push(`--timeout: "${texts.timeout}" is not a number of seconds from 1 to 300`);
  const only = texts.only
    .split(",")
    .map((each) => each.trim().toLowerCase())
    .filter((each) => each !== "")
    .map((each) => {
      const [kind = "", ...name] = each.split("/");
      const subject = Object.entries(subjects).find(([key, short]) => key === kind || short.includes(kind))?.[0];
      if (subject === undefined) problems.push(`--only: "${kind}" is not one of ${Object.keys(subjects).join(", ")}`);
      return [subject ?? kind, ...name].join("/");
    });
  if (problems.length > 0) throw new OptionsError(problems);
  const set = (text: string): string | undefined => (text === "" ? undefined : text);
  return Object.freeze({
    kubeconfig: set(texts.kubeconfig),
    context: set(texts.context),
    namespace: set(texts.namespace),
    operatorNamespace: set(texts["operator-namespace"]),
    leaseName: set(texts["lease-name"]),
    as: texts.as === "" ? undefined : userOf(texts.as),
    only,
    timeoutMs: seconds * 1_000,
    json: texts.output === "json",
  });
}

/** isAskedFor tells whether an object is among what --only names: by kind, or by kind and name with or without its namespace. */
export function isAskedFor(object: string, only: readonly string[]): boolean {
  if (only.length === 0) return true;
  const [kind = "", ...rest] = object.split("/");
  return only.some((each) => each === kind || each === object || each === `${kind}/${rest.at(-1)}`);
}

function userOf(text: string): string {
  const [namespace, name, ...more] = text.split("/");
  return name === undefined || more.length > 0 ? text : `system:serviceaccount:${namespace}:${name}`;
}
