import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../cluster/run-command.ts";
import { findPreviousVersion } from "./previous-version.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "getabako-history-"));
  await git("init", "--quiet", "--initial-branch=main");
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgSign=false"];
const git = async (...args: readonly string[]): Promise<string> =>
  (await runCommand("git", ["-C", directory, ...identity, ...args])).trim();
const commit = async (tag?: string): Promise<string> => {
  await git("commit", "--quiet", "--allow-empty", "--message", "test");
  if (tag !== undefined) await git("tag", tag);
  return await git("rev-parse", "HEAD");
};

describe("the previous version", () => {
  it("is the newest tag of a version before HEAD, and not that of HEAD itself", async () => {
    await commit("v0.1.0");
    const newest = await commit("v0.2.0");
    await commit("nightly");
    await commit("v0.3.0");
    expect(await findPreviousVersion({ directory })).toEqual({ name: "v0.2.0", commit: newest });
    await commit();
    expect((await findPreviousVersion({ directory })).name).toBe("v0.3.0");
  });

  it("is what was asked for", async () => {
    const first = await commit();
    await commit("v0.2.0");
    await commit();
    expect(await findPreviousVersion({ directory, from: first })).toEqual({ name: first, commit: first });
  });

  it("that is not in the history ends the run, with what to do", async () => {
    await commit();
    await expect(findPreviousVersion({ directory })).rejects.toThrow(
      /\(5a63e8a\) is not here: this needs a clone with its history/,
    );
    await expect(findPreviousVersion({ directory, from: "v9" })).rejects.toThrow("(v9) is not here");
    await commit();
    const shallow = join(directory, "shallow");
    await git("clone", "--quiet", "--depth=1", `file://${directory}`, shallow);
    await expect(findPreviousVersion({ directory: shallow })).rejects.toThrow("git fetch --unshallow --tags");
  });
});
