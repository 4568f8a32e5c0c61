import { describe, expect, it } from "vitest";
import { bounds } from "./bounds.ts";
import { faultKinds, type Profile, profiles, traitsOf } from "./fault-kinds.ts";
import { generateScript } from "./generate.ts";
import { isCovered, jobKinds, repositories, servesRepository, targetNames, targets } from "./layout.ts";
import { jobTimeoutMs, type Script, type ScriptJob } from "./script.ts";

const seeds = Array.from({ length: 300 }, (_, index) => index + 1);
const script = (seed: number, more: { jobs?: number; minutes?: number; profile?: Profile | "all" } = {}): Script =>
  generateScript({ seed, jobs: 200, minutes: 0.5, profile: "all", ...more });

describe("the script of a seed", () => {
  it("is the same every time, byte for byte", () => {
    for (const seed of seeds.slice(0, 50)) expect(JSON.stringify(script(seed))).toBe(JSON.stringify(script(seed)));
  });

  it("is another one for another seed", () => {
    expect(new Set(seeds.map((seed) => JSON.stringify({ ...script(seed), seed: 0 }))).size).toBe(seeds.length);
  });

  it("has the jobs of its seed whatever the faults are", () => {
    const drawn = (profile: Profile): readonly ScriptJob[] =>
      script(3, { profile })
        .jobs.filter(({ name }) => /^job \d+$/.test(name))
        .toSorted((a, b) => Number(a.name.slice(4)) - Number(b.name.slice(4)))
        .slice(0, 180);
    expect(drawn("ecs")).toHaveLength(180);
    expect(drawn("ecs")).toEqual(drawn("crashes"));
  });

  it("has as many jobs as wanted, each with a name of its own, in the order of time and before the end", () => {
    for (const seed of seeds) {
      const { jobs, lengthMs } = script(seed);
      expect(jobs).toHaveLength(200);
      expect(new Set(jobs.map(({ name }) => name)).size).toBe(200);
      expect(jobs.map(({ atMs }) => atMs)).toEqual(jobs.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
      expect(jobs.every(({ atMs }) => atMs >= 0 && atMs < lengthMs)).toBe(true);
    }
  });

  it("has only jobs that end, but for those that shall be stopped", () => {
    for (const { durationMs, overlong } of seeds.flatMap((seed) => script(seed).jobs)) {
      expect(durationMs > jobTimeoutMs).toBe(overlong === true);
    }
  });

  it("keeps the jobs of a run in one repository with the same labels", () => {
    for (const seed of seeds.slice(0, 50)) {
      const runs = Map.groupBy(script(seed).jobs, ({ run }) => run);
      for (const jobs of runs.values()) {
        expect(new Set(jobs.map(({ repository, labels, coverage }) => `${repository} ${labels.join()} ${coverage}`)).size).toBe(
          1,
        );
      }
    }
  });
});

describe("the faults of a script", () => {
  it("belong to its profile", () => {
    for (const profile of profiles) {
      for (const { kind } of seeds.slice(0, 50).flatMap((seed) => script(seed, { profile }).faults)) {
        expect(traitsOf(kind).profile).toBe(profile);
      }
    }
  });

  it("stay within the bounds of their kind", () => {
    for (const seed of seeds) {
      const { faults, lengthMs } = script(seed);
      for (const { kind, atMs, forMs, times } of faults) {
        const { forMs: [shortest, longest] = [0, 0], times: [fewest, most] = [1, 1] } = traitsOf(kind);
        expect(atMs).toBeGreaterThan(0);
        expect(atMs).toBeLessThan(lengthMs);
        expect(forMs >= shortest && forMs <= longest && times >= fewest && times <= most).toBe(true);
      }
      for (const kind of faultKinds) {
        const drawn = faults.filter((fault) => fault.kind === kind).length;
        expect(drawn).toBeLessThanOrEqual(traitsOf(kind).most ?? Number.POSITIVE_INFINITY);
      }
    }
  });

  it("are of every kind over many seeds, and jobs of every kind and fate too", () => {
    const scripts = seeds.map((seed) => script(seed));
    expect(new Set(scripts.flatMap(({ faults }) => faults.map(({ kind }) => kind)))).toEqual(new Set(faultKinds));
    const jobs = scripts.flatMap((one) => one.jobs);
    expect(new Set(jobs.map(({ coverage }) => coverage))).toEqual(
      new Set([...jobKinds.map(({ coverage }) => coverage), "rare", "lone", "full", "handed"]),
    );
    expect(new Set(jobs.flatMap(({ cancel }) => cancel?.when ?? []))).toEqual(new Set(["queued", "assigned", "running"]));
    expect(jobs.some(({ rerun }) => rerun)).toBe(true);
    expect(new Set(scripts.map(({ assignment }) => assignment))).toEqual(new Set(["oldest", "random"]));
  });

  it("come with a GitHub that reaps idle runners in half of the scripts, so that one which was forgotten stays in the others", () => {
    const reaping = seeds.filter((seed) => script(seed).idleReapMs !== undefined).length;
    expect(reaping).toBeGreaterThan(seeds.length / 3);
    expect(reaping).toBeLessThan((2 * seeds.length) / 3);
  });

  it("lower a limit for longer than the operator may take to obey, and end before the script does", () => {
    const long = seeds.flatMap((seed) =>
      script(seed, { profile: "kube" }).faults.filter(({ kind }) => kind === "person-lowers-long"),
    );
    expect(long.length).toBeGreaterThan(seeds.length / 4);
    for (const { atMs, forMs } of long) {
      expect(forMs).toBeGreaterThan(bounds.loweringMs);
      expect(atMs + forMs).toBeLessThan(script(1).lengthMs);
    }
  });

  it("of GitHub are needed for runners to be stolen", () => {
    const thieves = (profile: Profile | "all"): number =>
      seeds.flatMap((seed) => script(seed, { profile }).jobs).filter(({ coverage }) => coverage === "thief").length;
    expect(thieves("github")).toBeGreaterThan(0);
    expect(thieves("ecs")).toBe(0);
  });
});

describe("the layout", () => {
  it("says truly who covers which jobs", () => {
    for (const { coverage, labels, repositories: names } of jobKinds) {
      for (const wanted of labels) {
        for (const repository of names) {
          expect(isCovered(coverage) && !servesRepository(coverage, repository)).toBe(false);
          expect(`${repository} ${wanted.join()} ${covering(repository, wanted)}`).toBe(
            `${repository} ${wanted.join()} ${isCovered(coverage) ? coverage : undefined}`,
          );
        }
      }
    }
  });
});

/** The rule of the documentation, in its own words: the best target of those that fit has the fewest labels too many. */
function covering(repository: string, wanted: readonly string[]): string | undefined {
  const asked = wanted.filter((label) => label.includes("=")).map((label) => label.toLowerCase());
  const labels = new Set(wanted.filter((label) => !label.includes("=")).map((label) => label.toLowerCase()));
  const fits = targetNames.filter((name) => {
    const { scope, labels: offered, match, repositories: rules, overrides = {} } = targets[name];
    const may = asked.every((label) => Object.keys(overrides).includes(label.split("=")[0] ?? "") && label !== "cpu=64");
    const inScope = "repository" in scope ? scope.repository === repository : repository.startsWith(`${scope.organization}/`);
    const all = [...labels].every((label) => offered.includes(label));
    const exact = match === "Subset" || offered.length === labels.size;
    const allowed = repositories[repository]?.private === true || rules?.allowPublic === true;
    return inScope && may && all && exact && allowed && !(rules?.exclude ?? []).includes(repository);
  });
  return fits.toSorted((a, b) => targets[a].labels.length - targets[b].labels.length)[0];
}
