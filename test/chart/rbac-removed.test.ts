import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatorProcess } from "../support/operator.ts";
import { isOperatorRole, postJob, rulesOf, runAs, untilSecretsAreRead, writeObjects } from "./granted-operator.ts";
import { render } from "./helm.ts";
import { type AuditedPlane, auditedPlane } from "./service-account.ts";
import { startWorld, type World } from "./world.ts";

/** Scene is an operator that lacks one rule, with what it works on. */
interface Scene {
  readonly operator: OperatorProcess;
  readonly plane: AuditedPlane;
  readonly world: World;
  readonly home: string;
  readonly team: string;
}

/** Removed is a rule of the chart, and what does not work without it. */
interface Removed {
  readonly rule: string;
  readonly breaks: string;
  /** False where the operator cannot become ready. */
  readonly starts?: boolean;
  readonly shows: (scene: Scene) => Promise<void>;
}

const within = { timeout: 20_000 };
const said = async ({ operator }: Scene, words: RegExp): Promise<void> =>
  await expect.poll(() => operator.log.some((line) => words.test(line)), within).toBe(true);
const condition = async ({ plane, team }: Scene, kind: string, name: string, field: string): Promise<string> =>
  await plane.kubectl(["get", kind, name, "-n", team, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].${field}}`]);
const refusedTo = "does not let the operator do this (Forbidden)";

/** The target says nothing, once the API server has refused something. */
async function nobodyLeads(scene: Scene, words: RegExp): Promise<void> {
  await said(scene, words);
  expect(await condition(scene, "runnertarget", "web", "status")).toBe("");
}

const combined: readonly Removed[] = [
  {
    rule: "getabako 0",
    breaks: "it never becomes ready, since it sees no objects",
    starts: false,
    shows: async (scene) => await said(scene, /"cause":"forbidden".*list or watch failed/),
  },
  {
    rule: "getabako 1",
    breaks: "no object says whether it is Ready",
    shows: async (scene) => await nobodyLeads(scene, /patch status of runnertargets.*forbidden/i),
  },
  {
    rule: "getabako 2",
    breaks: "a webhook is answered with 503, since no request can be made for its job",
    shows: async ({ operator, world }) => {
      await untilSecretsAreRead(world, operator.webhookUrl);
      const answer = await postJob(world, operator.webhookUrl, "queued", {});
      expect(answer.status).toBe(503);
      expect(answer.body).toContain(refusedTo);
    },
  },
  {
    rule: "getabako 3",
    breaks: "no Event tells of what it does",
    shows: async ({ operator }) =>
      await expect
        .poll(async () => await (await fetch(operator.metricsUrl)).text(), within)
        .toMatch(/^kube_events_total\{result="failed"\} [1-9]/m),
  },
  {
    rule: "getabako-leader-election 0",
    breaks: "nobody leads, since the Lease cannot be read",
    shows: async (scene) => await nobodyLeads(scene, /leases.*forbidden/i),
  },
  {
    rule: "getabako-leader-election 1",
    breaks: "nobody leads where the Lease is gone, since it cannot be made",
    shows: async (scene) => await nobodyLeads(scene, /leases.*forbidden/i),
  },
  {
    rule: "getabako-secrets 0",
    breaks: "an App is not Ready, and says which Secret it may not read",
    shows: async (scene) =>
      await expect.poll(() => condition(scene, "githubapp", "acme", "reason"), within).toBe("SecretForbidden"),
  },
];

const intake: readonly Removed[] = [
  {
    rule: "getabako-intake 0",
    breaks: "it never becomes ready, since it sees no objects",
    starts: false,
    shows: async (scene) => await said(scene, /"cause":"forbidden".*list or watch failed/),
  },
  {
    rule: "getabako-intake 1",
    breaks: "a webhook is answered with 503, since no request can be made for its job",
    shows: async ({ operator, world }) => {
      await untilSecretsAreRead(world, operator.webhookUrl);
      const answer = await postJob(world, operator.webhookUrl, "queued", {});
      expect(answer.status).toBe(503);
      expect(answer.body).toContain(refusedTo);
    },
  },
  {
    rule: "getabako-intake 2",
    breaks: "the news of a job is answered with 503, since it cannot be written to its request",
    shows: async ({ operator, world }) => {
      await untilSecretsAreRead(world, operator.webhookUrl);
      expect((await postJob(world, operator.webhookUrl, "queued", {})).status).toBe(202);
      const runner = { runner_id: 5, runner_name: "job-31415926535-1", runner_group_id: 1, runner_group_name: "Default" };
      const answer = await postJob(world, operator.webhookUrl, "in_progress", runner);
      expect(answer.status).toBe(503);
      expect(answer.body).toContain(refusedTo);
    },
  },
  {
    rule: "getabako-intake-secrets 0",
    breaks: "a webhook is answered with 503, since its signature cannot be checked",
    shows: async ({ operator, world }) => {
      // A 403 counts after a second: until then the Secret "was not read yet".
      const answers: Awaited<ReturnType<typeof postJob>>[] = [];
      await expect
        .poll(async () => answers[answers.push(await postJob(world, operator.webhookUrl, "queued", {})) - 1]?.body, within)
        .toMatch(/webhook secret .* may not be read/);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
    },
  },
];

describe("an operator without one of its rules", { timeout: 90_000 }, () => {
  let plane: AuditedPlane;
  let world: World;
  let scenes = 0;
  beforeAll(async () => {
    [plane, world] = await Promise.all([auditedPlane(), startWorld()]);
  });
  afterAll(async () => {
    await plane?.stop();
    await world?.close();
  });

  const lacking = async (component: "operator" | "intake", { rule, starts = true, shows }: Removed): Promise<void> => {
    scenes += 1;
    const [home, team] = [await plane.namespace(`home-${scenes}`), await plane.namespace(`team-${scenes}`)];
    // Of one namespace, so that the next one's rights are not in the way of this one's lack.
    const values = { watchNamespace: team, ...(component === "intake" && { mode: "split" }) };
    const release = await plane.grant({ namespace: home, values, without: rule });
    const account = release.accounts.find((each) => each.component === component);
    if (account === undefined) throw new Error(`nothing runs as ${component}`);
    await writeObjects(plane, world, team);
    const operator = await runAs(account, home, { untilReady: starts });
    await shows({ operator, plane, world, home, team });
  };

  it.each(combined)("named $rule: $breaks", async (removed) => await lacking("operator", removed));

  it.each(intake)("named $rule: $breaks", async (removed) => await lacking("intake", removed));

  it("is looked at for every rule of the chart", async () => {
    const rules = async (values: object): Promise<string[]> =>
      (await render({ values }))
        .filter(isOperatorRole)
        .flatMap((role) => rulesOf(role).map((_, index) => `${role.metadata.name} ${index}`));
    const names = (removed: readonly Removed[]): string[] => removed.map(({ rule }) => rule).toSorted();
    expect((await rules({})).toSorted()).toEqual(names(combined));
    // The controllers' are those of the operator in one piece.
    expect((await rules({ mode: "split" })).toSorted()).toEqual(names([...combined, ...intake]));
  });
});
