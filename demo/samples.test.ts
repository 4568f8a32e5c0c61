import { describe, expect, it } from "vitest";
import { adapt, readSamples, regionOf } from "./samples.ts";

const surroundings = {
  namespace: "elsewhere",
  github: { apiUrl: "http://127.0.0.1:1", appId: 7 },
  ecs: { endpoint: "http://127.0.0.1:2" },
};

describe("config/samples in the demo", () => {
  it("are four targets over two classes and one App, in one Region", () => {
    const kinds = readSamples().map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual([
      "ECSRunnerClass",
      "ECSRunnerClass",
      "GitHubApp",
      "RunnerTarget",
      "RunnerTarget",
      "RunnerTarget",
      "RunnerTarget",
    ]);
    expect(regionOf(readSamples())).toMatch(/^[a-z]+-[a-z]+-\d$/);
  });

  it("differ from the files only in where GitHub and ECS are", () => {
    for (const sample of readSamples()) {
      const { metadata, spec } = adapt(sample, surroundings);
      expect(metadata).toEqual({ ...sample.metadata, namespace: "elsewhere" });
      const changed = Object.keys(spec).filter((field) => JSON.stringify(spec[field]) !== JSON.stringify(sample.spec[field]));
      expect(changed.toSorted()).toEqual(
        { GitHubApp: ["access", "apiUrl", "appId"], ECSRunnerClass: ["endpoint"] }[sample.kind] ?? [],
      );
    }
  });

  it("admit the demo's namespace where they admitted their own", () => {
    const app = readSamples().find(({ kind }) => kind === "GitHubApp");
    if (app === undefined) throw new Error("there is no GitHubApp");
    expect(adapt(app, surroundings).spec["access"]).toEqual([{ namespaces: ["elsewhere"], repositories: ["acme/*"] }]);
  });
});
