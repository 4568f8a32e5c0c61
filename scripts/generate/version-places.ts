import type { GeneratedFile } from "./generated-file.ts";

/** VersionPlace is a file that people keep by hand and that names the version of getabako. */
interface VersionPlace {
  readonly path: string;
  /** Each finds one place; what stands between its two groups is the version. */
  readonly patterns: readonly RegExp[];
}

const version = String.raw`[0-9]+\.[0-9]+\.[0-9]+[\w.+-]*`;
const place = (before: string, after = ""): RegExp => new RegExp(`(${before})${version}(${after})`, "gm");

/** versionPlaces follow the version of package.json; the program itself, image labels and archives read it there. */
export const versionPlaces: readonly VersionPlace[] = [
  // The project's own entry, which npm writes twice; entries of packages are deeper.
  {
    path: "package-lock.json",
    patterns: [place('^  "version": "', '",$'), place('^      "name": "getabako",\n      "version": "', '",$')],
  },
  { path: "charts/getabako/Chart.yaml", patterns: [place("^version: ", "$"), place("^appVersion: ", "$")] },
  { path: "Dockerfile", patterns: [place("^ARG VERSION=", "$")] },
  { path: "config/values/eks.yaml", patterns: [place("^  tag: ", "$")] },
  { path: "docs/quick-start.md", patterns: [place("^getabako ", " is installed in namespace ")] },
  { path: "docs/gitops.md", patterns: [place("^ +targetRevision: v", "$"), place(String.raw`^ +ref: \{tag: v`, "\\}$")] },
];

/** versioned are those files with the given version in all their places. */
export function versioned(wanted: string, read: (path: string) => string): GeneratedFile[] {
  return versionPlaces.map(({ path, patterns }) => ({
    path,
    content: patterns.reduce((text, pattern) => {
      // A pattern that finds nothing any more would let the version there grow old unseen.
      if (text.search(pattern) === -1) throw new Error(`${path} has no place for the version that looks like ${pattern}`);
      return text.replaceAll(pattern, (_, before: string, after: string) => `${before}${wanted}${after}`);
    }, read(path)),
  }));
}
