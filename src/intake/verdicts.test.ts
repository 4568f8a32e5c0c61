import { describe, expect, it } from "vitest";
import { matchTarget, type JobDemand, verdictsOf } from "./matching.ts";
import { gitHubApp, runnerTarget } from "./test-objects.ts";

const app = gitHubApp();
const job = (labels: string[], change: Partial<JobDemand> = {}): JobDemand => ({
  labels,
  repository: "acme/web",
  visibility: "private",
  ...change,
});
const web = runnerTarget();
const own = runnerTarget({ scope: { repository: "acme/web" } }, { name: "own" });
const high = runnerTarget({ priority: 5 }, { name: "high" });
const gpu = runnerTarget({ labels: ["self-hosted", "gpu"] }, { name: "gpu" });
const shaped = runnerTarget({ overrides: { cpu: { max: 8 } } }, { name: "shaped" });
const strange = runnerTarget({ githubAppRef: { name: "nobody" } }, { name: "strange" });
const elsewhere = runnerTarget({ scope: { organization: "umbrella" } }, { name: "elsewhere" });
const all = [elsewhere, strange, gpu, web, shaped, own, high];

const said = (demand: JobDemand, targets = all): string[] =>
  verdictsOf(demand, [app], targets).map(({ target, verdict }) => `${target.metadata.name} ${verdict}`);

describe("what every target says to a job", () => {
  it("puts those that could take it in the order of matchTarget, then the others, the closest first", () => {
    expect(said(job(["self-hosted", "ecs"]))).toEqual([
      "high Takes",
      "own Outranked",
      "shaped Outranked",
      "web Outranked",
      "gpu Refuses",
      "elsewhere Refuses",
      "strange Refuses",
    ]);
  });

  it("names the rule that puts another one first", () => {
    const why = (targets: typeof all): string => verdictsOf(job(["self-hosted", "ecs"]), [app], targets)[1]?.why ?? "";
    expect(why([web, high])).toBe("it would, but RunnerTarget ci/high comes first: its priority is 5, not 0");
    expect(why([web, own])).toContain("it is the repository's own");
    expect(why([web, shaped])).toContain("its name comes first");
    expect(why([web, runnerTarget({ labels: ["self-hosted", "ecs"] }, { name: "z" })])).toContain(
      "fewer labels that the job did not ask for",
    );
  });

  it("tells a target that covers the job and does not allow what it asks for", () => {
    const verdicts = verdictsOf(job(["self-hosted", "ecs", "cpu=64"]), [app], [shaped, web]);
    expect(verdicts.map(({ verdict, why }) => [verdict, why])).toEqual([
      ["Rejects", "cpu=64: RunnerTarget shaped allows at most 8"],
      ["Rejects", "cpu=64: RunnerTarget web allows no overrides"],
    ]);
  });

  it.each([
    [job(["self-hosted", "ecs"])],
    [job(["self-hosted", "ecs", "cpu=4"])],
    [job(["self-hosted", "gpu"])],
    [job(["nothing"])],
    [job(["cpu=4"])],
    [job([])],
    [job(["self-hosted", "ecs"], { visibility: "public" })],
    [job(["self-hosted"], { repository: "umbrella/a" })],
  ])("never contradicts matchTarget: %j", (demand) => {
    const match = matchTarget(demand, [app], all);
    const taker = verdictsOf(demand, [app], all).find(({ verdict }) => verdict === "Takes");
    expect(taker?.target).toBe(match.target);
    expect(said(demand)).toHaveLength(all.length);
    expect(said(demand, all.toReversed())).toEqual(said(demand));
  });
});
