import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import GitHubSlugger from "github-slugger";
import { lexer, type Token, type Tokens, walkTokens } from "marked";

/** root is the directory of the repository. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Block is a fenced block: its language, and what is in it. */
export interface Block {
  readonly page: string;
  readonly line: number;
  /** The first word after the fence; "" where there is none. */
  readonly language: string;
  readonly text: string;
}

/** Page is a Markdown file with what the tests look at. */
export interface Page {
  /** Below the root: docs/eks.md. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Pieces of code in a line of text. */
  readonly spans: readonly string[];
  readonly links: readonly string[];
  /** The names of its headings in links to them, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
}

/** Where Markdown for readers is. What is generated is read as well: its links have to lead somewhere, too. */
const folders = ["docs", "charts/getabako", "test/e2e", "test/sim", "images"];

/** pages is every Markdown file of the repository that people read. */
export function pages(): Page[] {
  const inFolders = folders.flatMap((folder) => {
    const files = readdirSync(root, { withFileTypes: true }).some(({ name }) => name === folder.split("/")[0])
      ? readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
      : [];
    return files.filter((file) => file.endsWith(".md")).map((file) => `${folder}/${file}`);
  });
  const atTop = readdirSync(root).filter((file) => file.endsWith(".md"));
  return [...atTop, ...inFolders].toSorted().map((path) => readPage(path));
}

/** readPage reads one of them. */
export function readPage(path: string): Page {
  const text = readFileSync(`${root}${path}`, "utf8");
  const tokens = lexer(text);
  const blocks: Block[] = [];
  const spans: string[] = [];
  const links: string[] = [];
  const anchors = new Set<string>();
  const slugger = new GitHubSlugger();
  let from = 0;
  void walkTokens(tokens, (token) => {
    if (isToken(token, "code")) {
      const at = Math.max(text.indexOf(token.raw, from), from);
      from = at + token.raw.length;
      const line = text.slice(0, at).split("\n").length;
      blocks.push({ page: path, line, language: (token.lang ?? "").split(/\s/)[0] ?? "", text: `${token.text}\n` });
    } else if (isToken(token, "codespan")) spans.push(token.text);
    else if (isToken(token, "link") || isToken(token, "image")) links.push(token.href);
    else if (isToken(token, "heading")) anchors.add(slugger.slug(plainText(token.tokens)));
  });
  return { path, text, blocks, spans, links, anchors };
}

/** where tells of a block in a test's name or message. */
export function where({ page, line }: Block): string {
  return `${page}:${line}`;
}

interface TokenKinds {
  readonly code: Tokens.Code;
  readonly codespan: Tokens.Codespan;
  readonly link: Tokens.Link;
  readonly image: Tokens.Image;
  readonly heading: Tokens.Heading;
}

function isToken<Kind extends keyof TokenKinds>(token: Token, kind: Kind): token is TokenKinds[Kind] {
  return token.type === kind;
}

function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) =>
      "tokens" in token && token.tokens !== undefined ? plainText(token.tokens) : "text" in token ? token.text : "",
    )
    .join("");
}
