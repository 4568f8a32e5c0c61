const unreleased = "## Unreleased";

/** releasedVersions are those that have a section in a changelog, newest first. */
export function releasedVersions(changelog: string): string[] {
  return [...changelog.matchAll(/^## (\d\S*)/gm)].map(([, version]) => version ?? "");
}

/** hasNews says whether anything stands under Unreleased. */
export function hasNews(changelog: string): boolean {
  return section(changelog)
    .split("\n")
    .some((line) => line.trim() !== "" && !line.startsWith("#"));
}

/** released is the changelog with what was unreleased under its version, and an empty section for what comes next. */
export function released(changelog: string, version: string, date: string): string {
  if (!hasNews(changelog)) throw new Error("CHANGELOG.md has nothing under Unreleased");
  return changelog.replace(new RegExp(`^${unreleased}\n`, "m"), () => `${unreleased}\n\n## ${version} - ${date}\n`);
}

/** The text between the heading and that of the next version. */
function section(changelog: string): string {
  const [, after] = changelog.split(new RegExp(`^${unreleased}$`, "m"));
  return after?.split(/^## /m)[0] ?? "";
}
