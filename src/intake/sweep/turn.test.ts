import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { GitHub } from "../../github/types.ts";
import { createLogger } from "../../telemetry/log.ts";
import { gitHubApp } from "../test-objects.ts";
import { StoreUnavailable } from "../store-unavailable.ts";
import { Budget } from "./budget.ts";
import { Turn } from "./turn.ts";

function newTurn() {
  const lines: string[] = [];
  const log = createLogger({ level: "info", destination: { write: (line: string) => void lines.push(line) } });
  const budget = new Budget({ now: () => 0 });
  const app = { key: "app", host: "github.com", objects: [gitHubApp()], github: { rateLimits: () => ({}) } as unknown as GitHub };
  return { turn: new Turn(app, { budget, log }, 10), lines };
}

it("is over when it has lasted for minutes, however few calls it made: a slow server must not keep the others waiting", () => {
  const { turn } = newTurn();
  turn.check("app");
  const startedAt = performance.now();
  const clock = vi.spyOn(performance, "now").mockReturnValue(startedAt + 181_000);
  onTestFinished(() => clock.mockRestore());
  expect(() => turn.check("app")).toThrow(/withheld: Share/);
});

describe("what a turn has stored", () => {
  it("may be refused, which is said once and skipped", async () => {
    const { turn, lines } = newTurn();
    const refused = async () => await Promise.reject(new StoreUnavailable("Refused", "a quota"));
    expect([await turn.store("job-1", refused), await turn.store("job-2", refused)]).toEqual(["refused", "refused"]);
    expect(await turn.store("job-3", async () => await Promise.resolve("made"))).toBe("made");
    expect(lines.filter((line) => line.includes("a quota"))).toHaveLength(1);
  });

  it("ends the turn while the API server is away, and so does what nobody thought of", async () => {
    const { turn } = newTurn();
    const absent = new StoreUnavailable("Absent", "nobody there");
    await expect(turn.store("job-1", async () => await Promise.reject(absent))).rejects.toBe(absent);
    await expect(turn.store("job-1", async () => await Promise.reject(new TypeError("a bug")))).rejects.toThrow(TypeError);
  });
});
