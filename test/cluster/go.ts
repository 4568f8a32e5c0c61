import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startGuarded } from "./guard.ts";
import { findOnPath } from "./locate.ts";
import { runCommand } from "./run-command.ts";

const progressEveryMs = 10_000;

/** GoRun is one run of the go command. */
export interface GoRun {
  /** For people: "compiling". */
  readonly what: string;
  readonly args: readonly string[];
  /** Where go.mod is. */
  readonly directory: string;
  /** A directory for the build cache and the log, to be deleted by the caller. */
  readonly scratch: string;
  readonly report: (line: string) => void;
  /** How many packages there are to compile, if that is known. */
  readonly packages?: number;
}

/** Go is the go command of this machine; an older one (from 1.21 on) fetches by itself the version that go.mod asks for. */
export class Go {
  readonly version: string;
  readonly #path: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(path: string, version: string, env: NodeJS.ProcessEnv) {
    this.#path = path;
    this.version = version;
    this.#env = env;
  }

  static async find(env: NodeJS.ProcessEnv): Promise<Go> {
    const path = findOnPath("go", env) ?? findOnPath("go", { PATH: "/usr/local/go/bin" });
    if (path === undefined) throw new Error(goHint("Go is not installed"));
    const text = (await runCommand(path, ["version"], { env: { ...env, GOTOOLCHAIN: "local" } })).trim();
    if (!isNewEnough(text)) throw new Error(goHint(`${path} is too old (${text})`));
    return new Go(path, text.replace(/^go version (\S+).*/, "$1"), env);
  }

  /** install builds one program of a module into a directory. */
  async install(program: string, directory: string): Promise<void> {
    const env = {
      ...this.#env,
      CGO_ENABLED: "0",
      GOBIN: directory,
      GOTOOLCHAIN: this.#env["GOTOOLCHAIN"] ?? "auto",
      GOFLAGS: "",
    };
    await runCommand(this.#path, ["install", program], { env, timeoutMs: 600_000 });
  }

  /** run returns the lines that are not about downloads, and reports elapsed time and counts while it works. */
  async run({ what, args, directory, scratch, report, packages }: GoRun): Promise<string[]> {
    const log = join(scratch, `${what.replaceAll(" ", "-")}.log`);
    const startedAt = Date.now();
    const go = await startGuarded([this.#path, ...args], {
      log,
      cwd: directory,
      env: {
        ...this.#env,
        CGO_ENABLED: "0",
        GOCACHE: join(scratch, "go-build"),
        // Its working files too: a go that is killed does not remove them.
        GOTMPDIR: scratch,
        GOTOOLCHAIN: this.#env["GOTOOLCHAIN"] ?? "auto",
        // What people set for their own modules does not fit this one.
        GOFLAGS: "",
        GOWORK: "off",
      },
    });
    const read = async (): Promise<string[]> => (await readFile(log, "utf8")).split("\n").filter((line) => line !== "");
    const progress = async (): Promise<void> => {
      report(`${what}: ${elapsed(Date.now() - startedAt)}${goCounts(await read(), args.includes("-v"), packages)}`);
    };
    const timer = setInterval(() => void progress(), progressEveryMs);
    const code = await go.exited;
    clearInterval(timer);
    const lines = await read();
    if (code !== 0) throw new Error(`go ${args[0] ?? ""} failed (exit ${code}):\n${lines.slice(-15).join("\n")}`);
    await progress();
    return lines.filter((line) => !isDownload(line));
  }
}

/** goCounts says in words how far go is, from the lines that it has printed. */
export function goCounts(lines: readonly string[], compiles: boolean, packages?: number): string {
  const downloads = lines.filter(isDownload).length;
  const compiled = lines.length - downloads;
  const parts = [];
  if (downloads > 0) parts.push(`${downloads} modules downloaded`);
  if (compiles)
    parts.push(packages === undefined ? `${compiled} packages compiled` : `${compiled} of ${packages} packages compiled`);
  return parts.map((part) => `, ${part}`).join("");
}

/** isNewEnough reads the answer of `go version`: from 1.21 on, go can fetch the toolchain that a module asks for. */
export function isNewEnough(answer: string): boolean {
  const match = /\bgo(\d+)\.(\d+)/.exec(answer);
  if (match === null) return answer.includes("devel");
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > 1 || minor >= 21;
}

/** elapsed renders a duration for people. */
export function elapsed(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function isDownload(line: string): boolean {
  return line.startsWith("go: ");
}

function goHint(problem: string): string {
  return (
    `${problem}: Go 1.21 or newer builds the Kubernetes that tests run on. Install it (Debian: apt-get install golang-go, where that is ` +
    "1.21 or newer; macOS: brew install go; else https://go.dev/dl) and repeat; or set KUBEBUILDER_ASSETS to a directory with etcd, " +
    "kube-apiserver and kubectl (setup-envtest use -p path 1.36.x)"
  );
}
