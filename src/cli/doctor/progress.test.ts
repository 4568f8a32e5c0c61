import { expect, test } from "vitest";
import { lineOf, printSummary, reportOf } from "./report.ts";
import { Progress } from "./progress.ts";

function output(live: boolean) {
  const texts = { out: "", err: "" };
  const sink = {
    out: (text: string) => void (texts.out += text),
    err: (text: string) => void (texts.err += text),
    live,
    colours: false,
  };
  return { texts, sink };
}

test("in a terminal the line of progress is written over, and taken away", () => {
  const { texts, sink } = output(true);
  const progress = new Progress(sink);
  progress.tell(1, 3, [{ object: "operator", name: "lease", needs: [], run: () => [] }]);
  progress.clear();
  progress.clear();
  expect(texts.err).toBe("\r\u001b[K1 of 3 checks, looking at operator (lease)\r\u001b[K");
});

test("elsewhere a quick run says nothing of its progress", () => {
  const { texts, sink } = output(false);
  new Progress(sink).tell(1, 3, []);
  expect(texts.err).toBe("");
});

test("a line has verdict, object, check, sentence and advice, and no control characters of others", () => {
  const finding = {
    verdict: "FAIL",
    object: "githubapp/a/b",
    check: "key",
    message: "it is\u001b[1m gone",
    advice: "make one",
  } as const;
  expect(lineOf(finding)).toBe("FAIL  githubapp/a/b  key: it is [1m gone → make one\n");
  expect(lineOf(finding, true)).toContain("\u001b[31mFAIL\u001b[0m");
});

test("the summary counts", () => {
  const { texts, sink } = output(false);
  const finding = { object: "operator", check: "lease", message: "m" } as const;
  const report = reportOf("1.0.0", "https://x", [
    { ...finding, verdict: "OK" },
    { ...finding, verdict: "WARN" },
  ]);
  printSummary(report, sink, false);
  expect(texts.out).toBe("\n1 OK, 1 WARN, 0 FAIL, 0 SKIP: it works, and could be better\n");
});
