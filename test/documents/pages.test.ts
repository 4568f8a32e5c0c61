import { describe, expect, it } from "vitest";
import { attemptReasons, runnerRequestReasons } from "../../src/api/v1alpha1/reasons.ts";
import { requestPhases } from "../../src/controllers/runner-request/standing-metrics.ts";
import { defaultPacing } from "../../src/github/write-pacer.ts";
import { documentedBuckets } from "../../src/provider/ecs/call-budget.ts";
import { readPage } from "./markdown.ts";

const named = (page: string): string => readPage(page).spans.join(" ");
const missing = (reasons: object, page: string): string[] =>
  Object.keys(reasons).filter((reason) => !new RegExp(`\\b${reason}\\b`).test(named(page)));

describe("docs/troubleshooting.md", () => {
  const { Admitted, Launched, Succeeded } = runnerRequestReasons;
  // What is as it should be has no row.
  const { NotNeeded: _, ...waits } = Admitted;
  const { Accepted: __, ...launches } = Launched;

  it.each([
    ["for which a request is not admitted", waits],
    ["for which a runner is not launched", launches],
    ["with which a request ends", Succeeded],
    ["with which an attempt ends", attemptReasons],
  ])("explains every reason %s", (_, reasons) => {
    expect(missing(reasons, "docs/troubleshooting.md")).toEqual([]);
  });
});

describe("docs/how-it-works.md", () => {
  it("draws every phase, and explains it", () => {
    const { blocks, text } = readPage("docs/how-it-works.md");
    const drawn = blocks.find((block) => block.text.includes("Pending ─"))?.text ?? "";
    expect(requestPhases.filter((phase) => !drawn.includes(phase))).toEqual([]);
    expect(requestPhases.filter((phase) => !new RegExp(`^\\|.*\\b${phase}\\b.*\\|.*\\|`, "m").test(text))).toEqual([]);
  });
});

describe("docs/limits.md", () => {
  const { text } = readPage("docs/limits.md");
  const whole = (value: number): string => Math.floor(value).toLocaleString("en");

  it("computes with the pace that the operator keeps at GitHub", () => {
    const { writes, windowMs, reservedForDeletes } = defaultPacing;
    const perHour = (count: number): number => (count / windowMs) * 3_600_000;
    expect(text).toContain(
      `(${writes} - ${reservedForDeletes}) / ${windowMs / 1_000} s × 3600 s = ${whole(perHour(writes - reservedForDeletes))} `,
    );
    expect(text).toContain(`× 3600 s = ${whole(perHour(writes))} writes an hour`);
  });

  it("computes with AWS' throttles as the operator knows them", () => {
    const hourly = (bucket: keyof typeof documentedBuckets): string =>
      `${documentedBuckets[bucket].perSecond} / s × 0.95 × 3600 = ${whole(documentedBuckets[bucket].perSecond * 0.95 * 3_600)} an hour`;
    expect(text).toContain(hourly("fargate-launch"));
    expect(text).toContain(hourly("cluster-modify"));
    expect(documentedBuckets["fargate-run-task"].perSecond).toBe(documentedBuckets["fargate-launch"].perSecond);
  });
});
