import { expect, it } from "vitest";
import { nextCursor } from "./list-deliveries.ts";

const base = "https://api.github.com/app/hook/deliveries?per_page=100";

it.each([
  [undefined, undefined],
  ["", undefined],
  [`<${base}&cursor=v1_123>; rel="next"`, "v1_123"],
  [`<${base}&cursor=a%3D%3D>; rel=next`, "a=="],
  [`<${base}>; rel="first", <${base}&cursor=v1_7>; rel="next"`, "v1_7"],
  [`<${base}&cursor=v1_7>; rel="prev"`, undefined],
  [`<${base}>; rel="next"`, undefined],
  ['<not an address>; rel="next"', undefined],
])("the next page of %j begins at %j", (link, cursor) => {
  expect(nextCursor(link)).toBe(cursor);
});
