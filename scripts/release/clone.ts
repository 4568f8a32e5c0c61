import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand, type RunOptions } from "../../test/cluster/run-command.ts";
import { versioned } from "../generate/version-places.ts";
import { released } from "./changelog.ts";

/** git answers what git prints, without the line's end. */
export async function git(directory: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return (await runCommand("git", args, { ...options, cwd: directory })).trimEnd();
}

/** clone makes a tree of its own out of what another has committed. */
export async function clone(from: string, directory: string): Promise<void> {
  await runCommand("git", ["clone", "--quiet", "--no-tags", from, directory]);
}

/** ReleaseCommit says what a release's commit has in it. */
export interface ReleaseCommit {
  readonly version: string;
  readonly date: string;
  /** Who and when; of nobody and of a fixed time in a dry run, so that two of them make the same commit. */
  readonly env: NodeJS.ProcessEnv;
  readonly signed: boolean;
}

/** commitRelease writes the version into all of its places, moves the changelog on, and commits that. */
export async function commitRelease(tree: string, { version, date, env, signed }: ReleaseCommit): Promise<void> {
  const change = async (path: string, by: (text: string) => string): Promise<void> => {
    await writeFile(join(tree, path), by(await readFile(join(tree, path), "utf8")));
  };
  await change("package.json", (text) => text.replace(/^(  "version": ")[^"]*"/m, (_, before: string) => `${before}${version}"`));
  await change("CHANGELOG.md", (text) => released(text, version, date));
  const read = (path: string): string => readFileSync(join(tree, path), "utf8");
  for (const { path, content } of versioned(version, read)) await writeFile(join(tree, path), content);
  const sign = signed ? [] : ["-c", "commit.gpgsign=false"];
  await git(tree, [...sign, "commit", "--quiet", "--all", "--message", `chore: release ${version}`], { env });
}

/** runIn runs a script of a tree with the Node.js and the packages of that tree, and shows what it says. */
export async function runIn(tree: string, args: readonly string[]): Promise<void> {
  const child = spawn(join(tree, "scripts/node"), args, { cwd: tree, stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`${args[0]} failed in a clone of the commit`);
}
