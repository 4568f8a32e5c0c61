import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { kubeconfigText } from "./components.ts";
import type { NodeNetwork } from "./node-network.ts";
import { runCommand } from "./run-command.ts";

const opensslConfig = `[req]
distinguished_name=dn
[dn]
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign,digitalSignature
[leaf]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
`;

/** Leaf is a certificate that the cluster's own authority signs; Kubernetes' built-in bindings know these subjects. */
export interface Leaf {
  readonly name: string;
  readonly subject: string;
  readonly alternativeNames: readonly string[];
}

/** leaves are all certificates of the single-node cluster. */
export function leaves(network: NodeNetwork): readonly Leaf[] {
  const client = (name: string, subject: string): Leaf => ({ name, subject, alternativeNames: [`DNS:${name}`] });
  return [
    {
      name: "apiserver",
      subject: "/CN=kube-apiserver",
      alternativeNames: [
        ...[
          "kubernetes",
          "kubernetes.default",
          "kubernetes.default.svc",
          "kubernetes.default.svc.cluster.local",
          "localhost",
        ].map((name) => `DNS:${name}`),
        ...["127.0.0.1", network.nodeIp, network.kubernetesServiceIp].map((ip) => `IP:${ip}`),
      ],
    },
    {
      name: "kubelet",
      subject: `/CN=${network.nodeName}`,
      alternativeNames: [`DNS:${network.nodeName}`, `IP:${network.nodeIp}`],
    },
    client("apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
    client("admin", "/O=system:masters/CN=admin"),
    client("node", `/O=system:nodes/CN=system:node:${network.nodeName}`),
    client("controller-manager", "/CN=system:kube-controller-manager"),
    client("scheduler", "/CN=system:kube-scheduler"),
    client("proxy", "/CN=system:kube-proxy"),
    client("coredns", "/CN=system:coredns"),
  ];
}

const kubeconfigUsers = ["admin", "node", "controller-manager", "scheduler", "proxy", "coredns"];

/** writeCertificates fills STATE/pki with an authority and its certificates, and STATE with a kubeconfig for each client. */
export async function writeCertificates(state: string, network: NodeNetwork): Promise<void> {
  const pki = join(state, "pki");
  await writeFile(join(pki, "openssl.cnf"), opensslConfig);
  const openssl = async (...args: string[]): Promise<unknown> => await runCommand("openssl", args, { cwd: pki });
  const request = async (section: string, subject: string, name: string, ...more: string[]): Promise<void> => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
    const base = ["req", "-x509", "-new", "-days", "3650", "-config", "openssl.cnf", "-extensions", section];
    await openssl(...base, ...key, "-subj", subject, "-out", `${name}.crt`, ...more);
  };
  await request("ca", "/CN=test-ca", "ca");
  const signed = ["-CA", "ca.crt", "-CAkey", "ca.key"];
  await Promise.all([
    ...leaves(network).map(async ({ name, subject, alternativeNames }) => {
      await request("leaf", subject, name, ...signed, "-addext", `subjectAltName=${alternativeNames.join(",")}`);
    }),
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "sa.key").then(
      async () => await openssl("ec", "-in", "sa.key", "-pubout", "-out", "sa.pub"),
    ),
  ]);
  const certificateAuthority = await readFile(join(pki, "ca.crt"), "utf8");
  for (const user of kubeconfigUsers) {
    const text = kubeconfigText({
      // People and tests are outside; components are inside.
      server: `https://${user === "admin" ? network.nodeIp : "127.0.0.1"}:6443`,
      certificateAuthority,
      user: {
        "client-certificate-data": await readFile(join(pki, `${user}.crt`), "base64"),
        "client-key-data": await readFile(join(pki, `${user}.key`), "base64"),
      },
    });
    await writeFile(join(state, `${user}.conf`), text, { mode: 0o600 });
  }
}
