import { describe, expect, it } from "vitest";
import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { GitHub } from "../../github/types.ts";
import { keyText } from "../../kube/object.ts";
import { gitHubApp } from "../test-objects.ts";
import { sweptApps } from "./apps.ts";

function app(namespace: string, spec: Partial<GitHubApp["spec"]> = {}, ready: "True" | "False" = "True", seen = 1): GitHubApp {
  const condition = {
    type: "Ready",
    status: ready,
    reason: "Ready",
    message: "",
    observedGeneration: seen,
    lastTransitionTime: "",
  };
  return { ...gitHubApp(spec, { namespace, generation: 1 }), status: { conditions: [condition] } };
}

const clients = new Map(["a/acme", "b/acme", "c/acme"].map((key) => [key, {} as GitHub]));
const swept = (apps: GitHubApp[]) =>
  sweptApps(apps, (key) => clients.get(keyText(key))).map(({ key, objects, github }) => ({
    key,
    namespaces: objects.map(({ metadata }) => metadata.namespace),
    github,
  }));

describe("sweptApps", () => {
  it("takes an App once, however many objects stand for it", () => {
    expect(swept([app("b"), app("a"), app("c", { appId: 7 })])).toEqual([
      { key: "github.com 123456", namespaces: ["a", "b"], github: clients.get("a/acme") },
      { key: "github.com 7", namespaces: ["c"], github: clients.get("c/acme") },
    ]);
    expect(swept([app("a"), app("b", { url: "https://ghe.corp.example" })]).map(({ key }) => key)).toEqual([
      "github.com 123456",
      "ghe.corp.example 123456",
    ]);
  });

  it("leaves out objects that have no client, and those whose own key GitHub did not accept for what they say now", () => {
    expect(swept([app("nobody")])).toEqual([]);
    const [group] = swept([app("a"), app("b", {}, "False"), app("c", {}, "True", 0)]);
    expect(group?.namespaces).toEqual(["a"]);
  });
});
