import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { ungrantedSecret } from "./bad-setups.ts";

interface AuditEvent {
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
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
export async function expectNoDenial(stage: Stage, detail: Detail): Promise<void> {
  const own = await requestsOfAccount(stage, stage.release.name);
  if (own === undefined) return detail("not checked: this cluster keeps no audit log");
  if (own.length < 100) throw new Error(`the audit log has ${own.length} requests of the operator only: nothing to check`);
  // The one refusal that the story asked for.
  const wanted = ({ objectRef }: AuditEvent): boolean => objectRef?.resource === "secrets" && objectRef.name === ungrantedSecret;
  if (!own.some((event) => isDenied(event) && wanted(event))) {
    throw new Error(`the audit log does not show the refusal of Secret ${ungrantedSecret}, so it would show no other`);
  }
  refuseDenials(own.filter((event) => !wanted(event)));
  detail(inWords(own));
}

/** expectNoDenialOf looks at the time since an install, for each of its ServiceAccounts. */
export async function expectNoDenialOf(
  stage: Stage,
  accounts: readonly string[],
  sinceMs: number,
  detail: Detail,
): Promise<void> {
  for (const account of accounts) {
    const own = await requestsOfAccount(stage, account, sinceMs);
    if (own === undefined) return detail("rights not checked: this cluster keeps no audit log");
    if (own.length === 0) throw new Error(`the audit log has no request of ${account}: nothing to check`);
    refuseDenials(own);
    detail(`${account}: ${inWords(own)}`);
  }
}

async function requestsOfAccount(
  { cluster, release }: Stage,
  account: string,
  sinceMs = 0,
): Promise<readonly AuditEvent[] | undefined> {
  const log = await cluster.auditLog();
  if (log === "") return undefined;
  const user = `system:serviceaccount:${release.namespace}:${account}`;
  return log
    .split("\n")
    .filter((line) => line.includes(user))
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter((event) => event.user.username === user && Date.parse(event.requestReceivedTimestamp) >= sinceMs);
}

function isDenied({ responseStatus }: AuditEvent): boolean {
  return responseStatus?.code === 403;
}

function refuseDenials(events: readonly AuditEvent[]): void {
  const denied = events.filter(isDenied);
  if (denied.length === 0) return;
  const words = denied.map(({ verb, user, objectRef }) => `${user.username}: ${verb} ${JSON.stringify(objectRef)}`);
  throw new Error(`denied:\n${[...new Set(words)].join("\n")}`);
}

function inWords(events: readonly AuditEvent[]): string {
  const used = events.map(
    ({ verb, objectRef }) => `${verb} ${[objectRef?.resource, objectRef?.subresource].filter(Boolean).join("/")}`,
  );
  return `${events.length} requests: ${[...new Set(used)].toSorted().join(", ")}`;
}
