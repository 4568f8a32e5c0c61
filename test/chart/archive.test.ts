import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { writeChart } from "../../scripts/release/chart-archive.ts";
import { asCluster, chart, helms, tryHelm } from "./helm.ts";

it.each(helms)("%s takes the archive of a release for the chart that it was made of", async (_, find) => {
  const directory = await mkdtemp(join(tmpdir(), "getabako-chart-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const archive = join(directory, "getabako.tgz");
  await writeChart(chart, archive, 1_795_867_200);
  const helm = await find();
  const rendered = async (what: string): Promise<string> => {
    const { code, stdout, stderr } = await tryHelm(["template", "getabako", what, ...asCluster], "", helm);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    return stdout;
  };
  expect(await rendered(archive)).toBe(await rendered(chart));
});
