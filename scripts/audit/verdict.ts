import type { Advisory, Severity } from "./npm-audit.ts";

/** Exception lets an advisory pass for a while. */
export interface Exception {
  /** GHSA-xxxx-xxxx-xxxx */
  readonly advisory: string;
  /** Why it does no harm here. */
  readonly reason: string;
  /** The last day that it holds: 2027-01-31. */
  readonly until: string;
}

/** Judged is an advisory with what it means for us. */
export interface Judged extends Advisory {
  /** Whether code of the package is in the image; otherwise it only builds and tests, or is left out of the bundle. */
  readonly shipped: boolean;
  readonly fails: boolean;
  /** Why, for people. */
  readonly because: string;
}

/** What only developers run has to be bad to stop everybody. */
const stopsDevelopment: ReadonlySet<Severity> = new Set(["high", "critical"]);
const order: readonly Severity[] = ["critical", "high", "moderate", "low", "info"];

/** judge says of each advisory whether it stops us: all against what is shipped, and the bad ones against the rest. */
export function judge(
  advisories: readonly Advisory[],
  shippedDirectories: ReadonlySet<string>,
  exceptions: readonly Exception[],
  today: string,
): Judged[] {
  return advisories
    .map((advisory) => {
      const shipped = advisory.directories.some((directory) => shippedDirectories.has(directory));
      const exception = exceptions.find((each) => each.advisory === advisory.id);
      return { ...advisory, shipped, ...verdict(advisory, shipped, exception, today) };
    })
    .toSorted(
      (a, b) =>
        Number(b.fails) - Number(a.fails) ||
        Number(b.shipped) - Number(a.shipped) ||
        order.indexOf(a.severity) - order.indexOf(b.severity),
    );
}

function verdict(
  { severity }: Advisory,
  shipped: boolean,
  exception: Exception | undefined,
  today: string,
): Pick<Judged, "fails" | "because"> {
  if (exception !== undefined && exception.until >= today) {
    return { fails: false, because: `excepted until ${exception.until}: ${exception.reason}` };
  }
  if (!shipped && !stopsDevelopment.has(severity)) return { fails: false, because: "it is not in the image" };
  if (exception !== undefined) return { fails: true, because: `its exception ended on ${exception.until}` };
  return { fails: true, because: shipped ? "it is in the image" : `it is ${severity}, though not in the image` };
}

/** exceptionProblems are those of the list itself. */
export function exceptionProblems(exceptions: readonly Exception[]): string[] {
  return exceptions.flatMap(({ advisory, reason, until }) => [
    ...(/^GHSA(-[23456789cfghjmpqrvwx]{4}){3}$/.test(advisory) ? [] : [`${advisory} is no id of an advisory (GHSA-...)`]),
    ...(reason.trim().length >= 20 ? [] : [`${advisory}: the reason says too little`]),
    ...(/^\d{4}-\d{2}-\d{2}$/.test(until) && !Number.isNaN(Date.parse(until)) ? [] : [`${advisory}: until ${until} is no day`]),
  ]);
}

/** needless are exceptions that except nothing any more. */
export function needless(exceptions: readonly Exception[], advisories: readonly Advisory[]): Exception[] {
  return exceptions.filter(({ advisory }) => !advisories.some(({ id }) => id === advisory));
}
