import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { weakened, weaknesses, weaknessNames } from "./weaknesses.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

it.each(weaknessNames)("the source still has the protection that %s takes away", (name) => {
  const source = weakened(name, root);
  expect(source).toContain(weaknesses[name].replace);
  expect(source).not.toContain(weaknesses[name].find);
});
