import { GitHubError } from "./errors.ts";

/**
 * idParameter puts an id into a route. Ids go beyond 2^53, so they are text here, while the routes' parameters are typed as numbers; the
 * text goes into the path as it is.
 *
 * @throws GitHubError Invalid for what is not the text of an unsigned 64-bit number: it could lead to another path.
 */
export function idParameter(what: "job" | "run" | "delivery", id: string): number {
  if (!/^\d{1,20}$/.test(id)) throw new GitHubError("Invalid", `a ${what}'s id is a whole number`);
  return id as unknown as number;
}
