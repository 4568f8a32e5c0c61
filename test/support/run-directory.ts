import { writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removalCommand, startJanitor } from "../cluster/guard.ts";

/** RunDirectory is where a run keeps its files. */
export interface RunDirectory {
  readonly directory: string;
  /** Lets it outlive the run, for whoever looks for what went wrong. */
  readonly keep: () => void;
}

/** makeRunDirectory makes one, which goes with `building`, or with this process when that is killed first; only a mark in it keeps it. */
export async function makeRunDirectory(name: string, building: AsyncDisposableStack): Promise<RunDirectory> {
  const directory = await mkdtemp(join(tmpdir(), `getabako-${name}-`));
  const script = 'directory=$1; shift; [ -e "$directory/.keep" ] || exec "$@"';
  const janitor = startJanitor(["/bin/sh", "-c", script, "remove", directory, ...removalCommand(directory)]);
  building.defer(() => janitor.run());
  return { directory, keep: () => writeFileSync(join(directory, ".keep"), "") };
}
