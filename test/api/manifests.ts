import { apiVersion } from "../../src/api/kind.ts";

/** Manifest is an object as people write it; its content may well be wrong. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; [field: string]: unknown };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** Edits are changes by path, such as "spec.capacity.0.name"; undefined removes the field. */
export type Edits = Readonly<Record<string, unknown>>;

const github = {
  appId: 1,
  privateKeySecretRef: { name: "app", key: "key.pem" },
  webhookSecretRefs: [{ name: "app", key: "webhook" }],
};
const fargate = {
  region: "ap-northeast-1",
  cluster: "runners",
  capacity: [
    { name: "spot", providers: [{ name: "FARGATE_SPOT" }] },
    { name: "on-demand", providers: [{ name: "FARGATE" }] },
  ],
  network: { subnets: ["subnet-0a"] },
  image: "ghcr.io/acme/runner:1",
};
const target = {
  githubAppRef: { name: "acme" },
  scope: { organization: "acme" },
  labels: ["self-hosted", "fargate"],
  classRef: { name: "fargate" },
};
const request = {
  targetRef: { name: "web" },
  job: {
    host: "github.com",
    id: "31415926535",
    runId: "2718281828",
    repository: "acme/web",
    name: "build",
    labels: ["self-hosted"],
    queuedAt: "2026-05-04T03:02:01Z",
  },
};
/** The smallest good object of each kind. */
const specs = { GitHubApp: github, ECSRunnerClass: fargate, RunnerTarget: target, RunnerRequest: request };

export type KindName = keyof typeof specs;

let made = 0;

/** manifest makes a good object of the kind under a name that no other has, and then edits it. */
export function manifest(kind: KindName, namespace: string, edits: Edits = {}): Manifest {
  made += 1;
  const prefix = kind === "RunnerRequest" ? "job" : kind.toLowerCase();
  const object = { apiVersion, kind, metadata: { name: `${prefix}-${made}`, namespace }, spec: specs[kind] };
  return edited(object, edits);
}

/** edited returns a changed copy. */
export function edited(object: Manifest, edits: Edits): Manifest {
  const copy = structuredClone(object);
  for (const [path, value] of Object.entries(edits)) {
    const keys = path.split(".");
    const last = keys.pop() ?? path;
    let holder = copy as unknown as Record<string, unknown>;
    for (const key of keys) {
      holder[key] ??= {};
      holder = holder[key] as Record<string, unknown>;
    }
    if (value === undefined) delete holder[last];
    else holder[last] = value;
  }
  return copy;
}
