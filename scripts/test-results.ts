/** StepResult is what one step of `npm test` came to. */
export interface StepResult {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly ms: number;
}

/** VitestReport is the part of vitest's JSON report that is counted. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** Why the file could not be loaded, if so. */
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName?: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** Counts are the tests of one vitest run. */
export type Counts = Pick<StepResult, "passed" | "failed" | "skipped">;

/**
 * countTests counts the tests of a vitest run. A file that cannot be loaded has no tests to fail and counts as one
 * failure; so does a run that ended badly without a failed test (an unhandled rejection, no report at all).
 */
export function countTests(report: VitestReport | undefined, exitCode: number): Counts {
  let [passed, failed, skipped] = [0, 0, 0];
  for (const { status, assertionResults } of report?.testResults ?? []) {
    const failedHere = assertionResults.filter((test) => test.status === "failed").length;
    const passedHere = assertionResults.filter((test) => test.status === "passed").length;
    passed += passedHere;
    failed += failedHere === 0 && status === "failed" ? 1 : failedHere;
    skipped += assertionResults.length - failedHere - passedHere;
  }
  if (exitCode !== 0 && failed === 0) failed = 1;
  return { passed, failed, skipped };
}

/**
 * failures names what failed in a vitest run, a line each with the beginning of its reason: the whole story is thousands of lines
 * above, and where only the end of an output is kept it is not there at all.
 */
export function failures(report: VitestReport | undefined): readonly string[] {
  const lines: string[] = [];
  for (const { name, status, message, assertionResults } of report?.testResults ?? []) {
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0 && status === "failed") lines.push(`failed: ${name}: ${firstLine(message)}`);
    for (const { fullName, failureMessages } of failed) {
      lines.push(`failed: ${name} > ${fullName}: ${firstLine(failureMessages?.[0])}`);
    }
  }
  return lines;
}

function firstLine(text = ""): string {
  return (text.split("\n")[0] ?? "").slice(0, 300);
}

/** summary renders the table of steps and, as its last line, the verdict alone. */
export function summary(steps: readonly StepResult[]): string {
  const width = Math.max(...steps.map(({ name }) => name.length));
  const rows = steps.map(({ name, passed, failed, skipped, ms }) => {
    const verdict = failed === 0 ? "ok    " : "FAILED";
    const left = skipped === 0 ? "" : `, ${skipped} skipped`;
    return `  ${name.padEnd(width)}  ${verdict}  ${(ms / 1000).toFixed(1).padStart(6)} s  ${passed} passed, ${failed} failed${left}`;
  });
  const total = (pick: (step: StepResult) => number): number => steps.reduce((sum, step) => sum + pick(step), 0);
  return [...rows, "", `${total((step) => step.passed)} passed, ${total((step) => step.failed)} failed`].join("\n");
}
