import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gitHubApp, runnerTarget } from "./test-objects.ts";
import { type JobDemand, type Match, matchTarget, type Target } from "./matching.ts";

const app = gitHubApp();
const job = (demand: Partial<JobDemand> = {}): JobDemand => ({
  labels: ["self-hosted", "ecs"],
  repository: "acme/web",
  visibility: "private",
  ...demand,
});
const nameOf = (match: Match) => match.target?.metadata.name;
const reasonOf = (match: Match) => (match.target === undefined ? match.reason : undefined);

interface Case {
  readonly name: string;
  readonly job?: Partial<JobDemand>;
  readonly targets: readonly Target[];
  readonly apps?: readonly ReturnType<typeof gitHubApp>[];
  /** Name of the target that must be chosen. */
  readonly chosen?: string;
  /** What must be said when there is none. */
  readonly reason?: string | RegExp;
}

const cases: readonly Case[] = [
  // Labels
  { name: "some of the target's labels are enough", targets: [runnerTarget()], chosen: "web" },
  {
    name: "all of the target's labels match",
    job: { labels: ["ecs", "x64", "linux", "self-hosted"] },
    targets: [runnerTarget()],
    chosen: "web",
  },
  {
    name: "one label more than the target has does not match",
    job: { labels: ["self-hosted", "ecs", "gpu"] },
    targets: [runnerTarget()],
    reason: "no RunnerTarget covers labels [self-hosted, ecs, gpu] in acme/web; RunnerTarget ci/web lacks gpu",
  },
  {
    name: "case of the job's labels is ignored",
    job: { labels: ["SELF-HOSTED", "Ecs"] },
    targets: [runnerTarget()],
    chosen: "web",
  },
  { name: "case of the target's labels is ignored", targets: [runnerTarget({ labels: ["Self-Hosted", "ECS"] })], chosen: "web" },
  {
    name: "a label twice in a job counts once",
    job: { labels: ["ecs", "ECS", "self-hosted"] },
    targets: [runnerTarget({ labels: ["ecs", "self-hosted"], match: "Exact" })],
    chosen: "web",
  },
  {
    name: "a label that only begins alike does not match",
    job: { labels: ["ecs-large"] },
    targets: [runnerTarget()],
    reason: "no RunnerTarget covers labels [ecs-large] in acme/web",
  },
  {
    name: "jobs for GitHub's own runners are not covered",
    job: { labels: ["ubuntu-latest"] },
    targets: [runnerTarget()],
    reason: "no RunnerTarget covers labels [ubuntu-latest] in acme/web",
  },
  {
    name: "a job without labels is never served",
    job: { labels: [] },
    targets: [runnerTarget()],
    reason: /^a job without labels is never served/,
  },
  {
    name: "Exact wants all labels",
    targets: [runnerTarget({ match: "Exact" })],
    reason:
      "no RunnerTarget covers labels [self-hosted, ecs] in acme/web; RunnerTarget ci/web matches exactly and has linux, x64 besides",
  },
  {
    name: "Exact takes equal sets in any order",
    job: { labels: ["ecs", "self-hosted"] },
    targets: [runnerTarget({ match: "Exact", labels: ["Self-hosted", "ecs"] })],
    chosen: "web",
  },
  {
    name: "Exact takes no label more",
    job: { labels: ["ecs", "gpu"] },
    targets: [runnerTarget({ match: "Exact", labels: ["ecs"] })],
    reason: /lacks gpu$/,
  },
  {
    name: "the refusal names the target that has most of the labels",
    job: { labels: ["self-hosted", "ecs", "gpu"] },
    targets: [runnerTarget({ labels: ["ecs"] }, { name: "few" }), runnerTarget({}, { name: "most" })],
    reason: /RunnerTarget ci\/most lacks gpu$/,
  },
  // Scope
  { name: "an organisation covers its repositories", job: { repository: "acme/api" }, targets: [runnerTarget()], chosen: "web" },
  {
    name: "case of the organisation is ignored",
    job: { repository: "AcMe/api" },
    targets: [runnerTarget({ scope: { organization: "aCME" } })],
    chosen: "web",
  },
  {
    name: "another owner is not covered",
    job: { repository: "acme-labs/web" },
    targets: [runnerTarget()],
    reason: "no RunnerTarget has acme-labs/web in its scope",
  },
  { name: "a repository covers itself", targets: [runnerTarget({ scope: { repository: "Acme/Web" } })], chosen: "web" },
  {
    name: "a repository covers no other",
    job: { repository: "acme/web2" },
    targets: [runnerTarget({ scope: { repository: "acme/web" } })],
    reason: "no RunnerTarget has acme/web2 in its scope",
  },
  // Repositories
  {
    name: "include admits what fits",
    targets: [runnerTarget({ repositories: { include: ["acme/w*"], exclude: [], allowPublic: false } })],
    chosen: "web",
  },
  {
    name: "include refuses the rest",
    targets: [runnerTarget({ repositories: { include: ["acme/api*"], exclude: [], allowPublic: false } })],
    reason: "acme/web is not among the repositories.include of RunnerTarget ci/web",
  },
  {
    name: "exclude wins over include",
    targets: [runnerTarget({ repositories: { include: ["acme/*"], exclude: ["ACME/WE*"], allowPublic: false } })],
    reason: "acme/web is excluded by ACME/WE* of RunnerTarget ci/web",
  },
  {
    name: "public repositories are refused",
    job: { visibility: "public" },
    targets: [runnerTarget()],
    reason: "acme/web is public and RunnerTarget ci/web has allowPublic false",
  },
  {
    name: "public repositories are served where allowed",
    job: { visibility: "public" },
    targets: [runnerTarget({ repositories: { exclude: [], allowPublic: true } })],
    chosen: "web",
  },
  { name: "internal repositories count as private", job: { visibility: "internal" }, targets: [runnerTarget()], chosen: "web" },
  // Apps
  {
    name: "targets of other Apps do not count",
    targets: [runnerTarget({ githubAppRef: { name: "other" } })],
    reason: "no RunnerTarget uses GitHubApp ci/acme",
  },
  {
    name: "an App of the same name elsewhere is another App",
    targets: [runnerTarget({}, { namespace: "team" })],
    reason: "no RunnerTarget uses GitHubApp ci/acme",
  },
  {
    name: "without access no other namespace is admitted",
    targets: [runnerTarget({ githubAppRef: { name: "acme", namespace: "ci" } }, { namespace: "team" })],
    reason: "the access of GitHubApp ci/acme does not give acme/web to RunnerTarget team/web",
  },
  {
    name: "access admits a namespace",
    apps: [gitHubApp({ access: [{ namespaces: ["team"] }] })],
    targets: [runnerTarget({ githubAppRef: { name: "acme", namespace: "ci" } }, { namespace: "team" })],
    chosen: "web",
  },
  {
    name: "access that names others shuts its own namespace out",
    apps: [gitHubApp({ access: [{ namespaces: ["team"] }] })],
    targets: [runnerTarget()],
    reason: /^the access of GitHubApp ci\/acme/,
  },
  {
    name: "access bounds the repositories",
    apps: [gitHubApp({ access: [{ namespaces: ["team"], repositories: ["acme/api*"] }] })],
    targets: [runnerTarget({ githubAppRef: { name: "acme", namespace: "ci" } }, { namespace: "team" })],
    reason: /does not give acme\/web/,
  },
  {
    name: "one grant of several is enough",
    apps: [
      gitHubApp({
        access: [
          { namespaces: ["team"], repositories: ["acme/api*"] },
          { namespaces: ["x", "team"], repositories: ["ACME/web"] },
        ],
      }),
    ],
    targets: [runnerTarget({ githubAppRef: { name: "acme", namespace: "ci" } }, { namespace: "team" })],
    chosen: "web",
  },
  {
    name: "two objects of one App serve together",
    apps: [gitHubApp(), gitHubApp({}, { namespace: "team" })],
    targets: [runnerTarget({ labels: ["gpu"] }, { name: "a" }), runnerTarget({}, { name: "b", namespace: "team" })],
    chosen: "b",
  },
  {
    name: "a target that is being deleted gets no more jobs",
    targets: [runnerTarget({}, { deletionTimestamp: "2026-01-15T09:00:00Z" })],
    reason: "RunnerTarget ci/web is being deleted",
  },
  { name: "a paused target still gets jobs", targets: [runnerTarget({ paused: true })], chosen: "web" },
  { name: "without targets the App is named", targets: [], reason: "no RunnerTarget uses GitHubApp ci/acme" },
  // Order
  {
    name: "the highest priority wins over everything",
    targets: [
      runnerTarget({ scope: { repository: "acme/web" }, labels: ["self-hosted", "ecs"] }, { name: "near" }),
      runnerTarget({ priority: 1 }, { name: "high" }),
    ],
    chosen: "high",
  },
  {
    name: "a negative priority is below the default",
    targets: [runnerTarget({ priority: -1 }, { name: "a" }), runnerTarget({}, { name: "b" })],
    chosen: "b",
  },
  {
    name: "a repository's target wins over its organisation's",
    targets: [
      runnerTarget({ labels: ["self-hosted", "ecs"] }, { name: "a" }),
      runnerTarget({ scope: { repository: "acme/web" } }, { name: "b" }),
    ],
    chosen: "b",
  },
  {
    name: "fewest extra labels win",
    targets: [runnerTarget({}, { name: "a" }), runnerTarget({ labels: ["self-hosted", "ecs", "x64"] }, { name: "b" })],
    chosen: "b",
  },
  {
    name: "then the namespace decides",
    apps: [gitHubApp({ access: [{ namespaces: ["a", "b"] }] })],
    targets: [
      runnerTarget({ githubAppRef: { name: "acme", namespace: "ci" } }, { name: "a", namespace: "b" }),
      runnerTarget({ githubAppRef: { name: "acme", namespace: "ci" } }, { name: "z", namespace: "a" }),
    ],
    chosen: "z",
  },
  { name: "then the name decides", targets: [runnerTarget({}, { name: "b" }), runnerTarget({}, { name: "a" })], chosen: "a" },
  {
    name: "a target that does not cover the job does not hide one that does",
    targets: [runnerTarget({ priority: 9, labels: ["gpu"] }, { name: "gpu" }), runnerTarget({}, { name: "web" })],
    chosen: "web",
  },
  {
    name: "the refusal of the target that came furthest is told",
    job: { visibility: "public" },
    targets: [
      runnerTarget({ labels: ["gpu"] }, { name: "gpu" }),
      runnerTarget({}, { name: "public" }),
      runnerTarget({ scope: { organization: "other" } }, { name: "other" }),
    ],
    reason: /RunnerTarget ci\/public has allowPublic false$/,
  },
];

