import { readFile } from "node:fs/promises";
import type { Stage } from "./stage.ts";
import { teamNamespace } from "./objects.ts";

/** printDiagnostics shows what helps after a failure: logs, events, objects, and what the other sides saw. */
export async function printDiagnostics(stage: Stage, write: (text: string) => void): Promise<void> {
  const { cluster, engine, github, release, podLogs } = stage;
  const show = async (title: string, text: () => string | Promise<string>): Promise<void> => {
    try {
      write(`--- ${title}\n${(await text()).trimEnd()}\n`);
    } catch (error) {
      write(`--- ${title}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  };
  for (const [pod, text] of podLogs.read()) await show(`log of ${pod}`, () => tail(text, 25));
  await show("pods", () => cluster.kubectl(["get", "pods", "-n", release.namespace, "-o", "wide"]));
  await show("pods that are not ready", () =>
    cluster.kubectl(["describe", "pods", "-n", release.namespace]).then((text) => tail(text, 60)),
  );
  const events = ["get", "events", "-A", "--sort-by=.metadata.creationTimestamp"];
  await show("events", async () => tail(await cluster.kubectl(events), 40));
  await show("objects", () => cluster.kubectl(["get", "getabako", "-A", "-o", "wide"]));
  await show("objects described", async () => tail(await cluster.kubectl(["describe", "getabako", "-n", teamNamespace]), 200));
  await show("containers of the tasks", () => engine.containers());
  await show("log of the ECS emulator", async () => tail(await readFile(stage.emulatorLog, "utf8"), 25));
  await show("GitHub's books", () => JSON.stringify({ report: github.report(), violations: github.violations }, undefined, 1));
  const failed = github.webhooks.log.list().filter(({ statusCode }) => statusCode >= 300);
  await show("webhooks that failed", () =>
    failed.map(({ status, url, responseBody }) => `${status} ${url} ${responseBody}`).join("\n"),
  );
}

function tail(text: string, lines: number): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
