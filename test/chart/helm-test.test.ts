import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandResult, tryCommand } from "../cluster/run-command.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import { testCluster } from "../support/test-cluster.ts";
import { chart } from "./helm.ts";
import { startWorld, type World } from "./world.ts";

/** The script of `helm test`, run as its pod would, against an operator and an API server that are real. */
describe("the script of helm test", { timeout: 60_000 }, () => {
  const cluster = testCluster();
  let operator: OperatorProcess;
  let world: World;
  let directory: string;
  let script: string;
  beforeAll(async () => {
    [world, directory, script] = await Promise.all([
      startWorld(),
      mkdtemp(join(tmpdir(), "getabako-helm-test-")),
      readFile(join(chart, "files", "helm-test.mjs"), "utf8"),
    ]);
    await writeFile(join(directory, "token"), cluster.token);
    const namespace = await cluster.namespace("helm-test");
    const items = world.objects(namespace);
    await cluster.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    const { kubeconfig } = cluster;
    operator = await startOperator({ kubeconfig, namespace, args: ["--roles=intake", `--watch-namespace=${namespace}`] });
  });
  afterAll(async () => {
    await operator?.kill();
    await world?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const run = async (env: Readonly<Record<string, string>> = {}): Promise<CommandResult> =>
    await tryCommand(process.execPath, ["--input-type=module", "--eval", script], {
      env: {
        WEBHOOK_URL: operator.webhookUrl,
        READY_URL: operator.metricsUrl.replace("/metrics", "/readyz"),
        KINDS_URL: `${cluster.server}/apis/getabako.dev/v1alpha1`,
        TOKEN_FILE: join(directory, "token"),
        NODE_EXTRA_CA_CERTS: cluster.servingCertificate?.certificate,
        WAIT_SECONDS: "2",
        ...env,
      },
    });

  it("passes where all is well, whether or not it knows an App", async () => {
    const { code, stdout, stderr } = await run();
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout.match(/^ok: /gm)).toHaveLength(4);
    expect(stdout).toContain("answered 200 githubapps, ecsrunnerclasses, runnertargets, runnerrequests");
    expect(stdout).toMatch(/with a bad signature answered 404 .*no GitHubApp object has appId 0/);

    const known = await run({ APP_ID: String(world.github.app.id) });
    expect(known.stdout).toMatch(/with a bad signature answered 401 .*fits none of the App's webhook secrets/);
    expect(known.code).toBe(0);
  });

  it.each<[what: string, env: Readonly<Record<string, string>>, says: RegExp]>([
    ["an App that nobody made", { APP_ID: "999" }, /bad signature gave "404 .*appId 999.*", expected 401$/m],
    ["a webhook that somebody else answers", { WEBHOOK_URL: "READY_URL" }, /bad signature gave "405 .*", expected 401 or 404$/m],
    [
      "a Service that leads nowhere",
      { READY_URL: "http://127.0.0.1:9/readyz" },
      /GET http.*gave "(bad port|connect ECONNREFUSED.*)"/m,
    ],
    [
      "kinds that are not there",
      { KINDS_URL: "/apis/apps/v1" },
      /without githubapps, ecsrunnerclasses, .* not those of this release/,
    ],
  ])("fails in words for %s", async (_, env, says) => {
    const { WEBHOOK_URL, KINDS_URL } = env;
    const { code, stderr } = await run({
      ...env,
      ...(WEBHOOK_URL !== undefined && { WEBHOOK_URL: operator.metricsUrl.replace("/metrics", "/readyz") }),
      ...(KINDS_URL !== undefined && { KINDS_URL: `${cluster.server}${KINDS_URL}` }),
    });
    expect(stderr).toMatch(says);
    expect(code).toBe(1);
  });
});
