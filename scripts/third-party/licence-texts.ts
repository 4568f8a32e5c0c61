import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BundledPackage } from "./bundled-packages.ts";

/** Licences whose text is the same for all, so that one copy serves every package; the others name their owner. */
const ownerless = new Set(["Apache-2.0", "Unlicense"]);
const licenceFile = /^(licen[cs]e|copying|unlicense)([.-].*)?$/i;
const noticeFile = /^notice([.-].*)?$/i;

const rule = "-".repeat(80);

/**
 * licenceTexts is the document that licences demand to come along with the bundle: each package, its licence's text and its notices.
 * Packages with the same text share one copy. It fails for a package whose licence demands a text that the package does not bring.
 */
export function licenceTexts(packages: readonly BundledPackage[], root: string): string {
  const sections = new Map<string, BundledPackage[]>();
  const without: BundledPackage[] = [];
  for (const bundled of packages) {
    const text = textOf(bundled, root);
    if (text === undefined) without.push(bundled);
    else sections.set(text, [...(sections.get(text) ?? []), bundled]);
  }
  for (const bundled of without) sections.get(sharedText(bundled, sections))?.push(bundled);

  const head = `getabako is a bundle with code of these ${packages.length} packages. Their licences follow.\n`;
  const list = packages.map(({ name, version, licence }) => `${name} ${version}: ${licence ?? "no licence"}\n`).join("");
  const texts = [...sections].map(([text, owners]) => {
    const names = owners.map(({ name, version }) => `${name} ${version}\n`).toSorted();
    return `${rule}\n${names.join("")}${rule}\n\n${text}\n`;
  });
  return `${head}\n${list}\n${texts.join("\n")}`;
}

/** Of one package: its licence, then what it wants to be said. */
function textOf({ directory }: BundledPackage, root: string): string | undefined {
  const names = readdirSync(join(root, directory)).toSorted();
  const licences = names.filter((name) => licenceFile.test(name));
  if (licences.length === 0) return undefined;
  const files = [...licences, ...names.filter((name) => noticeFile.test(name))];
  return files
    .map((name) =>
      readFileSync(join(root, directory, name), "utf8")
        .replaceAll("\r\n", "\n")
        .trim(),
    )
    .join("\n\n");
}

/** The text that most packages with the same licence bring. */
function sharedText({ name, licence }: BundledPackage, sections: ReadonlyMap<string, readonly BundledPackage[]>): string {
  const [text] =
    [...sections]
      .filter(([, [owner]]) => owner?.licence === licence && licence !== undefined && ownerless.has(licence))
      .toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
  if (text === undefined) {
    throw new Error(
      `${name} is in the bundle and has no file with its licence (${licence ?? "none"}), which has to come along: do without it`,
    );
  }
  return text;
}
