/** TargetPlan is one RunnerTarget of the chaos run. */
export interface TargetPlan {
  readonly scope: { readonly organization: string } | { readonly repository: string };
  readonly labels: readonly string[];
  readonly match: "Subset" | "Exact";
  readonly overrides?: object;
  readonly repositories?: { readonly exclude?: readonly string[]; readonly allowPublic?: boolean };
  readonly classRef: ClassName;
  /** Slots at 4 jobs a second: so few that jobs wait for them. */
  readonly slots: number;
  /** As many at any load: its jobs do not come with the load. */
  readonly fixed?: true;
}

export const classNames = ["spot", "solid"] as const;
export type ClassName = (typeof classNames)[number];

export const targetNames = ["web", "org", "big", "site", "rare", "lone", "full", "handed"] as const;
export type TargetName = (typeof targetNames)[number];

/** organization is whose jobs these are. */
export const organization = "acme";

/**
 * targets overlap on purpose. A runner of `big` has all labels of `org`, so a job of `org` may take it, and jobs of a repository that
 * `org` excludes may take the runners of both: GitHub looks at labels and runner groups only.
 */
export const targets: Readonly<Record<TargetName, TargetPlan>> = {
  web: {
    scope: { repository: `${organization}/web` },
    labels: ["self-hosted", "linux", "x64", "fast"],
    match: "Subset",
    // A plain job may take a runner that was made for a job with override labels, never the other way round.
    overrides: { cpu: { max: 4 }, memory: { max: "16Gi" } },
    classRef: "spot",
    slots: 5,
  },
  org: {
    scope: { organization },
    labels: ["self-hosted", "linux", "x64", "ecs"],
    match: "Subset",
    overrides: { size: {}, capacity: {} },
    repositories: { exclude: [`${organization}/legacy`] },
    classRef: "spot",
    slots: 9,
  },
  big: {
    scope: { organization },
    labels: ["self-hosted", "linux", "x64", "ecs", "big"],
    match: "Exact",
    repositories: { exclude: [`${organization}/legacy`] },
    classRef: "solid",
    slots: 3,
  },
  site: {
    scope: { repository: `${organization}/site` },
    labels: ["self-hosted", "public"],
    match: "Subset",
    repositories: { allowPublic: true },
    classRef: "solid",
    slots: 2,
  },
  // The jobs of these meet no other runners, so that nothing but the protection that is meant for them can save them (see lonely.ts).
  rare: {
    scope: { repository: `${organization}/rare` },
    labels: ["self-hosted", "rare"],
    match: "Subset",
    classRef: "solid",
    slots: 2,
    fixed: true,
  },
  lone: { scope: { organization }, labels: ["self-hosted", "lone"], match: "Subset", classRef: "solid", slots: 2, fixed: true },
  full: {
    scope: { repository: `${organization}/full` },
    labels: ["self-hosted", "full"],
    match: "Subset",
    classRef: "solid",
    slots: 0,
    fixed: true,
  },
  handed: {
    scope: { organization },
    labels: ["self-hosted", "handed"],
    match: "Subset",
    classRef: "solid",
    slots: 2,
    fixed: true,
  },
};

/** servesRepository tells whether jobs of a repository are a target's at all, whatever their labels. */
export function servesRepository(target: string, repository: string): boolean {
  const plan = targetNames.includes(target as TargetName) ? targets[target as TargetName] : undefined;
  if (plan === undefined) return false;
  const { scope, repositories: rules } = plan;
  const inScope = "repository" in scope ? scope.repository === repository : repository.startsWith(`${scope.organization}/`);
  const mayBePublic = rules?.allowPublic === true;
  return inScope && !(rules?.exclude ?? []).includes(repository) && (mayBePublic || repositories[repository]?.private === true);
}

/** repositories by name; one is public, one belongs to no target. */
export const repositories: Readonly<Record<string, { readonly private: boolean }>> = {
  [`${organization}/web`]: { private: true },
  [`${organization}/api`]: { private: true },
  [`${organization}/tools`]: { private: true },
  [`${organization}/legacy`]: { private: true },
  [`${organization}/site`]: { private: false },
  [`${organization}/rare`]: { private: true },
  [`${organization}/lone`]: { private: true },
  [`${organization}/full`]: { private: true },
};

/** rejecting is the target whose policy rejects the jobs of that coverage. */
export const rejecting: TargetName = "web";

/**
 * Coverage is what has to become of a job: a target's runner takes it, a runner of ours may take it, none ever may, or it gets a request
 * that is rejected and no runner.
 */
export type Coverage = TargetName | "thief" | "foreign" | "hosted" | "rejected";

/** JobKind is a sort of job; who covers it is written down here by hand, so that the operator's own matching is not its own judge. */
export interface JobKind {
  readonly coverage: Coverage;
  readonly repositories: readonly string[];
  readonly labels: readonly (readonly string[])[];
  readonly weight: number;
}

const inRepositories = (...names: string[]): string[] => names.map((name) => `${organization}/${name}`);

export const jobKinds: readonly JobKind[] = [
  {
    coverage: "web",
    repositories: inRepositories("web"),
    labels: [
      ["self-hosted", "fast"],
      ["self-hosted", "linux", "x64", "fast"],
      ["self-hosted", "linux", "x64", "fast"],
      ["self-hosted", "fast", "cpu=2", "memory=4Gi"],
      ["self-hosted", "fast", "CPU=4.0"],
    ],
    weight: 28,
  },
  {
    coverage: "org",
    repositories: inRepositories("web", "api", "tools"),
    labels: [
      ["self-hosted", "ecs"],
      ["Self-Hosted", "ECS"],
      ["self-hosted", "linux", "x64", "ecs"],
      ["self-hosted", "ecs", "size=large"],
      ["self-hosted", "ecs", "capacity=on-demand"],
    ],
    weight: 44,
  },
  {
    coverage: "big",
    repositories: inRepositories("api", "tools"),
    labels: [["self-hosted", "linux", "x64", "ecs", "big"]],
    weight: 12,
  },
  { coverage: "site", repositories: inRepositories("site"), labels: [["self-hosted", "public"]], weight: 7 },
  // A repository that every target excludes, and labels that the exact target does not answer to: GitHub gives both our runners.
  { coverage: "thief", repositories: inRepositories("legacy"), labels: [["self-hosted", "ecs"]], weight: 3 },
  { coverage: "thief", repositories: inRepositories("api"), labels: [["self-hosted", "big"]], weight: 1 },
  { coverage: "foreign", repositories: inRepositories("web", "api"), labels: [["self-hosted", "gpu"]], weight: 2 },
  { coverage: "foreign", repositories: inRepositories("site"), labels: [["self-hosted", "ecs"]], weight: 1 },
  { coverage: "rejected", repositories: inRepositories("web"), labels: [["self-hosted", "fast", "cpu=64"]], weight: 2 },
  { coverage: "hosted", repositories: inRepositories("web"), labels: [["ubuntu-latest"]], weight: 2 },
];

/** isCovered tells whether a target has to serve such a job. */
export function isCovered(coverage: Coverage): coverage is TargetName {
  return (targetNames as readonly string[]).includes(coverage);
}
