import { GitHubError } from "./errors.ts";

const pageSize = 100;
const maxPages = 100;

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