const labels = (...overrides: string[]) => ({ labels: ["self-hosted", "ecs", ...overrides] });
const upTo8 = { overrides: { cpu: { max: 8 } } };

/** Override labels are judged by a target's policy, not by its labels. */
const shaped: readonly (Case & { readonly rejected?: string })[] = [
  { name: "an override that the target allows is covered", job: labels("cpu=4"), targets: [runnerTarget(upTo8)], chosen: "web" },
  {
    name: "Exact does not count override labels",
    job: labels("CPU=4"),
    targets: [runnerTarget({ labels: ["self-hosted", "ecs"], match: "Exact", ...upTo8 })],
    chosen: "web",
  },
  {
    name: "what goes beyond the policy is rejected, and says how far it goes",
    job: labels("cpu=64"),
    targets: [runnerTarget(upTo8)],
    chosen: "web",
    rejected: "cpu=64: RunnerTarget web allows at most 8",
  },
  {
    name: "what cannot be read is rejected",
    job: labels("cpu=many"),
    targets: [runnerTarget(upTo8)],
    chosen: "web",
    rejected: "cpu=many: write a number of vCPUs, such as 4 or 0.5",
  },
  {
    name: "a key of ours is rejected also where the target allows no overrides at all",
    job: labels("cpu=4"),
    targets: [runnerTarget()],
    chosen: "web",
    rejected: "cpu=4: RunnerTarget web allows no overrides",
  },
  {
    name: "a key that is none of ours is rejected where the target speaks of overrides: a slip of the pen",
    job: labels("cpus=4"),
    targets: [runnerTarget(upTo8)],
    chosen: "web",
    rejected: "cpus=4: no such override; there are size, cpu, memory, disk, image, capacity, securityGroup",
  },
  {
    name: "a key that is none of ours may be meant for others where it does not",
    job: labels("family=c7"),
    targets: [runnerTarget()],
    reason: "no RunnerTarget covers labels [self-hosted, ecs, family=c7] in acme/web; RunnerTarget ci/web lacks family=c7",
  },
  {
    name: "a target that allows it comes before a better one that does not",
    job: labels("cpu=16"),
    targets: [
      runnerTarget({ priority: 9, ...upTo8 }, { name: "small" }),
      runnerTarget({ overrides: { cpu: { max: 32 } } }, { name: "large" }),
    ],
    chosen: "large",
  },
  {
    name: "the best of those that do not allow it says why",
    job: labels("cpu=16"),
    targets: [runnerTarget({}, { name: "b" }), runnerTarget({ priority: 9, ...upTo8 }, { name: "z" })],
    chosen: "z",
    rejected: "cpu=16: RunnerTarget z allows at most 8",
  },
  {
    name: "all that is wrong is said",
    job: labels("cpu=16", "memory=64"),
    targets: [runnerTarget(upTo8)],
    chosen: "web",
    rejected: "memory=64: of what? Write 64Gi or 64Mi; cpu=16: RunnerTarget web allows at most 8",
  },
  {
    name: "a target whose labels do not cover the job rejects nothing",
    job: { labels: ["gpu", "cpu=64"] },
    targets: [runnerTarget(upTo8)],
    reason: /^no RunnerTarget covers labels \[gpu, cpu=64\]/,
  },
  {
    name: "a job with nothing but overrides is never served",
    job: { labels: ["cpu=4"] },
    targets: [runnerTarget(upTo8)],
    reason: "a job with no labels but [cpu=4] is never served: name a RunnerTarget's labels besides (acme/web)",
  },
  {
    name: "a public repository is refused before its labels are judged",
    job: { ...labels("cpu=64"), visibility: "public" },
    targets: [runnerTarget(upTo8)],
    reason: /allowPublic false$/,
  },
];

