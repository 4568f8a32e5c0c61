import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeChart } from "./chart-archive.ts";

const chart = fileURLToPath(new URL("../../charts/getabako", import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "getabako-chart-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

it("has the same bytes for the same chart, wherever and whenever it was checked out", async () => {
  const elsewhere = join(directory, "a/longer/way/to/the/chart");
  await cp(chart, elsewhere, { recursive: true });
  await utimes(join(elsewhere, "values.yaml"), 1, 1);
  const [one, two] = [join(directory, "one.tgz"), join(directory, "two.tgz")];
  await writeChart(chart, one, 1_795_867_200);
  await writeChart(elsewhere, two, 1_795_867_200);
  expect((await readFile(one)).equals(await readFile(two))).toBe(true);
});

it("holds every file of the chart, from the time of the commit", async () => {
  const file = join(directory, "chart.tgz");
  await writeChart(chart, file, 1_795_867_200);
  const listed = execFileSync("tar", ["-tvzf", file, "--utc"], { encoding: "utf8" }).trim().split("\n");
  const wanted = execFileSync("find", [".", "-type", "f"], { cwd: chart, encoding: "utf8" }).trim().split("\n");
  expect(listed.flatMap((line) => line.split(" getabako/").slice(1)).toSorted()).toEqual(
    wanted.map((path) => path.slice(2)).toSorted(),
  );
  for (const line of listed) expect(line).toContain(" 2026-11-28 12:00 ");
});
