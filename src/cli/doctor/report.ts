import { type Output, plain, toJson } from "../output.ts";
import type { Finding, Verdict } from "./check.ts";

/** Report is what `--output json` prints. */
export interface Report {
  readonly version: string;
  readonly server: string;
  readonly summary: Readonly<Record<"ok" | "warn" | "fail" | "skip", number>>;
  readonly findings: readonly Finding[];
}

const colours: Readonly<Record<Verdict, string>> = { OK: "32", SKIP: "90", WARN: "33", FAIL: "31" };

/** lineOf is a finding as one line: verdict, object, check, sentence, and what to do after the arrow. */
export function lineOf(finding: Finding, coloured = false): string {
  const { verdict, object, check, message, advice } = finding;
  const word = verdict.padEnd(4);
  const shown = coloured ? `\u001b[${colours[verdict]}m${word}\u001b[0m` : word;
  // Names and labels of strangers are in these sentences.
  return `${shown}  ${plain(object)}  ${check}: ${plain(message)}${advice === undefined ? "" : ` → ${plain(advice)}`}\n`;
}

/** reportOf counts the findings. */
export function reportOf(version: string, server: string, findings: readonly Finding[]): Report {
  const count = (verdict: Verdict): number => findings.filter((finding) => finding.verdict === verdict).length;
  const summary = { ok: count("OK"), warn: count("WARN"), fail: count("FAIL"), skip: count("SKIP") };
  return { version, server, summary, findings };
}

/** printSummary prints the last words of a report for people, or the whole report for programs. */
export function printSummary(report: Report, output: Output, json: boolean): void {
  if (json) {
    output.out(toJson(report));
    return;
  }
  const { ok, warn, fail, skip } = report.summary;
  const verdict =
    fail > 0 ? "begin with the first FAIL" : warn > 0 ? "it works, and could be better" : "nothing is wrong that doctor can see";
  output.out(`\n${ok} OK, ${warn} WARN, ${fail} FAIL, ${skip} SKIP: ${verdict}\n`);
}
