import { basename } from "node:path";

/**
 * programName is the name that the program was called by, as people type it: kubectl finds a plugin in a file named kubectl-getabako, and
 * calls it as `kubectl getabako`. Who starts it through a script of their own says so in GETABAKO_CALLED_AS.
 */
export function programName(script: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const name = env["GETABAKO_CALLED_AS"] || basename(script ?? "");
  return /^kubectl[-_ ]getabako(\.[a-z]+)?$/.test(name) ? "kubectl getabako" : "getabako";
}
