import { type Scope, scopeName } from "../github/types.ts";
import { keyText, type ObjectKey } from "../kube/object.ts";

/** RunnerScope is where runners register, and the App that registers them there. */
export interface RunnerScope {
  readonly app: ObjectKey;
  readonly scope: Scope;
}

/** runnerScopeText is equal for the same scope of the same App; GitHub's names are the same in any case. */
export function runnerScopeText({ app, scope }: RunnerScope): string {
  return `${keyText(app)} ${scopeName(scope).toLowerCase()}`;
}

/** distinctScopes drops repetitions. */
export function distinctScopes(scopes: Iterable<RunnerScope>): RunnerScope[] {
  return [...new Map([...scopes].map((scope) => [runnerScopeText(scope), scope])).values()];
}
