import { isApiError } from "../../kube/api-error.ts";
import type { Cluster } from "../../kube/cluster.ts";

/** Right is one thing that the operator has to be allowed; the chart's roles grant the same. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Watched: in every namespace whose objects are served. Home: where the operator runs. */
  readonly where: "watched" | "home";
  readonly name?: string;
}

const own = "getabako.dev";
const kinds = ["githubapps", "ecsrunnerclasses", "runnertargets", "runnerrequests"] as const;

function rights(
  where: Right["where"],
  group: string,
  resource: string,
  verbs: readonly string[],
  more: Partial<Right> = {},
): Right[] {
  return verbs.map((verb) => ({ where, group, resource, verb, ...more }));
}

/** neededRights are the operator's, apart from its Secrets; `lease` is the name of its Lease. */
export function neededRights(lease: string): readonly Right[] {
  return [
    ...kinds.flatMap((kind) => rights("watched", own, kind, ["list", "watch"])),
    ...kinds.flatMap((kind) => rights("watched", own, kind, ["patch"], { subresource: "status" })),
    ...rights("watched", own, "runnerrequests", ["create", "get", "patch", "delete"]),
    ...rights("watched", "events.k8s.io", "events", ["create", "get", "patch"]),
    ...rights("home", "coordination.k8s.io", "leases", ["get", "patch"], { name: lease }),
    ...rights("home", "coordination.k8s.io", "leases", ["create"]),
  ];
}

/** secretRights are what the operator needs of one Secret. */
export function secretRights(name: string): readonly Right[] {
  return rights("watched", "", "secrets", ["list", "watch"], { name });
}

/** rightText names a right as people ask for it: patch githubapps/status. */
export function rightText({ verb, resource, subresource, name }: Right): string {
  return `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}${name === undefined ? "" : ` ${name}`}`;
}

/** Reviewer asks the API server what a user may do. Nothing is stored by that. */
export class Reviewer {
  readonly #cluster: Cluster;
  /** Undefined asks about whoever runs doctor. */
  readonly #user: string | undefined;

  constructor(cluster: Cluster, user: string | undefined) {
    this.#cluster = cluster;
    this.#user = user;
  }

  /** who is the user that is asked about, by name. */
  async who(signal: AbortSignal): Promise<string> {
    if (this.#user !== undefined) return this.#user;
    const answer = (await this.#post("authentication.k8s.io", "SelfSubjectReview", {}, signal)) as {
      readonly status?: { readonly userInfo?: { readonly username?: string } };
    };
    return answer.status?.userInfo?.username ?? "an unknown user";
  }

  /** denied lists the rights that the user does not have, in a namespace or ("") in all. @throws ApiError Forbidden */
  async denied(wanted: readonly Right[], namespaceOf: (right: Right) => string, signal: AbortSignal): Promise<Right[]> {
    const answers = await Promise.all(wanted.map((right) => this.#may(right, namespaceOf(right), signal)));
    return wanted.filter((_, index) => answers[index] === false);
  }

  async #may({ where: _, ...right }: Right, namespace: string, signal: AbortSignal): Promise<boolean> {
    const resourceAttributes = { ...right, ...(namespace !== "" && { namespace }) };
    const user = this.#user;
    const [kind, spec] =
      user === undefined
        ? ["SelfSubjectAccessReview", { resourceAttributes }]
        : ["SubjectAccessReview", { resourceAttributes, user, groups: groupsOf(user) }];
    const answer = (await this.#post("authorization.k8s.io", kind, { spec }, signal)) as {
      readonly status?: { readonly allowed?: boolean };
    };
    return answer.status?.allowed === true;
  }

  #post(group: string, kind: string, body: object, signal: AbortSignal): Promise<unknown> {
    return this.#cluster.call({
      method: "POST",
      path: `/apis/${group}/v1/${kind.toLowerCase()}s`,
      body: { apiVersion: `${group}/v1`, kind, ...body },
      signal,
      doing: `ask by ${kind}`,
    });
  }
}

/** mayNotAsk tells whether an error means that whoever runs doctor may not ask about other users. */
export function mayNotAsk(error: unknown): boolean {
  return isApiError(error, "Forbidden");
}

/** The groups that the API server puts a service account into. */
function groupsOf(user: string): string[] {
  const namespace = /^system:serviceaccount:([^:]+):/.exec(user)?.[1];
  if (namespace === undefined) return ["system:authenticated"];
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
}
