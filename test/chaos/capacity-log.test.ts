import { expect, it, onTestFinished, vi } from "vitest";
import { bounds } from "./bounds.ts";
import { CapacityLog, type CountedTask } from "./capacity-log.ts";

const slots = { web: 1, org: 2, big: 1, site: 1, rare: 1, lone: 1, full: 1, handed: 1 };

function task(id: string, startedBy: string, lastStatus: CountedTask["lastStatus"] = "RUNNING"): CountedTask {
  return { id, startedBy, lastStatus, launchTags: [{ key: "getabako.dev/target", value: "org" }] };
}

const lives = (log: CapacityLog): number[] => log.counts.map(({ live }) => live);

it("counts the tasks of a target from PROVISIONING to STOPPED", () => {
  const log = new CapacityLog(slots);
  log.observe(task("a", "uid-1", "PROVISIONING"));
  log.observe(task("a", "uid-1"));
  log.observe(task("b", "uid-2"));
  log.observe(task("a", "uid-1", "DEPROVISIONING"));
  log.observe(task("a", "uid-1", "STOPPED"));
  expect(lives(log)).toEqual([1, 2, 1]);
});

it("does not count the tasks of a request whose finalizer was taken away, neither those that live nor those that come", () => {
  const log = new CapacityLog(slots);
  const tasks = [task("a", "uid-1"), task("b", "uid-2")];
  for (const each of tasks) log.observe(each);
  log.release("uid-1", tasks);
  log.observe(task("c", "uid-1"));
  log.observe(task("d", "uid-3"));
  expect(lives(log)).toEqual([1, 2, 1, 2]);
});

it("counts them again once a launch that was under way is over, or when the finalizer stayed", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const log = new CapacityLog(slots);
  const tasks = [task("a", "uid-1")];
  for (const each of tasks) log.observe(each);
  const takeBack = log.release("uid-1", tasks);
  takeBack();
  expect(lives(log)).toEqual([1, 0, 1]);
  log.release("uid-1", tasks);
  vi.advanceTimersByTime(bounds.loweringMs + 1);
  log.observe(task("b", "uid-1"));
  expect(lives(log)).toEqual([1, 0, 1, 0, 1]);
});
