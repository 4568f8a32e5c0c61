import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../src/cli/doctor/report.ts";
import { findLeaks } from "../support/leaks.ts";
import type { Finding } from "../../src/cli/doctor/check.ts";
import { expectInDocs, screen, settled } from "./docs.ts";
import { faults } from "./faults/all.ts";
import type { Fault } from "./faults/fault.ts";
import { answerSchemas, problemsOf } from "./json-schemas.ts";
import { namespace, paths } from "./places.ts";
import { type Stage, startStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 120_000);
afterEach(async () => {
  await stage.restore();
  // Keys, tokens and webhook secrets are in reach of every check, and in no line.
  const leaks = findLeaks(
    stage.github.secrets(),
    stage.printed.map((text, index) => ({ where: `output ${index}`, text })),
  );
  if (leaks.length > 0) throw new Error(`doctor prints secrets: ${leaks.join(", ")}`);
});
afterAll(() => stage?.stop());

/** What doctor said of each fault, by its title. */
const told = new Map<string, Finding>();
afterAll(async () => {
  // A run of some of the tests knows less than the document.
  if (told.size < faults.length) return;
  const rows = faults.map(({ title }) => {
    const { verdict, message = "", advice = "" } = told.get(title) ?? {};
    return [title, `${verdict} ${message}`, advice].map((cell) => settled(cell).replaceAll("|", "\\|")).join(" | ");
  });
  const table = ["| what is broken | doctor says | and what to do |", "|---|---|---|", ...rows.map((row) => `| ${row} |`)];
  console.log(table.join("\n"));
  await expectInDocs("faults", `${table.join("\n")}\n`);
});

