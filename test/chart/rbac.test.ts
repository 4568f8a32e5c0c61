import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatorProcess } from "../support/operator.ts";
import { isOperatorRole, postJob, rights, type Rule, rulesOf, runAs, used, writeObjects } from "./granted-operator.ts";
import { only, render, type Rendered } from "./helm.ts";
import { type Account, type AuditedPlane, auditedPlane } from "./service-account.ts";
import { startWorld, type World } from "./world.ts";

const inWords = ({ apiGroups, resources, resourceNames, verbs }: Rule): string => {
  const group = apiGroups[0] === "" ? "" : ` of ${apiGroups.join(", ")}`;
  return `${verbs.join(", ")} ${resources.join(", ")}${group}${resourceNames === undefined ? "" : ` named ${resourceNames.join(", ")}`}`;
};

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
      .filter(isOperatorRole)
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

  it("are these where intake and controllers are apart", async () => {
    const values = { mode: "split", secrets: { names: ["key", "hook"] }, intake: { secretNames: ["hook"] } };
    const objects = await render({ values });
    const intake = objects.filter(({ metadata }) => metadata.name.startsWith("getabako-intake"));
    const shown = intake
      .filter(isOperatorRole)
      .flatMap((role) => rulesOf(role).map((rule) => `${role.kind} ${role.metadata.name}: ${inWords(rule)}`));
    expect(shown).toEqual([
      "ClusterRole getabako-intake: list, watch githubapps, runnertargets, runnerrequests of getabako.dev",
      "ClusterRole getabako-intake: create, get runnerrequests of getabako.dev",
      "ClusterRole getabako-intake: patch runnerrequests/status of getabako.dev",
      "Role getabako-intake-secrets: list, watch secrets named hook",
    ]);
    const account = (name: string): unknown => only(objects, "ClusterRoleBinding", name).subjects;
    expect(account("getabako-intake")).toMatchObject([{ name: "getabako-intake" }]);
    // That of the operator in one piece, which a Pod Identity association names.
    expect(account("getabako")).toMatchObject([{ name: "getabako" }]);
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
    for (const role of objects.filter(isOperatorRole)) {
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

/** What the bindings of a release give to an account. */
function grantedTo(objects: readonly Rendered[], { user }: Account): readonly Rule[] {
  const name = user.split(":").at(-1);
  const bound = objects.filter(({ subjects }) => (subjects as readonly { name: string }[] | undefined)?.[0]?.name === name);
  const roles = new Set(bound.map(({ roleRef }) => (roleRef as { name: string }).name));
  return objects.filter(isOperatorRole).flatMap((role) => (roles.has(role.metadata.name) ? rulesOf(role) : []));
}

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

  const read = async (what: string[], path: string): Promise<string> => plane.kubectl(["get", ...what, "-o", `jsonpath=${path}`]);
  const ready = '{.status.conditions[?(@.type=="Ready")].status}';
  const expectNothingDenied = async (account: Account, operator: OperatorProcess): Promise<void> => {
    const accesses = await used(plane, account);
    expect(accesses.length).toBeGreaterThan(10);
    expect(accesses.filter(({ status }) => status === 403)).toEqual([]);
    expect(operator.log.filter((line) => /forbidden|not allowed|"status":403/i.test(line))).toEqual([]);
  };
  const rightsOf = async (account: Account): Promise<string[]> => [
    ...new Set((await used(plane, account)).map(({ resource, verb }) => `${resource} ${verb}`)),
  ];

  it("does a job from the webhook to the end, is denied nothing, and is granted little that it does not use", async () => {
    const home = await plane.namespace("getabako-system");
    const team = await plane.namespace("team-web");
    const release = await plane.grant({ namespace: home, values: { secrets: { namespaces: [team], names: ["github-app"] } } });
    await writeObjects(plane, world, team);
    const operator = await runAs(release, home);
    // Ready comes before the Lease: webhooks need no leader.
    await expect.poll(() => read(["lease", "getabako", "-n", home], "{.spec.holderIdentity}"), { timeout: 20_000 }).toBe("pod-0");
    const before = world.github.report().jobs.completed;
    world.github.setReceivers([operator.webhookUrl]);
    await expect.poll(() => read(["rt", "web", "-n", team], ready), { timeout: 20_000 }).toBe("True");

    world.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    // A runner that nobody here has heard of: only the API server can say that there is no such request.
    const unheardOf = {
      id: 7,
      labels: ["gpu"],
      runner_id: 7,
      runner_name: "job-8-1",
      runner_group_id: 1,
      runner_group_name: "Default",
    };
    expect((await postJob(world, operator.webhookUrl, "in_progress", unheardOf)).status).toBeLessThan(300);
    await expect.poll(() => world.github.report().jobs.completed, { timeout: 30_000 }).toBe(before + 1);
    await expect.poll(() => rightsOf(release), { timeout: 30_000 }).toContain("runnerrequests.getabako.dev delete");
    expect(await operator.stop()).toBe(0);

    await expectNothingDenied(release, operator);
    const granted = rights(release.objects.filter(isOperatorRole).flatMap(rulesOf));
    const seen = await rightsOf(release);
    // Of the rare ones some may have been needed: an Event is patched when it is repeated.
    expect(granted.filter((right) => !seen.includes(right) && !rare.includes(right))).toEqual([]);
    // Nor does it ask for what only its luck has let it have.
    const asked = seen.filter((right) => !granted.includes(right) && !right.startsWith("selfsubjectaccessreviews"));
    expect(asked).toEqual([]);
  });

  it("serves one namespace with rights in that namespace alone", async () => {
    const home = await plane.namespace("getabako-ci");
    const team = await plane.namespace("team-ci");
    const release = await plane.grant({ namespace: home, values: { watchNamespace: team, fullnameOverride: "shoes" } });
    expect(release.objects.map(({ kind }) => kind)).not.toContain("ClusterRole");
    await writeObjects(plane, world, team);
    const operator = await runAs(release, home);
    await expect.poll(() => read(["rt", "web", "-n", team], ready), { timeout: 20_000 }).toBe("True");
    expect(await read(["lease", "shoes", "-n", home], "{.spec.holderIdentity}")).toBe("pod-0");
    expect(await operator.stop()).toBe(0);
    await expectNothingDenied(release, operator);
  });

  it("serves several namespaces with rights in those alone", async () => {
    const home = await plane.namespace("getabako-few");
    const [one, two, other] = [
      await plane.namespace("few-one"),
      await plane.namespace("few-two"),
      await plane.namespace("few-other"),
    ];
    const values = { watchNamespaces: [one, two], fullnameOverride: "few" };
    const release = await plane.grant({ namespace: home, values });
    expect(release.objects.map(({ kind }) => kind)).not.toContain("ClusterRole");
    for (const each of [one, two, other]) await writeObjects(plane, world, each);
    const operator = await runAs(release, home);
    for (const each of [one, two]) {
      await expect.poll(() => read(["rt", "web", "-n", each], ready), { timeout: 20_000 }).toBe("True");
    }
    expect(await read(["rt", "web", "-n", other], ready)).toBe("");
    expect(await operator.stop()).toBe(0);
    await expectNothingDenied(release, operator);
    const places = new Set((await used(plane, release)).map(({ namespace = "all" }) => namespace));
    expect([...places].toSorted()).toEqual([one, two, home].toSorted());
  });

  it("split in two does a job with each half's rights alone, and either is granted little that it does not use", async () => {
    const home = await plane.namespace("getabako-split");
    const team = await plane.namespace("split-web");
    const values = {
      mode: "split",
      fullnameOverride: "split",
      watchNamespaces: [team],
      secrets: { names: ["github-app"] },
      intake: { secretNames: ["github-app"] },
    };
    const release = await plane.grant({ namespace: home, values });
    const account = (component: string): Account => {
      const found = release.accounts.find((each) => each.component === component);
      if (found === undefined) throw new Error(`nothing runs as ${component}`);
      return found;
    };
    const [intake, controller] = [account("intake"), account("controller")];
    expect(intake.user).not.toBe(controller.user);
    await writeObjects(plane, world, team);
    // Quick sweeps: one of them is to find a job whose webhook nobody took, which the controllers then make a request for.
    const controllers = await runAs(controller, home, { args: ["--time-divisor=30"] });
    const webhooks = await runAs(intake, home);
    expect(() => controllers.webhookUrl).toThrow(/without the role intake/);
    await expect.poll(() => read(["rt", "web", "-n", team], ready), { timeout: 20_000 }).toBe("True");
    const before = world.github.report().jobs.completed;
    world.github.setReceivers([webhooks.webhookUrl]);
    world.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    const unheardOf = {
      id: 9,
      labels: ["gpu"],
      runner_id: 9,
      runner_name: "job-10-1",
      runner_group_id: 1,
      runner_group_name: "Default",
    };
    expect((await postJob(world, webhooks.webhookUrl, "in_progress", unheardOf)).status).toBeLessThan(300);
    await expect.poll(() => world.github.report().jobs.completed, { timeout: 30_000 }).toBe(before + 1);
    expect(await webhooks.stop()).toBe(0);
    world.github.setReceivers([]);
    world.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    await expect.poll(() => world.github.report().jobs.completed, { timeout: 60_000 }).toBe(before + 2);
    await expect.poll(() => rightsOf(controller), { timeout: 30_000 }).toContain("runnerrequests.getabako.dev delete");
    expect(await controllers.stop()).toBe(0);

    for (const [each, operator] of [[intake, webhooks] as const, [controller, controllers] as const]) {
      await expectNothingDenied(each, operator);
      const granted = rights(grantedTo(release.objects, each));
      const seen = await rightsOf(each);
      expect(seen.filter((right) => !granted.includes(right))).toEqual([]);
      // A request of which the watch has not told yet is read by whoever hears of its runner: mostly by the intake.
      const seldom = each === intake ? [] : [...rare, "runnerrequests.getabako.dev get"];
      expect(granted.filter((right) => !seen.includes(right) && !seldom.includes(right))).toEqual([]);
    }
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
