import { labels, maxRunners } from "../jobs.ts";
import { apply } from "../kube.ts";
import { githubApp, runnerClass, runnerTarget, secret, teamNamespace, webhookSecretName } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";

/** becomeReady applies what a person writes, and waits until the operator calls all of it Ready. */
export async function becomeReady(stage: Stage, detail: Detail): Promise<void> {
  const { cluster, ecs, github, runnerImage } = stage;
  await apply(stage, [
    secret("github-app", {
      "private-key.pem": github.app.keys[0]?.privateKey ?? "",
      garbage: "-----BEGIN RSA PRIVATE KEY-----\nthis is none\n-----END RSA PRIVATE KEY-----\n",
    }),
    secret(webhookSecretName, { "webhook-secret": github.app.hook.secret ?? "" }),
    githubApp("acme", { apiUrl: github.url, appId: github.app.id, keySecret: "github-app" }),
    runnerClass("fargate", { endpoint: ecs.url, image: runnerImage.name, command: runnerImage.command }),
    runnerTarget("web", { labels, classRef: "fargate", maxRunners }),
  ]);
  await expectReady(stage);
  detail(await cluster.kubectl(["get", "getabako", "-n", teamNamespace]));
}

/** expectReady waits for the Ready condition of what was applied above. */
export async function expectReady({ cluster }: Stage): Promise<void> {
  const objects = ["githubapp/acme", "ecsrunnerclass/fargate", "runnertarget/web"];
  await cluster.kubectl(["wait", "--for=condition=Ready", "--timeout=60s", "-n", teamNamespace, ...objects]);
}
