import { runCommand } from "../cluster/run-command.ts";

/** residentMiB is how much memory a process has in use now; undefined if it has ended. */
export async function residentMiB(pid: number): Promise<number | undefined> {
  const text = await runCommand("ps", ["-o", "rss=", "-p", String(pid)]).catch(() => "");
  const kib = Number.parseInt(text, 10);
  return Number.isNaN(kib) ? undefined : Math.round(kib / 1024);
}
