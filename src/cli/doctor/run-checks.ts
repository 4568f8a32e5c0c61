import { isGitHubError } from "../../github/errors.ts";
import { isApiError } from "../../kube/api-error.ts";
import { isProviderError } from "../../provider/errors.ts";
import { type Check, fail, type Finding, type Outcome, skip, worst } from "./check.ts";

/** Planned is a check of one object. */
export interface Planned {
  readonly object: string;
  readonly name: string;
  readonly needs: readonly string[];
  readonly run: (signal: AbortSignal) => Promise<readonly Outcome[]> | readonly Outcome[];
}

/** plan makes a subject's checks out of their table. */
export function plan<Subject>(object: string, table: readonly Check<Subject>[], subject: Subject): Planned[] {
  return table.map(({ name, needs = [], run }) => ({ object, name, needs, run: (signal) => run(subject, signal) }));
}

/** RunOptions bound the checks, and say who hears of them. */
export interface RunOptions {
  /** How many run at a time. */
  readonly atOnce: number;
  /** How long one may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Is told of the findings in the order of the plan, each as soon as all before it are known. */
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress: (done: number, of: number, running: readonly Planned[]) => void;
}

/** runChecks runs checks side by side, each within its time and after those that it needs. It never throws: what breaks is a finding. */
export async function runChecks(planned: readonly Planned[], options: RunOptions): Promise<Finding[]> {
  const { atOnce, onFinding, onProgress } = options;
  const all: Finding[] = [];
  const results = new Map<string, Promise<readonly Finding[]>>();
  const running = new Set<Planned>();
  const slots: (() => void)[] = [];
  let free = atOnce;
  let done = 0;
  const takeSlot = async (): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => slots.push(resolve));
  };
  const giveSlot = (): void => {
    const next = slots.shift();
    if (next === undefined) free += 1;
    else next();
  };
  const key = (object: string, name: string): string => `${object} ${name}`;
  const start = async (check: Planned): Promise<readonly Finding[]> => {
    const missing = await firstUnmet(check, (name) => results.get(key(check.object, name)));
    // A check that waits for others holds no slot.
    await takeSlot();
    running.add(check);
    try {
      const outcomes = missing === undefined ? await outcomesOf(check, options) : [skip(`not looked at, because of ${missing}`)];
      return outcomes.map((outcome) => ({ check: check.name, ...outcome, object: outcome.object ?? check.object }));
    } finally {
      running.delete(check);
      giveSlot();
      done += 1;
      onProgress(done, planned.length, [...running]);
    }
  };
  for (const check of planned) results.set(key(check.object, check.name), start(check));
  for (const { object, name } of planned) {
    const findings = (await results.get(key(object, name))) ?? [];
    for (const finding of findings) onFinding(finding);
    all.push(...findings);
  }
  return all;
}

/** The first check that another needs and that did not end well. */
async function firstUnmet(
  { needs }: Planned,
  result: (name: string) => Promise<readonly Finding[]> | undefined,
): Promise<string | undefined> {
  for (const name of needs) {
    const verdict = worst((await result(name)) ?? []);
    if (verdict === "FAIL" || verdict === "SKIP") return name;
  }
  return undefined;
}

async function outcomesOf(check: Planned, { timeoutMs, signal }: RunOptions): Promise<readonly Outcome[]> {
  const limit = AbortSignal.timeout(timeoutMs);
  const bounded = AbortSignal.any([signal, limit]);
  const ended = (): readonly Outcome[] => {
    if (signal.aborted) return [skip("stopped before it ended")];
    return [
      fail(
        `no answer within ${timeoutMs / 1_000} s`,
        "look at the network between here and there, or give it more with --timeout",
      ),
    ];
  };
  // It has waited for others, and may be too late to begin.
  if (bounded.aborted) return ended();
  const late = Promise.withResolvers<readonly Outcome[]>();
  const onAbort = (): void => late.resolve(ended());
  bounded.addEventListener("abort", onAbort, { once: true });
  const run = async (): Promise<readonly Outcome[]> => {
    try {
      return await check.run(bounded);
    } catch (error) {
      // A check that shares its work with others may meet their deadline, a moment before its own.
      const isLate = error instanceof Error && error.name === "TimeoutError";
      return bounded.aborted || isLate ? ended() : broken(error);
    }
  };
  try {
    // A check that does not heed its signal must not hold up the report.
    return await Promise.race([run(), late.promise]);
  } finally {
    bounded.removeEventListener("abort", onAbort);
  }
}

/** What was thrown, in words of ours: the errors of these three have no others, and the message of any other error may hold a secret. */
function broken(error: unknown): readonly Outcome[] {
  if (isApiError(error, "Forbidden")) return [skip(error.message, "ask for the right, or run doctor in the pod")];
  if (isApiError(error)) return [fail(error.message, "look at the API server and the way to it")];
  if (isGitHubError(error)) return [fail(error.message, adviceOf(error.code))];
  if (isProviderError(error)) return [fail(error.message, "run doctor again once that has passed")];
  return [
    fail(`the check itself broke (${error instanceof Error ? error.name : typeof error})`, "report this as a bug of getabako"),
  ];
}

function adviceOf(code: string): string {
  if (code === "RateLimited") return "wait until the limit is over";
  if (code === "Unavailable") return "look at the network's way to GitHub, and at githubstatus.com";
  return "mend what the sentence names";
}
