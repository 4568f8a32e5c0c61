import { describe, expect, test } from "vitest";
import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import { type DeepReadonly, keyOf, keyText } from "../../kube/object.ts";
import { type Change, VersionedStore } from "../../kube/store.ts";
import { githubAppIndexes } from "../indexes.ts";
import { gitHubApp } from "../test-objects.ts";
import { hostOf } from "../matching.ts";
import { Apps, type WebhookSecrets } from "./apps.ts";

/** An informer that a test feeds. */
function informerOf(...objects: readonly GitHubApp[]) {
  const store = new VersionedStore<GitHubApp>(githubAppIndexes);
  const handlers = new Set<(change: Change<DeepReadonly<GitHubApp>>) => void>();
  let version = 0;
  const versioned = (object: GitHubApp): GitHubApp => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(++version) },
  });
  const tell = (change: Change<DeepReadonly<GitHubApp>> | undefined) => {
    if (change !== undefined) for (const handler of handlers) handler(change);
  };
  const put = (object: GitHubApp) => tell(store.watched(versioned(object)));
  for (const object of objects) put(object);
  return {
    store,
    put,
    remove: (object: GitHubApp) => tell(store.deleted(versioned(object))),
    onChange(handler: (change: Change<DeepReadonly<GitHubApp>>) => void) {
      handlers.add(handler);
      for (const object of store.list()) handler({ type: "add", new: object });
      return () => void handlers.delete(handler);
    },
  };
}

/** Counts who wants which Secret. */
function wantedSecrets() {
  const wanted = new Map<string, number>();
  const count = (name: string, change: number) => {
    const now = (wanted.get(name) ?? 0) + change;
    if (now === 0) wanted.delete(name);
    else wanted.set(name, now);
  };
  const secrets: WebhookSecrets = {
    want: (key) => count(keyText(key), 1),
    unwant: (key) => count(keyText(key), -1),
    get: () => ({ state: "pending" }),
    settled: async () => await Promise.reject(new Error("never")),
  };
  return { secrets, wanted: () => Object.fromEntries(wanted) };
}

describe("addressed", () => {
  const { secrets } = wantedSecrets();
  const find = (apps: readonly GitHubApp[], headers: Parameters<Apps["addressed"]>[0]) => {
    const found = new Apps(informerOf(...apps), secrets).addressed({ targetId: "123456", targetType: "integration", ...headers });
    return found.apps?.map((app) => keyText(keyOf(app)));
  };
  const dotcom = gitHubApp({}, { name: "dotcom" });
  const server = gitHubApp({ url: "https://GHE.corp.example:8443" }, { name: "server" });
  const tenant = gitHubApp({ url: "https://octocorp.ghe.com/" }, { name: "tenant" });
  const all = [dotcom, server, tenant];

  test.each([
    ["github.com names no host", {}, ["ci/dotcom", "ci/tenant"]],
    ["a server names its host", { enterpriseHost: "ghe.corp.example" }, ["ci/server"]],
    ["a server names its host and port", { enterpriseHost: "GHE.corp.example:8443" }, ["ci/server"]],
    ["another port is another server", { enterpriseHost: "ghe.corp.example:9443" }, undefined],
    ["a tenant names itself", { tenant: "octocorp" }, ["ci/tenant"]],
    ["a tenant names its host", { tenant: "Octocorp.ghe.com" }, ["ci/tenant"]],
    ["a tenant that names its host as a server would", { enterpriseHost: "octocorp.ghe.com" }, ["ci/tenant"]],
    ["another id is another App", { targetId: "123457" }, undefined],
    ["an id with zeros in front is another id", { targetId: "0123456" }, undefined],
    ["the webhook of an organisation is none of an App", { targetType: "organization" }, undefined],
  ])("%s", (_name, headers, expected) => {
    expect(find(all, headers)?.sort()).toEqual(expected);
  });

  test("objects of several namespaces may stand for one App", () => {
    expect(find([dotcom, gitHubApp({}, { name: "dotcom", namespace: "team" })], {})?.sort()).toEqual([
      "ci/dotcom",
      "team/dotcom",
    ]);
  });

  test("hosts are compared as their addresses have them", () => {
    const www = gitHubApp({ url: "https://www.github.com" }, { name: "www" });
    expect([dotcom, www, server, tenant].map(hostOf)).toEqual([
      "github.com",
      "github.com",
      "ghe.corp.example:8443",
      "octocorp.ghe.com",
    ]);
  });
});

describe("follow", () => {
  const withSecrets = (...names: readonly string[]) =>
    gitHubApp({ webhookSecretRefs: names.map((name) => ({ name, key: "k" })) });

  test("wants each Secret of each App once, follows changes, and lets go of all in the end", () => {
    const { secrets, wanted } = wantedSecrets();
    const informer = informerOf(withSecrets("a", "b"));
    const stop = new Apps(informer, secrets).follow();
    expect(wanted()).toEqual({ "ci/a": 1, "ci/b": 1 });

    informer.put(withSecrets("b", "c"));
    expect(wanted()).toEqual({ "ci/b": 1, "ci/c": 1 });
    // The same again, as every status write brings it.
    informer.put(withSecrets("b", "c"));
    expect(wanted()).toEqual({ "ci/b": 1, "ci/c": 1 });

    const other = gitHubApp(
      {
        webhookSecretRefs: [
          { name: "b", key: "one" },
          { name: "b", key: "two" },
        ],
      },
      { name: "other" },
    );
    informer.put(other);
    expect(wanted()).toEqual({ "ci/b": 2, "ci/c": 1 });
    informer.remove(other);
    expect(wanted()).toEqual({ "ci/b": 1, "ci/c": 1 });

    stop();
    expect(wanted()).toEqual({});
    informer.put(withSecrets("d"));
    expect(wanted()).toEqual({});
  });
});
