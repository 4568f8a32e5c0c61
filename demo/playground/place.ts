import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removalCommand, startJanitor } from "../../test/cluster/guard.ts";
import { isAlive } from "../../test/cluster/is-alive.ts";

/** Place is the folder in the clone where the second terminal finds what it needs; closing it removes it. */
export interface Place extends AsyncDisposable {
  readonly directory: string;
  /** Writes a file, for this user only: some of them are keys. */
  write(name: string, text: string): Promise<string>;
  /** Makes programs known under their names; gives the directory to put on PATH. */
  programs(paths: Readonly<Record<string, string>>): Promise<string>;
}

/** claimPlace makes the folder, or says that another playground has it. However this process ends, the folder goes. */
export async function claimPlace(directory: string): Promise<Place> {
  const owner = join(directory, "pid");
  const pid = Number(await readFile(owner, "utf8").catch(() => ""));
  if (pid > 0 && isAlive(pid)) throw new Error(`a playground runs from this clone already (process ${pid}): end that one first`);
  // A machine that lost its power left it.
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { mode: 0o700 });
  const janitor = startJanitor(removalCommand(directory));
  const write: Place["write"] = async (name, text) => {
    const file = join(directory, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  await write("pid", String(process.pid));
  return {
    directory,
    write,
    async programs(paths) {
      const bin = join(directory, "bin");
      await mkdir(bin);
      for (const [name, path] of Object.entries(paths)) await symlink(path, join(bin, name));
      return bin;
    },
    [Symbol.asyncDispose]: () => janitor.run(),
  };
}