describe("matchTarget", () => {
  test.each(shaped)("$name", ({ job: demand, targets, chosen, reason, rejected }) => {
    const match = matchTarget(job(demand), [app], targets);
    expect(nameOf(match)).toBe(chosen);
    expect(match.target === undefined ? undefined : match.rejected).toBe(rejected);
    const said = reasonOf(match);
    expect(said === reason || (reason instanceof RegExp && reason.test(said ?? "")), `said: ${said}`).toBe(true);
  });

  test.each(cases)("$name", ({ job: demand, targets, apps = [app], chosen, reason }) => {
    const match = matchTarget(job(demand), apps, targets);
    expect(nameOf(match)).toBe(chosen);
    const said = reasonOf(match);
    expect(said === reason || (reason instanceof RegExp && reason.test(said ?? "")), `said: ${said}`).toBe(true);
  });

  test("a refusal shows a bounded part of what strangers wrote", () => {
    const labels = Array.from({ length: 5_000 }, (_, index) => `${"x".repeat(1_000)}${index}`);
    const reason = reasonOf(matchTarget(job({ labels }), [app], [runnerTarget()]));
    expect(reason?.length).toBeLessThan(1_000);
    expect(reason).toContain("and 4990 more");
  });

  const label = fc.constantFrom("self-hosted", "linux", "x64", "arm64", "ecs", "gpu");
  const anyTarget = fc
    .record({
      labels: fc.uniqueArray(label, { minLength: 1 }),
      match: fc.constantFrom("Subset" as const, "Exact" as const),
      priority: fc.integer({ min: -2, max: 2 }),
      scope: fc.constantFrom<Target["spec"]["scope"]>(
        { organization: "acme" },
        { repository: "acme/web" },
        { organization: "other" },
      ),
      repositories: fc.record({
        exclude: fc.constantFrom<string[]>([], ["acme/w*"], ["*/x"]),
        allowPublic: fc.boolean(),
      }),
    })
    .map((spec) => runnerTarget(spec));
  const anyTargets = fc
    .array(anyTarget, { maxLength: 8 })
    .map((targets) => targets.map((target, index) => ({ ...target, metadata: { ...target.metadata, name: `t${index}` } })));
  const anyJob = fc.record({
    labels: fc.array(label, { maxLength: 4 }),
    repository: fc.constantFrom("acme/web", "acme/api", "Acme/Web", "other/x"),
    visibility: fc.constantFrom("public" as const, "private" as const, "internal" as const),
  });

  test("the order of the targets changes neither the choice nor the reason", () => {
    const shuffled = anyTargets.chain((targets) =>
      fc.tuple(fc.constant(targets), fc.shuffledSubarray(targets, { minLength: targets.length })),
    );
    fc.assert(
      fc.property(anyJob, shuffled, (demand, [targets, others]) => {
        expect(matchTarget(demand, [app], others)).toEqual(matchTarget(demand, [app], targets));
      }),
    );
  });

  test("upper and lower case change nothing", () => {
    const loud = (text: string, bits: number) =>
      text
        .split("")
        .map((char, index) => ((bits >> (index % 16)) & 1 ? char.toUpperCase() : char.toLowerCase()))
        .join("");
    fc.assert(
      fc.property(anyJob, anyTargets, fc.nat(65_535), (demand, targets, bits) => {
        const spelled = {
          ...demand,
          labels: demand.labels.map((text) => loud(text, bits)),
          repository: loud(demand.repository, bits),
        };
        expect(nameOf(matchTarget(spelled, [app], targets))).toBe(nameOf(matchTarget(demand, [app], targets)));
      }),
    );
  });

  test("whatever is chosen has all labels of the job, in its scope, and is public only where allowed", () => {
    fc.assert(
      fc.property(anyJob, anyTargets, (demand, targets) => {
        const { target } = matchTarget(demand, [app], targets);
        if (target === undefined) return;
        expect(demand.labels.length).toBeGreaterThan(0);
        expect(target.spec.labels).toEqual(expect.arrayContaining(demand.labels));
        expect(target.spec.scope.repository?.toLowerCase() ?? demand.repository.toLowerCase()).toBe(
          demand.repository.toLowerCase(),
        );
        expect(demand.visibility !== "public" || target.spec.repositories.allowPublic).toBe(true);
      }),
    );
  });
});
