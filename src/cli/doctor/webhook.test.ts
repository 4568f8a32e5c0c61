import { expect, test } from "vitest";
import type { DeliveryRecord, HookConfig } from "../../github/types.ts";
import { configOutcomes, judgeDeliveries } from "./webhook.ts";

const good: HookConfig = { url: "https://getabako.example.com/webhook", contentType: "json", hasSecret: true, verifiesTls: true };
const github = { url: "https://github.com" };

test("good settings are no finding", () => {
  expect(configOutcomes(good, github, "acme")).toEqual([]);
  // An Enterprise Server may be in the same network, and speak HTTP there.
  expect(configOutcomes({ ...good, url: "http://10.1.2.3/webhook" }, { url: "https://github.corp.example" }, "acme")).toEqual([]);
  // So may be what an apiUrl names.
  const stand = { ...github, apiUrl: "http://10.1.2.4:8080" };
  expect(configOutcomes({ ...good, url: "http://10.1.2.3/webhook" }, stand, "acme")).toEqual([]);
  const proxied = { ...github, apiUrl: "https://api.github.com" };
  expect(configOutcomes({ ...good, url: "http://10.1.2.3/webhook" }, proxied, "acme")).toMatchObject([{ verdict: "FAIL" }]);
});

test.each<[title: string, change: Partial<HookConfig>, verdict: string, says: RegExp]>([
  ["no URL", { url: undefined }, "FAIL", /no webhook URL/],
  ["a private address", { url: "https://192.168.1.5/webhook" }, "FAIL", /192\.168\.1\.5, which GitHub cannot reach/],
  ["a name of the cluster", { url: "https://getabako.ci.svc/webhook" }, "FAIL", /cannot reach/],
  ["no TLS", { url: "http://getabako.example.com/webhook" }, "WARN", /not encrypted/],
  ["another path", { url: "https://getabako.example.com/hooks" }, "FAIL", /path \/hooks/],
  ["no secret", { hasSecret: false }, "FAIL", /no secret/],
  ["a form", { contentType: "form" }, "FAIL", /sent as form/],
  ["no verification", { verifiesTls: false }, "WARN", /does not verify/],
])("%s is a %s", (_title, change, verdict, says) => {
  const [found, ...more] = configOutcomes({ ...good, ...change }, github, "acme");
  expect(more).toEqual([]);
  expect(found).toMatchObject({
    verdict,
    message: expect.stringMatching(says),
    advice: expect.stringContaining("GitHub App acme"),
  });
});

const nowMs = Date.parse("2026-11-28T10:00:00Z");
const delivery = (minutesAgo: number, statusCode: number, guid: string): DeliveryRecord => ({
  id: guid,
  guid,
  deliveredAt: new Date(nowMs - minutesAgo * 60_000).toISOString(),
  redelivery: false,
  succeeded: statusCode >= 200 && statusCode < 300,
  statusCode,
  event: "workflow_job",
  action: "queued",
});

test("an event that arrived at last has not failed", () => {
  expect(judgeDeliveries([delivery(1, 202, "a"), delivery(2, 503, "a")], nowMs)).toMatchObject([{ verdict: "OK" }]);
});

test("failures are counted by what was answered, and worse when the newest one failed", () => {
  const failed = [delivery(1, 401, "a"), delivery(2, 401, "b"), delivery(3, 0, "c"), delivery(3_000, 503, "old")];
  expect(judgeDeliveries(failed, nowMs)).toMatchObject([
    { verdict: "FAIL", message: "2 deliveries of the last day failed with 401", advice: expect.stringContaining("secret") },
    { verdict: "FAIL", message: "a delivery of the last day failed without an answer", advice: expect.stringContaining("DNS") },
  ]);
  expect(judgeDeliveries([delivery(0, 202, "z"), ...failed], nowMs)[0]).toMatchObject({ verdict: "WARN" });
});

test("no delivery at all is a warning: GitHub does not say whether the webhook is active", () => {
  expect(judgeDeliveries([], nowMs)).toMatchObject([{ verdict: "WARN", advice: expect.stringContaining("tick Active") }]);
});
