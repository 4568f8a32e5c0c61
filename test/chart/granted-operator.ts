import { createHmac, randomUUID } from "node:crypto";
import { expect, onTestFinished } from "vitest";
import { jobPayload } from "../../src/intake/test-objects.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import type { Rendered } from "./helm.ts";
import type { Access, Account, AuditedPlane } from "./service-account.ts";
import type { World } from "./world.ts";

/** Rule is one rule of a Role. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** rulesOf are the rules of a Role or ClusterRole. */
export const rulesOf = (object: Rendered): readonly Rule[] => object.rules as readonly Rule[];

/** isOperatorRole tells the roles of the pods from those of people, which are aggregated and bound to nobody. */
export const isOperatorRole = ({ kind, metadata }: Rendered): boolean =>
  (kind === "Role" || kind === "ClusterRole") &&
  !Object.keys(metadata.labels).some((label) => label.startsWith("rbac.authorization.k8s.io/"));

/** rights are rules in the words of accesses: "runnertargets.getabako.dev/status list". */
export const rights = (rules: readonly Rule[]): string[] =>
  rules.flatMap(({ apiGroups: [group = ""], resources, verbs }) =>
    resources.flatMap((resource) => {
      const [plural, subresource] = resource.split("/");
      const name = `${plural}${group === "" ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
      return verbs.map((verb) => `${name} ${verb}`);
    }),
  );

/** runAs runs the program with the arguments of a Deployment, as its pod would; it ends with the test. */
export async function runAs(
  { kubeconfig, args, component }: Account,
  namespace: string,
  more: { readonly args?: readonly string[]; readonly untilReady?: boolean } = {},
): Promise<OperatorProcess> {
  const operator = await startOperator({
    kubeconfig,
    namespace,
    identity: component === "operator" ? "pod-0" : `${component}-0`,
    // Tests take ports that are free.
    args: [...args.slice(1).filter((arg) => !arg.includes("-port=")), ...(more.args ?? [])],
    env: { AWS_ACCESS_KEY_ID: "AKIASIMULATOR", AWS_SECRET_ACCESS_KEY: "simulator" },
    ...(more.untilReady !== undefined && { untilReady: more.untilReady }),
  });
  onTestFinished(() => operator.kill());
  return operator;
}

/** writeObjects writes what people write; it goes with the test, since an operator that serves all may not read its Secret. */
export async function writeObjects(plane: AuditedPlane, world: World, namespace: string): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: world.objects(namespace) });
  onTestFinished(async () => void (await plane.kubectl(["delete", "-f", "-"], list)));
  await plane.kubectl(["apply", "-f", "-"], list);
}

/** used is what an account has asked for. */
export async function used(plane: AuditedPlane, { user }: Account): Promise<readonly Access[]> {
  return (await plane.accesses()).filter((access) => access.user === user);
}

/** postJob sends a signed workflow_job event as GitHub would. */
export async function postJob(
  world: World,
  url: string,
  action: "queued" | "in_progress",
  job: Readonly<Record<string, unknown>>,
): Promise<{ readonly status: number; readonly body: string }> {
  const body = JSON.stringify(jobPayload({ action, job }));
  const secret = world.github.app.hook.secret ?? "";
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-event": "workflow_job",
      "x-github-delivery": randomUUID(),
      "x-github-hook-installation-target-id": String(world.github.app.id),
      "x-github-hook-installation-target-type": "integration",
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    },
    body,
  });
  return { status: answer.status, body: await answer.text() };
}

/** untilSecretsAreRead waits until the operator can check a signature: it is ready before, and answers 503 to those that cannot wait. */
export async function untilSecretsAreRead(world: World, url: string): Promise<void> {
  // Nobody serves this job, so nothing is asked of the API server.
  const answer = async (): Promise<number> => (await postJob(world, url, "queued", { labels: ["nobody"] })).status;
  await expect.poll(answer, { timeout: 20_000 }).toBe(200);
}
