import { printDiagnostics } from "./diagnostics.ts";
import { setStage, type Stage } from "./stage.ts";
import { nameMistakes } from "./steps/bad-setups.ts";
import { refuseBadWebhooks } from "./steps/bad-webhooks.ts";
import { deleteRequest } from "./steps/delete-request.ts";
import { expectNoDenial } from "./steps/audit.ts";
import { findNoSecret } from "./steps/secrets.ts";
import { install } from "./steps/install.ts";
import { loseLeader } from "./steps/leader.ts";
import { becomeReady } from "./steps/ready.ts";
import { runJobs } from "./steps/jobs.ts";
import { reinstall, Traces, uninstall } from "./steps/uninstall.ts";
import { upgrade } from "./steps/upgrade.ts";
import { Story } from "./story.ts";

const usage = `npm run test:e2e [-- --keep]: the chart, the image and real runner containers on a real cluster

  --keep    leaves everything running after the last step, or the first failure, until Ctrl-C
`;

const startedAt = Date.now();
const report = (line: string): void => {
  process.stderr.write(`[${((Date.now() - startedAt) / 1_000).toFixed(0).padStart(3)} s] ${line}\n`);
};
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** play tells the whole story, in order. */
async function play(stage: Stage, story: Story): Promise<void> {
  const { release } = stage;
  const traces = new Traces(stage);
  await traces.remember();
  const essential = { essential: true };
  await story.step("helm install, two replicas, Pod Security restricted", (d) => install(stage, d), essential);
  await story.step("GitHubApp, ECSRunnerClass and RunnerTarget become Ready", (d) => becomeReady(stage, d), essential);
  await story.step("queued jobs get runners in containers, run and leave nothing", (d) => runJobs(stage, d), essential);
  await story.step("webhooks that GitHub did not send are refused", (d) => refuseBadWebhooks(stage, d));
  await story.step("the leader is killed in the middle of a burst", (d) => loseLeader(stage, d));
  await story.step("helm upgrade while jobs run and arrive", (d) => upgrade(stage, d));
  await story.step("helm test", async () => void (await release.test()));
  await story.step("deleting the request of a running job cleans up", (d) => deleteRequest(stage, d));
  await story.step("wrong set-ups end in conditions that say what to do", (d) => nameMistakes(stage, d));
  await story.step("no secret in any log, object, event or answer", (d) => findNoSecret(stage, d));
  await story.step("the operator asked for nothing that its roles do not grant", (d) => expectNoDenial(stage, d));
  await story.step("helm uninstall leaves the CRDs and their objects only", (d) => uninstall(stage, traces, d));
  await story.step("a second install serves the objects that were left", () => reinstall(stage));
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--keep");
  if (unknown !== undefined) {
    process.stderr.write(`${unknown === "--help" ? "" : `${unknown} is not an option\n\n`}${usage}`);
    return unknown === "--help" ? 0 : 2;
  }
  const interrupted = Promise.withResolvers<never>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.reject(new Interrupted(signal)));
  // It is waited for below; until then it must not count as unhandled.
  interrupted.promise.catch(() => undefined);

  let stage: Stage | undefined;
  const story = new Story(print, async () => {
    if (stage !== undefined) await printDiagnostics(stage, (text) => process.stderr.write(text));
  });
  try {
    stage = await Promise.race([setStage(report), interrupted.promise]);
    await Promise.race([play(stage, story), interrupted.promise]);
    if (args.includes("--keep")) {
      report(
        `kept: KUBECONFIG=${stage.cluster.kubeconfig}, logs in ${stage.directory}, GitHub ${stage.github.url}; Ctrl-C ends it`,
      );
      await interrupted.promise;
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    report(`${error.message}: cleaning up`);
    if (!args.includes("--keep")) return 130;
  } finally {
    // What is only half set up goes with this process: every part of it has a guard or a janitor that waits for that.
    await stage?.[Symbol.asyncDispose]();
  }
  report(`done; everything is removed`);
  print(`${story.passed} passed, ${story.failed} failed`);
  return story.failed === 0 ? 0 : 1;
}

class Interrupted extends Error {}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`npm run test:e2e: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
