import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { jobPayload } from "../../src/intake/test-objects.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import { deployment, only, render, type Rendered } from "./helm.ts";
import { type Access, type AuditedPlane, auditedPlane, type Release } from "./service-account.ts";
import { startWorld, type World } from "./world.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const rulesOf = (object: Rendered): readonly Rule[] => object.rules as readonly Rule[];
const isRole = ({ kind }: Rendered): boolean => kind === "Role" || kind === "ClusterRole";

const inWords = ({ apiGroups, resources, resourceNames, verbs }: Rule): string => {
  const group = apiGroups[0] === "" ? "" : ` of ${apiGroups.join(", ")}`;
  return `${verbs.join(", ")} ${resources.join(", ")}${group}${resourceNames === undefined ? "" : ` named ${resourceNames.join(", ")}`}`;
};

/** "runnertargets.getabako.dev/status list", as accesses are written. */
const rights = (rules: readonly Rule[]): string[] =>
  rules.flatMap(({ apiGroups: [group = ""], resources, verbs }) =>
    resources.flatMap((resource) => {
      const [plural, subresource] = resource.split("/");
      const name = `${plural}${group === "" ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
      return verbs.map((verb) => `${name} ${verb}`);
    }),
  );

/** Granted for what a short run without trouble does not meet: an Event that repeats, and one whose repetition got no answer. */
const rare = ["events.events.k8s.io get", "events.events.k8s.io patch"];

/** Verb, resource, where, name of the object, and whether the ServiceAccount may. */
const mayTable: readonly (readonly [
  verb: string,
  resource: string,
  place: "home" | "team" | "other" | "cluster",
  name: string | undefined,
  may: boolean,
])[] = [
  ["watch", "runnertargets.getabako.dev", "cluster", undefined, true],
  ["list", "githubapps.getabako.dev", "other", undefined, true],
  ["patch", "runnertargets/status.getabako.dev", "other", "web", true],
  ["create", "runnerrequests.getabako.dev", "other", undefined, true],
  ["delete", "runnerrequests.getabako.dev", "other", "job-1", true],
  ["patch", "runnerrequests.getabako.dev", "other", "job-1", true],
  // What people own is theirs.
  ["patch", "runnertargets.getabako.dev", "other", "web", false],
  ["update", "githubapps.getabako.dev", "team", "acme", false],
  ["delete", "ecsrunnerclasses.getabako.dev", "team", "fargate", false],
  ["create", "runnertargets.getabako.dev", "team", undefined, false],
  ["deletecollection", "runnerrequests.getabako.dev", "other", undefined, false],
  ["update", "runnerrequests/status.getabako.dev", "other", "job-1", false],
  // Secrets by name, where the Apps are, and only to read.
  ["list", "secrets", "team", "github-app", true],
  ["watch", "secrets", "team", "github-app", true],
  ["list", "secrets", "team", undefined, false],
  ["list", "secrets", "team", "other", false],
  ["list", "secrets", "home", "github-app", false],
  ["list", "secrets", "other", "github-app", false],
  ["list", "secrets", "cluster", undefined, false],
  ["create", "secrets", "team", undefined, false],
  ["patch", "secrets", "team", "github-app", false],
  // Its own Lease, and nobody else's.
  ["get", "leases.coordination.k8s.io", "home", "asked", true],
  ["patch", "leases.coordination.k8s.io", "home", "asked", true],
  ["create", "leases.coordination.k8s.io", "home", undefined, true],
  ["patch", "leases.coordination.k8s.io", "home", "kube-scheduler", false],
  ["delete", "leases.coordination.k8s.io", "home", "asked", false],
  ["create", "leases.coordination.k8s.io", "other", undefined, false],
  ["create", "events.events.k8s.io", "other", undefined, true],
  ["list", "events.events.k8s.io", "other", undefined, false],
  ["create", "events", "other", undefined, false],
  // Nothing of what operators often have.
  ["create", "pods", "home", undefined, false],
  ["list", "configmaps", "home", undefined, false],
  ["create", "serviceaccounts/token", "home", "asked", false],
  ["get", "customresourcedefinitions.apiextensions.k8s.io", "cluster", undefined, false],
  ["bind", "clusterroles.rbac.authorization.k8s.io", "cluster", undefined, false],
];

describe("the roles of the chart", () => {
  it("are these, and no others", async () => {
    const objects = await render({ values: { secrets: { names: ["github-app"] } } });
    const shown = objects
      .filter(isRole)
      .flatMap((role) => rulesOf(role).map((rule) => `${role.kind} ${role.metadata.name}: ${inWords(rule)}`));
    expect(shown).toEqual([
      "ClusterRole getabako: list, watch githubapps, ecsrunnerclasses, runnertargets, runnerrequests of getabako.dev",
      "ClusterRole getabako: patch githubapps/status, ecsrunnerclasses/status, runnertargets/status, runnerrequests/status of getabako.dev",
      "ClusterRole getabako: create, get, patch, delete runnerrequests of getabako.dev",
      "ClusterRole getabako: create, get, patch events of events.k8s.io",
      "Role getabako-leader-election: get, patch leases of coordination.k8s.io named getabako",
      "Role getabako-leader-election: create leases of coordination.k8s.io",
      "Role getabako-secrets: list, watch secrets named github-app",
    ]);
  });

  it("say nothing of Secrets that holds in the whole cluster", async () => {
    for (const values of [{}, { secrets: { namespaces: ["a", "b"] } }, { watchNamespace: "ci" }, { secrets: { names: ["a"] } }]) {
      for (const role of (await render({ values })).filter(({ kind }) => kind === "ClusterRole")) {
        for (const { resources, apiGroups } of rulesOf(role)) {
          expect(resources).not.toContain("secrets");
          expect([...resources, ...apiGroups]).not.toContain("*");
        }
      }
    }
  });

  it("are all bound to the ServiceAccount of the pods", async () => {
    const objects = await render({ values: { secrets: { namespaces: ["a", "b"] } } });
    const { name } = only(objects, "ServiceAccount").metadata;
    for (const role of objects.filter(isRole)) {
      const binding = objects.find(
        ({ kind, metadata, roleRef }) =>
          kind === `${role.kind}Binding` &&
          metadata.namespace === role.metadata.namespace &&
          (roleRef as { name: string }).name === role.metadata.name,
      );
      expect(binding?.roleRef).toMatchObject({ kind: role.kind, apiGroup: "rbac.authorization.k8s.io" });
      expect(binding?.subjects).toEqual([{ kind: "ServiceAccount", name, namespace: "runners" }]);
    }
  });
});

describe("an operator with the chart's ServiceAccount", { timeout: 90_000 }, () => {
  let plane: AuditedPlane;
  let world: World;
  beforeAll(async () => {
    [plane, world] = await Promise.all([auditedPlane(), startWorld()]);
  });
  afterAll(async () => {
    await plane?.stop();
    await world?.close();
  });

  /** Runs the program with the arguments of the Deployment, as its pod would. */
  const run = async ({ objects, kubeconfig }: Release, namespace: string): Promise<OperatorProcess> => {
    const [{ args }] = deployment(objects).template.spec.containers;
    const operator = await startOperator({
      kubeconfig,
      namespace,
      identity: "pod-0",
      // Tests take ports that are free.
      args: args.slice(1).filter((arg) => !arg.includes("-port=")),
      env: { AWS_ACCESS_KEY_ID: "AKIASIMULATOR", AWS_SECRET_ACCESS_KEY: "simulator" },
    });
    onTestFinished(() => operator.kill());
    return operator;
  };
  /** What people write in a namespace; it goes with the test, since an operator of another one that serves all may not read its Secret. */
  const people = async (namespace: string): Promise<void> => {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: world.objects(namespace) });
    onTestFinished(async () => void (await plane.kubectl(["delete", "-f", "-"], list)));
    await plane.kubectl(["apply", "-f", "-"], list);
  };
  const read = async (what: string[], path: string): Promise<string> => plane.kubectl(["get", ...what, "-o", `jsonpath=${path}`]);
  const ready = '{.status.conditions[?(@.type=="Ready")].status}';
  const accessesOf = async ({ user }: Release): Promise<Access[]> =>
    (await plane.accesses()).filter((access) => access.user === user);
  const expectNothingDenied = async (release: Release, operator: OperatorProcess): Promise<void> => {
    const accesses = await accessesOf(release);
    expect(accesses.length).toBeGreaterThan(10);
    expect(accesses.filter(({ status }) => status === 403)).toEqual([]);
    expect(operator.log.filter((line) => /forbidden|not allowed|"status":403/i.test(line))).toEqual([]);
  };

  it("does a job from the webhook to the end, is denied nothing, and is granted little that it does not use", async () => {
    const home = await plane.namespace("getabako-system");
    const team = await plane.namespace("team-web");
    const release = await plane.grant({ namespace: home, values: { secrets: { namespaces: [team], names: ["github-app"] } } });
    await people(team);
    const operator = await run(release, home);
    // Ready comes before the Lease: webhooks need no leader.
    await expect.poll(() => read(["lease", "getabako", "-n", home], "{.spec.holderIdentity}"), { timeout: 20_000 }).toBe("pod-0");
    world.github.setReceivers([operator.webhookUrl]);
    await expect.poll(() => read(["rt", "web", "-n", team], ready), { timeout: 20_000 }).toBe("True");

    world.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    // A runner that nobody here has heard of: only the API server can say that there is no such request.
    const body = JSON.stringify(
      jobPayload({
        action: "in_progress",
        job: { id: 7, labels: ["gpu"], runner_id: 7, runner_name: "job-8-1", runner_group_id: 1, runner_group_name: "Default" },
      }),
    );
    const answer = await fetch(operator.webhookUrl, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-github-event": "workflow_job",
        "x-github-delivery": "00000000-0000-0000-0000-000000000007",
        "x-github-hook-installation-target-id": String(world.github.app.id),
        "x-github-hook-installation-target-type": "integration",
        "x-hub-signature-256": `sha256=${createHmac("sha256", world.github.app.hook.secret ?? "")
          .update(body)
          .digest("hex")}`,
      },
      body,
    });
    expect(answer.status).toBeLessThan(300);
    await expect.poll(() => world.github.report().jobs.completed, { timeout: 30_000 }).toBe(1);
    const used = async (): Promise<string[]> => [
      ...new Set((await accessesOf(release)).map(({ resource, verb }) => `${resource} ${verb}`)),
    ];
    await expect.poll(used, { timeout: 30_000 }).toContain("runnerrequests.getabako.dev delete");
    expect(await operator.stop()).toBe(0);

    await expectNothingDenied(release, operator);
    const granted = rights(release.objects.filter(isRole).flatMap(rulesOf));
    const seen = await used();
    expect(granted.filter((right) => !seen.includes(right)).toSorted()).toEqual(rare);
    // Nor does it ask for what only its luck has let it have.
    const asked = seen.filter((right) => !granted.includes(right) && !right.startsWith("selfsubjectaccessreviews"));
    expect(asked).toEqual([]);
  });

  it("serves one namespace with rights in that namespace alone", async () => {
    const home = await plane.namespace("getabako-ci");
    const team = await plane.namespace("team-ci");
    const release = await plane.grant({ namespace: home, values: { watchNamespace: team, fullnameOverride: "shoes" } });
    expect(release.objects.map(({ kind }) => kind)).not.toContain("ClusterRole");
    await people(team);
    const operator = await run(release, home);
    await expect.poll(() => read(["rt", "web", "-n", team], ready), { timeout: 20_000 }).toBe("True");
    expect(await read(["lease", "shoes", "-n", home], "{.spec.holderIdentity}")).toBe("pod-0");
    expect(await operator.stop()).toBe(0);
    await expectNothingDenied(release, operator);
  });

  it("may do what it does, and nothing around it", async () => {
    const [home, team, other] = await Promise.all(["home", "team", "other"].map((name) => plane.namespace(`can-i-${name}`)));
    const { user } = await plane.grant({
      namespace: home as string,
      values: { fullnameOverride: "asked", secrets: { namespaces: [team], names: ["github-app"] } },
    });
    const places = { home, team, other, cluster: undefined } as const;
    const reviews = mayTable.map(([verb, resource, place, name]) => {
      const [plural = "", group = ""] = resource.split(/\.(.*)/);
      const [base, subresource] = plural.split("/");
      const attributes = { verb, group, resource: base, subresource, name, namespace: places[place] };
      const spec = { user, resourceAttributes: attributes };
      return { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    });
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: reviews });
    const answers = await plane.kubectl(["create", "-f", "-", "-o", 'jsonpath={.status.allowed}{"\\n"}'], list);
    const allowed = answers.trim().split("\n");
    expect(
      mayTable.map(([verb, resource, place, name], index) => [verb, resource, place, name, allowed[index] === "true"]),
    ).toEqual(mayTable);
  });
});
