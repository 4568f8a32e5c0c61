import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { neededRights, rightText, secretRights } from "./access.ts";

test("doctor asks for the rights that the chart grants, and for no others", async () => {
  const text = await readFile(new URL("../../../charts/getabako/templates/rbac.yaml", import.meta.url), "utf8");
  const granted = [...text.matchAll(/resources: \[([^\]]+)\][\s\S]*?verbs: \[([^\]]+)\]/g)].flatMap(
    ([, resources = "", verbs = ""]) =>
      resources.split(", ").flatMap((resource) => verbs.split(", ").map((verb) => `${verb} ${resource}`)),
  );
  const asked = [...neededRights("lease"), ...secretRights("secret")].map((right) => rightText({ ...right, name: "" }).trim());
  expect([...new Set(asked)].toSorted()).toEqual([...new Set(granted)].toSorted());
});
