import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * delayLine holds each chunk back for the lag that holds when it comes in, and keeps the order. It delays and does not throttle: what comes
 * at once also leaves at once. Without a lag it is as transparent as a PassThrough; with one it takes in whatever comes, however slowly it
 * is read.
 *
 * @param lagMs the lag in milliseconds, asked at every chunk.
 */
export function delayLine(lagMs: () => number): Transform {
  const end = new AbortController();
  let dueMs = 0;
  let held = 0;
  let last: Promise<void> = Promise.resolve();
  const line = new Transform({
    transform(chunk, _encoding, done) {
      const lag = lagMs();
      if (lag <= 0 && held === 0) {
        done(null, chunk);
        return;
      }
      dueMs = Math.max(dueMs, performance.now() + lag);
      const due = dueMs;
      held += 1;
      // One after the other, as timers that are due in the same millisecond may fire in any order.
      last = last.then(async () => {
        const leftMs = due - performance.now();
        if (leftMs > 0) await sleep(leftMs, undefined, { signal: end.signal }).catch(() => undefined);
        held -= 1;
        if (!line.destroyed) line.push(chunk);
      });
      done();
    },
    flush(done) {
      void last.then(() => done());
    },
    destroy(error, done) {
      end.abort();
      done(error);
    },
  });
  return line;
}
