import { invalidParameter } from "../api-error.ts";

/**
 * page cuts one page of at most 100 out of the items that match. `universe` is the order of everything there is: the token names
 * the last item seen, whose place there stands also when it no longer matches, so that changes between pages lose nothing.
 */
export function page(
  items: readonly string[],
  universe: readonly string[],
  { maxResults = 100, nextToken }: { readonly maxResults?: number | undefined; readonly nextToken?: string | undefined },
): { readonly items: readonly string[]; readonly nextToken: string | undefined } {
  if (!Number.isInteger(maxResults) || maxResults < 1 || maxResults > 100) {
    throw invalidParameter(`MaxResults must be between 1 and 100, got ${maxResults}.`);
  }
  const rest = nextToken === undefined ? items : itemsAfter(items, universe, nextToken);
  const chosen = rest.slice(0, maxResults);
  const last = chosen.at(-1);
  const token = rest.length > chosen.length && last !== undefined ? Buffer.from(last).toString("base64url") : undefined;
  return { items: chosen, nextToken: token };
}

function itemsAfter(items: readonly string[], universe: readonly string[], token: string): readonly string[] {
  const after = Buffer.from(token, "base64url").toString();
  if (!after.startsWith("arn:")) {
    throw invalidParameter("Invalid token");
  }
  // An item that is gone altogether starts the list again: repeats are allowed, gaps are not.
  const seen = new Set(universe.slice(0, universe.indexOf(after) + 1));
  return items.filter((item) => !seen.has(item));
}
