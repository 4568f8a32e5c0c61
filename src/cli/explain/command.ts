import { type Clock, systemClock } from "../../util/clock.ts";
import { targetKeyOf } from "../../controllers/runner-request/world.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { keyOf, keyText } from "../../kube/object.ts";
import type { Surroundings } from "../commands.ts";
import { CannotRun, connect, type Listing, type Objects, readObjects } from "../connect.ts";
import { type Output, toJson } from "../output.ts";
import { answerJob } from "./job.ts";
import { jobText } from "./job-text.ts";
import { type ExplainOptions, parseExplainOptions } from "./options.ts";
import { findRequests, storyOf, storyText } from "./story.ts";

const timeoutMs = 60_000;

/**
 * explain is `getabako explain`. It reads objects and nothing else.
 * @returns 0 when the job is served or found, 1 when not, 2 when it could not be found out. @throws OptionsError
 */
export async function explain(
  args: readonly string[],
  { output, env }: Pick<Surroundings, "output" | "env">,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<number> {
  const options = parseExplainOptions(args, env);
  let cluster: Cluster | undefined;
  try {
    cluster = connect(options);
    const objects = await readObjects(cluster, options.namespace, AbortSignal.timeout(timeoutMs));
    const nowMs = clock.now();
    return "job" in options.about
      ? explainRequests(options.about.job, options, objects, output, nowMs)
      : explainJob(options, objects, output, nowMs);
  } catch (error) {
    const isOurs = error instanceof CannotRun || (error instanceof Error && error.name === "TimeoutError");
    if (!isOurs) throw error;
    output.err(`[getabako] ${error.message}\n`);
    return 2;
  } finally {
    await cluster?.close();
  }
}

function explainJob(options: ExplainOptions, objects: Objects, output: Output, nowMs: number): number {
  if ("job" in options.about) throw new TypeError("a job that may come is meant");
  const { host, ...job } = options.about;
  const known = { apps: read(objects.apps), classes: readable(objects.classes), targets: read(objects.targets) };
  const answer = answerJob(job, host, known, nowMs);
  output.out(options.json ? toJson(answer) : jobText(answer));
  return answer.verdict === "Served" ? 0 : 1;
}

function explainRequests(job: string, options: ExplainOptions, objects: Objects, output: Output, nowMs: number): number {
  const requests = read(objects.requests);
  const targets = readable(objects.targets);
  const found = findRequests(job, requests);
  const stories = found.map((request) => {
    const target = targets.find((each) => keyText(keyOf(each)) === keyText(targetKeyOf(request)));
    return storyOf(request, requests, target, nowMs);
  });
  if (options.json) output.out(toJson({ requests: stories }));
  else if (stories.length > 0) output.out(stories.map((story) => storyText(story, nowMs)).join("\n"));
  if (stories.length > 0) return 0;
  if (!options.json) {
    output.out(
      `There is no RunnerRequest for ${job}: its webhook has not come, no target covers its labels, or its history has expired.\n` +
        "Ask whether a target would serve it: getabako explain --repo OWNER/NAME --labels LABEL,...\n",
    );
  }
  return 1;
}

/** read is what a list brought. @throws CannotRun when it could not be read. */
function read<T>({ items, error }: Listing<T>): readonly T[] {
  if (error !== undefined) throw new CannotRun(`${error.message}; see getabako doctor`);
  return items;
}

/** readable is what a list brought, or nothing: an answer without it says so itself. */
function readable<T>({ items }: Listing<T>): readonly T[] {
  return items;
}
