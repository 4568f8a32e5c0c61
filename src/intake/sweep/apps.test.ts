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
      { key: "github.com https://api.github.com 123456", namespaces: ["a", "b"], github: clients.get("a/acme") },
      { key: "github.com https://api.github.com 7", namespaces: ["c"], github: clients.get("c/acme") },
    ]);
    expect(swept([app("a"), app("b", { url: "https://ghe.corp.example" })]).map(({ key }) => key)).toEqual([
      "github.com https://api.github.com 123456",
      "ghe.corp.example https://ghe.corp.example/api/v3 123456",
    ]);
  });

  it("keeps apart objects that ask different servers: one of them may belong to whoever wrote the object, and take every key", () => {
    const forger = app("a", { apiUrl: "https://evil.example" });
    expect(swept([forger, app("b"), app("c", { apiUrl: "https://api.github.com/" })])).toMatchObject([
      { namespaces: ["a"], github: clients.get("a/acme") },
      { namespaces: ["b", "c"], github: clients.get("b/acme") },
    ]);
    // Nor does a host of one's own come with the jobs of another.
    const inverse = app("a", { url: "https://evil.example", apiUrl: "https://api.github.com" });
    expect(swept([inverse, app("b")]).map(({ namespaces }) => namespaces)).toEqual([["a"], ["b"]]);
  });

  it("leaves out objects that have no client, and those whose own key GitHub did not accept for what they say now", () => {
    expect(swept([app("nobody")])).toEqual([]);
    const [group] = swept([app("a"), app("b", {}, "False"), app("c", {}, "True", 0)]);
    expect(group?.namespaces).toEqual(["a"]);
  });
});
