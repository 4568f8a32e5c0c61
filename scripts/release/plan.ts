import { hasNews } from "./changelog.ts";
import type { ReleaseOptions } from "./options.ts";
import { nextVersion, releaseProblems, type ReleaseState } from "./release-problems.ts";

/** Plan is what will be done. */
export interface Plan {
  readonly mode: ReleaseOptions["mode"];
  readonly version: string;
}

/** planOf says what will be done, or throws all that speaks against it. */
export function planOf({ mode, version }: Pick<ReleaseOptions, "mode" | "version">, state: ReleaseState): Plan {
  if (mode === "rebuild") return { mode, version: state.current };
  // Between a release and the first change after it there is no next version to try.
  if (mode === "dry-run" && version === undefined && !hasNews(state.changelog))
    return { mode: "rebuild", version: state.current };
  const wanted = version ?? nextVersion(state);
  // A dry run is of what is committed, whatever else lies about.
  const problems = releaseProblems(wanted, mode === "dry-run" ? { ...state, uncommitted: [] } : state);
  if (problems.length > 0) throw new Error(`no release of ${wanted}:\n  ${problems.join("\n  ")}`);
  return { mode, version: wanted };
}
