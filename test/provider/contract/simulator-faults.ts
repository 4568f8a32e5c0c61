import type { ContractControl } from "./subject.ts";

type Inject = (outcome: Readonly<Record<string, unknown>>, times?: number) => void | Promise<void>;
type Post = (path: string, body: object) => void | Promise<void>;
type Faults = NonNullable<ContractControl["faults"]>;

/** simulatorFaults are all that the ECS simulator can do to a launch. A fault with `accepted` does the work and spoils the answer. */
export function simulatorFaults(add: Inject, post: Post): Faults {
  const exception =
    (type: string, more: object = {}): (() => void | Promise<void>) =>
    () =>
      add({ kind: "exception", type, ...more });
  return {
    "capacity refused once": () => add({ kind: "failures", failures: [{ reason: "RESOURCE:CPU" }] }),
    "capacity refused on every rung": () => add({ kind: "failures", failures: [{ reason: "RESOURCE:MEMORY" }] }, 2),
    "a failure without a reason": () => add({ kind: "failures", failures: [{}] }),
    "a failure that nobody knows": () => add({ kind: "failures", failures: [{ reason: "SOMETHING:NEW" }] }),
    "neither a task nor a failure": () => add({ kind: "failures", failures: [] }),
    "the cluster's attributes do not fit": () => add({ kind: "failures", failures: [{ reason: "ATTRIBUTE" }] }),
    throttled: exception("ThrottlingException", { status: 400 }),
    "throttled, three times": () => add({ kind: "exception", type: "ThrottlingException", status: 400 }, 3),
    "server error": exception("ServerException", { status: 500 }),
    "server error after the work": exception("ServerException", { status: 500, accepted: true }),
    "service unavailable": exception("ServiceUnavailableException", { status: 503 }),
    "access denied": exception("AccessDeniedException", { status: 400 }),
    "expired credentials": exception("ExpiredTokenException", { status: 400 }),
    "the account is blocked": exception("BlockedException", { status: 400 }),
    "the cluster is gone for a moment": exception("ClusterNotFoundException", { status: 400 }),
    "the definition is gone for a moment": exception("ClientException", { status: 400, message: "TaskDefinition is inactive" }),
    "a parameter is called invalid": exception("InvalidParameterException", { status: 400 }),
    "an exception of tomorrow": exception("BrandNewException", { status: 400 }),
    "cut before the work": () => add({ kind: "cut" }, 2),
    "cut after the work": () => add({ kind: "cut", accepted: true }, 2),
    "a proxy's page before the work": () => add({ kind: "html", status: 502 }, 2),
    "a proxy's page after the work": () => add({ kind: "html", status: 504, accepted: true }, 2),
    "a proxy's page with status 200": () => add({ kind: "html", status: 200, accepted: true }, 2),
    "a slow answer": () => add({ kind: "delay", ms: 500 }),
    "no answer at all, after the work": () => add({ kind: "hang", accepted: true }),
    "a task that three reads do not see": async () => {
      await post("hide", { reads: 3 });
      return () => post("hide", { reads: 0 });
    },
  };
}
