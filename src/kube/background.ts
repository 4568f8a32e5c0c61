import type { Logger } from "../telemetry/log.ts";

/** background lets a promise run without anybody waiting for it: a rejection becomes an error line instead of ending the process. */
export function background(promise: Promise<unknown>, log: Logger): void {
  promise.catch((error: unknown) => log.error({ err: error }, "background work failed"));
}
