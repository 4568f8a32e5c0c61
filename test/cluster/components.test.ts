import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { apiServerArguments, controllerManagerArguments, etcdArguments, kubeconfigText, layout } from "./components.ts";

const files = layout("/state");
const ports = { etcdClient: 20_001, etcdPeer: 20_002, apiServer: 20_003 };

describe("the components' arguments", () => {
  it("lead the API server to its etcd", () => {
    expect(etcdArguments(files, ports)).toContain("--listen-client-urls=http://127.0.0.1:20001");
    expect(apiServerArguments(files, ports, { hasControllerManager: true })).toContain("--etcd-servers=http://127.0.0.1:20001");
  });

  it("keep every server on the loopback interface", () => {
    const all = [...etcdArguments(files, ports), ...apiServerArguments(files, ports, { hasControllerManager: true })];
    const listening = all.filter((argument) => /^--(listen|bind|advertise|initial-advertise)-/.test(argument));
    expect(listening).toHaveLength(6);
    for (const argument of listening) expect(argument).toMatch(/=(http:\/\/)?127\.0\.0\.1(:\d+)?$/);
  });

  it("sign and verify service account tokens with one pair of keys", () => {
    const server = apiServerArguments(files, ports, { hasControllerManager: true });
    expect(server).toContain("--service-account-signing-key-file=/state/service-account.key");
    expect(controllerManagerArguments(files)).toContain("--service-account-private-key-file=/state/service-account.key");
  });

  it("admit pods without a ServiceAccount only where no controller manager makes one", () => {
    const admission = "--disable-admission-plugins=ServiceAccount";
    expect(apiServerArguments(files, ports, { hasControllerManager: false })).toContain(admission);
    expect(apiServerArguments(files, ports, { hasControllerManager: true })).not.toContain(admission);
  });

  it("end with what a suite adds, which then wins", () => {
    const extra = ["--min-request-timeout=2"];
    expect(apiServerArguments(files, ports, { hasControllerManager: true, extra }).at(-1)).toBe("--min-request-timeout=2");
  });
});

describe("kubeconfigText", () => {
  it("trusts exactly the given authority", () => {
    const config: unknown = parse(
      kubeconfigText({ server: "https://127.0.0.1:1", certificateAuthority: "PEM", user: { token: "t" } }),
    );
    expect(config).toMatchObject({
      clusters: [
        { cluster: { server: "https://127.0.0.1:1", "certificate-authority-data": Buffer.from("PEM").toString("base64") } },
      ],
      users: [{ user: { token: "t" } }],
      "current-context": "test",
    });
    expect(JSON.stringify(config)).not.toContain("insecure");
  });
});
