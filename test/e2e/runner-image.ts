import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type ArchivedFile, writeImageArchive } from "../cluster/image-archive.ts";
import { runCommand } from "../cluster/run-command.ts";

const miniRunner = fileURLToPath(new URL("../sim/runner/mini-runner.ts", import.meta.url));

/** RunnerImage is what the tasks run. */
export interface RunnerImage {
  readonly name: string;
  /** A docker-archive. */
  readonly archive: string;
  /** The emulator passes a command on and no entry point. */
  readonly command: readonly string[];
}

/** buildRunnerImage packs the small runner with this very Node and the libraries it needs, and nothing else: no shell, no tools. */
export async function buildRunnerImage(directory: string, tag: string): Promise<RunnerImage> {
  const bundle = join(directory, `mini-runner-${tag}.mjs`);
  await build({
    entryPoints: [miniRunner],
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
  });
  const image = { name: `localhost/getabako-e2e-runner:${tag}`, archive: join(directory, `runner-${tag}.tar`) };
  const files: ArchivedFile[] = [
    { path: "usr/bin/node", source: process.execPath, mode: 0o755 },
    { path: "mini-runner.mjs", source: bundle, mode: 0o644 },
    ...(await sharedLibraries(process.execPath)).map((file) => ({ path: file.slice(1), source: file, mode: 0o755 })),
  ];
  await writeImageArchive({ file: image.archive, name: image.name, files, config: { User: "1001:1001" } });
  return { ...image, command: ["/usr/bin/node", "/mini-runner.mjs"] };
}

/** What the loader would load, and the loader itself. */
async function sharedLibraries(program: string): Promise<string[]> {
  const listed = await runCommand("ldd", [program]);
  const files = listed.split("\n").flatMap((line) => /(?:=> |^\s*)(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  return [...new Set(files)];
}
