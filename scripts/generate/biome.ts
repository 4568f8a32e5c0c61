import { execFileSync } from "node:child_process";

/** formatted runs Biome over a text, so that a generated file also passes `npm run format:check`. */
export function formatted(path: string, content: string, root: string): string {
  return execFileSync(`${root}node_modules/.bin/biome`, ["format", `--stdin-file-path=${path}`], {
    cwd: root,
    input: content,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "inherit"],
  });
}
