import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { removalCommand, startJanitor } from "../../test/cluster/guard.ts";
import { clone, commitRelease, git, runIn } from "./clone.ts";
import { parseOptions, type ReleaseOptions, usage } from "./options.ts";
import { planOf } from "./plan.ts";
import type { ReleaseState } from "./release-problems.ts";
import { differences, sumsIn } from "./sums.ts";

/*
 * `npm run release`. Everything happens in a clone of the commit: the version is set there, committed there, and built there by its own
 * scripts with its own packages. Only when all of that went well does the tree take the commit over, so that a release that fails
 * leaves nothing behind. Nothing is tagged, pushed or published: the last lines say how.
 */

const root = fileURLToPath(new URL("../../", import.meta.url));
const startedAt = Date.now();

function say(line: string): void {
  console.log(`[release ${((Date.now() - startedAt) / 1_000).toFixed(0)} s] ${line}`);
}

async function stateOf(): Promise<ReleaseState> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const status = await git(root, ["status", "--porcelain"]);
  return {
    current: version,
    changelog: await readFile(join(root, "CHANGELOG.md"), "utf8"),
    tags: (await git(root, ["tag", "--list"])).split("\n"),
    uncommitted: status === "" ? [] : status.split("\n").map((line) => line.slice(3)),
  };
}

/** How a release is committed: by you, now; or in a dry run by nobody and at the time of the commit before, to be the same each time. */
async function commitOf(mode: ReleaseOptions["mode"], version: string): Promise<Parameters<typeof commitRelease>[1]> {
  const person = async (name: string): Promise<string> => await git(root, ["config", "--default", "", "--get", `user.${name}`]);
  if (mode === "release") {
    const [name, email] = [await person("name"), await person("email")];
    const own = (role: string): NodeJS.ProcessEnv =>
      name === "" || email === "" ? {} : { [`GIT_${role}_NAME`]: name, [`GIT_${role}_EMAIL`]: email };
    // What the environment says goes first, as with git.
    const env = { ...own("AUTHOR"), ...own("COMMITTER"), ...process.env };
    return { version, date: new Date().toISOString().slice(0, 10), env, signed: true };
  }
  const at = await git(root, ["show", "--no-patch", "--format=%ct"]);
  const nobody = (role: string): NodeJS.ProcessEnv => ({
    [`GIT_${role}_NAME`]: "dry run",
    [`GIT_${role}_EMAIL`]: "dry-run@example.invalid",
    [`GIT_${role}_DATE`]: `${at} +0000`,
  });
  const env = { ...process.env, ...nobody("AUTHOR"), ...nobody("COMMITTER") };
  return { version, date: new Date(Number(at) * 1_000).toISOString().slice(0, 10), env, signed: false };
}

/** Where the artifacts go: a folder of our own, or one of yours that has nothing in it. */
async function outputOf({ output }: ReleaseOptions, own: string): Promise<string> {
  if (output === undefined) return own;
  const names = await readdir(output).catch(() => []);
  if (names.length > 0) throw new Error(`--output ${output}: it is not empty`);
  return resolve(output);
}

async function release(options: ReleaseOptions): Promise<void> {
  const state = await stateOf();
  const { mode, version } = planOf(options, state);
  say(`${mode} of getabako ${version}`);
  if (state.uncommitted.length > 0) say(`not part of it, because not committed: ${state.uncommitted.join(", ")}`);
  const output = await outputOf(options, join(root, "artifacts", mode, version));
  const work = await mkdtemp(join(tmpdir(), "getabako-release-"));
  // Clones with packages are big: they go when this process does, however it ends.
  const janitor = startJanitor(removalCommand(work));
  try {
    const tree = join(work, "tree");
    await clone(root, tree);
    if (mode !== "rebuild") await commitRelease(tree, await commitOf(mode, version));
    const commit = await git(tree, ["rev-parse", "HEAD"]);
    say(`building commit ${commit.slice(0, 12)} in a clone: its packages first`);
    const built = join(work, "built");
    await runIn(tree, ["scripts/release/build.ts", built]);
    await runIn(tree, ["scripts/generate/main.ts", "--check"]);
    if (options.twice) {
      say("once more, in another folder");
      const other = join(work, "a-folder-with-a-longer-name", "again");
      await clone(tree, other);
      await runIn(other, ["scripts/release/build.ts", join(work, "built-again")]);
      const different = differences(await sumsIn(built), await sumsIn(join(work, "built-again")));
      for (const line of different) console.log(`differs: ${line}`);
      if (different.length > 0) throw new Error("two builds of one commit are not the same");
      say(`both builds made the same ${(await sumsIn(built)).length} files`);
    }
    // Last: up to here the tree and its artifacts are as they were.
    if (mode === "release") {
      await git(root, ["fetch", "--quiet", tree, "HEAD"]);
      await git(root, ["merge", "--quiet", "--ff-only", "FETCH_HEAD"]);
    }
    if (options.output === undefined) await rm(output, { recursive: true, force: true });
    await mkdir(output, { recursive: true });
    await cp(built, output, { recursive: true });
    await tell({ mode, version, commit, output });
  } finally {
    await janitor.run();
  }
}

interface Done {
  readonly mode: ReleaseOptions["mode"];
  readonly version: string;
  readonly commit: string;
  readonly output: string;
}

async function tell({ mode, version, commit, output }: Done): Promise<void> {
  const { image } = JSON.parse(await readFile(join(output, "release.json"), "utf8")) as {
    image: { digest: string; platforms: { platform: string; layerBytes: number }[] };
  };
  const where = relative(process.cwd(), output) || ".";
  say(`artifacts in ${where}`);
  for (const { file, sha256 } of await sumsIn(output)) console.log(`  ${sha256}  ${file}`);
  for (const { platform, layerBytes } of image.platforms) {
    console.log(`  image ${platform}: ${(layerBytes / 1e6).toFixed(1)} MB compressed`);
  }
  console.log(`  image digest: ${image.digest}`);
  if (mode !== "release") {
    console.log("\nNothing was changed, committed or published.");
    return;
  }
  console.log(`
Committed here as ${commit.slice(0, 12)}; nothing is pushed or published. What comes next (docs/releasing.md):
  git tag --annotate v${version} ${commit} --message "getabako ${version}"
  git push origin HEAD v${version}
  skopeo copy --all --preserve-digests oci-archive:${where}/getabako-${version}-image.tar docker://REGISTRY/getabako:${version}
  helm push ${where}/getabako-${version}.tgz oci://REGISTRY/charts
To take it back before that: git reset --keep ${commit}^`);
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await release(options);
} catch (error) {
  console.error(`[getabako] ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
