import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gitHubApp } from "../../src/intake/test-objects.ts";
import { type ControlPlane, startControlPlane } from "../cluster/control-plane.ts";
import { type CommandResult, runCommand } from "../cluster/run-command.ts";
import { everything } from "./everything.ts";
import { chart, helms, only, render, renderText, tryHelm } from "./helm.ts";

const kinds = ["ecsrunnerclasses", "githubapps", "runnerrequests", "runnertargets"].map((plural) => `${plural}.getabako.dev`);

describe.each(helms)("%s", { timeout: 120_000 }, (name, find) => {
  let helm: string;
  let plane: ControlPlane;
  let home: string;
  beforeAll(async () => {
    // Without the CRDs, which come with the chart.
    const starting = startControlPlane({ ownServer: true });
    [helm, plane, home] = await Promise.all([find(), starting, mkdtemp(join(tmpdir(), "getabako-helm-"))]);
  }, 600_000);
  afterAll(async () => {
    await plane?.stop();
    if (home !== undefined) await rm(home, { recursive: true, force: true });
  });
  const kubectl = async (...args: readonly string[]): Promise<string> =>
    await runCommand(plane.kubectlPath, ["--kubeconfig", plane.kubeconfig, ...args]);
  const run = async (...args: readonly string[]): Promise<CommandResult> =>
    await tryHelm([...args, "--kubeconfig", plane.kubeconfig, "--namespace", "ops"], "", helm);
  /** Runs it and returns what it said, with "ok" for success. */
  const outcome = async (...args: readonly string[]): Promise<string> => {
    const { code, stderr } = await run(...args);
    return code === 0 ? "ok" : stderr;
  };
  const owner = async (crd: string): Promise<string> =>
    await kubectl("get", "crd", crd, "-o", String.raw`jsonpath={.metadata.annotations.meta\.helm\.sh/release-name}`);
  const replicas = async (): Promise<string> =>
    await kubectl("get", "deployment", "getabako", "-n", "ops", "-o", "jsonpath={.spec.replicas}");

  it("renders the same objects as the other major, and the same bytes each time", async () => {
    for (const values of [{}, everything, { mode: "split", metrics: { prometheusRule: { enabled: true } } }]) {
      expect(await renderText({ values, helm })).toBe(await renderText({ values, helm }));
      const text = (objects: readonly object[]): string[] => objects.map((object) => JSON.stringify(object)).toSorted();
      expect(text(await render({ values, helm }))).toEqual(text(await render({ values })));
    }
  });

  it("refuses a wrong value and says where", async () => {
    await expect(renderText({ values: { replicas: "two" }, helm })).rejects.toThrow(/replicas.*(want|expected:) integer/i);
    await expect(renderText({ values: { image: { tga: "1" } }, helm })).rejects.toThrow(/image.*additional propert.*tga/i);
  });

  it("installs, upgrades, rolls back, uninstalls without the kinds and their objects, and installs again", async () => {
    const major = (await tryHelm(["version", "--short"], "", helm)).stdout;
    expect(major).toMatch(name === "Helm 3" ? /^v3/ : /^v/);
    expect(await outcome("install", "getabako", chart, "--create-namespace", "--set", "secrets.names={github-app}")).toBe("ok");
    expect(await Promise.all(kinds.map(owner))).toEqual(kinds.map(() => "getabako"));
    await kubectl("wait", "--for=condition=Established", "--timeout=20s", ...kinds.map((kind) => `crd/${kind}`));
    const file = join(home, "app.json");
    await writeFile(file, JSON.stringify(gitHubApp({}, { name: "acme", namespace: "ops" })));
    await kubectl("apply", "-f", file);

    expect(await outcome("upgrade", "getabako", chart, "--reuse-values", "--set", "replicas=3")).toBe("ok");
    expect(await replicas()).toBe("3");
    expect(await outcome("rollback", "getabako", "1")).toBe("ok");
    expect(await replicas()).toBe("2");
    // To and from a Deployment for each half: a selector cannot be changed, so they have other names.
    expect(await outcome("upgrade", "getabako", chart, "--set", "mode=split")).toBe("ok");
    const deployments = async (): Promise<string> => await kubectl("get", "deployments", "-n", "ops", "-o", "name");
    expect((await deployments()).trim().split("\n")).toEqual([
      "deployment.apps/getabako-controller",
      "deployment.apps/getabako-intake",
    ]);
    expect(await outcome("upgrade", "getabako", chart, "--set", "mode=combined")).toBe("ok");
    expect((await deployments()).trim()).toBe("deployment.apps/getabako");

    expect(await outcome("uninstall", "getabako")).toBe("ok");
    const left = "deployments,services,serviceaccounts,leases,roles,rolebindings,poddisruptionbudgets";
    const selector = ["-l", "app.kubernetes.io/instance=getabako", "-o", "name"];
    expect(await kubectl("get", left, "-n", "ops", ...selector)).toBe("");
    expect(await kubectl("get", "clusterroles,clusterrolebindings", ...selector)).toBe("");
    expect((await kubectl("get", "githubapp", "acme", "-n", "ops", "-o", "name")).trim()).toBe("githubapp.getabako.dev/acme");

    expect(await outcome("install", "getabako", chart)).toBe("ok");
    expect(await outcome("uninstall", "getabako")).toBe("ok");
    // Another release: the kinds still belong to the first one, and are taken over on demand only.
    expect(await outcome("install", "shoes", chart)).toMatch(
      /CustomResourceDefinition.*invalid ownership metadata.*release-name/s,
    );
    expect(await outcome("install", "shoes", chart, "--set", "crds.install=false")).toBe("ok");
    expect(await outcome("uninstall", "shoes")).toBe("ok");
    expect(await outcome("install", "shoes", chart, "--take-ownership")).toBe("ok");
    expect(await owner("githubapps.getabako.dev")).toBe("shoes");
    expect((await kubectl("get", "githubapp", "acme", "-n", "ops", "-o", "name")).trim()).toBe("githubapp.getabako.dev/acme");
    expect(only(await render({ release: "shoes", helm }), "Deployment").metadata.name).toBe("shoes-getabako");
  });
});
