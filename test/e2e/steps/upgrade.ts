import { isDeepStrictEqual } from "node:util";
import type { Job } from "../../sim/github/state/model.ts";
import { type Kind, kindsOf, narrowed } from "../kinds.ts";
import { underLoad } from "../load.ts";
import type { ChartVersion } from "../release.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";

/** replacePods makes a change of the release under load, and finds that every pod is another one. */
export async function replacePods(
  stage: Stage,
  detail: Detail,
  change: () => Promise<unknown>,
  already: readonly Job[] = [],
): Promise<void> {
  const { release } = stage;
  const before = new Set((await release.pods()).map(({ metadata }) => metadata.uid));
  await underLoad(stage, detail, change, already);
  const old = (await release.pods()).filter(({ metadata }) => before.has(metadata.uid));
  if (old.length > 0) throw new Error(`pods were not replaced: ${old.map(({ metadata }) => metadata.name).join(", ")}`);
}

/** expectKindsOf finds that the kinds in the cluster are those of a version's chart. */
export async function expectKindsOf(version: ChartVersion, { cluster, helms }: Stage): Promise<void> {
  for (const { metadata, spec } of await kindsOf(version, helms.helm4)) {
    const found = JSON.parse(await cluster.kubectl(["get", "crd", metadata.name, "-o", "json"])) as Kind;
    if (!isDeepStrictEqual(found.spec.versions, spec.versions))
      throw new Error(`${metadata.name} is not that of ${version.name}`);
  }
}

/** expectWiderKinds finds that this version's kinds only add to those of the previous one, which its operator then still can live with. */
export async function expectWiderKinds({ current, helms, previous }: Stage): Promise<void> {
  const newer = new Map((await kindsOf(current, helms.helm4)).map((kind) => [kind.metadata.name, kind]));
  const problems = (await kindsOf(previous, helms.helm4)).flatMap(({ metadata: { name }, spec }) =>
    spec.versions.flatMap((version) => {
      const kept = newer.get(name)?.spec.versions.find((other) => other.name === version.name);
      if (kept === undefined) return [`${name} ${version.name} is gone`];
      return narrowed(version.schema.openAPIV3Schema, kept.schema.openAPIV3Schema).map((what) => `${name} ${what}`);
    }),
  );
  if (problems.length > 0) throw new Error(`stored objects, or the previous operator, may break:\n${problems.join("\n")}`);
}
