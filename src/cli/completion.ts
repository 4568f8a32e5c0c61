import type { Command, Surroundings } from "./commands.ts";
import { OptionsError } from "./flags.ts";

/** shells are those that completion can be printed for. */
export const shells = ["bash", "zsh", "fish"] as const;

/** completion prints what a shell sources to complete commands, options and their values. It is static: no cluster is asked. */
export function completion(
  commands: readonly Command[],
  args: readonly string[],
  { output }: Pick<Surroundings, "output">,
): number {
  const [shell, ...more] = args;
  const print = shell === undefined ? undefined : printers[shell as keyof typeof printers];
  if (print === undefined || more.length > 0 || !shells.some((each) => each === shell))
    throw new OptionsError([`name one shell: ${shells.join(", ")}`]);
  output.out(print(commands));
  return 0;
}

const printers = { bash, zsh, fish } as const satisfies Record<(typeof shells)[number], (commands: readonly Command[]) => string>;

function words({ flags, words: own = [] }: Command): string {
  return [...own, ...flags.map(({ flag }) => `--${flag}`), "--help"].join(" ");
}

/** Cases of `previous word) candidates` for flags that have a list of values, the same for bash and zsh. */
function valueCases(commands: readonly Command[], reply: (values: string) => string): string {
  const lists = new Map<string, string>();
  for (const { flags } of commands) {
    for (const { flag, short, values } of flags) {
      if (values === undefined) continue;
      lists.set([`--${flag}`, ...(short === undefined ? [] : [`-${short}`])].join("|"), values.join(" "));
    }
  }
  return [...lists].map(([names, values]) => `    ${names}) ${reply(values)}; return ;;\n`).join("");
}

function bash(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const reply = (list: string): string => `COMPREPLY=($(compgen -W "${list}" -- "$word"))`;
  return `# bash completion of getabako: source <(getabako completion bash)
_getabako() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${reply(names)}
    return
  fi
  case "$previous" in
    --kubeconfig) COMPREPLY=($(compgen -f -- "$word")); return ;;
${valueCases(commands, reply)}  esac
  case "\${COMP_WORDS[1]}" in
${commands.map((command) => `    ${command.name}) ${reply(words(command))} ;;\n`).join("")}  esac
}
complete -F _getabako getabako
`;
}

function zsh(commands: readonly Command[]): string {
  const summaries = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}\n`).join("");
  const reply = (list: string): string => `compadd -- ${list}`;
  return `#compdef getabako
# zsh completion of getabako: source <(getabako completion zsh)
_getabako() {
  local -a commands
  commands=(
${summaries}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "\${words[CURRENT-1]}" in
    --kubeconfig) _files; return ;;
${valueCases(commands, reply)}  esac
  case "\${words[2]}" in
${commands.map((command) => `    ${command.name}) ${reply(words(command))} ;;\n`).join("")}  esac
}
compdef _getabako getabako
`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const inside = `__fish_seen_subcommand_from ${command.name}`;
    return [
      `complete -c getabako -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.summary)}`,
      ...(command.words ?? []).map((word) => `complete -c getabako -n ${quoted(inside)} -a ${word}`),
      ...command.flags.map(({ flag, short, values, help }) => {
        const list = values === undefined ? (flag === "kubeconfig" ? " -r -F" : " -x") : ` -x -a ${quoted(values.join(" "))}`;
        const letter = short === undefined ? "" : ` -s ${short}`;
        return `complete -c getabako -n ${quoted(inside)} -l ${flag}${letter}${list} -d ${quoted(help)}`;
      }),
    ];
  });
  return `# fish completion of getabako: getabako completion fish | source\ncomplete -c getabako -f\n${lines.join("\n")}\n`;
}

/** In single quotes, as all three shells read them. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "’")}'`;
}
