import { describe, expect, it } from "vitest";
import { newRequest } from "../request/testing.ts";
import { bucketOf } from "./bucket.ts";

const bucket = (...labels: string[]): string => bucketOf(newRequest({ job: { labels: ["self-hosted", ...labels] } }));

describe("bucketOf", () => {
  it("is the same for runners that GitHub takes for the same", () => {
    expect(bucket("CPU=4", "memory=16Gi")).toBe(bucket("memory=16gi", "cpu=4"));
    expect(bucket()).toBe(bucketOf(newRequest({ job: { labels: ["ecs"] } })));
  });

  it.each([
    [["cpu=4"], ["cpu=8"]],
    [["cpu=4"], []],
    [["cpu=4"], ["cpu=4.0"]],
    [
      ["  disk=30Gi", " cpu=4"],
      ["  disk=30Gi ", "cpu=4"],
    ],
  ])("tells %j from %j", (one, other) => {
    expect(bucket(...one)).not.toBe(bucket(...other));
  });
});
