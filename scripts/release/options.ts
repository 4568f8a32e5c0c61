import { parseArgs } from "node:util";

/** ReleaseOptions are what `npm run release` is asked for. */
export interface ReleaseOptions {
  /** release changes the tree, dry-run shows what it would do, rebuild builds the version that is committed once more. */
  readonly mode: "release" | "dry-run" | "rebuild";
  readonly version?: string;
  /** Build in two places and compare. */
  readonly twice: boolean;
  readonly output?: string;
  readonly help: boolean;
}

/** usage is the answer to --help. */
export const usage = `npm run release -- X.Y.Z            set the version everywhere, build all artifacts, and commit; nothing is pushed
npm run release -- --dry-run [X.Y.Z]  the same in a temporary clone of what is committed: the tree stays as it is
npm run release -- --rebuild        the artifacts of the version that is checked out, to compare with those of others

  --twice       build in two clones, in different folders, and fail unless all artifacts are the same
  --output DIR  where the artifacts go: a new or empty folder (artifacts/MODE/VERSION, MODE being release, dry-run or rebuild)`;

/** parseOptions reads the command line; it throws with words for people. */
export function parseOptions(args: readonly string[]): ReleaseOptions {
  const boolean = { type: "boolean", default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { "dry-run": boolean, rebuild: boolean, twice: boolean, help: boolean, output: { type: "string" } },
  });
  const [version, ...more] = positionals;
  if (more.length > 0) throw new Error(`one version at a time, not ${positionals.join(" and ")}`);
  if (values["dry-run"] && values.rebuild)
    throw new Error("--dry-run and --rebuild exclude each other: a rebuild changes nothing anyway");
  if (values.rebuild && version !== undefined) throw new Error("--rebuild takes no version: it is that of the commit");
  const mode = values["dry-run"] ? "dry-run" : values.rebuild ? "rebuild" : "release";
  if (mode === "release" && version === undefined && !values.help) throw new Error(`which version?\n${usage}`);
  return {
    mode,
    twice: values.twice,
    help: values.help,
    ...(version === undefined ? {} : { version }),
    ...(values.output === undefined ? {} : { output: values.output }),
  };
}
