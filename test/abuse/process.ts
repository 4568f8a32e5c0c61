import { readdirSync, readFileSync } from "node:fs";

/** peakRssMiB is the most memory that a process ever had; source: proc(5), VmHWM. */
export function peakRssMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

/** descriptors is how many a process has open. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

const listening = "0A";

/**
 * connectionsTo is how many connections to a local port a process holds, asked of the kernel and not of the process: its sockets by inode
 * in /proc/PID/fd, their ports in /proc/PID/net/tcp.
 */
export function connectionsTo(pid: number, port: number): number {
  const rows = ["tcp", "tcp6"].flatMap((file) => readFileSync(`/proc/${pid}/net/${file}`, "utf8").split("\n").slice(1));
  return rows.filter((row) => {
    const fields = row.trim().split(/\s+/);
    const local = Number.parseInt(fields[1]?.split(":")[1] ?? "", 16);
    // A socket that the process has closed has no inode any more.
    return local === port && fields[3] !== listening && fields[9] !== "0" && fields[9] !== undefined;
  }).length;
}
