import { expect, test } from "vitest";
import { abuseNames } from "./abuses.ts";
import { parseAbuseOptions, usage } from "./options.ts";

test("options are read, and what is wrong with them is said", () => {
  expect(parseAbuseOptions(["--", "--only", "none, churn", "--seconds", "2"])).toEqual({
    abuses: ["none", "churn"],
    seconds: 2,
    json: undefined,
    help: false,
  });
  expect(parseAbuseOptions([])).toMatchObject({ abuses: abuseNames, seconds: 8 });
  expect(() => parseAbuseOptions(["--seconds", "600"])).toThrow("2 to 60");
  expect(() => parseAbuseOptions(["--only", "ddos"])).toThrow('"ddos" is none of');
  for (const name of abuseNames) expect(usage).toContain(name);
});
