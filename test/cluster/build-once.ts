import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { link, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { removalCommand, startJanitor } from "./guard.ts";
import { isAlive } from "./is-alive.ts";

const lookEveryMs = 500;

/** Once says what is made in the user's cache. */
export interface Once {
  /** Named after its version, so that another one is made beside it. */
  readonly directory: string;
  /** Whether it is there; by default the directory is. */
  readonly isBuilt?: () => boolean;
  readonly report: (line: string) => void;
}

/** Places are where a build works, and where it leaves what it made. */
export interface Places {
  readonly scratch: string;
  readonly result: string;
}

/**
 * buildOnce makes a directory that is not there yet, one process at a time. It appears by a rename at the very end, so an interrupted build
 * is never taken for a good one; what the build leaves in `scratch`, which may be gigabytes, goes also when this process is killed.
 */
export async function buildOnce(once: Once, build: (places: Places) => Promise<void>): Promise<void> {
  const { directory, isBuilt = () => existsSync(directory), report } = once;
  await makeOnce(once, async () => {
    const scratch = await mkdtemp(`${directory}.`);
    const janitor = startJanitor(removalCommand(scratch));
    try {
      const result = join(scratch, "result");
      await mkdir(result);
      await build({ scratch, result });
      // Of two that both went on, the second takes nothing away that the first may be using already.
      if (isBuilt()) return;
      await rm(directory, { recursive: true, force: true });
      await rename(result, directory);
    } finally {
      report("removing intermediate files");
      await janitor.run();
    }
  });
}

/** makeOnce does the same for what cannot be renamed into place: `make` sees to it that only a finished one passes for built. */
export async function makeOnce(
  { directory, isBuilt = () => existsSync(directory), report }: Once,
  make: () => Promise<void>,
): Promise<void> {
  if (isBuilt()) return;
  await mkdir(dirname(directory), { recursive: true });
  const release = await takeBuildLock(`${directory}.lock`, report);
  try {
    // Whoever held the lock before us has probably made it.
    if (!isBuilt()) await make();
  } finally {
    await release();
  }
}

/**
 * takeBuildLock waits until no other living process holds the lock file and returns what releases it. A holder that died is
 * recognised by its pid and, where that was given out again, by when that one began. Two waiters that see the same dead holder may both
 * go on, which costs a second build and nothing else: a finished build is put into place by a rename.
 */
export async function takeBuildLock(file: string, report: (line: string) => void): Promise<() => Promise<void>> {
  let announced = false;
  for (;;) {
    if (await tryTake(file)) return async () => await rm(file, { force: true });
    const holder = await readFile(file, "utf8").catch(() => "");
    // Released between our try and our look.
    if (holder === "") continue;
    const pid = Number.parseInt(holder, 10);
    if (!isAlive(pid) || markOf(pid) !== holder) {
      await rm(file, { force: true });
      continue;
    }
    if (!announced) report(`process ${pid} is building it already: waiting (its lock is ${file})`);
    announced = true;
    await sleep(lookEveryMs);
  }
}

async function tryTake(file: string): Promise<boolean> {
  // A link appears with its content in it: nobody ever reads a lock without a pid.
  // Its name is nobody else's, also of another caller in this process.
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, markOf(process.pid));
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/** markOf names a process beyond its end: its pid, and where Linux tells (proc(5), starttime) when it began. */
function markOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name, which may hold anything; the 22nd is the twentieth behind it.
    const began = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${pid} ${began}\n`;
  } catch {
    return `${pid}\n`;
  }
}
