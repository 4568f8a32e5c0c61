import { parseArgs } from "node:util";
import type { Job } from "../sim/github/state/model.ts";
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
import { rollback, stepBack, upgradeAgain } from "./steps/rollback.ts";
import { serveShapedJob } from "./steps/shaped.ts";
import { takeAway } from "./steps/take-away.ts";
import { reinstall, Traces, uninstall } from "./steps/uninstall.ts";
import { expectKindsOf, expectWiderKinds, replacePods } from "./steps/upgrade.ts";
import { Story } from "./story.ts";

const usage = `npm run test:e2e [-- OPTION...]: the chart, the image and real runner containers on a real cluster

  --keep        leaves everything running after the last step, or the first failure, until Ctrl-C
  --from REF    tag or commit to upgrade from; the newest tag v* before HEAD unless told
`;

const startedAt = Date.now();
const report = (line: string): void => {
  process.stderr.write(`[${((Date.now() - startedAt) / 1_000).toFixed(0).padStart(3)} s] ${line}\n`);
};
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** play tells the whole story, in order. */
async function play(stage: Stage, story: Story): Promise<void> {
  const { current, helms, previous, release } = stage;
  const { helm3, helm4 } = helms;
  const traces = new Traces(stage);
  await traces.remember();
  let left: readonly Job[] = [];
  const essential = { essential: true };
  await story.step(`helm install of ${previous.name} by Helm 3, Pod Security restricted`, (d) => install(stage, d), essential);
  await story.step("GitHubApp, ECSRunnerClass and RunnerTarget become Ready", (d) => becomeReady(stage, d), essential);
  await story.step("queued jobs get runners in containers, run and leave nothing", (d) => runJobs(stage, d), essential);
  await story.step("helm upgrade to this version by Helm 3, while jobs run, wait and arrive", async (d) => {
    await expectWiderKinds(stage);
    await replacePods(stage, d, () => release.upgrade(helm3, current));
    await expectKindsOf(current, stage);
  });
  await story.step("helm test by Helm 3", async () => void (await release.test(helm3)));
  await story.step("the upgraded kinds take what only they know", (d) => serveShapedJob(stage, d));
  await story.step("webhooks that GitHub did not send are refused", (d) => refuseBadWebhooks(stage, d));
  await story.step("the leader is killed in the middle of a burst", (d) => loseLeader(stage, d));
  await story.step("helm rollback by Helm 3, under the same load", (d) => rollback(stage, d));
  await story.step("helm upgrade by Helm 4, under the same load", (d) => upgradeAgain(stage, d));
  await story.step("deleting the request of a running job cleans up", (d) => deleteRequest(stage, d));
  await story.step("the previous version on the newer kinds, by Helm 4, under the same load", (d) => stepBack(stage, d));
  await story.step("helm upgrade by Helm 4 once more, under the same load", (d) => upgradeAgain(stage, d));
  await story.step("helm test by Helm 4", async () => void (await release.test(helm4)));
  await story.step("wrong set-ups end in conditions that say what to do", (d) => nameMistakes(stage, d));
  await story.step("no secret in any log, object, event or answer", (d) => findNoSecret(stage, d));
  await story.step("the operator asked for nothing that its roles do not grant", (d) => expectNoDenial(stage, d));
  await story.step("helm uninstall with requests in flight leaves the CRDs and their objects only", async (d) => {
    left = await uninstall(stage, traces, d);
  });
  await story.step("a second install, in two Deployments, finishes what was left", (d) => reinstall(stage, left, d));
  await story.step("taken away as the documents have it, it leaves nothing", (d) => takeAway(stage, traces, d));
}

/** Returns the exit code where there is nothing to run. */
function readOptions(args: readonly string[]): { readonly keep: boolean; readonly from?: string | undefined } | number {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { keep: { type: "boolean", default: false }, from: { type: "string" }, help: { type: "boolean", default: false } },
    });
    if (!values.help) return values;
    process.stdout.write(usage);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "number") return options;
  const interrupted = Promise.withResolvers<never>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.reject(new Interrupted(signal)));
  // It is waited for below; until then it must not count as unhandled.
  interrupted.promise.catch(() => undefined);

  let stage: Stage | undefined;
  let told = false;
  const story = new Story(print, async () => {
    if (stage !== undefined) await printDiagnostics(stage, (text) => process.stderr.write(text));
  });
  try {
    stage = await Promise.race([setStage(report, options), interrupted.promise]);
    await Promise.race([play(stage, story), interrupted.promise]);
    told = true;
    if (options.keep) {
      report(
        `kept: KUBECONFIG=${stage.cluster.kubeconfig}, logs in ${stage.directory}, GitHub ${stage.github.url}; Ctrl-C ends it`,
      );
      await interrupted.promise;
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    report(`${error.message}: cleaning up`);
    // After the last step it is how --keep ends.
    if (!told) return 130;
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
