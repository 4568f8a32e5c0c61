import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryCommand } from "../cluster/run-command.ts";

/** syntaxProblem is what bash says of a script that it cannot parse. */
export async function syntaxProblem(script: string): Promise<string | undefined> {
  const { code, stderr } = await tryCommand("bash", ["--norc", "--noprofile", "-n"], { input: script });
  return code === 0 && stderr === "" ? undefined : stderr.trim();
}

/**
 * What bash runs before a script: no program can be found, so each command comes to the handler, which notes its words as bash would have
 * handed them to the program, after quotes, variables and line ends. All of them succeed, so that loops end. One call writes a command,
 * since those of a pipe run at once; it ends without a line end, at which bash would write what it has.
 */
const prelude = `
command_not_found_handle() { printf '%s\\0' "$@" $'\\x1e' >>"$RECORD"; }
exec() { "$@"; }
`;

/** commandsOf is every command that a script runs, each as its words; what bash does itself, such as \`cd\`, is not among them. */
export async function commandsOf(script: string): Promise<readonly (readonly string[])[]> {
  const directory = await mkdtemp(join(tmpdir(), "getabako-commands-"));
  try {
    const record = join(directory, "record");
    // Nothing is written outside of the scratch directory.
    const harmless = script.replace(/(>+)\s*\/(?!dev\/)\S+/g, '$1"$HOME/output"');
    await tryCommand("/bin/bash", ["--norc", "--noprofile"], {
      input: `${prelude}cd "$HOME"\n${harmless}`,
      env: { PATH: "/nonexistent", HOME: directory, RECORD: record },
    });
    const text = await readFile(record, "utf8").catch(() => "");
    return text
      .split("\x1e\0")
      .filter((each) => each !== "")
      .map((each) => each.split("\0").slice(0, -1));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
