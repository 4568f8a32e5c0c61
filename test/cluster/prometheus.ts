import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildOnce, type Places } from "./build-once.ts";
import { elapsed, Go } from "./go.ts";
import { cacheDirectory, prometheusVersion } from "./versions.ts";

/*
 * To move to another Prometheus: `go get github.com/prometheus/prometheus@v0.MINOR.PATCH && go mod tidy` in prometheus/, and change the
 * constant in versions.ts. Prometheus' own go.mod has replace lines, so `go install` of it is refused, and it needs a module around it.
 */

const sources = fileURLToPath(new URL("prometheus/", import.meta.url));
const programs = ["prometheus", "promtool"] as const;

/** Prometheus is where its two programs are. */
export type Prometheus = Readonly<Record<(typeof programs)[number], string>>;

/** installPrometheus returns the programs, and builds them into the user's cache if this version is not there. */
export async function installPrometheus(
  report: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Prometheus> {
  const directory = prometheusDirectory(env);
  const found = { prometheus: join(directory, "prometheus"), promtool: join(directory, "promtool") };
  const isBuilt = (): boolean => programs.every((program) => existsSync(found[program]));
  await buildOnce({ directory, isBuilt, report }, async (places) => await build(places, directory, report, env));
  return found;
}

/** prometheusDirectory is where the own build of this version lives. */
export function prometheusDirectory(env: NodeJS.ProcessEnv): string {
  return join(cacheDirectory(env), "prometheus", prometheusVersion);
}

async function build(
  { scratch, result }: Places,
  directory: string,
  report: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const startedAt = Date.now();
  const go = await Go.find(env);
  report(`building Prometheus ${prometheusVersion} from its Go module (${go.version}) into ${directory}: 5 to 10 minutes, once`);
  const run = { directory: sources, scratch, report };
  const packages = programs.map((program) => `github.com/prometheus/prometheus/cmd/${program}`);
  // Without the discoveries of fifteen clouds, whose clients are most of what there is to compile; static targets are all that we scrape.
  const tags = ["-tags", "remove_all_sd"];
  const all = await go.run({ ...run, what: "resolving modules", args: ["list", "-deps", ...tags, ...packages] });
  const flags = ["-v", "-buildvcs=false", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", `-s -w -X ${versionVariable}`];
  const args = ["build", ...flags, ...tags, "-o", `${result}/`, ...packages];
  await go.run({ ...run, what: "compiling", args, packages: all.length });
  report(`built Prometheus ${prometheusVersion} in ${elapsed(Date.now() - startedAt)}`);
}

const versionVariable = `github.com/prometheus/common/version.Version=${prometheusVersion}`;
