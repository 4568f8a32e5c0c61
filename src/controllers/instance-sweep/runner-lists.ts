import { isGitHubError } from "../../github/errors.ts";
import type { GitHub, RunnerRecord } from "../../github/types.ts";
import type { ObjectKey } from "../../kube/object.ts";
import { type RunnerScope, runnerScopeText } from "../runner-scope.ts";
import { isShort } from "../sweep-quota.ts";

/** GitHub's largest page: a list that fits in one cannot miss a runner, a longer one may while others leave. */
const pageSize = 100;

/**
 * Silence is why a scope gives no answer.
 *
 * | silence | because |
 * |---|---|
 * | later | the rate limit is used up, or what is left of it is for launches: soon it answers |
 * | blind | the App has no usable Secret, is suspended, lost sight of the scope, or GitHub is away: nobody knows whether it ever answers |
 */
export type Silence = "later" | "blind";

/** RunnerList is a complete list of a scope's runners, and the App that was asked. */
export interface RunnerList {
  readonly github: GitHub;
  readonly byName: ReadonlyMap<string, RunnerRecord>;
  /** Whether it may lack a runner that is there. */
  readonly mayMiss: boolean;
}

/** RunnerLists lists each scope once, when the first removal of a sweep asks for it, and answers all the others from that list. */
export class RunnerLists {
  readonly #github: (app: ObjectKey) => GitHub | undefined;
  readonly #lists = new Map<string, Promise<RunnerList | Silence>>();

  constructor(github: (app: ObjectKey) => GitHub | undefined) {
    this.#github = github;
  }

  /** client is the App of a scope if it may be asked now. */
  client({ app, scope }: RunnerScope): GitHub | Silence {
    const github = this.#github(app);
    if (github === undefined) return "blind";
    return isShort(github, scope) ? "later" : github;
  }

  /** of is the list of a scope. */
  of(scope: RunnerScope, signal: AbortSignal): Promise<RunnerList | Silence> {
    const text = runnerScopeText(scope);
    const known = this.#lists.get(text) ?? this.#list(scope, signal);
    this.#lists.set(text, known);
    return known;
  }

  async #list(scope: RunnerScope, signal: AbortSignal): Promise<RunnerList | Silence> {
    const github = this.client(scope);
    if (typeof github === "string") return github;
    try {
      const runners = await github.listRunners(scope.scope, signal);
      return { github, byName: new Map(runners.map((runner) => [runner.name, runner])), mayMiss: runners.length >= pageSize };
    } catch (error) {
      return silenceOf(error);
    }
  }
}

/** silenceOf is what an error of GitHub's means for the one who asked; any other error is thrown on. */
export function silenceOf(error: unknown): Silence {
  if (!isGitHubError(error)) throw error;
  return error.code === "RateLimited" ? "later" : "blind";
}
