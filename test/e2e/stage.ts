import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removalCommand, startJanitor } from "../cluster/guard.ts";
import { type NodeCluster, type Report, startNode } from "../cluster/node.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import { dockerEngine } from "./docker.ts";
import { Ecs } from "./ecs.ts";
import type { Engine } from "./engine.ts";
import { startMinistack } from "./ministack.ts";
import { findHelms, type Helms } from "./helms.ts";
import { repository, secretNames, teamNamespace } from "./objects.ts";
import { buildOperatorImage } from "./operator-image.ts";
import { PodLogs } from "./pod-logs.ts";
import { startPodman } from "./podman.ts";
import { type Ground, prepareGround } from "./prerequisites.ts";
import { buildPreviousVersion, findPreviousVersion } from "./previous-version.ts";
import { type ChartVersion, Release } from "./release.ts";
import { buildRunnerImage, type RunnerImage } from "./runner-image.ts";

/** Stage is all that the story plays on. */
export interface Stage extends AsyncDisposable {
  readonly cluster: NodeCluster;
  readonly engine: Engine;
  readonly ecs: Ecs;
  readonly github: GitHubSim;
  readonly runnerImage: RunnerImage;
  readonly release: Release;
  readonly helms: Helms;
  /** What the story begins with. */
  readonly previous: ChartVersion;
  /** The chart and the image of this working tree. */
  readonly current: ChartVersion;
  readonly podLogs: PodLogs;
  /** Where logs are. */
  readonly directory: string;
  readonly emulatorLog: string;
  /** Everything that must not show up anywhere. */
  readonly secrets: () => readonly string[];
}

const credentials = { accessKeyId: "AKIAGETABAKOE2E", secretAccessKey: randomBytes(20).toString("hex") };
const awsSecret = "aws-credentials";

const chart = fileURLToPath(new URL("../../charts/getabako", import.meta.url));

/** setStage starts a cluster, a GitHub and an ECS that runs containers, and loads all images. */
export async function setStage(report: Report, options: { readonly from?: string | undefined } = {}): Promise<Stage> {
  await using building = new AsyncDisposableStack();
  // First of all: it fails where there is no history.
  const previousVersion = await findPreviousVersion(options);
  report(`upgraded from: ${previousVersion.name} (${previousVersion.commit.slice(0, 12)})`);
  const ground = await prepareGround(report);
  const directory = await mkdtemp(join(tmpdir(), "getabako-e2e-"));
  const janitor = startJanitor(cleanUpCommand(ground, directory));
  building.defer(() => janitor.run());

  // A tag of its own for each run: pods would not notice a new image under an old name.
  const tag = `e2e-${randomBytes(4).toString("hex")}`;
  const images = Promise.all([
    timed(report, "operator image", () => buildOperatorImage(directory, tag)),
    timed(report, "the previous version", () => buildPreviousVersion(previousVersion, report)),
    timed(report, "runner image", () => buildRunnerImage(directory, tag)),
  ]);
  // Awaited below; a failure must not count as unhandled while the cluster starts.
  images.catch(() => undefined);
  const cluster = await startNode({ report });
  building.defer(() => cluster.stop());
  const [operatorImage, previous, runnerImage] = await images;
  const helms = await findHelms(cluster.helmPath, report);

  const engine = ground.engine === "docker" ? await dockerEngine() : await startPodman(cluster, directory);
  building.defer(() => engine.close());
  await timed(report, "loading the images", () =>
    Promise.all([...[operatorImage, previous.image].map(({ archive }) => cluster.loadImage(archive)), engine.load(runnerImage)]),
  );
  // The one address that pods, containers and this process reach alike; nothing listens beyond this machine.
  const address = cluster.hostIp;
  const emulator = await startMinistack({
    environment: ground.emulator,
    directory,
    address,
    dockerHost: engine.dockerHost,
  });
  building.defer(() => emulator.stop());
  const ecs = new Ecs(emulator.url, credentials);
  building.defer(() => ecs.close());
  await timed(report, `a first task in the ECS emulator (ministack at ${emulator.url}, ${engine.name})`, () =>
    ecs.prepare(runnerImage),
  );

  const github = await startGitHubSim({ host: address });
  building.defer(() => github.close());
  github.addRepository(repository, { private: true });
  github.install("acme");
  report(`simulated GitHub at ${github.url}`);

  const release = new Release(cluster, directory, {
    replicas: 2,
    secrets: { namespaces: [teamNamespace], names: secretNames },
    extraEnvFrom: [{ secretRef: { name: awsSecret } }],
    extraEnv: [{ name: "AWS_EC2_METADATA_DISABLED", value: "true" }],
  });
  await makeNamespaces(cluster, release.namespace);
  const podLogs = new PodLogs(cluster, release.namespace, directory);
  await podLogs.start();
  building.defer(() => podLogs.stop());
  const stage = building.move();
  return {
    cluster,
    engine,
    ecs,
    github,
    runnerImage,
    release,
    helms,
    previous,
    current: { name: "this version", chart, image: operatorImage },
    podLogs,
    directory,
    emulatorLog: emulator.log,
    secrets: () => [...github.secrets(), credentials.secretAccessKey],
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}

/** Both are as strict as Pod Security gets. */
async function makeNamespaces(cluster: NodeCluster, release: string): Promise<void> {
  const namespaces = [release, teamNamespace].map((name) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  }));
  const aws = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: awsSecret, namespace: release },
    stringData: { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
  };
  const input = [...namespaces, aws].map((object) => JSON.stringify(object)).join("\n---\n");
  await cluster.kubectl(["apply", "-f", "-"], { input });
}

function cleanUpCommand({ engine }: Ground, directory: string): string[] {
  const script = fileURLToPath(new URL("podman-cleanup.sh", import.meta.url));
  return engine === "podman" ? ["/bin/sh", script, directory] : removalCommand(directory);
}

async function timed<T>(report: Report, what: string, run: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  report(`${what} ...`);
  const result = await run();
  report(`${what}: ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
  return result;
}
