import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { hasNews, released, releasedVersions } from "./changelog.ts";

const changelog = `# Changelog

Words about ## Unreleased things.

## Unreleased

### Added
- One thing ($& and $1 stay as they are).

## 0.2.0-rc.1 - 2026-11-01

### Fixed
- Another.

## 0.1.0 - 2026-10-01
`;

describe("the changelog", () => {
  it("gets a section for the version, and an empty one for what comes next", () => {
    const after = released(changelog, "0.2.0", "2026-11-28");
    expect(after).toBe(changelog.replace("## Unreleased\n\n### Added", "## Unreleased\n\n## 0.2.0 - 2026-11-28\n\n### Added"));
    expect(releasedVersions(after)).toEqual(["0.2.0", "0.2.0-rc.1", "0.1.0"]);
    expect(hasNews(after)).toBe(false);
    expect(() => released(after, "0.3.0", "2026-11-29")).toThrow("CHANGELOG.md has nothing under Unreleased");
  });

  it("has no news where only headings stand, or no section", () => {
    expect(hasNews("# Changelog\n\n## Unreleased\n\n### Added\n\n### Fixed\n\n## 0.1.0 - 2026-10-01\n- Old.\n")).toBe(false);
    expect(hasNews("# Changelog\n\n## 0.1.0 - 2026-10-01\n- Old.\n")).toBe(false);
  });

  it("of this project can be released", async () => {
    const text = await readFile(new URL("../../CHANGELOG.md", import.meta.url), "utf8");
    expect(text).toMatch(/^## Unreleased$/m);
  });
});
