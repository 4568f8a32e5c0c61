/** Step is one block of commands of a document, with what it should print. */
export interface Step {
  /** The heading above it, and its first command. */
  readonly title: string;
  readonly commands: string;
  /**
   * How it ends: by itself; by Ctrl-C, once what is expected has been printed; or, in a terminal of its own, not before the end of the
   * document.
   */
  readonly ends: "itself" | "ctrl-c" | "last";
  /** Lines that it should print, in this order; others may be between them. */
  readonly expected: readonly string[];
  /** Where it is in the file. */
  readonly line: number;
}

/** The words behind `sh` of a block that does not end by itself. */
const endings = { "": "itself", "ctrl-c": "ctrl-c", "first-terminal": "last" } as const;

const fence = /^```(?<language>[\w-]*)(?: (?<word>[\w-]+))?$/;

/**
 * readSteps finds what a reader of a Markdown file would type: the blocks fenced as `sh`. A block fenced as `text` shows what the block
 * of commands before it prints. Other blocks are for reading only.
 */
export function readSteps(markdown: string): readonly Step[] {
  const steps: { -readonly [Key in keyof Step]: Step[Key] }[] = [];
  let heading = "";
  let open: { readonly language: string; readonly word: string; readonly line: number; readonly body: string[] } | undefined;
  for (const [index, text] of markdown.split("\n").entries()) {
    if (open === undefined) {
      heading = /^#+ (.*)$/.exec(text)?.[1] ?? heading;
      const { language, word = "" } = fence.exec(text)?.groups ?? {};
      if (language !== undefined) open = { language, word, line: index + 1, body: [] };
      continue;
    }
    if (text !== "```") {
      open.body.push(text);
      continue;
    }
    const { language, word, line, body } = open;
    open = undefined;
    if (language === "sh") {
      if (!isEnding(word)) throw new Error(`line ${line}: "${word}" is none of ${Object.keys(endings).join(", ")}`);
      const title = `${heading}: ${body.find((command) => !command.startsWith("#")) ?? ""}`;
      steps.push({ title, commands: `${body.join("\n")}\n`, ends: endings[word], expected: [], line });
    } else if (language === "text") {
      const step = steps.at(-1);
      if (step === undefined || step.expected.length > 0) throw new Error(`line ${line}: no commands print this`);
      step.expected = body.filter((one) => one.trim() !== "" && one.trim() !== "...");
    }
  }
  if (open !== undefined) throw new Error(`line ${open.line}: the block does not end`);
  const endless = steps.find(({ ends, expected }) => ends !== "itself" && expected.length === 0);
  if (endless !== undefined) throw new Error(`line ${endless.line}: nothing says when to go on`);
  return steps;
}

function isEnding(word: string): word is keyof typeof endings {
  return Object.hasOwn(endings, word);
}
