import { expect, test } from "vitest";
import { accountKey, connectionOf, parseConnection } from "./connection.ts";

const plain = { region: "us-east-1", cluster: "runners" };
const full = { ...plain, endpoint: "http://127.0.0.1:4566", assumeRoleArn: "arn:aws:iam::123456789012:role/ci" };

test.each([plain, full])("a connection survives being stored: %j", (connection) => {
  expect(parseConnection(JSON.parse(JSON.stringify(connectionOf(connection))) as Record<string, string>)).toEqual(connection);
});

test("a class' other fields are not in its connection", () => {
  expect(Object.keys(connectionOf({ ...full, image: "secret" } as typeof full))).toEqual([
    "region",
    "cluster",
    "endpoint",
    "assumeRoleArn",
  ]);
});

test.each([{}, { region: "us-east-1" }, { cluster: "runners" }])("a stored place that leads nowhere is refused: %j", (stored) => {
  expect(() => parseConnection(stored)).toThrow(RangeError);
});

test("clusters of one account and Region share a client, others do not", () => {
  expect(accountKey({ ...full, cluster: "other" })).toBe(accountKey(full));
  const others = [
    { ...full, region: "eu-west-1" },
    { ...full, endpoint: "http://x" },
    { ...full, assumeRoleArn: "arn:x" },
    plain,
  ];
  expect(new Set([full, ...others].map(accountKey)).size).toBe(5);
});
