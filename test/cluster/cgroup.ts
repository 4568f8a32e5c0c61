import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const root = "/sys/fs/cgroup";

/** makeCgroup makes a cgroup of this name in every hierarchy, as the kubelet wants its cgroupRoot. */
export async function makeCgroup(name: string): Promise<void> {
  if (existsSync(join(root, "cgroup.controllers"))) await makeUnified(name);
  else await makeLegacy(name);
}

async function makeUnified(name: string): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  const controllers = (await readFile(join(root, "cgroup.controllers"), "utf8")).split(/\s+/).filter((word) => word !== "");
  for (const controller of controllers) {
    for (const directory of [root, join(root, name)]) {
      // Not every controller can be handed on; the kubelet says which one it misses.
      await writeFile(join(directory, "cgroup.subtree_control"), `+${controller}`).catch(() => {});
    }
  }
}

async function makeLegacy(name: string): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    // Links such as cpu -> cpu,cpuacct lead to a hierarchy that has a turn of its own.
    if (!entry.isDirectory()) continue;
    const hierarchy = join(root, entry.name);
    await mkdir(join(hierarchy, name), { recursive: true });
    // An empty cpuset takes no process.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      if (existsSync(join(hierarchy, file))) {
        await writeFile(join(hierarchy, name, file), await readFile(join(hierarchy, file)));
      }
    }
  }
}
