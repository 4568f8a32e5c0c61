import type { Caller } from "../auth.ts";
import type { RouteClass } from "../options.ts";

/** routeClass sorts operations for latencies. */
export function routeClass(operationId: string): RouteClass {
  if (operationId === "apps/create-installation-access-token") return "token";
  if (operationId.startsWith("actions/generate-runner-jitconfig")) return "mint";
  if (operationId.includes("self-hosted-runner")) return "runner";
  return /\/(get|list)-/.test(operationId) ? "read" : "write";
}

/** callerName is whose budget a request is charged to. */
export function callerName(caller: Caller): string {
  return caller.kind === "app" ? `app ${caller.app.id}` : `installation ${caller.token.installation.id}`;
}
