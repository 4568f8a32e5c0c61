import type { IncomingHttpHeaders } from "node:http";

/**
 * DeliveryHeaders is what GitHub says of a delivery beside its payload. No signature covers it: it may choose which secrets are
 * tried and be shown, and nothing else may rest on it.
 */
export interface DeliveryHeaders {
  readonly event?: string;
  readonly delivery?: string;
  /** Id of the App, repository or organisation whose webhook it is. */
  readonly targetId?: string;
  /** "integration" for Apps. */
  readonly targetType?: string;
  /** Host of a GitHub Enterprise Server. */
  readonly enterpriseHost?: string;
  /** Tenant of ghe.com. */
  readonly tenant?: string;
  readonly signature?: string;
}

/** readHeaders reads them; what does not look like GitHub's is as if it were not there. */
export function readHeaders(headers: IncomingHttpHeaders): DeliveryHeaders {
  const read = <Key extends string>(key: Key, name: string, pattern: RegExp): { readonly [K in Key]?: string } => {
    const value = headers[name];
    return (typeof value === "string" && pattern.test(value) ? { [key]: value } : {}) as { readonly [K in Key]?: string };
  };
  return {
    ...read("event", "x-github-event", /^[\w.-]{1,64}$/),
    ...read("delivery", "x-github-delivery", /^[\w-]{1,64}$/),
    ...read("targetId", "x-github-hook-installation-target-id", /^[0-9]{1,20}$/),
    ...read("targetType", "x-github-hook-installation-target-type", /^[\w-]{1,32}$/),
    ...read("enterpriseHost", "x-github-enterprise-host", /^[\w.:-]{1,253}$/),
    ...read("tenant", "x-github-tenant", /^[\w.-]{1,253}$/),
    ...read("signature", "x-hub-signature-256", /^[\w=]{1,128}$/),
  };
}
