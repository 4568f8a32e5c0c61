import { expect, it } from "vitest";
import { titleColumns, titleOf } from "./title.ts";

it.each([
  ["acme/web", "build", "acme/web: build"],
  ["acme/web", "test (1, ubuntu)", "web: test (1, ubuntu)"],
  ["acme/customer-portal", "build", "customer-portal: build"],
  ["acme/web", "integration tests (postgres 17, node 24)", "web: integrati… node 24)"],
  ["acme-platform-engineering/customer-notification-service-for-mobile-clients", "build", "customer…-clients: build"],
  [
    "acme-platform-engineering/customer-notification-service-for-mobile-clients",
    "integration tests (postgres 17, node 24)",
    "custo…ients: integ…e 24)",
  ],
  ["acme/web", "試験を全部動かして報告する長い名前", "web: 試験を全部…長い名前"],
  ["acme/web", "", "acme/web: "],
])("%s: %s is %s", (repository, name, title) => {
  expect(titleOf({ repository, name })).toBe(title);
});

it("no title is wider than its column", () => {
  for (const letters of [1, 8, 11, 12, 13, 30, 100]) {
    for (const word of ["a", "試", "🥿"]) {
      const title = titleOf({ repository: `o/${"r".repeat(letters)}`, name: word.repeat(letters) });
      const columns = Array.from(title, (character) => (/[試🥿]/u.test(character) ? 2 : 1)).reduce<number>(
        (sum, one) => sum + one,
        0,
      );
      expect(columns).toBeLessThanOrEqual(titleColumns);
    }
  }
});
