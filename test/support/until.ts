import { setTimeout as sleep } from "node:timers/promises";

/** until repeats a check until it does not throw; after the given time it throws what the last try threw, with what was waited for. */
export async function until<T>(what: string, timeoutMs: number, check: () => Promise<T> | T, everyMs = 200): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) {
        throw new Error(`${what}: not after ${timeoutMs / 1_000} s: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
    await sleep(everyMs);
  }
}
