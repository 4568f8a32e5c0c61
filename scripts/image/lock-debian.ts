import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../../test/cluster/run-command.ts";
import { architectures, type DebianLock, debianLockFile, type LockedPackage } from "./lock.ts";

/*
 * `npm run image:lock`: asks Debian for the newest versions of the packages whose files are in the image, and pins them. It asks with
 * an apt of its own, whose lists are signed by Debian; this machine's packages and sources stay as they are.
 */

const release = { codename: "bookworm", version: "12" } as const;
/** What Node.js is linked with; base-files has the licences that the others refer to, gcc-12-base their copyrights. */
const wanted = ["base-files", "gcc-12-base", "libc6", "libgcc-s1", "libstdc++6"];
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

async function newest(architecture: string, scratch: string): Promise<LockedPackage[]> {
  const home = join(scratch, architecture);
  for (const directory of ["state/lists/partial", "cache/archives/partial", "etc/preferences.d", "etc/apt.conf.d"]) {
    await mkdir(join(home, directory), { recursive: true });
  }
  const { codename } = release;
  const source = (path: string, suite: string): string =>
    `deb [arch=${architecture} signed-by=${keyring}] http://deb.debian.org/${path} ${suite} main\n`;
  await writeFile(join(home, "status"), "");
  await writeFile(
    join(home, "etc/sources.list"),
    source("debian", codename) + source("debian", `${codename}-updates`) + source("debian-security", `${codename}-security`),
  );
  const own = {
    "Dir::State": join(home, "state"),
    "Dir::State::status": join(home, "status"),
    "Dir::Cache": join(home, "cache"),
    "Dir::Etc::sourcelist": join(home, "etc/sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferencesparts": join(home, "etc/preferences.d"),
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
  };
  const options = Object.entries(own).flatMap(([name, value]) => ["--option", `${name}=${value}`]);
  await runCommand("apt-get", [...options, "--quiet", "--error-on=any", "update"], { timeoutMs: 300_000 });
  return await Promise.all(
    wanted.map(async (name) => {
      const shown = await runCommand("apt-cache", [...options, "show", "--no-all-versions", name]);
      const field = (key: string): string | undefined => new RegExp(`^${key}: (.+)$`, "m").exec(shown)?.[1];
      const [version, path, sha256] = [field("Version"), field("Filename"), field("SHA256")];
      if (version === undefined || path === undefined || sha256 === undefined)
        throw new Error(`Debian has no ${name} for ${architecture}`);
      // "Source: gcc-12 (12.2.0-14)", or nothing where name and version are those of the package.
      const [, named, itsVersion] = /^(\S+)(?: \((.+)\))?$/.exec(field("Source") ?? "") ?? [];
      return { name, version, source: named ?? name, sourceVersion: itsVersion ?? version, architecture, path, sha256 };
    }),
  );
}

await access(keyring).catch(() => {
  throw new Error(`${keyring} is missing: apt-get install debian-archive-keyring`);
});
const scratch = await mkdtemp(join(tmpdir(), "getabako-debian-"));
try {
  const packages: LockedPackage[] = [];
  for (const { debian } of Object.values(architectures)) {
    console.log(`asking Debian ${release.version} for its newest ${debian} packages`);
    packages.push(...(await newest(debian, scratch)));
  }
  // The archive answers with the last state before a moment.
  const snapshot = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  await writeFile(debianLockFile, `${JSON.stringify({ release, snapshot, packages } satisfies DebianLock, undefined, 2)}\n`);
  for (const { name, version, architecture } of packages) console.log(`${architecture.padEnd(5)}  ${name} ${version}`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
