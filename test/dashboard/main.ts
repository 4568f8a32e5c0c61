import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Screen } from "../../demo/screen.ts";
import { countBy } from "../../demo/progress.ts";
import { runProgram } from "../support/program.ts";
import { type Answers, askAll, silencesIn } from "./answers.ts";
import { readDashboard } from "./dashboard.ts";
import { drawDashboard, type Notes } from "./draw/picture.ts";
import { rightlySilent } from "./silent.ts";
import { type DashboardOptions, parseDashboardOptions, usage } from "./options.ts";
import { acts, playScene, sceneSeconds } from "./scene.ts";
import { scrapeSeconds, seriesLabels, setStage, type Stage } from "./stage.ts";

/*
 * `npm run dashboard`: a scene with one trouble after the other on a real API server, with the built operator, scraped by a real
 * Prometheus; then every query of config/grafana is asked, and the dashboard drawn. It exits with 0 only if Prometheus took all rules and queries, and
 * no panel stayed empty that should not.
 */

const screen = new Screen(process.stdout);

process.exitCode = await runProgram({
  name: "npm run dashboard",
  usage,
  parse: parseDashboardOptions,
  run,
  say: (line) => screen.conclude(line),
});

async function run({ output, from, save }: DashboardOptions, signal: AbortSignal): Promise<boolean> {
  const problems: string[] = [];
  const answers = from === undefined ? await play(problems, signal) : (JSON.parse(await readFile(from, "utf8")) as Answers);
  if (save !== undefined) await writeFile(save, JSON.stringify(answers));
  const dashboard = readDashboard();
  for (const { panel, refId = "" } of silencesIn(dashboard, answers)) {
    const why = rightlySilent[`${panel} ${refId}`.trim()];
    if (why === undefined)
      problems.push(refId === "" ? `"${panel}" shows nothing but zero` : `"${panel}", query ${refId}, has no data`);
    else screen.say(`"${panel}" ${refId} is silent: ${why}`);
  }
  const svg = drawDashboard(dashboard, answers, notes());
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, svg);
  screen.say(`${output}: ${(svg.length / 1_000).toFixed(0)} kB`);
  for (const problem of problems) screen.say(`problem: ${problem}`);
  const panels = dashboard.panels.filter(({ type }) => type !== "row").length;
  screen.say(problems.length === 0 ? `All ${panels} panels have what they should.` : `${problems.length} problems.`);
  return problems.length === 0;
}

/** notes say what is seen, and that no Grafana was there. */
function notes(): Notes {
  const minutes = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const happened = acts.map(({ at, what }) => `${minutes(at)}  ${what}`);
  const half = Math.ceil(happened.length / 2);
  return {
    subtitle: [
      "Drawn by npm run dashboard from config/grafana/getabako.json and the answers of a real Prometheus, not by Grafana.",
      `The operator is real, GitHub and ECS are simulated; scraped every ${scrapeSeconds} s. What happened when is below.`,
    ],
    footer: [happened.slice(0, half), happened.slice(half)],
  };
}

async function play(problems: string[], interrupted: AbortSignal): Promise<Answers> {
  await using stage = await setStage((line) => screen.say(line), interrupted);
  const broken = new AbortController();
  void stage.operator.exited.then((code) =>
    broken.abort(new Error(`the operator ended by itself (exit ${code}): ${stage.operator.log.slice(-3).join("\n")}`)),
  );
  const signal = AbortSignal.any([interrupted, broken.signal]);
  screen.say(`\n${acts.length} acts in ${sceneSeconds} s; Prometheus is at ${stage.prometheus.url}`);
  const timer = setInterval(() => screen.status([progress(stage)]), 5_000);
  try {
    const { start, end } = await playScene(stage, (line) => screen.say(line), signal);
    const step = scrapeSeconds;
    const variables = { namespace: seriesLabels.namespace, job: seriesLabels.job, scrapeSeconds };
    const answers = await askAll(readDashboard(), stage.prometheus, { start, end, step }, variables);
    for (const { name, health, lastError, state } of await stage.prometheus.rules()) {
      if (health !== "ok") problems.push(`Prometheus cannot evaluate ${name}: ${lastError ?? health}`);
      else if (state !== "inactive") screen.say(`${name} is ${state}`);
    }
    const violations = [...stage.github.violations, ...stage.ecs.violations];
    problems.push(...violations.map((violation) => `the real service would have refused: ${JSON.stringify(violation)}`));
    return answers;
  } catch (error) {
    if (!interrupted.aborted) {
      stage.keepDirectory();
      screen.say(`The logs are in ${stage.directory}`);
    }
    throw error;
  } finally {
    clearInterval(timer);
    screen.settle();
  }
}

function progress({ github, requests }: Stage): string {
  const { jobs } = github.report();
  const phases = countBy(requests.store.list(), ({ status }) => status?.phase ?? "Pending");
  const named = Object.entries(phases).map(([phase, count]) => `${phase} ${count}`);
  return `jobs: queued ${jobs.queued}, running ${jobs.running}, done ${jobs.completed}; RunnerRequests: ${named.join(", ")}`;
}
