import { describe, expect, it } from "vitest";
import { Population } from "./population.ts";

describe("the runners of a rung", () => {
  it("are those that live and those that ended within the window", () => {
    const population = new Population(1_000);
    population.note("a", "a/1", undefined, 0);
    population.note("b", "b/1", undefined, 0);
    population.note("b", "b/1", 500, 500);
    expect(population.size(1_499)).toBe(2);
    expect(population.size(1_500)).toBe(1);
  });

  it("are counted once, however often they are told of", () => {
    const population = new Population(1_000);
    for (let times = 0; times < 3; times++) population.note("a", "a/1", undefined, 0);
    expect(population.size(0)).toBe(1);
    for (let times = 0; times < 3; times++) population.note("a", "a/1", 10, 10);
    expect(population.size(10)).toBe(1);
  });

  it("count each attempt of a request", () => {
    const population = new Population(1_000);
    population.note("a", "a/1", 10, 20);
    population.note("a", "a/2", undefined, 20);
    expect(population.size(20)).toBe(2);
    // A request is read from its first attempt on: the end of that one says nothing of the second.
    population.note("a", "a/1", 10, 30);
    expect(population.size(30)).toBe(2);
  });

  it("are forgotten with a request that is gone while they live, and count when they had ended", () => {
    const population = new Population(1_000);
    population.note("a", "a/1", undefined, 0);
    population.note("b", "b/1", 10, 10);
    population.gone("a");
    population.gone("b");
    expect(population.size(10)).toBe(1);
  });

  it("that ended long ago are not taken in", () => {
    const population = new Population(1_000);
    population.note("a", "a/1", 10, 5_000);
    expect(population.size(5_000)).toBe(0);
  });
});
