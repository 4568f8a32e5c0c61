import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** widest is how wide a terminal is that shows the screens of the docs whole. */
export const widest = 120;

/** DocsPage is a page of docs/ whose screens come from runs of a test. */
export interface DocsPage {
  /**
   * Holds a section of the page, between two comments that name it, against what a run has made; with GETABAKO_WRITE_DOCS=1 it writes the
   * section instead.
   */
  readonly expectSection: (section: string, content: string) => Promise<void>;
}

/** docsPage is a page whose screens the tests of a folder make. */
export function docsPage(name: string, tests: string): DocsPage {
  const file = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
  return {
    expectSection: async (section, content) => {
      const text = await readFile(file, "utf8");
      const [begin, end] = [`<!-- ${section}: from a run of ${tests} -->\n`, `<!-- end of ${section} -->`];
      const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
      if (!text.includes(begin) || to < from) throw new Error(`docs/${name} has no section ${section}`);
      if (process.env["GETABAKO_WRITE_DOCS"] === "1") {
        await writeFile(file, `${text.slice(0, from)}${content}${text.slice(to)}`);
        return;
      }
      // oxlint-disable-next-line vitest/valid-expect -- vitest's expect takes a message
      expect(text.slice(from, to), `docs/${name} is stale: GETABAKO_WRITE_DOCS=1 npm run test:integration -- ${tests}`).toBe(
        content,
      );
    },
  };
}
