import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { versionPlaces } from "../generate/version-places.ts";
import { releasedVersions } from "./changelog.ts";
import { clone, commitRelease, git, type ReleaseCommit } from "./clone.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const someone = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.invalid",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.invalid",
};
const at = { GIT_AUTHOR_DATE: "1795867200 +0000", GIT_COMMITTER_DATE: "1795867200 +0000" };
// Git as it is, without the settings of the person who runs this.
const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", ...someone, ...at };
const release: ReleaseCommit = { version: "98.7.6", date: "2026-11-28", env, signed: false };

describe("a release's commit", () => {
  let directory: string;
  let origin: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "getabako-clone-"));
    origin = join(directory, "origin");
    for (const path of ["package.json", ...versionPlaces.map((place) => place.path)]) {
      await mkdir(dirname(join(origin, path)), { recursive: true });
      await cp(join(root, path), join(origin, path));
    }
    // Not ours: it has nothing under Unreleased right after a release.
    await writeFile(join(origin, "CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n### Added\n- News.\n");
    await git(origin, ["init", "--quiet"], { env });
    await git(origin, ["add", "."], { env });
    await git(origin, ["-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "before"], { env });
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("has the version in all places and a section in the changelog, and the origin has nothing of it", async () => {
    const tree = join(directory, "tree");
    await clone(origin, tree);
    await commitRelease(tree, release);
    const read = (path: string): Promise<string> => readFile(join(tree, path), "utf8");
    expect((JSON.parse(await read("package.json")) as { version: string }).version).toBe("98.7.6");
    for (const { path } of versionPlaces) expect(await read(path)).toContain("98.7.6");
    expect(releasedVersions(await read("CHANGELOG.md"))[0]).toBe("98.7.6");
    expect(await git(tree, ["show", "--no-patch", "--format=%s"])).toBe("chore: release 98.7.6");
    expect(await git(tree, ["status", "--porcelain"])).toBe("");
    expect((await git(tree, ["show", "--name-only", "--format="])).split("\n").toSorted()).toEqual(
      ["package.json", "CHANGELOG.md", ...versionPlaces.map(({ path }) => path)].toSorted(),
    );
    expect(await git(origin, ["show", "--no-patch", "--format=%s"])).toBe("before");
  });

  it("is the same in two folders at the same time, which a dry run asks of it", async () => {
    const hashes: string[] = [];
    for (const name of ["one", "another/one"]) {
      const tree = join(directory, name);
      await clone(origin, tree);
      await commitRelease(tree, release);
      hashes.push(await git(tree, ["rev-parse", "HEAD"]));
    }
    expect(hashes[0]).toBe(hashes[1]);
  });

  it("comes to nothing when the changelog has nothing new", async () => {
    const tree = join(directory, "tree");
    await clone(origin, tree);
    await commitRelease(tree, release);
    await expect(commitRelease(tree, { ...release, version: "98.7.7" })).rejects.toThrow(
      "CHANGELOG.md has nothing under Unreleased",
    );
  });
});
