import { hostName, type NodeNetwork } from "./node-network.ts";

/*
 * The configuration of every component of the single-node cluster. Inside its namespaces the state directory is /mnt, so
 * that paths are short and constant (a Unix socket's is limited to 107 bytes). What is not set keeps its default.
 */

/** Snapshotter is how containerd stacks image layers. */
export type Snapshotter = "overlayfs" | "native";

/** nodeFiles renders the configuration files, by their path below the state directory. */
export function nodeFiles(network: NodeNetwork, snapshotter: Snapshotter): Record<string, string> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    "containerd.toml": containerdConfig(snapshotter),
    "cni/10-bridge.conflist": json(bridgeNetwork(network)),
    "kubelet.yaml": json(kubeletConfig(network)),
    "proxy.yaml": json(proxyConfig(network)),
    "audit.yaml": json(auditPolicy),
    "resolv.conf": `nameserver ${network.nodeIp}\n`,
    Corefile: corefile(network),
    "addons.yaml": addons(network).map(json).join("---\n"),
    ...Object.fromEntries(
      Object.entries(componentCommands(network)).map(([name, words]) => [`component/${name}`, script(words)]),
    ),
  };
}

/** componentCommands are the command lines of the components, relative to the state directory. */
export function componentCommands(network: NodeNetwork): Record<string, readonly string[]> {
  return {
    containerd: ["containerd", "-c", "/mnt/containerd.toml"],
    etcd: ["etcd", "--data-dir=/mnt/etcd", "--unsafe-no-fsync"],
    "kube-apiserver": [
      "kube-apiserver",
      "--etcd-servers=http://127.0.0.1:2379",
      // Not loopback, or the Service kubernetes.default gets no endpoint.
      `--advertise-address=${network.nodeIp}`,
      `--service-cluster-ip-range=${network.serviceSubnet}`,
      "--client-ca-file=pki/ca.crt",
      "--tls-cert-file=pki/apiserver.crt",
      "--tls-private-key-file=pki/apiserver.key",
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      "--service-account-key-file=pki/sa.pub",
      "--service-account-signing-key-file=pki/sa.key",
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--allow-privileged=true",
      // Otherwise the node's name is resolved first, and `logs` and `exec` time out.
      "--kubelet-preferred-address-types=InternalIP",
      "--kubelet-client-certificate=pki/apiserver-kubelet-client.crt",
      "--kubelet-client-key=pki/apiserver-kubelet-client.key",
      "--kubelet-certificate-authority=pki/ca.crt",
      "--audit-policy-file=audit.yaml",
      "--audit-log-path=log/audit.log",
    ],
    "kube-controller-manager": [
      "kube-controller-manager",
      "--kubeconfig=controller-manager.conf",
      "--use-service-account-credentials",
      "--leader-elect=false",
      // The default 20 requests a second keep the node's not-ready taint for 5 s longer.
      "--kube-api-qps=500",
      "--kube-api-burst=1000",
      "--service-account-private-key-file=pki/sa.key",
      "--root-ca-file=pki/ca.crt",
      "--cluster-signing-cert-file=pki/ca.crt",
      "--cluster-signing-key-file=pki/ca.key",
    ],
    "kube-scheduler": ["kube-scheduler", "--kubeconfig=scheduler.conf", "--leader-elect=false"],
    // Without an address the kubelet asks DNS for its own name.
    kubelet: ["kubelet", "--config=kubelet.yaml", "--kubeconfig=node.conf", `--node-ip=${network.nodeIp}`],
    "kube-proxy": ["kube-proxy", "--config=proxy.yaml"],
    coredns: ["coredns", "-conf", "Corefile"],
  };
}

function script(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return `exec ${quoted.join(" \\\n  ")}\n`;
}

function containerdConfig(snapshotter: Snapshotter): string {
  return `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  # Without CAP_SYS_RESOURCE every sandbox would fail.
  restrict_oom_score_adj = true
  # Loads no profile into the developer's kernel.
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    # /etc/cni/net.d may hold another engine's network.
    conf_dir = "/mnt/cni"
`;
}

function bridgeNetwork({ podSubnet }: NodeNetwork): object {
  const ipam = { type: "host-local", ranges: [[{ subnet: podSubnet }]], routes: [{ dst: "0.0.0.0/0" }] };
  return {
    cniVersion: "1.0.0",
    name: "kube",
    plugins: [
      { type: "bridge", bridge: "cni0", isGateway: true, hairpinMode: true, ipam },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

function kubeletConfig({ cgroup, dnsServiceIp }: NodeNetwork): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: { x509: { clientCAFile: "/mnt/pki/ca.crt" }, anonymous: { enabled: false } },
    tlsCertFile: "/mnt/pki/kubelet.crt",
    tlsPrivateKeyFile: "/mnt/pki/kubelet.key",
    failCgroupV1: false,
    // One of its own, so that stopping knows what to remove.
    cgroupRoot: `/${cgroup}`,
    failSwapOn: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    // Naming one replaces all defaults: a developer's disk over 85 % would evict every pod.
    evictionHard: { "memory.available": "50Mi" },
    // An image that was loaded cannot be pulled again.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    resolvConf: "/mnt/resolv.conf",
    clusterDNS: [dnsServiceIp],
    clusterDomain: "cluster.local",
    // A changed Secret is in its volume after seconds instead of a minute.
    syncFrequency: "5s",
  };
}

function proxyConfig({ podSubnet }: NodeNetwork): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    clientConnection: { kubeconfig: "/mnt/proxy.conf" },
    clusterCIDR: podSubnet,
    // 0 leaves the kernel's values alone: they are the whole machine's.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    oomScoreAdj: 0,
  };
}

/** What service accounts of applications did: to be compared with their Roles. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "None", userGroups: ["system:nodes", "system:masters", "system:serviceaccounts:kube-system"] },
    {
      level: "None",
      users: ["apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"].map((name) => `system:${name}`),
    },
    { level: "Metadata" },
  ],
};

/** Three server blocks: within one, the template plugin would answer before hosts and kubernetes (their order is compiled in). */
function corefile({ nodeIp, hostIp }: NodeNetwork): string {
  return `cluster.local in-addr.arpa {
  bind ${nodeIp}
  errors
  kubernetes {
    kubeconfig /mnt/coredns.conf
    ttl 0
  }
}
${hostName} {
  bind ${nodeIp}
  hosts {
    ${hostIp} ${hostName}
  }
}
. {
  bind ${nodeIp}
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;
}

/** CoreDNS runs as a process on the node's address; a Service without selector and its EndpointSlice lead there. */
function addons({ nodeIp, dnsServiceIp }: NodeNetwork): readonly object[] {
  const rbac = "rbac.authorization.k8s.io";
  const ports = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ];
  return [
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRole",
      metadata: { name: "system:coredns" },
      rules: [
        { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: ["list", "watch"] },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: "system:coredns" },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "system:coredns" },
      subjects: [{ apiGroup: rbac, kind: "User", name: "system:coredns" }],
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kube-dns", namespace: "kube-system" },
      spec: { clusterIP: dnsServiceIp, ports },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "kube-dns", namespace: "kube-system", labels: { "kubernetes.io/service-name": "kube-dns" } },
      addressType: "IPv4",
      endpoints: [{ addresses: [nodeIp], conditions: { ready: true } }],
      ports,
    },
  ];
}
