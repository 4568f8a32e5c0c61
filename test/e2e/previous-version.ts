import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildOnce, type Places } from "../cluster/build-once.ts";
import { runCommand, tryCommand } from "../cluster/run-command.ts";
import { cacheDirectory } from "../cluster/versions.ts";
import type { ChartVersion } from "./release.ts";

type Report = (line: string) => void;

/** Stands in for the previous version until there is a tag: the last state before override labels and ECS events, so kinds differ. */
const beforeTheFirstTag = "5a63e8a1f9ab39d8cc0b371eeb38a1518a6f4812";

const repository = fileURLToPath(new URL("../../", import.meta.url));

/** PreviousVersion is what the story begins with. */
export interface PreviousVersion {
  /** A tag, or a commit. */
  readonly name: string;
  readonly commit: string;
}

/**
 * findPreviousVersion is the commit that was asked for, else the newest tag v* before HEAD, else the one above.
 * @throws when the history ends before it: an upgrade from nothing, or from another version than people have, would prove nothing.
 */
export async function findPreviousVersion(
  options: { readonly from?: string | undefined; readonly directory?: string } = {},
): Promise<PreviousVersion> {
  const { from, directory = repository } = options;
  const git = async (...args: readonly string[]): Promise<string | undefined> => {
    const { code, stdout } = await tryCommand("git", ["-C", directory, ...args]);
    return code === 0 ? stdout.trim() : undefined;
  };
  // HEAD may be the tag of the release that is being made.
  const tag = from ?? (await git("describe", "--tags", "--abbrev=0", "--match=v*", "HEAD^"));
  const name = tag ?? beforeTheFirstTag.slice(0, 7);
  const commit = await git("rev-parse", "--verify", "--quiet", "--end-of-options", `${tag ?? beforeTheFirstTag}^{commit}`);
  if (commit !== undefined) return { name, commit };
  const shallow = (await git("rev-parse", "--is-shallow-repository")) === "true";
  throw new Error(
    `the version to upgrade from (${name}) is not here: ` +
      (shallow
        ? "this clone is shallow, so fetch the rest (git fetch --unshallow --tags)"
        : "this needs a clone with its history"),
  );
}

/** buildPreviousVersion makes chart and image from the history, into the user's cache: a minute, once for each commit. */
export async function buildPreviousVersion({ name, commit }: PreviousVersion, report: Report): Promise<ChartVersion> {
  const directory = join(cacheDirectory(process.env), "versions", `${commit}-${process.arch}`);
  const image = { repository: "localhost/getabako", tag: `previous-${commit.slice(0, 12)}` };
  const version = { name, chart: join(directory, "chart"), image: { ...image, archive: join(directory, "operator.tar") } };
  await buildOnce({ directory, report }, async (places) => {
    report(`building the previous version (${commit.slice(0, 12)}) into ${directory}: a minute, once`);
    await build(commit, `${image.repository}:${image.tag}`, places);
  });
  return version;
}

async function build(commit: string, image: string, { scratch, result }: Places): Promise<void> {
  const archive = join(scratch, "source.tar");
  const source = join(scratch, "source");
  await mkdir(source);
  await runCommand("git", ["-C", repository, "archive", "--format=tar", `--output=${archive}`, commit]);
  await runCommand("tar", ["-x", "-f", archive, "-C", source]);
  // Its own packages and its own Node.js: scripts/node sees to both.
  const program = [join(source, "scripts", "image.ts"), "--name", image, "--output", join(result, "operator.tar")];
  await runCommand(join(source, "scripts", "node"), program, { cwd: source, timeoutMs: 600_000 });
  await cp(join(source, "charts", "getabako"), join(result, "chart"), { recursive: true });
}