describe("a healthy installation", () => {
  test("has no FAIL and no WARN, and a line for each check", async () => {
    const { code, out } = await stage.doctor();
    expect(out).not.toMatch(/^(FAIL|WARN|SKIP)/m);
    expect(code).toBe(0);
    expect(out.split("\n").filter((line) => line.startsWith("OK ")).length).toBeGreaterThan(35);
    await expectInDocs("healthy", screen("getabako doctor", out));
    expect(out).toMatch(/\n\d+ OK, 0 WARN, 0 FAIL, 0 SKIP: nothing is wrong that doctor can see\n$/);
  });

  test("has nothing changed by doctor, in Kubernetes, at GitHub and at AWS", async () => {
    const versions = async (): Promise<string> =>
      stage.kubectl([
        "get",
        "gha,ecsrc,rt,rr,secrets,deploy",
        "-n",
        namespace,
        "-o",
        "custom-columns=:.kind,:.metadata.name,:.metadata.resourceVersion",
      ]);
    const before = await versions();
    const [asked, called] = [stage.github.requests().length, stage.ecs.calls.list().length];
    await stage.doctor();
    expect(await versions()).toBe(before);
    const writes = stage.github
      .requests()
      .slice(asked)
      .filter(({ method, path }) => method !== "GET" && !path.endsWith("/access_tokens"));
    expect(writes).toEqual([]);
    const operations = stage.ecs.calls
      .list()
      .slice(called)
      .map(({ operation }) => operation);
    expect(operations.length).toBeGreaterThan(0);
    expect(operations.filter((operation) => !/^(Describe|List)/.test(operation))).toEqual([]);
    expect([stage.github.violations, stage.ecs.violations]).toEqual([[], []]);
  });

  test("is seen from inside the pod, with the operator's own rights", async () => {
    const env = { POD_NAME: "getabako-7d9c5b6f4d-x2x4z", POD_NAMESPACE: namespace, GETABAKO_WATCH_NAMESPACE: namespace };
    const { code, out } = await stage.doctor(["--kubeconfig", stage.podKubeconfig], { env });
    expect(out).not.toMatch(/^(FAIL|WARN)/m);
    expect(code).toBe(0);
    // What its role does not let it see is said, and not held against anybody.
    expect(out).toMatch(/^SKIP {2}operator {2}deployment: Deployments may not be read/m);
    expect(out.match(/^OK {4}crd\/\w+ {2}schema: its fields are those of this release/gm)).toHaveLength(4);
    expect(out).toMatch(/^OK {4}operator {2}rights: system:serviceaccount:getabako:getabako has all/m);
    expect(out).toMatch(/^OK {4}githubapp\/getabako\/acme {2}sign-in/m);
  });

  test("is told of in JSON with the same facts", async () => {
    const { out } = await stage.doctor();
    const report = await stage.report();
    expect(report).toMatchObject({ version: "dev", summary: { warn: 0, fail: 0, skip: 0 } } satisfies Partial<Report> | object);
    expect(problemsOf(answerSchemas.report, report)).toEqual([]);
    expect(report.summary.ok).toBe(report.findings.length);
    for (const finding of report.findings) {
      expect(finding).toMatchObject({
        verdict: "OK",
        object: expect.any(String),
        check: expect.any(String),
        message: expect.any(String),
      });
      expect(out).toContain(`${finding.object}  ${finding.check}: `);
    }
  });

  test("is looked at in part with --only", async () => {
    const objects = async (only: string): Promise<string[]> => [
      ...new Set((await stage.report(["--only", only])).findings.map(({ object }) => object)),
    ];
    expect(await objects("githubapp/acme")).toEqual(["githubapp/getabako/acme"]);
    expect(await objects("rt,operator")).toEqual(["operator", "runnertarget/getabako/acme"]);
    expect(await stage.doctor(["--only", "githubapp/nobody"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("there is nothing"),
    });
  });
});

test("the rights of another account are asked for with --as", async () => {
  const { findings } = await stage.report(["--only", "operator", "--as", `${namespace}/nobody`]);
  const rights = findings.find(({ check }) => check === "rights");
  expect(rights).toMatchObject({
    verdict: "FAIL",
    message: expect.stringContaining("system:serviceaccount:getabako:nobody may not: list githubapps"),
  });
});

describe("a broken set-up", () => {
  test.each(faults.map((fault): [string, Fault] => [fault.title, fault]))("%s", async (title, { plant, finds, parts }) => {
    await stage.doctor(["--only", "kubernetes"]);
    await plant(stage);
    const report = await stage.report([], parts);
    const { findings, summary } = report;
    const found = findings.find(
      ({ verdict, object, check, message }) =>
        verdict === finds.verdict && finds.object.test(object) && check === finds.check && finds.says.test(message),
    );
    const seen = findings.filter(({ verdict }) => verdict !== "OK");
    expect(found, `doctor says only: ${JSON.stringify(seen, undefined, 1)}`).toBeDefined();
    expect(found?.advice).toMatch(finds.advises);
    if (found !== undefined) told.set(title, found);
    expect(problemsOf(answerSchemas.report, report)).toEqual([]);
    expect(summary.fail > 0 || finds.verdict === "WARN").toBe(true);
  });
});

test("without an API server doctor says so, and looks at nothing else", async () => {
  const file = await stage.kubeconfigOf("nobody", "https://127.0.0.1:1");
  const { code, out } = await stage.doctor(["--kubeconfig", file]);
  expect(code).toBe(1);
  expect(out).toMatch(/^FAIL {2}kubernetes {2}version: .*does not serve us/m);
  expect(out.match(/^(OK|WARN|SKIP)/m)).toBeNull();
});

test("doctor that cannot begin ends with 2, and says why", async () => {
  const cannot = async (args: readonly string[], why: string): Promise<void> =>
    expect(await stage.doctor(args)).toMatchObject({ code: 2, out: "", err: expect.stringContaining(why) });
  await cannot(["--kubeconfig", "/nowhere"], "cannot read the kubeconfig /nowhere");
  await cannot(["--context", "nowhere"], "has no context nowhere");
});

test("a check that gets no answer is a FAIL in its time, and the others are not held up", async () => {
  // What is loaded and opened once is no part of the time of the checks, which they share.
  await stage.doctor();
  stage.github.faults.add({ kind: "hang", path: /^\/app$/, times: 100 });
  stage.later(() => stage.github.faults.clear());
  const { findings } = await stage.report(["--timeout", "5"]);
  expect(findings).toContainEqual(
    expect.objectContaining({ check: "sign-in", verdict: "FAIL", message: "no answer within 5 s" }),
  );
  expect(findings).toContainEqual(
    expect.objectContaining({ check: "webhook", verdict: "SKIP", message: "not looked at, because of sign-in" }),
  );
  expect(findings).toContainEqual(expect.objectContaining({ check: "aws", verdict: "OK" }));
});

test("without AWS credentials a class is not called wrong, and people are sent to the pod", async () => {
  const openSender: typeof stage.openSender = async (connection) => {
    const sender = await stage.openSender(connection);
    const none = Object.assign(new Error("Could not load credentials from any providers"), { name: "CredentialsProviderError" });
    const credentials = (): Promise<never> => Promise.reject(none);
    return { ...sender, client: new sender.sdk.ECSClient({ ...stage.ecs.clientConfig, credentials, maxAttempts: 1 }) };
  };
  const { findings } = await stage.report(["--only", "ecsrc"], { openSender });
  expect(findings).toContainEqual(
    expect.objectContaining({
      check: "aws",
      verdict: "SKIP",
      advice: expect.stringContaining("kubectl exec -n getabako deploy/getabako"),
    }),
  );
});

test("a refusal of one's own AWS credentials is no FAIL while the operator's are accepted", async () => {
  stage.ecs.faults.add({ kind: "exception", type: "AccessDeniedException" }, { operation: "DescribeClusters", times: 1 });
  stage.later(() => stage.ecs.faults.clear());
  const { findings } = await stage.report(["--only", "ecsrc"]);
  expect(findings).toContainEqual(
    expect.objectContaining({ check: "aws", verdict: "WARN", message: expect.stringContaining("and not with the operator's") }),
  );
});

test("an operator in two Deployments is one operator", async () => {
  // Its Lease is as old as the last look, and counts as held for 30 s.
  await stage.doctor(["--only", "kubernetes"]);
  const whole = await stage.get(paths.deployment);
  const { resourceVersion: _version, uid: _uid, ...metadata } = whole.metadata;
  const collection = paths.deployment.slice(0, paths.deployment.lastIndexOf("/"));
  const intake = { ...whole, metadata: { ...metadata, name: "getabako-intake" } };
  delete intake.status;
  intake.spec = { ...structuredClone(whole.spec), replicas: 0 };
  intake.spec.template.spec.containers[0].args = ["run", "--roles=intake"];
  await stage.make(collection, intake);
  const { findings } = await stage.report(["--only", "operator"]);
  expect(findings.map(({ check, verdict }) => [check, verdict])).toEqual([
    ["deployment", "OK"],
    ["deployment", "FAIL"],
    ["lease", "OK"],
    ["rights", "OK"],
  ]);
});

test("a person who may not read Secrets is sent to the pod, and the rest is looked at", async () => {
  await stage.kubectl(["create", "serviceaccount", "guest", "-n", namespace]);
  const token = (await stage.kubectl(["create", "token", "guest", "-n", namespace])).trim();
  await stage.kubectl([
    "create",
    "clusterrole",
    "guest",
    "--verb=list",
    "--resource=githubapps.getabako.dev,ecsrunnerclasses.getabako.dev,runnertargets.getabako.dev,runnerrequests.getabako.dev",
  ]);
  await stage.kubectl(["create", "clusterrolebinding", "guest", "--clusterrole=guest", `--serviceaccount=${namespace}:guest`]);
  const file = await stage.kubeconfigOf(token);
  const { code, out } = await stage.doctor(["--kubeconfig", file]);
  expect(out).toMatch(
    /^SKIP {2}githubapp\/getabako\/acme {2}secrets: you may not read its Secrets.* → run doctor in the pod: kubectl exec/m,
  );
  expect(out).toMatch(/^SKIP {2}githubapp\/getabako\/acme {2}webhook: not looked at, because of sign-in/m);
  expect(out).toMatch(/^OK {4}runnertarget\/getabako\/acme {2}references/m);
  expect(out).not.toMatch(/^FAIL/m);
  expect(code).toBe(0);
});
