import { readFile, writeFile } from "node:fs/promises";

/** writesDocs tells whether this run writes what it saw into the documents, instead of holding them against it. */
export const writesDocs = process.env["GETABAKO_WRITE_DOCS"] === "1";

/** docsSection is a section of a page in docs, between two comments that name it. */
export async function docsSection(page: string, name: string): Promise<{ text: string; write(content: string): Promise<void> }> {
  const file = new URL(`../../docs/${page}`, import.meta.url);
  const text = await readFile(file, "utf8");
  const [begin, end] = [`<!-- ${name}: from a run -->\n`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (!text.includes(begin) || to < from) throw new Error(`docs/${page} has no section ${name}`);
  return {
    text: text.slice(from, to),
    write: (content) => writeFile(file, `${text.slice(0, from)}${content}${text.slice(to)}`),
  };
}
