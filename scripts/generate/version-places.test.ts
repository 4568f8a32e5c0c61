import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { versioned, versionPlaces } from "./version-places.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };

describe("versioned", () => {
  it("changes the version in every place, back and forth, and nothing else", () => {
    const moved = new Map(versioned("98.7.6-rc.1", read).map(({ path, content }) => [path, content]));
    const lock = JSON.parse(moved.get("package-lock.json") ?? "") as {
      version: string;
      packages: Record<string, { version: string }>;
    };
    expect([lock.version, lock.packages[""]?.version]).toEqual(["98.7.6-rc.1", "98.7.6-rc.1"]);
    expect(moved.get("charts/getabako/Chart.yaml")).toMatch(/^version: 98\.7\.6-rc\.1\nappVersion: 98\.7\.6-rc\.1$/m);
    expect(moved.get("Dockerfile")).toMatch(/^ARG VERSION=98\.7\.6-rc\.1$/m);
    expect(moved.get("docs/gitops.md")).toMatch(/^ +targetRevision: v98\.7\.6-rc\.1$[^]*^ +ref: \{tag: v98\.7\.6-rc\.1\}$/m);
    for (const { path, content } of versioned(version, (name) => moved.get(name) ?? "")) expect(content).toBe(read(path));
  });

  it("refuses a file that lost its place, rather than let its version grow old", () => {
    expect(() => versioned("1.2.3", (path) => (path === "Dockerfile" ? "FROM scratch\n" : read(path)))).toThrow(
      "Dockerfile has no place for the version",
    );
  });

  it("knows every document, chart file and sample that names the version", () => {
    const files = execFileSync("git", ["ls-files", "README.md", "Dockerfile", "docs", "charts", "config"], {
      cwd: root,
      encoding: "utf8",
    });
    const literal = new RegExp(`(?<![\\d.])${version.replaceAll(".", String.raw`\.`)}(?![\\d.])`);
    const naming = files.split("\n").filter((path) => path !== "" && literal.test(read(path)));
    const known = versionPlaces.map(({ path }) => path);
    expect(naming.filter((path) => !known.includes(path))).toEqual([]);
  });
});
