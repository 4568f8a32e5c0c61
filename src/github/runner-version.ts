/** oldestRunnerVersion is the oldest that GitHub registers; source: GitHub docs, "Self-hosted runners reference". */
export const oldestRunnerVersion = "2.329.0";

/** runnerUpdateMs is how long a runner may lack a release before it gets no more jobs; source: the same page. */
export const runnerUpdateMs = 30 * 86_400_000;

/** isRunnerVersion tells whether a text is a runner's version, X.Y.Z; what else GitHub may say is compared with nothing. */
export function isRunnerVersion(text: unknown): text is string {
  return typeof text === "string" && /^\d{1,5}\.\d{1,5}\.\d{1,5}$/.test(text);
}

/** compareRunnerVersions is negative where the first is older. */
export function compareRunnerVersions(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  return left.map((part, index) => part - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}
