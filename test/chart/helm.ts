import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { buildKubebox } from "../cluster/build.ts";
import { installHelm3 } from "../cluster/helm-3.ts";
import { findOnPath } from "../cluster/locate.ts";
import { type CommandResult, tryCommand } from "../cluster/run-command.ts";
import { kubeboxDirectory, kubernetesVersion } from "../cluster/versions.ts";

/** chart is the directory of the chart. */
export const chart = fileURLToPath(new URL("../../charts/getabako/", import.meta.url));

type Strings = Readonly<Record<string, string>>;

/** Rendered is an object that the chart makes. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Strings;
    readonly annotations?: Strings;
  };
  readonly spec?: unknown;
  readonly rules?: unknown;
  readonly roleRef?: unknown;
  readonly subjects?: unknown;
}

/** PodSpec is what the tests look at of a pod. */
export interface PodSpec {
  readonly serviceAccountName: string;
  readonly terminationGracePeriodSeconds: number;
  readonly topologySpreadConstraints: readonly { readonly labelSelector: unknown }[];
  readonly containers: readonly [
    {
      readonly image: string;
      readonly args: readonly string[];
      readonly env: readonly { readonly name: string }[];
      readonly ports: readonly { readonly name: string }[];
      readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
    },
  ];
}

/** DeploymentSpec is what they look at of the Deployment. */
export interface DeploymentSpec {
  readonly replicas: number;
  readonly selector: { readonly matchLabels: Strings };
  readonly template: { readonly metadata: { readonly labels: Strings; readonly annotations: Strings }; readonly spec: PodSpec };
}

/** ServiceSpec is what they look at of a Service. */
export interface ServiceSpec {
  readonly selector: Strings;
  readonly ports: readonly { readonly targetPort: string }[];
}

/** RenderOptions are what `helm template` is asked with. */
export interface RenderOptions {
  readonly values?: object;
  readonly release?: string;
  readonly namespace?: string;
  /** Path of the program; that of the suite unless told. */
  readonly helm?: string | undefined;
}

/** tryHelm runs helm without a cluster and without the settings of the person who runs this. */
export async function tryHelm(args: readonly string[], input = "", helm?: string): Promise<CommandResult> {
  return await tryCommand(helm ?? (await helmPath()), args, {
    input,
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", KUBECONFIG: "/dev/null" },
  });
}

/** asCluster keeps the version that a helm was built with, or not, out of what it renders and refuses. */
export const asCluster: readonly string[] = ["--kube-version", kubernetesVersion];

/** renderText is the output of `helm template`; it rejects with helm's words. */
export async function renderText({
  values = {},
  release = "getabako",
  namespace = "runners",
  helm,
}: RenderOptions = {}): Promise<string> {
  const args = ["template", release, chart, "--namespace", namespace, "--values", "-", ...asCluster];
  const result = await tryHelm(args, JSON.stringify(values), helm);
  if (result.code !== 0) throw new Error(result.stderr.trim());
  return result.stdout;
}

/** render is the output of `helm template`, as objects. */
export async function render(options: RenderOptions = {}): Promise<Rendered[]> {
  return parseAllDocuments(await renderText(options)).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS() as Rendered;
  });
}

/** only is the single object of a kind (and name). */
export function only(objects: readonly Rendered[], kind: string, name?: string): Rendered {
  const found = objects.filter((object) => object.kind === kind && (name === undefined || object.metadata.name === name));
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} objects are a ${kind} ${name ?? ""}`);
  return first;
}

/** deployment is a Deployment's spec, of the only one there is unless a name is given. */
export function deployment(objects: readonly Rendered[], name?: string): DeploymentSpec {
  return only(objects, "Deployment", name).spec as DeploymentSpec;
}

/** helms are the two majors that the chart is for, each with what finds the program. */
export const helms: readonly (readonly [name: string, find: () => Promise<string>])[] = [
  ["Helm 4", async () => await helmPath()],
  ["Helm 3", async () => await installHelm3((line) => void process.stderr.write(`[helm] ${line}\n`))],
];

/** TEST_HELM names another helm for all tests that do not ask for a major. */
async function helmPath(): Promise<string> {
  const named = process.env["TEST_HELM"];
  if (named !== undefined && named !== "") return named;
  const built = join(kubeboxDirectory(process.env), "helm");
  if (existsSync(built)) return built;
  return (
    findOnPath("helm") ?? join(await buildKubebox({ report: (line) => void process.stderr.write(`[helm] ${line}\n`) }), "helm")
  );
}
