import { describe, expect, it } from "vitest";
import { apiWrites, countsBetween, total, writesBetween } from "./api-requests.ts";

const line = (labels: string, count: number): string => `apiserver_request_total{component="apiserver",${labels}} ${count}`;
const metrics = [
  "# TYPE apiserver_request_total counter",
  line('code="201",dry_run="",group="getabako.dev",resource="runnerrequests",scope="resource",subresource="",verb="POST"', 100),
  line('code="409",dry_run="",group="getabako.dev",resource="runnerrequests",scope="resource",subresource="",verb="POST"', 9),
  line(
    'code="200",dry_run="",group="getabako.dev",resource="runnerrequests",scope="resource",subresource="status",verb="PATCH"',
    1.5e3,
  ),
  line('code="200",dry_run="",group="getabako.dev",resource="runnerrequests",scope="namespace",subresource="",verb="LIST"', 7),
  line('code="201",dry_run="All",group="getabako.dev",resource="runnerrequests",scope="resource",subresource="",verb="POST"', 5),
  line('code="200",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT"', 40),
  line('code="201",dry_run="",group="events.k8s.io",resource="events",scope="resource",subresource="",verb="POST"', 30),
  'apiserver_request_duration_seconds_count{group="getabako.dev",resource="runnerrequests",verb="POST"} 999',
].join("\n");

describe("counting what the API server was asked to write", () => {
  it("counts writes of the group by verb and resource, refused ones too, and neither reads nor dry runs nor other groups", () => {
    expect(apiWrites(metrics, "getabako.dev").objects).toEqual({
      "POST runnerrequests": 109,
      "PATCH runnerrequests/status": 1_500,
    });
  });

  it("keeps Events apart", () => {
    expect(apiWrites(metrics, "getabako.dev").events).toBe(30);
  });

  it("counts between two readings, and leaves out what did not move", () => {
    const before = apiWrites(metrics, "getabako.dev");
    const after = { objects: { ...before.objects, "PATCH runnerrequests": 4 }, events: 33 };
    expect(writesBetween(before, after)).toEqual({ objects: { "PATCH runnerrequests": 4 }, events: 3 });
    expect(total(countsBetween({ a: 1 }, { a: 3, b: 2 }))).toBe(4);
  });
});
