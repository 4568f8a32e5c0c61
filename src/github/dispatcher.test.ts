import { expect, it } from "vitest";
import { createDispatcher } from "./dispatcher.ts";

it.each([
  ["", /holds no certificate/],
  ["hello", /holds no certificate/],
  ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", /certificate 1 of 1.*does not parse/],
])("createDispatcher refuses the CA bundle %j and says why", (caBundle, problem) => {
  expect(() => createDispatcher({ caBundle, env: {} })).toThrow(problem);
});
