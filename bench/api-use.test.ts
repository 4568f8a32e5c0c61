import { describe, expect, it } from "vitest";
import { apiUse, ofRequests, useBetween } from "./api-use.ts";
import { sumOf } from "./prometheus.ts";

const page = (patches: number): string => `# HELP apiserver_request_total [STABLE] Counter of apiserver requests
# TYPE apiserver_request_total counter
apiserver_request_total{code="201",component="apiserver",group="getabako.dev",resource="runnerrequests",scope="resource",subresource="",verb="POST",version="v1alpha1"} 3
apiserver_request_total{code="200",component="apiserver",group="getabako.dev",resource="runnerrequests",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} ${patches}
apiserver_request_total{code="409",component="apiserver",group="getabako.dev",resource="runnerrequests",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 1
apiserver_request_total{code="0",component="apiserver",group="getabako.dev",resource="runnerrequests",scope="cluster",subresource="",verb="WATCH",version="v1alpha1"} 9
apiserver_request_total{code="201",component="apiserver",group="authorization.k8s.io",resource="subjectaccessreviews",scope="cluster",subresource="",verb="POST",version="v1"} 7
apiserver_request_total{code="201",component="apiserver",group="events.k8s.io",resource="events",scope="resource",subresource="",verb="POST",version="v1"} 4
apiserver_request_total_other 5
`;

describe("what the API server was asked", () => {
  it("counts by verb and resource, refused calls too, and neither watches nor its own questions", () => {
    expect(apiUse(page(5))).toEqual({
      "POST runnerrequests": 3,
      "PATCH runnerrequests/status": 6,
      "POST events": 4,
    });
  });

  it("is what was added between two looks, and that of requests aside from events", () => {
    const use = useBetween(apiUse(page(5)), apiUse(page(12)));
    expect(use).toEqual({ "PATCH runnerrequests/status": 7 });
    expect(ofRequests(apiUse(page(5)))).toBe(9);
  });
});

describe("samples of a metrics page", () => {
  it("are found by their labels, also where a value holds braces and quotes", () => {
    const odd = 'path_total{path="/{x}",quote="a \\"b\\""} 2\npath_total{path="/y"} 3\npath_totals 9\n';
    expect(sumOf(odd, "path_total")).toBe(5);
    expect(sumOf(odd, "path_total", { path: "/{x}" })).toBe(2);
  });
});
