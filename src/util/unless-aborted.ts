/**
 * unlessAborted waits for work no longer than the signal allows, and throws the signal's reason then. The work itself goes on, and nobody
 * hears how it ended: it is for what others may share, and for steps that take no signal.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
