import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { testCluster } from "../support/test-cluster.ts";
import type { Manifest } from "./manifests.ts";

const directory = new URL("../../config/samples/", import.meta.url);
const files = readdirSync(directory).filter((name) => name.endsWith(".yaml"));

function documents(file: string): Manifest[] {
  const text = readFileSync(new URL(file, directory), "utf8");
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

describe("config/samples", () => {
  const cluster = testCluster();
  let namespace: string;
  beforeAll(async () => {
    namespace = await cluster.namespace("samples");
  });

  it.each(files)("%s is applied as it is", async (file) => {
    const objects = documents(file).map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
    const stdin = objects.map((object) => JSON.stringify(object)).join("\n---\n");
    const printed = await cluster.kubectl(["apply", "-f", "-"], stdin);
    expect(printed.trim().split("\n")).toHaveLength(objects.length);
    expect(printed).not.toMatch(/unchanged|configured/);
  });

  it("belong to the namespace default, so that `kubectl apply -f config/samples` is all it takes", () => {
    expect(files.flatMap(documents).map(({ metadata }) => metadata.namespace)).toEqual(expect.arrayContaining(["default"]));
    expect(new Set(files.flatMap(documents).map(({ metadata }) => metadata.namespace)).size).toBe(1);
  });

  it("refer to each other only", () => {
    const objects = files.flatMap(documents);
    const names = (kind: string): string[] =>
      objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
    const targets = objects
      .filter(({ kind }) => kind === "RunnerTarget")
      .map(({ spec }) => spec as { githubAppRef: { name: string }; classRef: { name: string } });
    expect(targets).toHaveLength(4);
    expect([...new Set(targets.map(({ githubAppRef }) => githubAppRef.name))]).toEqual(names("GitHubApp"));
    expect([...new Set(targets.map(({ classRef }) => classRef.name))].toSorted()).toEqual(names("ECSRunnerClass").toSorted());
  });

  it("hold no Secret", () => {
    expect(files.flatMap(documents).map(({ kind }) => kind)).not.toContain("Secret");
  });
});
