import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attemptReasons, eventReasons, readyReasons, runnerRequestReasons } from "../../src/api/v1alpha1/reasons.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import { testCluster } from "../support/test-cluster.ts";
import { until } from "../support/until.ts";
import { root } from "./markdown.ts";

const page = readFileSync(`${root}docs/signals.md`, "utf8");
const source = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.endsWith("v1alpha1/reasons.ts"))
  .map((name) => readFileSync(`${root}src/${name}`, "utf8"))
  .join("\n");

describe("docs/signals.md", () => {
  const cluster = testCluster();
  let operator: OperatorProcess;
  beforeAll(async () => {
    const namespace = await cluster.namespace("signals");
    // The API server is shared: objects of other suites are not its business.
    operator = await startOperator({ kubeconfig: cluster.kubeconfig, namespace, args: ["--watch-namespace", namespace] });
  });
  afterAll(async () => await operator.stop());

  it("has a row for every metric of a running operator that leads, and for no other", async () => {
    const text = await until("the operator leads", 30_000, async () => {
      const metrics = await (await fetch(operator.metricsUrl)).text();
      if (!/^leader_election_master_status\{.*\} 1$/m.test(metrics)) throw new Error("it does not lead yet");
      return metrics;
    });
    const given = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name ?? "");
    const ours = given.filter((name) => !/^(process|nodejs)_/.test(name));
    expect(ours).toContain("getabako_jobs_waiting");
    const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (?:counter|gauge|histogram) \|/gm)].map(([, name]) => name ?? "");
    expect(rows.toSorted()).toEqual(ours.toSorted());
  });
});

/** The types let code say nothing else than what is listed; this is the other direction. */
describe("every reason that is listed", () => {
  const lists: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ...Object.entries(runnerRequestReasons),
    ...Object.entries(readyReasons),
    ...Object.entries(eventReasons),
    ["attempts", attemptReasons],
  ];

  it.each(lists)("of %s is said by the code", (_, reasons) => {
    expect(Object.keys(reasons).filter((reason) => !new RegExp(`"${reason}"|\\b${reason}: `).test(source))).toEqual([]);
  });
});
