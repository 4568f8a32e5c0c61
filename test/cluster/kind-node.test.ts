import { describe, expect, it } from "vitest";
import { createArguments, firstIpv4, kindImage } from "./kind-node.ts";
import { kubernetesVersion } from "./versions.ts";

describe("createArguments", () => {
  it("keeps kind away from the kubeconfig of the user", () => {
    expect(createArguments("getabako-1", "/private/kubeconfig").join(" ")).toContain("--kubeconfig /private/kubeconfig");
  });

  it("asks for the same minor version as the own build, pinned by digest", () => {
    const minor = kubernetesVersion.split(".").slice(0, 2).join(".");
    expect(kindImage).toMatch(new RegExp(`^kindest/node:v${minor.replace(".", "\\.")}\\.\\d+@sha256:[0-9a-f]{64}$`));
  });
});

describe("firstIpv4", () => {
  it.each([
    ["default via 172.18.0.1 dev eth0 proto dhcp src 172.18.0.2", "172.18.0.1"],
    ["172.18.0.2 fc00:f853:ccd:e793::2", "172.18.0.2"],
    ["192.168.65.254  STREAM host.docker.internal", "192.168.65.254"],
  ])("finds the address in %s", (text, address) => {
    expect(firstIpv4(text)).toBe(address);
  });

  it("says what it was given when there is none", () => {
    expect(() => firstIpv4("fe80::1")).toThrow('no IPv4 address in "fe80::1"');
  });
});
