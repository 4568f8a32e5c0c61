import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { componentCommands, nodeFiles } from "./node-config.ts";
import { networkCount, nodeNetwork } from "./node-network.ts";
import { leaves } from "./node-pki.ts";

const network = nodeNetwork(3);
const files = nodeFiles(network, "overlayfs");

describe("nodeNetwork", () => {
  it("gives no two clusters a network in common", () => {
    const all = Array.from({ length: networkCount }, (_, number) => nodeNetwork(number));
    const subnets = all.flatMap(({ hostIp, podSubnet, serviceSubnet }) => [hostIp, podSubnet, serviceSubnet].map(thirdOctet));
    expect(new Set(subnets).size).toBe(3 * networkCount);
    expect(Math.max(...subnets)).toBeLessThan(256);
  });

  it("keeps link names within the kernel's 15 characters", () => {
    expect(`${nodeNetwork(networkCount - 1).link}p`.length).toBeLessThanOrEqual(15);
  });
});

describe("nodeFiles", () => {
  it("points pods at the cluster's DNS, which runs on the node", () => {
    expect(parse(files["kubelet.yaml"] ?? "")).toMatchObject({ clusterDNS: ["10.213.14.10"], cgroupRoot: "/getabako-3" });
    const objects = parseAllDocuments(files["addons.yaml"] ?? "").map((document): unknown => document.toJS());
    expect(objects).toContainEqual(
      expect.objectContaining({ kind: "Service", spec: expect.objectContaining({ clusterIP: "10.213.14.10" }) }),
    );
    expect(objects).toContainEqual(
      expect.objectContaining({ kind: "EndpointSlice", endpoints: [expect.objectContaining({ addresses: ["10.213.12.2"] })] }),
    );
  });

  it("resolves the host's name and nothing outside the cluster", () => {
    expect(files["Corefile"]).toContain("10.213.12.1 host.cluster.internal");
    expect(files["Corefile"]).not.toContain("forward");
  });

  it("gives kube-proxy and the bridge the same pod network", () => {
    expect(parse(files["proxy.yaml"] ?? "")).toMatchObject({ clusterCIDR: "10.213.13.0/24" });
    expect(files["cni/10-bridge.conflist"]).toContain('"10.213.13.0/24"');
  });

  it("stacks layers as it was told", () => {
    expect(files["containerd.toml"]).toContain('snapshotter = "overlayfs"');
    expect(nodeFiles(network, "native")["containerd.toml"]).toContain('snapshotter = "native"');
  });

  it("writes a script for each component that replaces its shell, so that the pid is the component's", () => {
    for (const [name, words] of Object.entries(componentCommands(network))) {
      expect(files[`component/${name}`]).toMatch(new RegExp(`^exec '${name}'`));
      expect(words[0]).toBe(name);
    }
  });
});

describe("leaves", () => {
  it("names every address that clients use for the API server", () => {
    const server = leaves(network).find(({ name }) => name === "apiserver");
    expect(server?.alternativeNames).toEqual(
      expect.arrayContaining(["DNS:kubernetes.default.svc", "IP:127.0.0.1", "IP:10.213.12.2", "IP:10.213.14.1"]),
    );
  });

  it("gives the node the identity that the node authorizer knows", () => {
    expect(leaves(network)).toContainEqual(
      expect.objectContaining({ name: "node", subject: "/O=system:nodes/CN=system:node:node-3" }),
    );
  });
});

function thirdOctet(address: string): number {
  return Number(address.split(".")[2]);
}
