import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { neededRights, rightText, secretRights } from "./access.ts";

test("doctor asks for the rights that the chart grants, and for no others", async () => {
  const templates = ["rbac.yaml", "_helpers.tpl"].map((name) => `../../../charts/getabako/templates/${name}`);
  const text = (await Promise.all(templates.map((path) => readFile(new URL(path, import.meta.url), "utf8")))).join("\n");
  const granted = [...text.matchAll(/resources: \[([^\]]+)\][\s\S]*?verbs: \[([^\]]+)\]/g)].flatMap(
    ([, resources = "", verbs = ""]) =>
      resources.split(", ").flatMap((resource) => verbs.split(", ").map((verb) => `${verb} ${resource}`)),
  );
  const asked = [...neededRights("lease"), ...secretRights("secret")].map((right) => rightText({ ...right, name: "" }).trim());
  expect([...new Set(asked)].toSorted()).toEqual([...new Set(granted)].toSorted());
});
