import { describe, expect, it } from "vitest";
import { fatalLines, lostLease } from "./exits.ts";
import { Journal, operatorLines } from "./journal.ts";

describe("the story of a job", () => {
  it("has what names it and every fault, in the order of time", () => {
    const journal = new Journal(1_000);
    journal.note("github", "job-queued job 31000000007", 1_500);
    journal.note("github", "job-queued job 31000000008", 1_600);
    journal.note("fault", "ecs-cut: the next 2 RunTask", 1_200);
    const log = operatorLines("a", ['{"level":"info","time":"1970-01-01T00:00:01.400Z","runnerRequest":"ns/job-31000000007"}']);
    expect(journal.render(journal.about(["31000000007"], log)).split("\n")).toEqual([
      "   0.200 s  fault     ecs-cut: the next 2 RunTask",
      '   0.400 s  operator  a {"level":"info","time":"1970-01-01T00:00:01.400Z","runnerRequest":"ns/job-31000000007"}',
      "   0.500 s  github    job-queued job 31000000007",
    ]);
  });

  it("keeps lines that are no JSON at the time of the line before them", () => {
    const [, second] = operatorLines("b", ['{"time":"1970-01-01T00:00:02.000Z"}', "    at somewhere (file.ts:1:1)"]);
    expect(second).toEqual({ at: 2_000, source: "operator", text: "b     at somewhere (file.ts:1:1)" });
  });
});

describe("the last words of an operator", () => {
  const lease =
    '{"level":"fatal","err":{"message":"lost the Lease ns/getabako: it could not be renewed in time"},"msg":"ending"}';

  it("tell a lost Lease from anything else", () => {
    expect(lostLease(`{"level":"info"}\n${lease}\n`)).toBe(true);
    expect(lostLease('{"level":"warn","msg":"lost the Lease"}\n{"level":"fatal","msg":"unhandled rejection, ending"}')).toBe(
      false,
    );
  });

  it("are also those of Node itself", () => {
    const lines = [
      '{"level":"info"}',
      "TypeError: x is not a function",
      "    at y (z.mjs:1:1)",
      "FATAL ERROR: heap out of memory",
    ];
    expect(fatalLines(lines)).toEqual(["TypeError: x is not a function", "FATAL ERROR: heap out of memory"]);
  });
});
