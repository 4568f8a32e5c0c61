import { parseRunnerName } from "../../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerRecord } from "../../github/types.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { type RunnerScope, runnerScopeText } from "../runner-scope.ts";
import { awaitsJob, expectedRunner, judgeRunner, mayBeRemoved, type Sight } from "./judge.ts";

type Request = DeepReadonly<RunnerRequest>;

export interface JoinDeps {
  /** The requests of a name in all namespaces, and all requests, as the local copy has them. */
  readonly named: (name: string) => Iterable<Request>;
  readonly requests: () => Iterable<Request>;
  /** The labels of each target of a scope. */
  readonly labels: (scope: RunnerScope) => Iterable<readonly string[]>;
  /** Whether this process is in the middle of a launch for a request, so that what looks unrecorded is only not recorded yet. */
  readonly launching: (uid: string) => boolean;
}

/** Finds is what one list of a scope was found to hold. */
export interface Finds {
  readonly unrecorded: readonly { readonly runner: RunnerRecord; readonly request: Request }[];
  readonly unwanted: readonly { readonly runner: RunnerRecord; readonly request: string; readonly known: boolean }[];
  readonly lost: readonly { readonly id: number; readonly request: Request }[];
  /** The requests whose runner awaits a job, and how the list shows it. */
  readonly waiting: readonly { readonly request: Request; readonly name: string; readonly sight: Sight }[];
}

/** joinRunners joins a complete list of a scope with the local copy of the requests as it is now. */
export function joinRunners(deps: JoinDeps, scope: RunnerScope, runners: readonly RunnerRecord[]): Finds {
  const unrecorded: Finds["unrecorded"][number][] = [];
  const unwanted: Finds["unwanted"][number][] = [];
  for (const runner of runners) {
    const parsed = parseRunnerName(runner.name);
    if (parsed === undefined) continue;
    // Two namespaces may each have a request for the same job; a registration that fits one of them is no leftover of the other.
    const named = [...deps.named(parsed.request)];
    const verdicts = named.map((request) => judgeRunner(runner.name, parsed.attempt, request));
    if (verdicts.includes("owned")) continue;
    const waiting = named.filter((_, index) => verdicts[index] === "unrecorded");
    for (const request of waiting) if (!deps.launching(request.metadata.uid ?? "")) unrecorded.push({ runner, request });
    if (waiting.length === 0 && mayBeRemoved(runner, deps.labels(scope))) {
      unwanted.push({ runner, request: parsed.request, known: named.length > 0 });
    }
  }
  return { unrecorded, unwanted, ...joinRequests(deps, scope, runners) };
}

/** The other direction: what the list says of the runners that requests expect to be there. */
function joinRequests(deps: JoinDeps, scope: RunnerScope, runners: readonly RunnerRecord[]): Pick<Finds, "lost" | "waiting"> {
  const text = runnerScopeText(scope);
  const byId = new Map(runners.map((runner) => [runner.id, runner]));
  const byName = new Map(runners.map((runner) => [runner.name, runner]));
  const lost: Finds["lost"][number][] = [];
  const waiting: Finds["waiting"][number][] = [];
  for (const request of deps.requests()) {
    if (!awaitsJob(request) || scopeTextOf(request) !== text) continue;
    const id = expectedRunner(request);
    // A runner that was adopted is known by its name alone.
    const name = request.status?.runner?.name ?? "";
    const runner = id === undefined ? byName.get(name) : byId.get(id);
    waiting.push({ request, name, sight: runner === undefined ? "unlisted" : runner.busy ? "busy" : "idle" });
    if (id !== undefined && runner === undefined) lost.push({ id, request });
  }
  return { lost, waiting };
}

function scopeTextOf({ status }: Request): string | undefined {
  if (status?.runner === undefined) return undefined;
  const { githubAppRef, scope } = status.runner;
  const { organization, repository } = scope;
  return runnerScopeText({
    app: githubAppRef,
    scope: repository === undefined ? { organization: organization ?? "" } : { repository },
  });
}
