import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { ungrantedSecret } from "./bad-setups.ts";

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/**
 * expectNoDenial reads in the API server's audit log that the operator has never asked for something that its role does not grant. Not
 * after an uninstall, which takes the roles from pods that still stop.
 */
export async function expectNoDenial({ cluster, release }: Stage, detail: Detail): Promise<void> {
  const log = await cluster.auditLog();
  if (log === "") {
    detail("not checked: this cluster keeps no audit log");
    return;
  }
  const user = `system:serviceaccount:${release.namespace}:${release.name}`;
  const own = log
    .split("\n")
    .filter((line) => line.includes(user))
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ user: { username } }) => username === user);
  if (own.length < 100) throw new Error(`the audit log has ${own.length} requests of ${user} only: nothing to check`);
  // The one refusal that the story asked for.
  const wanted = ({ objectRef }: AuditEvent): boolean => objectRef?.resource === "secrets" && objectRef.name === ungrantedSecret;
  if (!own.some((event) => event.responseStatus?.code === 403 && wanted(event))) {
    throw new Error(`the audit log does not show the refusal of Secret ${ungrantedSecret}, so it would show no other`);
  }
  const denied = own.filter((event) => event.responseStatus?.code === 403 && !wanted(event));
  if (denied.length > 0) {
    const words = denied.map(({ verb, objectRef }) => `${verb} ${JSON.stringify(objectRef)}`);
    throw new Error(`denied:\n${[...new Set(words)].join("\n")}`);
  }
  const used = own.map(
    ({ verb, objectRef }) => `${verb} ${[objectRef?.resource, objectRef?.subresource].filter(Boolean).join("/")}`,
  );
  detail(`${own.length} requests: ${[...new Set(used)].toSorted().join(", ")}`);
}
