import { join } from "node:path";

/** Layout is the state directory of one control plane: every path in it. */
export interface Layout {
  readonly root: string;
  readonly etcd: string;
  readonly certificates: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly tokens: string;
  readonly signingKey: string;
  readonly verifyingKey: string;
  readonly kubeconfig: string;
  log(component: string): string;
}

/** layout names the files below a state directory. */
export function layout(root: string): Layout {
  const certificates = join(root, "certificates");
  return {
    root,
    etcd: join(root, "etcd"),
    certificates,
    serverCertificate: join(certificates, "apiserver.crt"),
    serverKey: join(certificates, "apiserver.key"),
    tokens: join(root, "tokens.csv"),
    signingKey: join(root, "service-account.key"),
    verifyingKey: join(root, "service-account.pub"),
    kubeconfig: join(root, "kubeconfig"),
    log: (component) => join(root, `${component}.log`),
  };
}

/** Ports are the loopback ports of one control plane. */
export interface Ports {
  readonly etcdClient: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
}

/** etcdArguments: no fsync, because the data of a test may be lost with the machine (a killed etcd loses nothing). */
export function etcdArguments(files: Layout, ports: Ports): string[] {
  const client = `http://127.0.0.1:${ports.etcdClient}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    `--data-dir=${files.etcd}`,
    "--unsafe-no-fsync",
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
}

/**
 * apiServerArguments: RBAC and service account tokens as in a real cluster. Without a controller manager no namespace
 * gets its default ServiceAccount, and the admission plugin of that name would refuse every pod.
 */
export function apiServerArguments(
  files: Layout,
  ports: Ports,
  options: { hasControllerManager: boolean; extra?: readonly string[] },
): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcdClient}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${ports.apiServer}`,
    `--cert-dir=${files.certificates}`,
    `--token-auth-file=${files.tokens}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.0.0.0/24",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${files.verifyingKey}`,
    `--service-account-signing-key-file=${files.signingKey}`,
    ...(options.hasControllerManager ? [] : ["--disable-admission-plugins=ServiceAccount"]),
    ...(options.extra ?? []),
  ];
}

/** controllerManagerArguments: one of its kind needs no election, and the default 20 requests a second cost 5 s. */
export function controllerManagerArguments(files: Layout): string[] {
  return [
    `--kubeconfig=${files.kubeconfig}`,
    "--leader-elect=false",
    "--secure-port=0",
    `--service-account-private-key-file=${files.signingKey}`,
    `--root-ca-file=${files.serverCertificate}`,
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
  ];
}

/** kubeconfigText renders a kubeconfig with one cluster and one user. */
export function kubeconfigText(o: {
  server: string;
  /** PEM; absent for plain http. */
  certificateAuthority?: string;
  user: Readonly<Record<string, string>>;
  namespace?: string;
}): string {
  const cluster =
    o.certificateAuthority === undefined
      ? { server: o.server, "insecure-skip-tls-verify": true }
      : { server: o.server, "certificate-authority-data": Buffer.from(o.certificateAuthority).toString("base64") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster }],
    users: [{ name: "test", user: o.user }],
    contexts: [
      {
        name: "test",
        context: { cluster: "test", user: "test", ...(o.namespace === undefined ? {} : { namespace: o.namespace }) },
      },
    ],
    "current-context": "test",
  };
  // JSON is YAML, and needs no quoting rules.
  return `${JSON.stringify(config, null, 2)}\n`;
}
