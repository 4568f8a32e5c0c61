import type { GitHub } from "../../src/github/types.ts";

const never = new AbortController().signal;
const organization = { organization: "acme" };
const repository = { repository: "acme/web" };

/** verbs calls each method of the interface once, for tests that must hold for all of them. */
export const verbs: readonly ((github: GitHub) => Promise<unknown>)[] = [
  (github) => github.mintJitConfig(organization, { name: "r-1", labels: ["linux"], runnerGroup: "Default" }, never),
  (github) => github.getRunner(repository, 1, never),
  (github) => github.findRunner(organization, "r-1", never),
  (github) => github.listRunners(repository, never),
  (github) => github.deleteRunner(organization, 1, never),
  (github) => github.getOfferedRunner(organization, never),
  (github) => github.getJob("acme/web", "1", never),
  (github) => github.getApp(never),
  (github) => github.listInstallations(never),
  (github) => github.listRuns("acme/web", "queued", never),
  (github) => github.listRunJobs("acme/web", "1", never),
  (github) => github.listDeliveries({}, never),
  (github) => github.redeliver("1", never),
];
