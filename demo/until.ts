import { setTimeout as sleep } from "node:timers/promises";

/** Patience says how long to wait for something, and what to say if it does not come. */
export interface Patience {
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly everyMs?: number;
  /** What should move meanwhile: if this text stays the same for `stallMs`, nothing will come any more. */
  readonly mark?: () => string;
  readonly stallMs?: number;
  /** What is known about the reason; shown when the time is over. */
  readonly detail?: () => string;
}

/** WaitedInVain says what did not come. */
export class WaitedInVain extends Error {
  override readonly name = "WaitedInVain";
}

/**
 * until waits for the check to give something other than undefined or false.
 * @throws WaitedInVain when the time is over; the signal's reason when it aborts.
 */
export async function until<T>(
  patience: Patience,
  check: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const { what, timeoutMs, signal, everyMs = 100, mark, stallMs = Number.POSITIVE_INFINITY, detail } = patience;
  const startedAt = Date.now();
  let [last, movedAt] = [mark?.(), startedAt];
  for (;;) {
    signal.throwIfAborted();
    const found = await check();
    if (found !== undefined && found !== false) return found;
    const now = Date.now();
    if (mark?.() !== last) [last, movedAt] = [mark?.(), now];
    if (now - startedAt > timeoutMs || (mark !== undefined && now - movedAt > stallMs)) {
      const more = detail?.() ?? "";
      const waited = ((now - startedAt) / 1_000).toFixed(0);
      throw new WaitedInVain(`waited ${waited} s for ${what}, in vain${more === "" ? "" : `: ${more}`}`);
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
