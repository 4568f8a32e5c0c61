import semver from "semver";
import { hasNews, releasedVersions } from "./changelog.ts";

/** ReleaseState is the project before a release. */
export interface ReleaseState {
  /** Of package.json. */
  readonly current: string;
  readonly changelog: string;
  /** As git has them: v1.2.3. */
  readonly tags: readonly string[];
  /** What `git status` has to say. */
  readonly uncommitted: readonly string[];
}

/** releaseProblems are all the reasons against a release, for people. */
export function releaseProblems(version: string, { current, changelog, tags, uncommitted }: ReleaseState): string[] {
  const problems: string[] = [];
  if (uncommitted.length > 0) {
    problems.push(`${count(uncommitted.length, "file")} not committed, ${uncommitted[0]} for one: commit, stash or ignore first`);
  }
  if (!hasNews(changelog)) problems.push("CHANGELOG.md has nothing under Unreleased: there is nothing to release");
  if (semver.valid(version) !== version) {
    problems.push(`${JSON.stringify(version)} is no version: it is like 1.2.3 or 1.2.3-rc.1, without a v (https://semver.org)`);
    return problems;
  }
  const newest = newestRelease(changelog, tags);
  if (newest !== undefined && !semver.gt(version, newest))
    problems.push(`${version} is not newer than ${newest}, which was released`);
  else if (semver.lt(version, current)) problems.push(`${version} is older than ${current}, which package.json has`);
  return problems;
}

/** nextVersion is what a dry run takes when it is told none: that of package.json while it was not released, else the next one. */
export function nextVersion({ current, changelog, tags }: ReleaseState): string {
  const newest = newestRelease(changelog, tags);
  if (newest === undefined || semver.gt(current, newest)) return current;
  return semver.inc(newest, "patch") ?? current;
}

function newestRelease(changelog: string, tags: readonly string[]): string | undefined {
  const versions = [...releasedVersions(changelog), ...tags.map((tag) => tag.replace(/^v/, ""))];
  return semver.rsort(versions.filter((version) => semver.valid(version) === version))[0];
}

function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun} is` : `${number} ${noun}s are`;
}
