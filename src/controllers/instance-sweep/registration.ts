import type { RunnerScope } from "../runner-scope.ts";
import { type RunnerLists, type Silence, silenceOf } from "./runner-lists.ts";

/** Whereabouts is where the runner of an instance may be registered. */
export interface Whereabouts {
  /** By its request, or by the target that the instance itself names. */
  readonly likely: readonly RunnerScope[];
  /** Looked in only when the likely ones do not have it. */
  readonly others: readonly RunnerScope[];
  /** Somebody tells where it was registered, and that place is not known any more: not to find it proves nothing. */
  readonly lost: boolean;
}

/**
 * Registration is what GitHub said about a runner by its name.
 *
 * | answer | meaning |
 * |---|---|
 * | gone | no scope has it (any more), so it can get no job |
 * | busy | it works; nobody may stop its instance |
 * | later | a scope answers soon; a later sweep asks again |
 * | blind | a scope does not answer, or none is left to ask, so it may work for as long as a job may |
 */
export type Registration = "gone" | "busy" | Silence;

/**
 * deregister removes the registration of a runner whose instance shall go. It comes first: once the registration is gone, GitHub cannot
 * give the runner a job between our question and the stop of its instance, and a list that is a minute old does no harm, since GitHub
 * refuses to remove a runner that has become busy.
 */
export async function deregister(
  runner: string,
  { likely, others, lost }: Whereabouts,
  lists: RunnerLists,
  signal: AbortSignal,
): Promise<Registration> {
  const answers = new Set<Removal>();
  for (const scope of likely) answers.add(await removeFrom(scope, runner, true, lists, signal));
  if (!answers.has("busy") && !answers.has("removed")) {
    for (const scope of others) answers.add(await removeFrom(scope, runner, false, lists, signal));
  }
  if (answers.has("busy")) return "busy";
  if (answers.has("removed")) return "gone";
  if (answers.has("later")) return "later";
  return answers.has("blind") || lost || answers.size === 0 ? "blind" : "gone";
}

/**
 * workOf tells whether a runner has a job, without touching its registration: it is shared with another instance, which may be the one
 * that works. Asked by name and anew, since no refusal of GitHub's stands behind this answer as it does behind that of deregister.
 */
export async function workOf(
  runner: string,
  { likely }: Whereabouts,
  lists: RunnerLists,
  signal: AbortSignal,
): Promise<"idle" | "busy" | Silence> {
  const answers = new Set<"idle" | "busy" | Silence>();
  for (const scope of likely) {
    const github = lists.client(scope);
    try {
      if (typeof github === "string") answers.add(github);
      else answers.add((await github.findRunner(scope.scope, runner, signal))?.busy === true ? "busy" : "idle");
    } catch (error) {
      answers.add(silenceOf(error));
    }
  }
  for (const answer of ["busy", "later", "blind"] as const) if (answers.has(answer)) return answer;
  return answers.size === 0 ? "blind" : "idle";
}

type Removal = "removed" | "absent" | "busy" | Silence;

async function removeFrom(
  scope: RunnerScope,
  name: string,
  isLikely: boolean,
  lists: RunnerLists,
  signal: AbortSignal,
): Promise<Removal> {
  const list = await lists.of(scope, signal);
  if (typeof list === "string") return list;
  const { github, byName, mayMiss } = list;
  try {
    // A miss would cost a job, so where the runner ought to be, a list that can miss it is not believed.
    const runner = byName.get(name) ?? (mayMiss && isLikely ? await github.findRunner(scope.scope, name, signal) : undefined);
    if (runner === undefined) return "absent";
    return runner.busy || (await github.deleteRunner(scope.scope, runner.id, signal)) === "busy" ? "busy" : "removed";
  } catch (error) {
    return silenceOf(error);
  }
}
