import { expect, test } from "vitest";
import type { Seen } from "./play.ts";
import { figures, judge } from "./verdict.ts";

const good: Seen = {
  abuse: "bad-signatures",
  tally: { connections: 64, requests: 12_345, bytes: 2 ** 20, answers: { "401": 12_000 }, ended: 0 },
  honest: { sent: 100, failed: [], lost: 0, p50Ms: 10, p99Ms: 90, probes: 10, failedProbes: [] },
  peakRssMiB: 150,
  loopMaxMs: 50,
  loopP99Ms: 20,
  descriptorsBefore: 30,
  descriptorsAfter: 35,
  connectionsLeft: 0,
  logLines: 1,
  seriesBefore: 300,
  seriesAfter: 305,
  unasked: 0,
  endedBy: undefined,
};

const failing = (seen: Partial<Seen>): string[] =>
  judge([good, { ...good, ...seen }])
    .filter(({ ok }) => !ok)
    .map(({ what }) => what);

test("an abuse that nobody honest noticed holds, however slow everything was", () => {
  expect(failing({ honest: { ...good.honest, p50Ms: 5_000, p99Ms: 9_000 }, loopMaxMs: 9_000 })).toEqual([]);
  // Sent again, and then taken.
  expect(failing({ honest: { ...good.honest, failed: [["job-1", "503"]] } })).toEqual([]);
});

test.each<[string, Partial<Seen>]>([
  ["operators that ended", { endedBy: 137 }],
  [
    "honest connections ended in one play, of a hundred",
    {
      honest: {
        ...good.honest,
        failed: [
          ["job-1", "ECONNRESET"],
          ["job-2", "socket hang up"],
        ],
      },
    },
  ],
  ["honest jobs that were lost", { honest: { ...good.honest, lost: 1 } }],
  ["requests that nobody honest asked for", { unasked: 1 }],
  ["probes that failed", { honest: { ...good.honest, failedProbes: ["ECONNRESET"] } }],
  ["answers of 5xx to what was the sender's fault", { tally: { ...good.tally, answers: { "500": 1 } } }],
  ["abuses that were answered with success", { tally: { ...good.tally, answers: { "202": 1 } } }],
  ["connections left", { connectionsLeft: 1 }],
  ["peak RSS, MiB", { peakRssMiB: 600 }],
  ["peak RSS, MiB", { peakRssMiB: Number.NaN }],
  ["lines logged in one play, beside those for jobs", { logLines: 1_000 }],
  ["new series of metrics in one play", { seriesAfter: 3_000 }],
])("%s: it does not hold", (what, seen) => {
  expect(failing(seen)).toEqual([what]);
});

test("too many large bodies may be told that there is no room, and the metrics are meant to be read", () => {
  expect(failing({ abuse: "held-bodies", tally: { ...good.tally, answers: { "503": 3 } } })).toEqual([]);
  expect(failing({ abuse: "hoarding", tally: { ...good.tally, answers: { "503": 3 } } })).toEqual([]);
  expect(failing({ abuse: "metrics", tally: { ...good.tally, answers: { "200": 3 } } })).toEqual([]);
});

test("the figures are rows of Markdown", () => {
  expect(figures([good])[2]).toBe(
    "| bad-signatures | 64 connections, 12 k requests, 1 MiB | 401: 12 k | 150 MiB | 20/50 ms | 10/90 ms | 100 of 100 | 0 | 0 |",
  );
});
