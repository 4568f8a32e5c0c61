/** NodeNetwork holds everything that depends on a cluster's number: several clusters run side by side. */
export interface NodeNetwork {
  readonly nodeName: string;
  /** The host's end of the veth pair; the other end gets `p` appended until it is inside. */
  readonly link: string;
  readonly cgroup: string;
  /** The host as pods and node see it: a server that they must reach listens here or on 0.0.0.0. */
  readonly hostIp: string;
  /** API server, NodePorts, hostPorts, DNS. */
  readonly nodeIp: string;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  readonly kubernetesServiceIp: string;
  readonly dnsServiceIp: string;
}

/** networkCount is how many clusters fit: each takes four /24 networks of 10.213.0.0/16. */
export const networkCount = 64;

/** nodeNetwork gives the addresses of one cluster. The host has routes to pods and Services; nothing leads outside. */
export function nodeNetwork(number: number): NodeNetwork {
  const base = 4 * number;
  return {
    nodeName: `node-${number}`,
    link: `gbk${number}`,
    cgroup: `getabako-${number}`,
    hostIp: `10.213.${base}.1`,
    nodeIp: `10.213.${base}.2`,
    podSubnet: `10.213.${base + 1}.0/24`,
    serviceSubnet: `10.213.${base + 2}.0/24`,
    kubernetesServiceIp: `10.213.${base + 2}.1`,
    dnsServiceIp: `10.213.${base + 2}.10`,
  };
}

/** hostName is the host's name inside the cluster. */
export const hostName = "host.cluster.internal";
