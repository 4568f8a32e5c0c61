import { expect, test } from "vitest";
import { imageProblem, isPrivateEcr } from "./image-reference.ts";

const digest = `sha256:${"0a".repeat(32)}`;

test.each([
  "runner",
  "library/runner:2",
  "ghcr.io/acme/runner:2.336.0",
  "ghcr.io/actions/actions-runner",
  "localhost:5000/a__b/c-d:x_Y.z",
  "localhost/runner:1",
  `123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/team/runner@${digest}`,
  `registry.example.com:443/x:tag@${digest}`,
])("%s is an image", (image) => {
  expect(imageProblem(image)).toBeUndefined();
});

test.each([
  ["https://ghcr.io/acme/runner", "https://"],
  ["ghcr.io/Acme/runner", "small letters: acme/runner"],
  ["ghcr.io/acme/runner:", "is no tag"],
  ["ghcr.io/acme/runner:a:b", "is no tag"],
  ["ghcr.io/acme//runner", "is no image name"],
  ["ghcr.io/acme/runner@latest", "is no digest"],
  [`a@${digest}@${digest}`, "more than one @"],
  ["bad_host.io:80/x", "is no registry host"],
  ["ghcr.io/", "is no image name"],
  ["", "is no image name"],
])("%s is none: %s", (image, problem) => {
  expect(imageProblem(image)).toContain(problem);
});

test("private ECR registries are known by their host", () => {
  expect(isPrivateEcr("123456789012.dkr.ecr.us-east-1.amazonaws.com/runner")).toBe(true);
  expect(isPrivateEcr("123456789012.dkr-ecr.us-east-1.on.aws/runner")).toBe(true);
  expect(isPrivateEcr("public.ecr.aws/acme/runner")).toBe(false);
});
