import { link, readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const lookEveryMs = 500;

/**
 * takeBuildLock waits until no other living process holds the lock file and returns what releases it. A holder that died
 * is recognised by its pid. Two waiters that see the same dead holder may both go on, which costs a second build and
 * nothing else: a finished build is put into place by a rename.
 */
export async function takeBuildLock(file: string, report: (line: string) => void): Promise<() => Promise<void>> {
  let announced = false;
  for (;;) {
    if (await tryTake(file)) return async () => await rm(file, { force: true });
    const holder = Number.parseInt(await readFile(file, "utf8").catch(() => ""), 10);
    // Released between our try and our look.
    if (Number.isNaN(holder)) continue;
    if (!isAlive(holder)) {
      await rm(file, { force: true });
      continue;
    }
    if (!announced) report(`process ${holder} is building it already: waiting (its lock is ${file})`);
    announced = true;
    await sleep(lookEveryMs);
  }
}

async function tryTake(file: string): Promise<boolean> {
  // A link appears with its content in it: nobody ever reads a lock without a pid.
  const own = `${file}.${process.pid}`;
  await writeFile(own, `${process.pid}\n`);
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and is somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
