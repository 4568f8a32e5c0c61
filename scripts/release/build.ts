import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { runCommand } from "../../test/cluster/run-command.ts";
import { buildArtifacts } from "./artifacts.ts";

/*
 * scripts/node scripts/release/build.ts DIRECTORY: the artifacts of the commit that this tree holds. `npm run release` starts it in
 * clones of its own, so that a release is built by the scripts and the packages of its own commit.
 */

const root = fileURLToPath(new URL("../../", import.meta.url));
const [directory] = process.argv.slice(2);
try {
  if (directory === undefined) throw new Error("usage: scripts/node scripts/release/build.ts DIRECTORY");
  const git = async (...args: string[]): Promise<string> => (await runCommand("git", args, { cwd: root })).trim();
  const changed = await git("status", "--porcelain");
  if (changed !== "") throw new Error(`this tree is not what its commit says:\n${changed}`);
  const [hash, seconds] = (await git("show", "--no-patch", "--format=%H %ct")).split(" ");
  await buildArtifacts({
    root,
    outdir: resolve(directory),
    commit: { hash: hash ?? "", seconds: Number(seconds) },
    report: (line) => console.log(line),
  });
} catch (error) {
  console.error(`[getabako] ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
