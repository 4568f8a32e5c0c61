import { connectionFlags, type Flag, OptionsError, outputFlag, readTexts } from "../flags.ts";

const visibilities = ["private", "public", "internal"] as const;
type Visibility = (typeof visibilities)[number];

/** ExplainOptions is how `getabako explain` was asked: about a job that may come, or about one that is there. */
export interface ExplainOptions {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string | undefined;
  readonly json: boolean;
  readonly about:
    | { readonly job: string }
    | {
        readonly repository: string;
        readonly labels: readonly string[];
        readonly visibility: Visibility;
        readonly host: string | undefined;
      };
}

export const explainFlags = [
  { flag: "repo", value: "OWNER/NAME", help: "Repository of a job that may come." },
  { flag: "labels", value: "LABEL,...", help: "Its labels, as in runs-on: self-hosted,ecs,cpu=4." },
  { flag: "visibility", value: "WORD", values: visibilities, fallback: "private", help: "Of the repository:" },
  { flag: "host", value: "HOST", help: "Host of its GitHub, where GitHubApps of several are there; by default github.com." },
  { flag: "job", value: "NAME", help: "A job that is there: its id at GitHub, or the name of its RunnerRequest." },
  {
    flag: "namespace",
    short: "n",
    value: "NAMESPACE",
    help: "Look at the objects of this namespace only; by default at those of all.",
  },
  ...connectionFlags,
  outputFlag,
] as const satisfies readonly Flag[];

/** parseExplainOptions reads the command line. @throws OptionsError with every problem at once. */
export function parseExplainOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Readonly<ExplainOptions> {
  const problems: string[] = [];
  const texts = readTexts<(typeof explainFlags)[number]["flag"]>("explain", explainFlags, args, env, problems);
  const labels = texts.labels
    .split(",")
    .map((label) => label.trim())
    .filter((label) => label !== "");
  if (texts.job === "") {
    if (texts.repo === "") problems.push("--repo: not set; name the job's repository as OWNER/NAME, or a job with --job");
    else if (!/^[\w.-]+\/[\w.-]+$/.test(texts.repo))
      problems.push(`--repo: "${texts.repo}" is not a repository; write OWNER/NAME`);
    if (labels.length === 0) problems.push("--labels: not set; name the labels of runs-on, such as self-hosted,ecs");
  } else if (texts.repo !== "" || labels.length > 0) {
    problems.push("--job goes without --repo and --labels: it names a job that is there already");
  } else if (!/^(job-)?[a-z0-9-]{1,60}$/.test(texts.job)) {
    problems.push(`--job: "${texts.job}" is neither the id of a job nor the name of a RunnerRequest`);
  }
  if (problems.length > 0) throw new OptionsError(problems);
  const set = (text: string): string | undefined => (text === "" ? undefined : text);
  return Object.freeze({
    kubeconfig: set(texts.kubeconfig),
    context: set(texts.context),
    namespace: set(texts.namespace),
    json: texts.output === "json",
    about:
      texts.job === ""
        ? { repository: texts.repo, labels, visibility: texts.visibility as Visibility, host: set(texts.host) }
        : { job: texts.job },
  });
}
