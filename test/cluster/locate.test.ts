import { describe, expect, it } from "vitest";
import { chooseControlPlane, findOnPath, type Surroundings } from "./locate.ts";

const assets = ["/assets/etcd", "/assets/kube-apiserver", "/assets/kubectl"];

function choose(
  env: Surroundings["env"],
  files: readonly string[] = [],
  ownServer = false,
): ReturnType<typeof chooseControlPlane> {
  return chooseControlPlane({ env, exists: (path) => files.includes(path), ownServer });
}

describe("chooseControlPlane", () => {
  it.each([
    ["nothing is set", {}, [], "build"],
    ["only KUBECONFIG is set", { KUBECONFIG: "/home/me/.kube/config" }, [], "build"],
    ["USE_EXISTING_CLUSTER is not exactly true", { USE_EXISTING_CLUSTER: "1", KUBECONFIG: "/k" }, [], "build"],
    ["an existing cluster is agreed to", { USE_EXISTING_CLUSTER: "true", KUBECONFIG: "/k" }, [], "existing"],
    ["KUBEBUILDER_ASSETS is complete", { KUBEBUILDER_ASSETS: "/assets" }, assets, "assets"],
    ["both are there", { USE_EXISTING_CLUSTER: "true", KUBECONFIG: "/k", KUBEBUILDER_ASSETS: "/assets" }, assets, "existing"],
    ["KUBEBUILDER_ASSETS is empty", { KUBEBUILDER_ASSETS: "" }, assets, "build"],
  ] as const)("when %s takes the right way", (_, env, files, way) => {
    expect(choose(env, files).way).toBe(way);
  });

  it("says why it passed over each way before the one it took", () => {
    expect(choose({ KUBECONFIG: "/home/me/.kube/config" }).passedOver).toEqual([
      'existing cluster: USE_EXISTING_CLUSTER is not "true" (KUBECONFIG alone is not consent to change that cluster)',
      "envtest assets: KUBEBUILDER_ASSETS is not set",
    ]);
  });

  it("never stops the API server of somebody else", () => {
    const env = { USE_EXISTING_CLUSTER: "true", KUBECONFIG: "/k", KUBEBUILDER_ASSETS: "/assets" };
    const choice = choose(env, assets, true);
    expect(choice.way).toBe("assets");
    expect(choice.passedOver).toEqual([
      "existing cluster: these tests stop and freeze the API server, so they start one of their own",
    ]);
  });

  it("refuses an agreement without a kubeconfig instead of going on", () => {
    expect(() => choose({ USE_EXISTING_CLUSTER: "true" })).toThrow(/needs KUBECONFIG/);
  });

  it("refuses assets that are incomplete and names the missing files", () => {
    expect(() => choose({ KUBEBUILDER_ASSETS: "/assets" }, ["/assets/etcd"])).toThrow(
      "missing: /assets/kube-apiserver, /assets/kubectl",
    );
  });

  it("lets single files be overridden and looks for kubectl on PATH last", () => {
    const env = { KUBEBUILDER_ASSETS: "/assets", TEST_ASSET_ETCD: "/mine/etcd", PATH: "/bin:/usr/bin" };
    expect(choose(env, ["/mine/etcd", "/assets/kube-apiserver", "/usr/bin/kubectl"])).toMatchObject({
      binaries: { etcd: "/mine/etcd", apiServer: "/assets/kube-apiserver", kubectl: "/usr/bin/kubectl" },
    });
  });

  it("uses envtest's own directory when only single files are named", () => {
    const files = ["/mine/etcd", "/usr/local/kubebuilder/bin/kube-apiserver", "/usr/local/kubebuilder/bin/kubectl"];
    expect(choose({ TEST_ASSET_ETCD: "/mine/etcd" }, files)).toMatchObject({
      binaries: { apiServer: "/usr/local/kubebuilder/bin/kube-apiserver" },
    });
  });

  it.each([
    [true, "/assets/kube-controller-manager"],
    [false, undefined],
  ])("runs a controller manager if there is one: %s", (present, controllerManager) => {
    const choice = choose({ KUBEBUILDER_ASSETS: "/assets" }, present ? [...assets, "/assets/kube-controller-manager"] : assets);
    expect(choice.way === "assets" && choice.binaries.controllerManager).toBe(controllerManager);
  });
});

describe("findOnPath", () => {
  it("takes the first directory that has the command", () => {
    expect(findOnPath("go", { PATH: ":/a:/b:/c" }, (path) => path === "/b/go" || path === "/c/go")).toBe("/b/go");
    expect(findOnPath("go", {}, () => true)).toBeUndefined();
  });
});
