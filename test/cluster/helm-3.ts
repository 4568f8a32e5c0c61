import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildOnce } from "./build-once.ts";
import { Go } from "./go.ts";
import { cacheDirectory, helm3Version } from "./versions.ts";

/**
 * installHelm3 returns the path of Helm 3, and builds it into the user's cache if it is not there: up to five minutes, once. TEST_HELM3
 * names another one.
 */
export async function installHelm3(report: (line: string) => void, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = env["TEST_HELM3"];
  if (named !== undefined && named !== "") return named;
  const directory = join(cacheDirectory(env), "helm", helm3Version);
  const file = join(directory, "helm");
  await buildOnce({ directory, isBuilt: () => existsSync(file), report }, async ({ result }) => {
    const go = await Go.find(env);
    report(`building Helm ${helm3Version} into ${directory}: up to five minutes, once`);
    await go.install(`helm.sh/helm/v3/cmd/helm@v${helm3Version}`, result);
  });
  return file;
}
