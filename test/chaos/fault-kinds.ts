export const profiles = ["webhooks", "crashes", "github", "ecs", "kube"] as const;
export type Profile = (typeof profiles)[number];

/** FaultTraits say how faults of one kind are drawn. */
export interface FaultTraits {
  readonly profile: Profile;
  /** How often it is drawn beside the others of its profile. */
  readonly weight: number;
  /** How long it lasts, in milliseconds; absent for what happens in one moment. */
  readonly forMs?: readonly [number, number];
  /** How many calls, events or tasks it hits; 1 if absent. */
  readonly times?: readonly [number, number];
  /** At most so many in one script: for what is slow, or stops everything. */
  readonly most?: number;
  /** The part of all scripts that may have it at all. */
  readonly share?: number;
  /** Only in the first part of a script, because its effect lasts. */
  readonly early?: true;
  /** What happens, for docs and for `--print-script`. */
  readonly what: string;
}

const kind = (
  profile: Profile,
  weight: number,
  what: string,
  more: Omit<FaultTraits, "profile" | "weight" | "what"> = {},
): FaultTraits => ({ profile, weight, what, ...more });

/** faultTable is everything that a script may do to the operator's world. */
export const faultTable = {
  "webhook-drop": kind("webhooks", 4, "the next events are never sent and stand in no delivery list", { times: [1, 4] }),
  "webhook-fail": kind("webhooks", 4, "the next deliveries fail with 502", { times: [1, 6] }),
  "webhook-delay": kind("webhooks", 4, "the next events are sent later", { times: [1, 8], forMs: [300, 4_000] }),
  "webhook-duplicate": kind("webhooks", 4, "the next events are sent three times", { times: [1, 8] }),
  "webhook-reorder": kind("webhooks", 4, "the next events are mixed", { times: [3, 8], forMs: [1_000, 3_000] }),
  "webhook-hold": kind("webhooks", 2, "all events wait for a while", { times: [5, 40], forMs: [1_000, 3_000] }),

  "operator-kill": kind("crashes", 6, "SIGKILL; started again after a while", { forMs: [100, 4_000] }),
  "operator-kill-launching": kind("crashes", 3, "SIGKILL in the moment in which ECS accepts a RunTask", {
    forMs: [100, 2_000],
    times: [1, 3],
  }),
  "operator-freeze": kind("crashes", 3, "SIGSTOP for longer than the Lease, then SIGCONT", { forMs: [4_000, 6_000] }),
  "operator-stop": kind("crashes", 2, "SIGTERM, as in a rollout; started again after a while", { forMs: [100, 2_000] }),

  "github-5xx": kind("github", 4, "calls are answered with 502 before or after GitHub acted", { times: [1, 8] }),
  "github-reset": kind("github", 2, "connections are reset", { times: [1, 4] }),
  "github-slow": kind("github", 2, "answers take longer", { times: [2, 10], forMs: [500, 2_000] }),
  "github-lost-mint": kind("github", 4, "a runner is registered, and the answer is lost", { times: [1, 3] }),
  "github-401": kind("github", 2, "calls are answered with 401", { times: [1, 3] }),
  "github-retry-after": kind("github", 2, "the secondary limit, with Retry-After", { times: [1, 2] }),
  "github-limit": kind("github", 1, "the secondary limit without a hint: GitHub's rule is a minute of silence", {
    most: 1,
    share: 0.2,
    early: true,
  }),
  "github-exhaust": kind("github", 2, "nothing is left of the primary limit until its window ends", { most: 2 }),
  "github-revoke": kind("github", 2, "all tokens are revoked"),
  "github-reinstall": kind("github", 1, "the App is installed anew, under another id", { most: 2 }),
  "github-reap": kind("github", 3, "GitHub removes an idle runner"),
  "github-outage": kind("github", 1, "every call is answered with 503", { forMs: [3_000, 6_000], most: 1 }),
  "github-hold": kind("github", 2, "no job is given to any runner", { forMs: [1_000, 4_000] }),
  "github-name-taken": kind("github", 3, "the names of the next jobs' runners are taken", { times: [1, 3] }),

  "ecs-failures": kind("ecs", 4, "Spot refuses launches with failures[]", { times: [1, 8] }),
  "ecs-no-capacity": kind("ecs", 1, "no rung has capacity", { forMs: [1_000, 4_000] }),
  "ecs-throttle": kind("ecs", 3, "RunTask is throttled", { times: [1, 6] }),
  "ecs-throttle-reads": kind("ecs", 2, "DescribeTasks and StopTask are throttled", { times: [1, 4] }),
  "ecs-cut": kind("ecs", 4, "RunTask is accepted, and the connection cut", { times: [1, 4] }),
  "ecs-hang": kind("ecs", 2, "RunTask is accepted, and never answered", { forMs: [1_000, 5_000] }),
  "ecs-5xx": kind("ecs", 2, "RunTask is answered with an HTML page and 503", { times: [1, 4] }),
  "ecs-hide": kind("ecs", 2, "the first reads of new tasks miss them", { forMs: [1_000, 5_000] }),
  "ecs-spot-early": kind("ecs", 3, "a Spot interruption before the runner has a job"),
  "ecs-spot-busy": kind("ecs", 3, "a Spot interruption during a job"),
  "ecs-host-failure": kind("ecs", 2, "the host of a task fails"),
  "ecs-start-failure": kind("ecs", 3, "a task cannot be started"),
  "ecs-exit-zero": kind("ecs", 3, "runners end with 0 before they register", { times: [1, 2] }),
  "ecs-exit-deprecated": kind("ecs", 1, "a runner ends with 7: its version is too old", { times: [1, 1] }),
  "ecs-never-registers": kind("ecs", 2, "a runner runs and never connects", { times: [1, 2] }),
  "ecs-vanish": kind("ecs", 2, "a runner registers and is killed", { times: [1, 2], forMs: [50, 800] }),

  "kube-cut-watches": kind("kube", 3, "the watches of an operator are cut"),
  "kube-expired": kind("kube", 2, "watches of an operator are answered with 410", { times: [1, 3] }),
  "kube-lag": kind("kube", 3, "the watches of an operator tell of everything up to a second later", { forMs: [2_000, 6_000] }),
  "kube-429": kind("kube", 3, "requests of an operator are answered with 429", { times: [1, 10] }),
  "kube-500": kind("kube", 3, "requests of an operator are answered with 500", { times: [1, 10] }),
  "kube-slow": kind("kube", 2, "writes of an operator take longer", { times: [2, 10], forMs: [300, 1_500] }),
  "kube-lost-answer": kind("kube", 3, "writes of an operator are carried out, and the answer is lost", { times: [1, 6] }),
  "kube-refuse": kind("kube", 2, "an operator's connections are refused", { forMs: [1_000, 4_000], most: 2 }),
  "kube-restart": kind("kube", 1, "kube-apiserver is killed and started again", { most: 1, share: 0.4 }),
  "kube-pause": kind("kube", 1, "kube-apiserver accepts and answers nothing", { forMs: [800, 1_500], most: 1 }),
  "person-deletes-request": kind("kube", 3, "somebody deletes a RunnerRequest"),
  "person-releases-request": kind("kube", 2, "somebody deletes a RunnerRequest and takes its finalizer away", { most: 3 }),
  "person-pauses": kind("kube", 2, "somebody pauses a target", { forMs: [1_000, 4_000] }),
  "person-lowers": kind("kube", 2, "somebody lowers maxRunners, and raises it again", { forMs: [3_000, 6_000] }),
  "person-lowers-long": kind("kube", 2, "somebody lowers maxRunners for longer than the operator may need to obey", {
    forMs: [10_000, 16_000],
    most: 1,
    early: true,
  }),
  "person-raises": kind("kube", 2, "somebody raises maxRunners, and lowers it again", { forMs: [3_000, 6_000] }),
  "person-recreates-target": kind("kube", 1, "somebody deletes a target and creates it again", { forMs: [500, 3_000], most: 2 }),
  "person-recreates-class": kind("kube", 1, "somebody deletes a class and creates it again", { forMs: [500, 3_000], most: 1 }),
} as const satisfies Readonly<Record<string, FaultTraits>>;

export type FaultKind = keyof typeof faultTable;

/** faultKinds lists them in the order of the table. */
export const faultKinds = Object.keys(faultTable) as FaultKind[];

/** traitsOf is the row of a kind. */
export function traitsOf(fault: FaultKind): FaultTraits {
  return faultTable[fault];
}
