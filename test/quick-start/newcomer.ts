import { chmod, mkdir, mkdtemp, readdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removalCommand, startJanitor } from "../cluster/guard.ts";
import { runCommand } from "../cluster/run-command.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Newcomer is somebody with a fresh clone and nothing else of ours but the caches in the home directory. */
export interface Newcomer extends AsyncDisposable {
  readonly clone: string;
  readonly env: NodeJS.ProcessEnv;
  /** For what the test itself keeps. */
  readonly memory: string;
  /** What is there that was not before, and is no build product that git ignores. */
  leftovers(): Promise<readonly string[]>;
}

/** becomeNewcomer clones HEAD into a folder of its own, which goes with this process. */
export async function becomeNewcomer(say: (line: string) => void): Promise<Newcomer> {
  const changed = (await runCommand("git", ["-C", root, "status", "--porcelain"])).trim();
  if (changed !== "") say(`not in HEAD, so not in the clone:\n${changed}`);
  const directory = await mkdtemp(join(tmpdir(), "getabako-qs-"));
  const janitor = startJanitor(removalCommand(directory));
  // Pods of any user look up paths below it.
  await chmod(directory, 0o711);
  const [clone, temporary, memory] = ["getabako", "tmp", "memory"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(temporary, { mode: 0o711 });
  await mkdir(memory);
  await runCommand("git", ["clone", "--quiet", root, clone]);
  return {
    clone,
    memory,
    env: cleanEnvironment(process.env, temporary),
    leftovers: async () => {
      const files = (await readdir(temporary)).map((name) => join(temporary, name));
      if (existsSync(join(clone, ".playground"))) files.push(join(clone, ".playground"));
      const untracked = await runCommand("git", ["-C", clone, "status", "--porcelain"]);
      return [...files, ...untracked.split("\n").filter((line) => line !== "")];
    },
    [Symbol.asyncDispose]: () => janitor.run(),
  };
}

/** Variables that would lead a newcomer's commands to something that a newcomer does not have. */
const foreign = [
  /^(KUBE|HELM_|AWS_|GITHUB_|GETABAKO_|TEST_|USE_EXISTING_CLUSTER$|NODE_OPTIONS$|NODE_ENV$|VITEST)/,
  // What npm tells the scripts that it runs; a person's own settings for npm stay.
  /^(npm_(package|lifecycle)_|npm_(command|execpath|node_execpath)$|npm_config_(local_)?prefix$|INIT_CWD$|NODE$)/,
];

/** cleanEnvironment is this process' environment as it was before npm and scripts/node, and without a set-up of the person's own. */
export function cleanEnvironment(env: NodeJS.ProcessEnv, temporary: string): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => !foreign.some((pattern) => pattern.test(name)));
  const path = (env["PATH"] ?? "").split(":").filter((directory) => !directory.includes("/node_modules/"));
  return { ...Object.fromEntries(own), PATH: path.join(":"), TMPDIR: temporary };
}
