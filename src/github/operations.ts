import type { Scope } from "./types.ts";

interface OperationTraits {
  /** What the call does, as the object of "GitHub refused to ...". */
  readonly does: string;
  /** Whether the same call may be sent again while the outcome of the first is unknown. */
  readonly repeatable: boolean;
  /** Which share of the write budget the call draws from; absent for reads. */
  readonly write?: "mint" | "delete";
}

/** operations lists every call this client makes: the closed set behind the `operation` label of the metrics. */
export const operations = {
  // A repeated registration answers 409 and leaves a runner record that nobody watches.
  mintJitConfig: { does: "register a runner", repeatable: false, write: "mint" },
  getRunner: { does: "read a runner", repeatable: true },
  findRunner: { does: "find a runner by its name", repeatable: true },
  listRunners: { does: "list the runners", repeatable: true },
  getOfferedRunner: { does: "read which runner it offers", repeatable: true },
  deleteRunner: { does: "remove a runner", repeatable: true, write: "delete" },
  listRunnerGroups: { does: "list the runner groups", repeatable: true },
  getJob: { does: "read a job", repeatable: true },
  listRuns: { does: "list the workflow runs", repeatable: true },
  listRunJobs: { does: "list the jobs of a run", repeatable: true },
  listDeliveries: { does: "list the App's webhook deliveries", repeatable: true },
  // A second copy does no harm, but each is work for GitHub and for every receiver; the next sweep repeats what was lost.
  redeliver: { does: "deliver a webhook again", repeatable: false },
  getApp: { does: "read the App", repeatable: true },
  getHookConfig: { does: "read the settings of the App's webhook", repeatable: true },
  listInstallations: { does: "list the App's installations", repeatable: true },
  findInstallation: { does: "find the App's installation", repeatable: true },
  // A second token does no harm: it expires by itself.
  mintToken: { does: "issue an installation token", repeatable: true },
} as const satisfies Record<string, OperationTraits>;

export type Operation = keyof typeof operations;

/** traitsOf widens one entry of the table, so that optional traits can be asked for. */
export function traitsOf(operation: Operation): OperationTraits {
  return operations[operation];
}

/** permissionFor names the App permission that an operation needs, as GitHub's settings page writes it. */
export function permissionFor(operation: Operation, scope: Scope | undefined): string | undefined {
  switch (operation) {
    case "mintJitConfig":
    case "getRunner":
    case "findRunner":
    case "listRunners":
    case "getOfferedRunner":
    case "deleteRunner":
    case "listRunnerGroups":
      return scope !== undefined && "organization" in scope
        ? "Organization permissions > Self-hosted runners: Read and write"
        : "Repository permissions > Administration: Read and write";
    case "getJob":
    case "listRuns":
    case "listRunJobs":
      return "Repository permissions > Actions: Read-only";
    case "listDeliveries":
    case "redeliver":
    case "getApp":
    case "getHookConfig":
    case "listInstallations":
    case "findInstallation":
    case "mintToken":
      return undefined;
    default:
      return operation satisfies never;
  }
}
