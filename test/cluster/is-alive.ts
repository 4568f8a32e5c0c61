/** isAlive tells whether a process of that id runs, also one that is somebody else's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is not ours to signal.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
