import { existsSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildOnce, type Places } from "./build-once.ts";
import { elapsed, Go } from "./go.ts";
import { writeImageArchive } from "./image-archive.ts";
import { helmVersion, kubeboxDirectory, kubeboxNames, kubernetesVersion } from "./versions.ts";

type Report = (line: string) => void;

const sources = fileURLToPath(new URL("kubebox/", import.meta.url));

/** pauseImage is the name of the image that holds a pod's namespaces, as the archive beside kubebox has it. */
export const pauseImage = "localhost/pause:1";

/** buildKubebox returns the directory of the own build, building it first if this version is not in the user's cache: 5 to 10 minutes on two cores. */
export async function buildKubebox({ report, env = process.env }: { report: Report; env?: NodeJS.ProcessEnv }): Promise<string> {
  const directory = kubeboxDirectory(env);
  const isBuilt = (): boolean => existsSync(join(directory, "kubebox"));
  await buildOnce({ directory, isBuilt, report }, async (places) => await build(places, directory, report, env));
  return directory;
}

/** goBuildArguments: static, stripped and named, so that clients and charts do not misjudge a v0.0.0 server. */
export function goBuildArguments(output: string): string[] {
  const [major, minor] = kubernetesVersion.split(".");
  const version = "k8s.io/component-base/version";
  const linkerFlags = [
    "-s",
    "-w",
    `-X ${version}.gitVersion=v${kubernetesVersion}`,
    `-X ${version}.gitMajor=${major}`,
    `-X ${version}.gitMinor=${minor}`,
    `-X helm.sh/helm/v4/internal/version.version=v${helmVersion}`,
  ];
  return [
    "build",
    "-v",
    "-buildvcs=false",
    "-trimpath",
    "-gcflags=all=-dwarf=false",
    "-ldflags",
    linkerFlags.join(" "),
    "-o",
    output,
    ".",
  ];
}

async function build({ scratch, result }: Places, directory: string, report: Report, env: NodeJS.ProcessEnv): Promise<void> {
  const startedAt = Date.now();
  const go = await Go.find(env);
  report(`building Kubernetes ${kubernetesVersion} from Go modules (${go.version}) into ${directory}: 5 to 10 minutes, once`);
  const run = { directory: sources, scratch, report };
  const packages = await go.run({ ...run, what: "resolving modules", args: ["list", "-deps", "."] });
  await go.run({ ...run, what: "compiling", args: goBuildArguments(join(result, "kubebox")), packages: packages.length });
  const pause = join(scratch, "pause");
  const pauseArguments = ["build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", pause, "./pause"];
  await go.run({ ...run, what: "compiling the pause image", args: pauseArguments });
  await writeImageArchive({
    file: join(result, "pause.tar"),
    name: pauseImage,
    files: [{ path: "pause", source: pause, mode: 0o755 }],
    config: { Entrypoint: ["/pause"] },
  });
  for (const name of kubeboxNames) await symlink("kubebox", join(result, name));
  report(`built Kubernetes ${kubernetesVersion} in ${elapsed(Date.now() - startedAt)}`);
}
