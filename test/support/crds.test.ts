import { expect, it } from "vitest";
import { testCluster } from "./test-cluster.ts";

it("installs every CRD of crds/ without a complaint of the API server", () => {
  expect(testCluster().crdProblem).toBeUndefined();
});
