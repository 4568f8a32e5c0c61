import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { systemClock } from "../util/clock.ts";
import { RetryBudget } from "./retry-budget.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("RetryBudget allows a burst, then as many retries as time has brought", () => {
  const budget = new RetryBudget(systemClock, { capacity: 3, perMinute: 6 });
  expect([budget.take(), budget.take(), budget.take(), budget.take()]).toEqual([true, true, true, false]);
  vi.advanceTimersByTime(9_999);
  expect(budget.take()).toBe(false);
  vi.advanceTimersByTime(1);
  expect(budget.take()).toBe(true);
  vi.advanceTimersByTime(3_600_000);
  expect([budget.take(), budget.take(), budget.take(), budget.take()]).toEqual([true, true, true, false]);
});

it("RetryBudget survives a clock that is set back", () => {
  const budget = new RetryBudget(systemClock, { capacity: 1, perMinute: 60 });
  expect(budget.take()).toBe(true);
  vi.setSystemTime(Date.now() - 3_600_000);
  expect(budget.take()).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(budget.take()).toBe(true);
});
