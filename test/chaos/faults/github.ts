import type { Fault } from "../../sim/github/faults.ts";
import { mintRunner } from "../../sim/github/state/runners.ts";
import type { Stage } from "../stage.ts";
import type { Apply } from "./apply.ts";

const plant =
  (of: (times: number, forMs: number, pick: number) => Fault): Apply =>
  ({ github }, { times, forMs, pick }) => {
    const fault = of(times, forMs, pick);
    github.faults.add(fault);
    return `the next ${fault.times ?? 1} calls${fault.path === undefined ? "" : ` to ${String(fault.path)}`}`;
  };

/** githubFaults happen to GitHub's API, and to what GitHub does by itself. */
export const githubFaults = {
  "github-5xx": plant((times, _, pick) => ({ kind: "status", status: 502, times, when: pick % 2 === 0 ? "before" : "after" })),
  "github-reset": plant((times) => ({ kind: "reset", times })),
  "github-slow": plant((times, ms) => ({ kind: "delay", times, ms })),
  "github-lost-mint": plant((times) => ({ kind: "lost-answer", path: "jitconfig", times })),
  "github-401": plant((times) => ({ kind: "status", status: 401, times })),
  "github-retry-after": plant((times, _, pick) => ({
    kind: "retry-after",
    status: pick % 2 === 0 ? 403 : 429,
    retryAfterSeconds: 1 + (pick % 3),
    times,
  })),
  "github-limit": plant((times) => ({ kind: "retry-after", status: 403, times })),
  "github-outage": ({ github, undos }, { forMs }) => {
    const outage = github.faults.add({ kind: "status", status: 503, times: Number.POSITIVE_INFINITY });
    undos.after(forMs, "github-outage", () => outage.remove());
    return `for ${forMs} ms`;
  },
  "github-exhaust": ({ github, installation }, { pick }) => {
    const bucket = pick % 2 === 0 ? "core" : "actions_runner_registration";
    github.exhaust(installation, bucket);
    return bucket;
  },
  "github-revoke": ({ github }) => {
    github.revokeTokens();
    return "all tokens";
  },
  "github-reinstall": (stage) => {
    const before = stage.installation.id;
    stage.installation = stage.github.reinstall(stage.installation);
    return `installation ${before} is ${stage.installation.id} now`;
  },
  "github-reap": ({ github, harm }, { pick }) => {
    const idle = github.registrations().filter(({ phase, busy }) => phase === "online" && !busy);
    const runner = idle[pick % Math.max(1, idle.length)];
    if (runner === undefined) return undefined;
    harm.prank();
    github.reap(runner.name);
    return `runner ${runner.name}`;
  },
  "github-hold": ({ github, undos }, { forMs }) => {
    github.holdAssignments();
    undos.after(forMs, "github-hold", () => github.holdAssignments(false));
    return `for ${forMs} ms`;
  },
  "github-name-taken": (stage, { times }) => {
    takeNames(stage, times);
    return `the next ${times} jobs`;
  },
} as const satisfies Partial<Record<string, Apply>>;

/** Registers a runner under the name that the job's first runner will have, in the moment in which the job is queued. */
function takeNames({ github, undos, harm, journal }: Stage, times: number): void {
  let left = times;
  const unlisten = github.listen(({ kind, job }) => {
    if (kind !== "job-queued" || job === undefined || job.hosted || left === 0) return;
    const { owner } = job.run.repository;
    const name = `job-${job.id}-1`;
    // Another fault of this kind was faster.
    if (github.registrations().some((runner) => runner.name === name)) return;
    left -= 1;
    if (left === 0) unlisten();
    const runner = mintRunner(
      github.world,
      { kind: "organization", account: owner },
      { name, runner_group_id: 1, labels: ["taken"] },
    );
    harm.foreign(runner.id);
    journal.note("fault", `the name ${name} is taken by runner ${runner.id}`);
  });
  undos.after(60 * 60_000, "github-name-taken", () => unlisten());
}
