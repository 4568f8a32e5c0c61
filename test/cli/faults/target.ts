import { isoTime } from "../../../src/util/clock.ts";
import { collection, namespace, paths } from "../places.ts";
import type { Draft, Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";

const target = /^runnertarget\/getabako\/acme$/;

const onTarget = (spec: Record<string, unknown>) => (stage: Stage) =>
  stage.edit(paths.target, (draft) => Object.assign(draft.spec, spec));

const onVersion = (runnerVersion: object) => (stage: Stage) =>
  stage.edit(paths.target, (draft) => Object.assign(draft.status ?? {}, { runnerVersion }));
const hoursAgo = (hours: number): string => isoTime(Date.now() - hours * 3_600_000);

const aTarget = (name: string, spec: Record<string, unknown>): Draft => ({
  apiVersion: "getabako.dev/v1alpha1",
  kind: "RunnerTarget",
  metadata: { name, namespace },
  spec: {
    githubAppRef: { name: "acme" },
    scope: { organization: "acme" },
    labels: ["self-hosted", "ecs"],
    classRef: { name: "fargate" },
    ...spec,
  },
});

/** targetFaults: what may be wrong with a target. */
export const targetFaults: readonly Fault[] = [
  {
    title: "A target names a GitHubApp that is not there",
    plant: onTarget({ githubAppRef: { name: "acne" } }),
    finds: {
      verdict: "FAIL",
      object: target,
      check: "references",
      says: /GitHubApp getabako\/acne does not exist/,
      advises: /correct the name/,
    },
  },
  {
    title: "A target names a class that is not there",
    plant: onTarget({ classRef: { name: "fargat", kind: "ECSRunnerClass" } }),
    finds: {
      verdict: "FAIL",
      object: target,
      check: "references",
      says: /ECSRunnerClass getabako\/fargat does not exist/,
      advises: /correct the name/,
    },
  },
  {
    title: "The runner group does not exist",
    plant: onTarget({ runnerGroup: "Linux" }),
    finds: {
      verdict: "FAIL",
      object: target,
      check: "registration",
      says: /acme has no runner group Linux/,
      advises: /correct spec\.runnerGroup/,
    },
  },
  {
    title: "The runner group does not admit the repository",
    plant: async (stage) => {
      if (!stage.github.world.accounts.get("acme")?.groups.some(({ name }) => name === "closed"))
        stage.github.addRunnerGroup("acme", { name: "closed", visibility: "selected" });
      await onTarget({ runnerGroup: "closed", repositories: { include: ["acme/web"], exclude: [], allowPublic: false } })(stage);
    },
    finds: {
      verdict: "FAIL",
      object: target,
      check: "registration",
      says: /closed does not admit acme\/web/,
      advises: /add the repositories/,
    },
  },
  {
    title: "The App is not installed where the target registers runners",
    plant: (stage) => stage.make(collection("runnertargets"), aTarget("other", { scope: { organization: "umbrella" } })),
    finds: {
      verdict: "FAIL",
      object: /^runnertarget\/getabako\/other$/,
      check: "registration",
      says: /not installed on the organisation umbrella/,
      advises: /install it there/,
    },
  },
  {
    title: "A target without the label self-hosted",
    plant: onTarget({ labels: ["linux", "ecs"] }),
    finds: { verdict: "WARN", object: target, check: "labels", says: /self-hosted is not among/, advises: /add self-hosted/ },
  },
  {
    title: "A target with a label of GitHub's own machines",
    plant: onTarget({ labels: ["self-hosted", "ubuntu-latest"] }),
    finds: {
      verdict: "WARN",
      object: target,
      check: "labels",
      says: /ubuntu-latest is a label of GitHub's own/,
      advises: /labels of your own/,
    },
  },
  {
    title: "Two targets with the same labels and scope",
    plant: async (stage) => {
      await stage.make(
        collection("runnertargets"),
        aTarget("shadow", { labels: ["self-hosted", "linux", "x64", "ecs"], priority: 10 }),
      );
    },
    finds: {
      verdict: "WARN",
      object: target,
      check: "precedence",
      says: /its jobs go to RunnerTarget getabako\/shadow/,
      advises: /another priority/,
    },
  },
  {
    title: "Runners lack a release",
    plant: onVersion({ connected: "2.335.0", releases: [{ version: "2.336.0", seenAt: hoursAgo(24) }] }),
    finds: {
      verdict: "WARN",
      object: target,
      check: "runner version",
      says: /connect with 2\.335\.0, and GitHub offers 2\.336\.0\. It gives them no more jobs from \d{4}-\d\d-\d\d on/,
      advises: /build the image with the newest runner/,
    },
  },
  {
    title: "Runners lack a release for more than 30 days",
    plant: onVersion({ connected: "2.335.0", releases: [{ version: "2.336.0", seenAt: hoursAgo(31 * 24) }] }),
    finds: {
      verdict: "FAIL",
      object: target,
      check: "runner version",
      says: /it may give them no jobs: they lack 2\.336\.0/,
      advises: /build the image with the newest runner/,
    },
  },
  {
    title: "GitHub refuses the runner's version",
    plant: onVersion({ connected: "2.335.0", refusedAt: hoursAgo(1) }),
    finds: {
      verdict: "FAIL",
      object: target,
      check: "runner version",
      says: /two runners in a row ended with code 7/,
      advises: /build the image with the newest runner/,
    },
  },
  {
    title: "maxRunners is 0",
    plant: onTarget({ maxRunners: 0 }),
    finds: { verdict: "WARN", object: target, check: "limits", says: /maxRunners is 0/, advises: /raise/ },
  },
  {
    title: "A target is paused",
    plant: onTarget({ paused: true }),
    finds: { verdict: "WARN", object: target, check: "limits", says: /paused/, advises: /spec\.paused/ },
  },
  {
    title: "timeouts.job beyond GitHub's own limit",
    plant: onTarget({ timeouts: { launch: "10m", registration: "5m", idle: "10m", job: "7d" } }),
    finds: { verdict: "WARN", object: target, check: "limits", says: /timeouts\.job is 7d/, advises: /5d or less/ },
  },
  {
    title: "Public repositories are served",
    plant: onTarget({ repositories: { exclude: [], allowPublic: true } }),
    finds: {
      verdict: "WARN",
      object: target,
      check: "repositories",
      says: /everybody who can open a pull request/,
      advises: /allowPublic/,
    },
  },
  {
    title: "repositories.include of another organization",
    plant: onTarget({ repositories: { include: ["acne/*"], exclude: [], allowPublic: false } }),
    finds: {
      verdict: "WARN",
      object: target,
      check: "repositories",
      says: /acne\/\* can match no repository/,
      advises: /spec\.repositories/,
    },
  },
  {
    title: "overrides.image allows a name that the class does not have",
    plant: onTarget({ overrides: { image: { allow: ["nodejs-*"] } } }),
    finds: {
      verdict: "WARN",
      object: target,
      check: "overrides",
      says: /nodejs-\*, which names none of class fargate's images/,
      advises: /correct the name/,
    },
  },
  {
    title: "overrides.cpu.max beyond what Fargate has",
    plant: onTarget({ overrides: { cpu: { max: 64 } } }),
    finds: { verdict: "WARN", object: target, check: "overrides", says: /cpu\.max is 64, .*16 vCPUs/, advises: /lower it to 16/ },
  },
  {
    title: "overrides.securityGroup, and the class has no sets",
    plant: onTarget({ overrides: { securityGroup: {} } }),
    finds: {
      verdict: "WARN",
      object: target,
      check: "overrides",
      says: /securityGroupSets, and class fargate has none/,
      advises: /add securityGroupSets/,
    },
  },
];
