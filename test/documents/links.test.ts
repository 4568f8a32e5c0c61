import { existsSync, statSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { type Page, pages, root } from "./markdown.ts";

const all = pages();
const byPath = new Map(all.map((page) => [page.path, page]));

/** What is wrong with a link: a file that is not there, a heading that is not there, an address that is none. */
function problem(page: Page, link: string): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(link)) return addressProblem(link);
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page.path : posix.normalize(posix.join(posix.dirname(page.path), decodeURIComponent(path)));
  if (target.startsWith("..")) return "leads out of the repository";
  if (!existsSync(`${root}${target}`)) return "leads to no file";
  if (anchor === undefined) return undefined;
  const found = byPath.get(target);
  if (found === undefined) return statSync(`${root}${target}`).isDirectory() ? "names a heading of a folder" : undefined;
  return found.anchors.has(anchor) ? undefined : `leads to no heading of ${target}`;
}

/** Nothing is called: a test that needs the Internet fails for reasons of its own. */
function addressProblem(link: string): string | undefined {
  // https://HOST/webhook: somebody's own.
  if (/^https:\/\/[A-Z-]+\//.test(link)) return undefined;
  if (!URL.canParse(link)) return "is no address";
  const { protocol, hostname } = new URL(link);
  if (protocol === "mailto:") return undefined;
  return protocol === "https:" && hostname.includes(".") ? undefined : "is no https address";
}

describe("links", () => {
  it.each(all.filter(({ links }) => links.length > 0))("of $path lead somewhere", (page) => {
    expect(page.links.flatMap((link) => problem(page, link)?.concat(`: ${link}`) ?? [])).toEqual([]);
  });

  it("are noticed when they do not", () => {
    const page = byPath.get("docs/ecs.md");
    if (page === undefined) throw new Error("docs/ecs.md is gone");
    expect(problem(page, "no-such-page.md")).toBe("leads to no file");
    expect(problem(page, "reference.md#no-such-heading")).toBe("leads to no heading of docs/reference.md");
    expect(problem(page, "#events")).toBeUndefined();
    expect(problem(page, "../../elsewhere.md")).toBe("leads out of the repository");
    expect(problem(page, "http://example.com")).toBe("is no https address");
  });

  it("reach every page of docs from its index", () => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const page = byPath.get(path);
      if (page === undefined || reached.has(path)) return;
      reached.add(path);
      for (const link of page.links) {
        if (/^[a-z][a-z+.-]*:|^#/i.test(link)) continue;
        const target = posix.normalize(posix.join(posix.dirname(path), link.split("#")[0] ?? ""));
        visit(byPath.has(target) ? target : posix.join(target, "README.md"));
      }
    };
    visit("docs/README.md");
    const below = all.map(({ path }) => path).filter((path) => path.startsWith("docs/"));
    expect(below.filter((path) => !reached.has(path) && !path.startsWith("docs/adr/"))).toEqual([]);
  });
});
