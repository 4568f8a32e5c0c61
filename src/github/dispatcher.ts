import { X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";
import { type Dispatcher, EnvHttpProxyAgent } from "undici";

/** ProxyEnvironment is where the proxy settings are read from: HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * createDispatcher makes the connection pool of one client: keep-alive, the usual proxy variables, and a private CA on top of the
 * machine's and NODE_EXTRA_CA_CERTS. The pool belongs to the client, so that a rotated CA needs no restart.
 * @throws RangeError when the bundle holds no readable certificate.
 */
export function createDispatcher(options: { caBundle?: string | undefined; env: ProxyEnvironment }): Dispatcher {
  const { env } = options;
  const tls = options.caBundle === undefined ? {} : { ca: [...getCACertificates("default"), ...certificates(options.caBundle)] };
  return new EnvHttpProxyAgent({
    httpProxy: env["http_proxy"] ?? env["HTTP_PROXY"] ?? "",
    httpsProxy: env["https_proxy"] ?? env["HTTPS_PROXY"] ?? "",
    noProxy: env["no_proxy"] ?? env["NO_PROXY"] ?? "",
    connect: { timeout: 5_000, ...tls },
    requestTls: tls,
    proxyTls: tls,
    // Short, because a connection that the other side closes at this moment costs a registration its answer.
    keepAliveTimeout: 4_000,
    connections: 32,
    allowH2: false,
    maxResponseSize: 16 << 20,
  });
}

function certificates(bundle: string): readonly string[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0)
    throw new RangeError('the CA bundle holds no certificate; it needs PEM blocks that start with "-----BEGIN CERTIFICATE-----"');
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      throw new RangeError(`certificate ${index + 1} of ${blocks.length} in the CA bundle does not parse`);
    }
  }
  return blocks;
}
