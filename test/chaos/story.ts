import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Evidence } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { type Line, operatorLines } from "./journal.ts";
import { summary } from "./listen.ts";
import type { Stage } from "./stage.ts";

/** Each story is some hundred lines; more of them tell the same. */
const mostStories = 6;
const mostCalls = 2_000;

/** writeStory writes, for every job of a finding, all that concerned it in the order of time, and beside it all that was seen. */
export async function writeStory(
  stage: Stage,
  evidence: Evidence,
  findings: readonly Finding[],
  directory: string,
): Promise<string[]> {
  const { journal, github, ecs, requests, script } = stage;
  const logs = (await stage.fleet.logs()).flatMap(({ operator, lines }) => operatorLines(operator, lines));
  const calls: Line[] = ecs.calls
    .list()
    .slice(-mostCalls)
    .map(({ at, operation, outcome, request }) => ({
      at,
      source: "ecs",
      text: `call ${operation} ${outcome} ${JSON.stringify(request)}`,
    }));
  const more = [...logs, ...calls];
  const files: string[] = [];
  const write = async (name: string, text: string): Promise<void> => {
    const file = join(directory, name);
    await writeFile(file, `${text}\n`);
    files.push(file);
  };
  for (const id of [...new Set(findings.flatMap(({ jobs }) => jobs))].slice(0, mostStories)) {
    const about = findings.filter(({ jobs }) => jobs.includes(id)).map(({ invariant, detail }) => `# ${invariant}: ${detail}`);
    const uids = [...requests.store.list()]
      .filter(({ spec }) => spec.job.id === String(id))
      .flatMap(({ metadata }) => metadata.uid ?? []);
    const lines = journal.about([String(id), ...uids], more);
    await write(
      `job-${id}.txt`,
      [`# seed ${script.seed}, profile ${script.profile}`, ...about, journal.render(lines)].join("\n"),
    );
  }
  await write("timeline.txt", journal.render([...journal.lines, ...more].toSorted((a, b) => a.at - b.at)));
  await write("requests.txt", [...requests.store.list()].map((request) => summary(request)).join("\n"));
  await write("evidence.json", JSON.stringify({ script, evidence, github: github.report(), ecs: ecs.report() }, undefined, 1));
  return files;
}
