import { expect, test } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

const start = Date.UTC(2026, 0, 1);
const size = { burst: 10, perSecond: 20 };

/** How many tokens are there at a moment; they are taken. */
function drain(bucket: TokenBucket, nowMs: number): number {
  let taken = 0;
  while (bucket.take(nowMs)) taken += 1;
  return taken;
}

/** How many tokens come between two moments, to somebody who takes them as they come. */
function between(bucket: TokenBucket, fromMs: number, toMs: number): number {
  let taken = 0;
  for (let at = fromMs; at <= toMs; at += 10) taken += drain(bucket, at);
  return taken;
}

test("a burst goes out at once, then the rate, and a rest fills no more than the burst", () => {
  const bucket = new TokenBucket(size, start);
  expect(drain(bucket, start)).toBe(10);
  expect(bucket.waitMs(start, 1)).toBe(50);
  expect(bucket.waitMs(start, 40)).toBe(2_000);
  expect(between(bucket, start, start + 5_000)).toBe(100);
  expect(drain(bucket, start + 60_000)).toBe(10);
});

test("a token that is given back can be taken again, and never makes more than the burst", () => {
  const bucket = new TokenBucket(size, start);
  bucket.giveBack();
  expect(drain(bucket, start)).toBe(10);
  bucket.giveBack();
  expect(drain(bucket, start)).toBe(1);
});

test("a refusal empties the bucket and halves the rate, which grows back to what it was and no further", () => {
  const bucket = new TokenBucket(size, start);
  bucket.cut(start, bucket.cuts);
  expect(drain(bucket, start)).toBe(0);
  expect(bucket.rate(start)).toBe(10);
  expect(bucket.rate(start + 5_000)).toBeCloseTo(12);
  expect(bucket.rate(start + 25_000)).toBeCloseTo(20);
  expect(bucket.rate(start + 3_600_000)).toBe(20);
});

test("while the rate grows back, its mean counts, and the full rate after that", () => {
  const bucket = new TokenBucket({ burst: 1_000, perSecond: 20 }, start);
  bucket.cut(start, bucket.cuts);
  // 25 s at 10 to 20 a second, then 5 s at 20.
  expect(drain(bucket, start + 30_000)).toBe(475);
});

test("refusals of calls that were under way together are one cut; later ones cut again, down to a call now and then", () => {
  const bucket = new TokenBucket(size, start);
  const { cuts } = bucket;
  for (let call = 0; call < 10; call++) bucket.cut(start, cuts);
  expect(bucket.rate(start)).toBe(10);
  bucket.cut(start, bucket.cuts);
  expect(bucket.rate(start)).toBe(5);
  for (let call = 0; call < 20; call++) bucket.cut(start, bucket.cuts);
  expect(bucket.rate(start)).toBe(1);
});

test("Retry-After is obeyed: nothing until then, and no stock of what would have come meanwhile", () => {
  const bucket = new TokenBucket(size, start);
  bucket.cut(start, bucket.cuts, 30_000);
  expect(bucket.waitMs(start, 1)).toBe(30_100);
  // A shorter one of another call does not shorten it.
  bucket.cut(start, bucket.cuts, 1_000);
  expect(between(bucket, start, start + 29_990)).toBe(0);
  expect(drain(bucket, start + 30_000)).toBe(0);
  expect(between(bucket, start + 30_000, start + 31_000)).toBeGreaterThan(4);
});

test("a Retry-After of a day is cut to a quarter of an hour", () => {
  const bucket = new TokenBucket(size, start);
  bucket.cut(start, bucket.cuts, 86_400_000);
  expect(bucket.waitMs(start, 1)).toBeLessThan(901_000);
});

test("a clock that is set back stops nothing", () => {
  const bucket = new TokenBucket(size, start);
  drain(bucket, start);
  expect(drain(bucket, start - 3_600_000)).toBe(0);
  expect(between(bucket, start - 3_600_000, start - 3_599_000)).toBe(20);
});
