import { samplesOf } from "./prometheus.ts";

/** ApiUse counts requests at the API server by "VERB resource" or "VERB resource/subresource". */
export type ApiUse = Readonly<Record<string, number>>;

/** apiUse reads apiserver_request_total off the API server's own metrics: what it was asked, by whomever. Watches count when they end. */
export function apiUse(page: string): ApiUse {
  const counts: Record<string, number> = {};
  for (const { labels, value } of samplesOf(page, ["apiserver_request_total"])) {
    const { verb = "", resource = "", subresource = "", group = "" } = labels;
    if (resource === "" || group === "authorization.k8s.io" || verb === "WATCH") continue;
    const what = `${verb} ${resource}${subresource === "" ? "" : `/${subresource}`}`;
    counts[what] = (counts[what] ?? 0) + value;
  }
  return counts;
}

/** useBetween subtracts two readings; what did not move is left out. */
export function useBetween(before: ApiUse, after: ApiUse): ApiUse {
  return Object.fromEntries(
    Object.entries(after)
      .map(([what, count]): [string, number] => [what, count - (before[what] ?? 0)])
      .filter(([, count]) => count > 0),
  );
}

/** ofRequests is how many of the calls concern RunnerRequests, Events aside. */
export function ofRequests(use: ApiUse): number {
  return Object.entries(use)
    .filter(([what]) => what.split(" ")[1]?.split("/")[0] === "runnerrequests")
    .reduce((sum, [, count]) => sum + count, 0);
}

/** eventsOf is how many of the calls write Events. */
export function eventsOf(use: ApiUse): number {
  return Object.entries(use)
    .filter(([what]) => what.split(" ")[1] === "events")
    .reduce((sum, [, count]) => sum + count, 0);
}
