import { generateKeyPairSync } from "node:crypto";
import { conditionOf, inWords, requestsOf } from "../jobs.ts";
import { apply, getObject } from "../kube.ts";
import { githubApp, type KubeObject, repository, runnerClass, runnerTarget, secret, teamNamespace } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { until } from "../../support/until.ts";

/** ungrantedSecret exists, and the release's values do not let the operator read it. */
export const ungrantedSecret = "not-granted";

interface Mistake {
  readonly kind: string;
  readonly name: string;
  readonly object: KubeObject;
  readonly reason: string;
  /** What the message has to name, so that a person knows what to do. */
  readonly says: RegExp;
}

/** nameMistakes sets things up wrongly, one by one, and reads the condition that each ends in. */
export async function nameMistakes(stage: Stage, detail: Detail): Promise<void> {
  const { ecs, github, runnerImage } = stage;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  await apply(stage, [secret("wrong-key", { "private-key.pem": pem }), secret(ungrantedSecret, { "private-key.pem": pem })]);
  const app = (name: string, keySecret: string, key?: string): KubeObject =>
    githubApp(name, { apiUrl: github.url, appId: github.app.id, keySecret, ...(key !== undefined && { key }) });
  const cls = (name: string, changed: { readonly endpoint?: string; readonly image?: string }): KubeObject =>
    runnerClass(name, { endpoint: ecs.url, image: runnerImage.name, command: runnerImage.command, ...changed });
  const elsewhere = cls("elsewhere", {}) as { readonly spec: KubeObject };
  const mistakes: readonly Mistake[] = [
    { kind: "githubapp", name: "wrong-key", object: app("wrong-key", "wrong-key"), reason: "Unauthorized", says: /key|appId/ },
    {
      kind: "githubapp",
      name: "missing-key",
      object: app("missing-key", "github-app", "no-such-key"),
      reason: "SecretNotFound",
      says: /no-such-key/,
    },
    {
      kind: "githubapp",
      name: "garbage",
      object: app("garbage", "github-app", "garbage"),
      reason: "InvalidPrivateKey",
      says: /key/,
    },
    {
      kind: "githubapp",
      name: "not-granted",
      object: app("not-granted", ungrantedSecret),
      reason: "SecretForbidden",
      says: /not-granted/,
    },
    {
      kind: "ecsrunnerclass",
      name: "elsewhere",
      object: { ...elsewhere, spec: { ...elsewhere.spec, cluster: "no-such-cluster" } },
      reason: "ClusterNotFound",
      says: /no-such-cluster/,
    },
    {
      kind: "ecsrunnerclass",
      name: "typo",
      object: cls("typo", { image: "Runner:x:y" }),
      reason: "ImageInvalid",
      says: /Runner:x:y/,
    },
  ];
  await apply(
    stage,
    mistakes.map(({ object }) => object),
  );
  for (const { kind, name, reason, says } of mistakes) {
    const ready = await until(`${kind} ${name} with the reason ${reason}`, 30_000, async () => {
      const condition = conditionOf(await getObject(stage, kind, name, teamNamespace), "Ready");
      if (condition?.status !== "False" || condition.reason !== reason) throw new Error(`Ready is ${JSON.stringify(condition)}`);
      return condition;
    });
    if (!says.test(ready.message)) throw new Error(`${kind} ${name}: the message does not help: ${ready.message}`);
    detail(`${kind} ${name}: ${reason}: ${ready.message}`);
  }
  await imageThatIsNowhere(stage, detail);
  await stage.cluster.kubectl(["delete", "-n", teamNamespace, ...mistakes.map(({ kind, name }) => `${kind}/${name}`)]);
}

/** Nobody can know before a task fails that its image cannot be pulled: the request says so, and does not start one task after another. */
async function imageThatIsNowhere(stage: Stage, detail: Detail): Promise<void> {
  const { cluster, ecs, github, runnerImage } = stage;
  const image = "localhost/no-such-image:1";
  await apply(stage, [
    runnerClass("no-image", { endpoint: ecs.url, image, command: runnerImage.command }),
    runnerTarget("no-image", { labels: ["self-hosted", "no-image"], classRef: "no-image", maxRunners: 1 }),
  ]);
  await cluster.kubectl(["wait", "--for=condition=Ready", "--timeout=30s", "-n", teamNamespace, "runnertarget/no-image"]);
  const job = github.queueJob({ repository, labels: ["no-image"], durationMs: 100 });
  const said = await until("an attempt that ended because of the image", 60_000, async () => {
    const [request] = await requestsOf(stage, [job]);
    const attempt = request?.status?.attempts?.find(({ endedAt }) => endedAt !== undefined);
    if (attempt === undefined) throw new Error(request === undefined ? "no request" : inWords(request));
    return `${attempt.reason}: ${attempt.message}`;
  });
  if (!/image|pull/.test(said)) throw new Error(`the attempt does not name the image: ${said}`);
  detail(`image that is nowhere: ${said}`);
  // The job is given up, and with it the request.
  github.cancelJob(job.id);
  await until("the end of the request of the cancelled job", 30_000, async () => {
    const [request] = await requestsOf(stage, [job]);
    const succeeded = request === undefined ? undefined : conditionOf(request, "Succeeded");
    if (succeeded?.reason !== "JobCancelled") throw new Error(request === undefined ? "no request" : inWords(request));
    // The next attempt may have begun before the job was given up.
    if (github.registrations().length > 0) throw new Error("a registration is left at GitHub");
  });
}
