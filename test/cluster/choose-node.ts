import { findOnPath } from "./locate.ts";
import { tryCommand } from "./run-command.ts";

/** engines are the container engines that kind can use, in the order in which it looks for them. */
export const engines = ["docker", "nerdctl", "podman"] as const;

/** Engine is one of them. */
export type Engine = (typeof engines)[number];

/** Survey is what this machine can do. */
export interface Survey {
  readonly platform: string;
  readonly isRoot: boolean;
  /** Why an engine cannot be used, or undefined if it answers. */
  readonly engineProblem: Readonly<Record<Engine, string | undefined>>;
  /** The kind program; absent if it is not installed. */
  readonly kind?: string;
  /** KIND_EXPERIMENTAL_PROVIDER. */
  readonly wantedEngine?: string;
  /** kind can be installed with it. */
  readonly hasGo: boolean;
}

/** NodeChoice is where the node comes from, and in words why the ways before it were not taken. */
export type NodeChoice =
  | { readonly way: "kind"; readonly engine: Engine; readonly kind: string | undefined; readonly passedOver: readonly string[] }
  | { readonly way: "own"; readonly passedOver: readonly string[] };

/** chooseNode decides between kind and the own build; it throws what to do where neither is possible. */
export function chooseNode(survey: Survey): NodeChoice {
  const passedOver: string[] = [];
  const candidates = engines.filter((engine) => survey.wantedEngine === undefined || survey.wantedEngine === engine);
  const engine = candidates.find((name) => survey.engineProblem[name] === undefined);
  if (engine === undefined) {
    const problems = candidates.map((name) => `${name} ${survey.engineProblem[name] ?? ""}`.trim());
    passedOver.push(`kind: no container engine answers (${problems.join("; ")})`);
  } else if (survey.kind === undefined && !survey.hasGo) {
    passedOver.push(`kind: ${engine} runs, but kind is not installed, and there is no Go to install it with`);
  } else {
    return { way: "kind", engine, kind: survey.kind, passedOver };
  }
  if (survey.platform !== "linux") {
    throw new Error(
      `${passedOver.join("; ")}; and ${survey.platform} cannot run a node itself: start Docker or Podman and install kind, then repeat`,
    );
  }
  if (!survey.isRoot) {
    throw new Error(
      `${passedOver.join("; ")}; and a node without a container engine needs root for its namespaces: repeat as root ` +
        "(sudo -E), or start Docker or Podman and install kind",
    );
  }
  return { way: "own", passedOver };
}

/** surveyMachine asks the engines themselves: `docker --version` proves that a client is installed and nothing more. */
export async function surveyMachine(): Promise<Survey> {
  const problems = await Promise.all(engines.map(async (engine) => [engine, await engineProblem(engine)] as const));
  const kind = findOnPath("kind");
  const wantedEngine = process.env["KIND_EXPERIMENTAL_PROVIDER"];
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    engineProblem: Object.fromEntries(problems) as Record<Engine, string | undefined>,
    hasGo: findOnPath("go") !== undefined || findOnPath("go", { PATH: "/usr/local/go/bin" }) !== undefined,
    ...(kind === undefined ? {} : { kind }),
    ...(wantedEngine === undefined || wantedEngine === "" ? {} : { wantedEngine }),
  };
}

async function engineProblem(engine: Engine): Promise<string | undefined> {
  if (findOnPath(engine) === undefined) return "is not installed";
  try {
    const answer = await tryCommand(engine, ["info"], { timeoutMs: 15_000 });
    return answer.code === 0 ? undefined : "is installed, but does not run";
  } catch {
    return "is installed, but does not answer";
  }
}
