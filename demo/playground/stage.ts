import { appendFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { removalCommand, startJanitor } from "../../test/cluster/guard.ts";
import { type NodeCluster, type Report, startNode } from "../../test/cluster/node.ts";
import { buildOperatorImage } from "../../test/e2e/operator-image.ts";
import { startEcsSim } from "../../test/sim/ecs/server.ts";
import { type GitHubSim, startGitHubSim } from "../../test/sim/github/sim.ts";
import { checkGround } from "./ground.ts";
import { claimPlace } from "./place.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const miniRunner = fileURLToPath(new URL("../../test/sim/runner/mini-runner.ts", import.meta.url));

/** What docs/quick-start.md names. */
const repository = "acme/web";
const region = "eu-west-1";
const imageTag = "playground";
/** The chart's Service gets it, so that the simulated GitHub, which is outside of the cluster, has a way in. */
const nodePort = 30_080;

/** As slow as a person can follow, and several times as fast as Fargate. */
const timings = { PROVISIONING: 2_000, PENDING: 2_000, ACTIVATING: 500, DEACTIVATING: 500, STOPPING: 500, DEPROVISIONING: 500 };

/** Playground is a cluster with an image, and a GitHub and an ECS beside it. */
export interface Playground extends AsyncDisposable {
  /** A shell file with `exports`, from the root of the clone. */
  readonly environmentFile: string;
  readonly exports: readonly string[];
}

/** setStage builds and starts everything, and says what it does. */
export async function setStage(say: Report): Promise<Playground> {
  await using building = new AsyncDisposableStack();
  await checkGround();
  const place = building.use(await claimPlace(join(root, ".playground")));

  const image = buildImage(say);
  // Awaited below; a failure must not count as unhandled while the cluster starts.
  image.catch(() => undefined);
  say("starting a cluster; the first time its programs are built or downloaded, which takes some minutes");
  const cluster = await startNode({ report: say });
  building.defer(() => cluster.stop());
  await using built = await image;
  say("loading the operator's image into the node");
  await cluster.loadImage(built.archive);

  // The one address of this machine that pods reach, too; nothing listens beyond it.
  const host = cluster.hostIp;
  const ecs = await startEcsSim({
    host,
    region,
    timings,
    runner: {
      command: [process.execPath, miniRunner],
      onLine: (task, line) => appendFileSync(join(place.directory, "runners.log"), `${task.id.slice(0, 8)} ${line}\n`),
    },
  });
  building.defer(() => ecs.close());
  const github = await startGitHubSim({ host, receivers: [`http://${cluster.nodeIp}:${nodePort}/webhook`] });
  building.defer(() => github.close());
  github.addRepository(repository, { private: true });
  github.install(repository.split("/")[0] ?? "");
  say(`simulated GitHub at ${github.url}, simulated ECS at ${ecs.url}`);

  await place.write("private-key.pem", github.app.keys.at(-1)?.privateKey ?? "");
  const bin = await place.programs({ kubectl: cluster.kubectlPath, helm: cluster.helmPath });
  const exports = environment({ cluster, github, ecsUrl: ecs.url, bin, directory: place.directory });
  const file = await place.write("env", `${exports.join("\n")}\n`);
  const all = building.move();
  return { environmentFile: relative(root, file), exports, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** The image goes once it is in the node. */
async function buildImage(say: Report): Promise<{ readonly archive: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "getabako-playground-"));
  const janitor = startJanitor(removalCommand(directory));
  say("building the operator's image");
  const { archive } = await buildOperatorImage(directory, imageTag);
  return { archive, [Symbol.asyncDispose]: () => janitor.run() };
}

function environment(parts: {
  readonly cluster: NodeCluster;
  readonly github: GitHubSim;
  readonly ecsUrl: string;
  readonly bin: string;
  readonly directory: string;
}): string[] {
  const { cluster, github, ecsUrl, bin, directory } = parts;
  return [
    `export KUBECONFIG=${quoted(cluster.kubeconfig)}`,
    // kubectl remembers for hours, by address, which kinds a server has; the next playground may have the same address.
    `export KUBECACHEDIR=${quoted(join(directory, "kube-cache"))}`,
    `export PATH=${quoted(bin)}:"$PATH"`,
    `export GITHUB_URL=${github.url}`,
    `export GITHUB_APP_ID=${github.app.id}`,
    `export GITHUB_WEBHOOK_SECRET=${quoted(github.app.hook.secret ?? "")}`,
    `export ECS_URL=${ecsUrl}`,
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
