import parse from "spdx-expression-parse";

/*
 * Which licences a package may have. What is in the bundle is passed on to others; what only builds and tests stays with us, so that
 * also licences are fine that ask something of those who pass on a file (MPL-2.0, CC-BY-3.0).
 */
const shipped = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0", "Unlicense"];
const development = [...shipped, "CC0-1.0", "CC-BY-3.0", "MPL-2.0"];

/** Use is what becomes of a package. */
export type Use = "shipped" | "development";

const allowed: Readonly<Record<Use, ReadonlySet<string>>> = { shipped: new Set(shipped), development: new Set(development) };

/** LockedDependency is a package of the lockfile. */
export interface LockedDependency {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly link?: boolean;
}

/** licenceProblem says what is wrong with a licence; undefined if the policy has it. */
export function licenceProblem(licence: string | undefined, use: Use): string | undefined {
  if (licence === undefined || licence === "") return "it names no licence";
  let expression: parse.Info;
  try {
    expression = parse(licence);
  } catch {
    return `${JSON.stringify(licence)} is no SPDX expression`;
  }
  return accepts(expression, allowed[use])
    ? undefined
    : `${licence} is not in the list of licences for what is ${use === "shipped" ? "shipped" : "used in development"}`;
}

/** problemsOfLockfile are those of all packages that the lockfile may install. */
export function problemsOfLockfile(packages: Readonly<Record<string, LockedDependency>>): string[] {
  return Object.entries(packages)
    .filter(([path, { link }]) => path !== "" && link !== true)
    .flatMap(([path, { version, license, dev }]) => {
      const problem = licenceProblem(license, dev === true ? "development" : "shipped");
      return problem === undefined ? [] : [`${path.split("node_modules/").at(-1)} ${version}: ${problem}`];
    });
}

function accepts(expression: parse.Info, licences: ReadonlySet<string>): boolean {
  if ("conjunction" in expression) {
    const [left, right] = [accepts(expression.left, licences), accepts(expression.right, licences)];
    return expression.conjunction === "or" ? left || right : left && right;
  }
  // "GPL-2.0 WITH ..." is another licence than GPL-2.0, and "GPL-2.0+" than both: none is in the list unless it is named so.
  const name = `${expression.license}${expression.plus === true ? "+" : ""}`;
  return licences.has(expression.exception === undefined ? name : `${name} WITH ${expression.exception}`);
}
