import { workflowJobExamples } from "../test/sim/github/webhooks/examples.ts";
import type { GitHubSim } from "../test/sim/github/sim.ts";
import { table } from "./table.ts";

/** Replayed is how one of GitHub's published examples was answered. */
export interface Replayed {
  readonly action: string;
  readonly repository: string;
  readonly labels: readonly string[];
  readonly status: number;
  readonly outcome: string;
  readonly reason: string;
}

/** replayExamples sends GitHub's published workflow_job examples as they are, each with the App's signature. */
export async function replayExamples(github: GitHubSim): Promise<Replayed[]> {
  const replayed: Replayed[] = [];
  for (const [index, example] of workflowJobExamples().entries()) {
    const { statusCode, responseBody, status } = await github.sendExample(index);
    const answer = parse(responseBody);
    replayed.push({
      action: example.action,
      repository: example.repository.full_name,
      labels: example.workflow_job.labels,
      status: statusCode,
      outcome: answer.outcome ?? status,
      reason: answer.reason ?? "",
    });
  }
  return replayed;
}

/** examplesTable shows what came of them. */
export function examplesTable(replayed: readonly Replayed[]): string[] {
  const rows = replayed.map(({ action, repository, labels, status, outcome, reason }) => [
    action,
    repository,
    labels.join(","),
    `${status} ${outcome}`,
    reason,
  ]);
  return table([["ACTION", "REPOSITORY", "LABELS", "ANSWER", "WHY"], ...rows]);
}

function parse(body: string): { readonly outcome?: string; readonly reason?: string } {
  try {
    return JSON.parse(body) as { outcome?: string; reason?: string };
  } catch {
    return { reason: body.slice(0, 200) };
  }
}
