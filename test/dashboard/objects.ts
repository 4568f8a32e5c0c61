import { apiVersion } from "../../src/api/kind.ts";
import type { App } from "../sim/github/state/model.ts";

export const region = "ap-northeast-1";
export const organization = "acme";
const app = "acme";

/** repositories of the organization; no target covers the last one, whose jobs take runners that were made for others. */
export const repositories = ["acme/web", "acme/api", "acme/legacy"] as const;

/** labels by target. */
export const labels = {
  web: ["self-hosted", "web"],
  api: ["self-hosted", "api"],
  shared: ["self-hosted", "shared"],
  lab: ["self-hosted", "lab"],
} as const;

/** maxWebRunners is few enough for a merge queue to fill. */
export const maxWebRunners = 8;

/** sceneObjects are what a platform team would have in its repository, and its App's secrets. */
export function sceneObjects(outside: {
  readonly github: { readonly url: string; readonly app: App };
  readonly ecs: { readonly url: string };
  readonly queueUrl: string;
}): readonly object[] {
  const { github, ecs, queueUrl } = outside;
  const make = (kind: string, name: string, spec: object): object => ({ apiVersion, kind, metadata: { name }, spec });
  const classSpec = {
    region,
    endpoint: ecs.url,
    network: { subnets: ["subnet-a", "subnet-b"] },
    image: "ghcr.io/acme/runner:1",
  };
  const target = (name: keyof typeof labels, spec: object): object =>
    make("RunnerTarget", name, { githubAppRef: { name: app }, labels: labels[name], classRef: { name: "fargate" }, ...spec });
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: app },
      stringData: { "private-key.pem": github.app.keys[0]?.privateKey, "webhook-secret": github.app.hook.secret },
    },
    make("GitHubApp", app, {
      apiUrl: github.url,
      appId: github.app.id,
      privateKeySecretRef: { name: app, key: "private-key.pem" },
      webhookSecretRefs: [{ name: app, key: "webhook-secret" }],
    }),
    make("ECSRunnerClass", "fargate", {
      ...classSpec,
      cluster: "runners",
      capacity: [
        { name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] },
        { name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] },
      ],
      events: { queueUrl },
    }),
    // Somebody mistyped a name: its target is not Ready, and a job that asks for it waits.
    make("ECSRunnerClass", "lab", {
      ...classSpec,
      cluster: "rnuners",
      capacity: [{ name: "spot", providers: [{ name: "FARGATE" }] }],
    }),
    target("web", { scope: { repository: "acme/web" }, maxRunners: maxWebRunners }),
    target("api", { scope: { repository: "acme/api" }, maxRunners: 30, overrides: { cpu: { max: 4 } } }),
    target("shared", { scope: { organization }, repositories: { include: ["acme/web"] }, maxRunners: 10 }),
    target("lab", { scope: { organization }, classRef: { name: "lab" }, maxRunners: 10 }),
  ];
}
