/** ApiWrites counts what the API server was asked to write. */
export interface ApiWrites {
  /** Of getabako's own kinds, by "VERB resource" or "VERB resource/subresource". */
  readonly objects: Readonly<Record<string, number>>;
  /** Events, kept apart: they are for people, and a busy API server may lose them. */
  readonly events: number;
}

const writingVerbs = new Set(["POST", "PATCH", "PUT", "DELETE"]);

/** apiWrites reads apiserver_request_total out of the API server's metrics; refused and conflicting calls count as well. */
export function apiWrites(metrics: string, group: string): ApiWrites {
  const objects: Record<string, number> = {};
  let events = 0;
  for (const line of metrics.split("\n")) {
    if (!line.startsWith("apiserver_request_total{")) continue;
    const labels = labelsOf(line);
    if (!writingVerbs.has(labels["verb"] ?? "") || (labels["dry_run"] ?? "") !== "") continue;
    const count = Number(line.slice(line.lastIndexOf(" ") + 1));
    if (labels["resource"] === "events") events += count;
    if (labels["group"] !== group) continue;
    const what = `${labels["verb"]} ${labels["resource"]}${labels["subresource"] ? `/${labels["subresource"]}` : ""}`;
    objects[what] = (objects[what] ?? 0) + count;
  }
  return { objects, events };
}

/** writesBetween is what was written between two readings. */
export function writesBetween(before: ApiWrites, after: ApiWrites): ApiWrites {
  return { objects: countsBetween(before.objects, after.objects), events: after.events - before.events };
}

/** countsBetween subtracts counters by name; those that did not move are left out. */
export function countsBetween(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)])
      .filter(([, count]) => count !== 0),
  );
}

/** total adds counters up. */
export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function labelsOf(line: string): Record<string, string> {
  const text = line.slice(line.indexOf("{") + 1, line.lastIndexOf("}"));
  return Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = "", value = ""]) => [name, value]));
}
