import { createRequire } from "node:module";
import type { App, Installation } from "../state/model.ts";
import { nodeId } from "../render/account.ts";
import type { Delivery } from "./log.ts";
import type { Webhooks } from "./webhooks.ts";

const require = createRequire(import.meta.url);

/** Example is one of GitHub's published payloads. */
export interface Example {
  readonly action: string;
  readonly workflow_job: { readonly id: number; readonly labels: readonly string[]; readonly status: string };
  readonly repository: { readonly full_name: string };
  readonly installation?: { readonly id: number };
}

/** workflowJobExamples are GitHub's published workflow_job payloads, as they are. */
export function workflowJobExamples(): readonly Example[] {
  const all = require("@octokit/webhooks-examples") as readonly {
    readonly name: string;
    readonly examples: readonly Example[];
  }[];
  const found = all.find((event) => event.name === "workflow_job");
  if (!found) throw new Error("@octokit/webhooks-examples has no workflow_job");
  return found.examples;
}

/** sendExample sends a published payload; an installation given here is put in, since an App's events always carry one. */
export function sendExample(
  webhooks: Webhooks,
  defaultApp: App,
  index: number,
  options: { readonly app?: App; readonly installation?: Installation; readonly guid?: string } = {},
): Promise<Delivery> {
  const example = workflowJobExamples()[index];
  if (!example) throw new Error(`there is no example ${index}`);
  const { installation } = options;
  const payload = installation
    ? { ...example, installation: { id: installation.id, node_id: nodeId("MDIz", installation.id) } }
    : example;
  return webhooks.send(
    options.app ?? defaultApp,
    "workflow_job",
    payload,
    options.guid === undefined ? {} : { guid: options.guid },
  );
}
