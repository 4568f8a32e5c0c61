import type { Row } from "../../demo/verdict.ts";
import type { Seen } from "./play.ts";

/** The memory limit that the chart sets. */
const memoryLimitMiB = 512;
/** A crowd that comes back faster than the loop turns may take an honest newcomer's place; GitHub's redelivery is for that. */
const cutOffLimit = 1;
/** Refusals of each kind are a line a minute, and a play is no longer than that. */
const logLineLimit = 20;
/** Labels come from closed lists, and some of their values show only when they happen. */
const newSeriesLimit = 40;

/** judge says what must hold of every abuse, whatever the clock says. */
export function judge(all: readonly Seen[]): Row[] {
  const worst = <T extends number>(of: (seen: Seen) => T): number => Math.max(...all.map(of));
  const sum = (of: (seen: Seen) => number): number => all.reduce((total, seen) => total + of(seen), 0);
  return [
    none("operators that ended", all.filter(({ endedBy }) => endedBy !== undefined).length),
    atMost(
      "honest connections ended in one play, of a hundred",
      worst(({ honest }) => Math.round((1_000 * honest.failed.filter(isCutOff).length) / Math.max(1, honest.sent)) / 10),
      cutOffLimit,
    ),
    none(
      "honest jobs that were lost",
      sum(({ honest }) => honest.lost),
    ),
    none(
      "requests that nobody honest asked for",
      sum(({ unasked }) => unasked),
    ),
    none(
      "probes that failed",
      sum(({ honest }) => honest.failedProbes.length),
    ),
    none("answers of 5xx to what was the sender's fault", sum(serverErrors)),
    none("abuses that were answered with success", sum(successes)),
    none(
      "connections left",
      sum(({ connectionsLeft }) => connectionsLeft),
    ),
    atMost(
      "peak RSS, MiB",
      worst((seen) => Math.round(seen.peakRssMiB)),
      memoryLimitMiB,
    ),
    atMost(
      "lines logged in one play, beside those for jobs",
      worst(({ logLines }) => logLines),
      logLineLimit,
    ),
    atMost(
      "new series of metrics in one play",
      worst((seen) => seen.seriesAfter - seen.seriesBefore),
      newSeriesLimit,
    ),
  ];
}

/** Not an answer, and not the patience of the sender: the words of Node for a connection that the other side ended. */
function isCutOff([, why]: readonly [name: string, why: string]): boolean {
  return why === "ECONNRESET" || why === "ECONNREFUSED" || why === "EPIPE" || why === "socket hang up" || why === "aborted";
}

/** Too many large bodies at once are answered with 503, and so they should: another try may succeed. */
const mayBeBusy: ReadonlySet<string> = new Set(["large-bodies", "hoarding", "held-bodies", "endless", "tiny-chunks"]);
const onMetrics: ReadonlySet<string> = new Set(["metrics", "metrics-silent"]);

function serverErrors({ abuse, tally }: Seen): number {
  return mayBeBusy.has(abuse) ? 0 : answersOf(tally.answers, "5");
}

function successes({ abuse, tally }: Seen): number {
  return onMetrics.has(abuse) ? 0 : answersOf(tally.answers, "2");
}

function answersOf(answers: Readonly<Record<string, number>>, first: string): number {
  return Object.entries(answers)
    .filter(([status]) => status.startsWith(first))
    .reduce((total, [, count]) => total + count, 0);
}

/** figures is the table for people, in Markdown: it goes into docs/security.md as it is. */
export function figures(all: readonly Seen[]): string[] {
  const head = [
    "abuse",
    "sent",
    "answers",
    "peak RSS",
    "loop p99/max",
    "honest p50/p99",
    "taken at once",
    "lost",
    "connections left",
  ];
  const rows = all.map(({ abuse, tally, honest, ...seen }) => [
    abuse,
    sentOf(tally),
    Object.entries(tally.answers)
      .map(([status, count]) => `${status}: ${short(count)}`)
      .join(", ") || "none",
    `${seen.peakRssMiB.toFixed(0)} MiB`,
    `${seen.loopP99Ms.toFixed(0)}/${seen.loopMaxMs.toFixed(0)} ms`,
    `${honest.p50Ms.toFixed(0)}/${honest.p99Ms.toFixed(0)} ms`,
    `${honest.sent - honest.failed.length} of ${honest.sent}`,
    String(honest.lost),
    String(seen.connectionsLeft),
  ]);
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

function sentOf({ connections, requests, bytes }: Seen["tally"]): string {
  if (connections === 0) return "nothing";
  return `${short(connections)} connections, ${short(requests)} requests, ${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function short(count: number): string {
  return count >= 10_000 ? `${Math.round(count / 1_000)} k` : String(count);
}

function none(what: string, seen: number): Row {
  return { what, expected: "0", seen: String(seen), ok: seen === 0 };
}

function atMost(what: string, seen: number, limit: number): Row {
  return { what, expected: `at most ${limit}`, seen: String(seen), ok: seen <= limit };
}
