/** PlannedJob is one job of the burst. */
export interface PlannedJob {
  readonly name: string;
  readonly workflowName: string;
  readonly repository: string;
  readonly labels: readonly string[];
  readonly durationMs: number;
  readonly outcome: "success" | "failure";
  /** GitHub sends each of its events twice. */
  readonly twice: boolean;
}

/** Plan is the whole burst, by what is special about the jobs. */
export interface Plan {
  /** Served by the targets web and api, queued at once. */
  readonly burst: readonly PlannedJob[];
  /** Served by the target large, queued later. */
  readonly heavy: readonly PlannedJob[];
  /** Waits for a slot behind the heavy ones, and is cancelled there. */
  readonly cancelledEarly: PlannedJob;
  /** Has a runner that idles, and is cancelled then. */
  readonly cancelledLate: PlannedJob;
  /** Asks for labels that no target has. */
  readonly uncovered: readonly PlannedJob[];
  /** For GitHub's own machines. */
  readonly hosted: readonly PlannedJob[];
  /** So many launches are refused by Fargate Spot, if so many come: from the fifth on, the rung's circuit keeps them away. */
  readonly spotRefusals: number;
}

/** The target large has four slots: with more heavy jobs than that, a further one waits. */
const fewestHeavy = 6;

/** planBurst makes the same jobs for the same number every time: `jobs` that targets cover, and a few besides. */
export function planBurst(jobs: number): Plan {
  const heavyCount = Math.max(fewestHeavy, Math.round(jobs * 0.1));
  const burstCount = jobs - heavyCount - 2;
  const burst = Array.from({ length: burstCount }, (_, index) => burstJob(index));
  const heavy = Array.from({ length: heavyCount }, (_, index) =>
    newJob(`build image ${index + 1}`, {
      workflowName: "Release",
      repository: index % 2 === 0 ? "acme/web" : "acme/api",
      labels: ["self-hosted", "fargate-large"],
      durationMs: 1_500 + ((index * 700) % 2_000),
    }),
  );
  const large = { workflowName: "Nightly", labels: ["self-hosted", "fargate-large"] };
  return {
    burst,
    heavy,
    cancelledEarly: newJob("load test, cancelled in the queue", { ...large, repository: "acme/api" }),
    cancelledLate: newJob("load test, cancelled with a runner", { ...large, repository: "acme/web" }),
    uncovered: [
      newJob("train model", { repository: "acme/web", labels: ["self-hosted", "gpu"] }),
      newJob("sign app", { repository: "acme/api", labels: ["self-hosted", "macOS", "fargate"] }),
    ],
    hosted: [
      newJob("lint", { repository: "acme/web", labels: ["ubuntu-latest"] }),
      newJob("docs", { repository: "acme/api", labels: ["ubuntu-24.04"] }),
    ],
    spotRefusals: Math.max(2, Math.round(jobs * 0.08)),
  };
}

/** Two of three in acme/web; every seventh fails, every tenth is told of twice, every ninth spells its labels in capitals. */
function burstJob(index: number): PlannedJob {
  return newJob(`test (${index + 1})`, {
    repository: index % 3 === 2 ? "acme/api" : "acme/web",
    labels: index % 9 === 4 ? ["Self-Hosted", "FARGATE"] : ["self-hosted", "fargate"],
    durationMs: 500 + ((index * 370) % 2_500),
    outcome: index % 7 === 6 ? "failure" : "success",
    twice: index % 10 === 3,
  });
}

function newJob(name: string, job: Partial<PlannedJob> & Pick<PlannedJob, "repository" | "labels">): PlannedJob {
  return { name, workflowName: "CI", durationMs: 1_000, outcome: "success", twice: false, ...job };
}
