import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * delayLine passes on what comes in after the lag that holds when it comes, in order. It delays and does not throttle: whatever comes at
 * once also leaves at once.
 *
 * @param lagMs the lag in milliseconds, asked at every chunk.
 */
export function delayLine(lagMs: () => number): Transform {
  let dueMs = 0;
  let last: Promise<void> = Promise.resolve();
  const line = new Transform({
    transform(chunk, _encoding, done) {
      dueMs = Math.max(dueMs, performance.now() + lagMs());
      const due = dueMs;
      // One after the other, as timers that are due in the same millisecond may fire in any order.
      last = last.then(async () => {
        const leftMs = due - performance.now();
        if (leftMs > 0) await sleep(leftMs, undefined, { ref: false });
        if (!line.destroyed) line.push(chunk);
      });
      done();
    },
    flush(done) {
      void last.then(() => done());
    },
  });
  return line;
}
