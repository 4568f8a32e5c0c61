import { GitHubError } from "./errors.ts";

/** pageSize is the largest page that GitHub serves. */
export const pageSize = 100;
const maxPages = 100;

/** firstPages yields the items of a list that may have any length, up to a number of pages. */
export async function* firstPages<T>(
  maxPages: number,
  fetchPage: (page: number) => Promise<readonly T[]>,
): AsyncGenerator<T, void, undefined> {
  for (let page = 1; page <= maxPages; page += 1) {
    const items = await fetchPage(page);
    yield* items;
    if (items.length < pageSize) return;
  }
}

/** pages yields the items of a list that GitHub serves in pages of 100, and refuses to follow a list without end. */
export async function* pages<T>(fetchPage: (page: number) => Promise<readonly T[]>): AsyncGenerator<T, void, undefined> {
  for (let page = 1; page <= maxPages; page += 1) {
    const items = await fetchPage(page);
    yield* items;
    if (items.length < pageSize) return;
  }
  throw new GitHubError(
    "Invalid",
    `GitHub lists more than ${maxPages * pageSize} entries; a partial list would be taken for the whole`,
  );
}
