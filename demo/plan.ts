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

/** ShapedJob is a job whose labels choose a runner, and what ECS should then have. What is left out is the class' own. */
export interface ShapedJob extends PlannedJob {
  readonly expected: {
    readonly cpu?: number;
    readonly memory?: string;
    readonly disk?: string;
    /** Names in the class. */
    readonly image?: string;
    readonly securityGroup?: string;
    readonly capacity?: string;
  };
}

/** RejectedJob is a job whose labels choose what it may not have. */
export interface RejectedJob extends PlannedJob {
  /** What its RunnerRequest has to say. */
  readonly because: string;
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
  /** Choose their runner by label. */
  readonly shaped: readonly ShapedJob[];
  /** Asks for more than its target allows, and waits at GitHub for ever. */
  readonly rejected: RejectedJob;
  /** So many launches are refused by Fargate Spot, if so many come: from the fifth on, the rung's circuit keeps them away. */
  readonly spotRefusals: number;
}

/** The target large has four slots: with more heavy jobs than that, a further one waits. */
const fewestHeavy = 6;

/** planBurst makes the same jobs for the same number every time: `jobs` that targets cover, and a few besides. */
export function planBurst(jobs: number): Plan {
  const heavyCount = Math.max(fewestHeavy, Math.round(jobs * 0.1));
  const shaped = shapedJobs(1_000);
  const burstCount = jobs - heavyCount - shaped.length - 2;
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
    shaped,
    rejected: rejectedJob(),
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

/**
 * shapedJobs are the jobs that choose, of the target custom. No one's labels are among another's: GitHub gives a runner any job that asks
 * for some of its labels, and then the pairs in the final table would be others every time.
 */
export function shapedJobs(durationMs: number): ShapedJob[] {
  const shaped = (name: string, labels: readonly string[], expected: ShapedJob["expected"]): ShapedJob => ({
    ...newJob(name, { repository: "acme/web", labels: ["self-hosted", "fargate-custom", ...labels], durationMs }),
    expected,
  });
  return [
    shaped("integration tests", ["cpu=2", "memory=8Gi", "image=node-22", "securityGroup=db-access", "capacity=on-demand"], {
      cpu: 2,
      memory: "8Gi",
      image: "node-22",
      securityGroup: "db-access",
      capacity: "on-demand",
    }),
    shaped("bundle", ["size=large"], { cpu: 4, memory: "16Gi", disk: "50Gi" }),
    // Memory follows, for Fargate runs 4 vCPUs with no less.
    shaped("type check", ["cpu=4"], { cpu: 4, memory: "8Gi" }),
    shaped("cache", ["Memory=4GB", "DISK=100GiB"], { memory: "4Gi", disk: "100Gi" }),
  ];
}

/** rejectedJob is the one that cannot be had. */
export function rejectedJob(): RejectedJob {
  return {
    ...newJob("render film", { repository: "acme/web", labels: ["self-hosted", "fargate-custom", "cpu=64"] }),
    because: "RunnerTarget custom allows at most 8",
  };
}

/** plainJob is one that chooses nothing. */
export function plainJob(name: string, job: Pick<PlannedJob, "repository" | "labels" | "durationMs">): PlannedJob {
  return newJob(name, job);
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
