import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, type Socket, connect } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { type SelfSigned, selfSigned } from "./self-signed.ts";
import { startBench } from "./setup.ts";

const never = new AbortController().signal;

/** A GitHub that answers nothing but GET /app, behind a certificate that no machine trusts by itself. */
async function startServer({ key, cert }: SelfSigned): Promise<string> {
  const server = createServer({ key, cert }, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end('{"slug":"private","permissions":{},"events":[]}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A proxy that tunnels, as they do for https, and keeps a list of where to. */
async function startProxy(): Promise<{ url: string; tunnels: string[] }> {
  const tunnels: string[] = [];
  const proxy = createHttpServer();
  proxy.on("connect", (request, client: Socket) => {
    const [host, port] = (request.url ?? "").split(":");
    tunnels.push(request.url ?? "");
    const upstream = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => client.destroy());
    client.on("error", () => upstream.destroy());
    onTestFinished(() => void upstream.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close());
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, tunnels };
}

describe("a GitHub with a private CA", () => {
  it("is refused, with the advice to name the CA", async () => {
    const { client } = await startBench();
    const webUrl = await startServer(selfSigned());
    await expect(client({ webUrl }).getApp(never)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringMatching(/certificate is not trusted \(\w+\).*caBundleRef/),
    });
    await expect(client({ webUrl, caBundle: selfSigned().cert }).getApp(never)).rejects.toMatchObject({ code: "Unavailable" });
  });

  it("works once the bundle names it, also beside other certificates", async () => {
    const { client } = await startBench();
    const pair = selfSigned();
    const webUrl = await startServer(pair);
    await expect(client({ webUrl, caBundle: pair.cert }).getApp(never)).resolves.toMatchObject({ slug: "private" });
    await expect(client({ webUrl, caBundle: `# corp\n${selfSigned().cert}\n${pair.cert}` }).getApp(never)).resolves.toMatchObject(
      { slug: "private" },
    );
  });

  it("does not lose the authorities that the machine trusts", async () => {
    const { client } = await startBench();
    const pair = selfSigned();
    const webUrl = await startServer(pair);
    const machine = getCACertificates("default");
    setDefaultCACertificates([...machine, pair.cert]);
    onTestFinished(() => setDefaultCACertificates(machine));
    await expect(client({ webUrl, caBundle: selfSigned().cert }).getApp(never)).resolves.toMatchObject({ slug: "private" });
  });

  it("works through a proxy, which tunnels and never sees the request", async () => {
    const { client } = await startBench();
    const pair = selfSigned();
    const webUrl = await startServer(pair);
    const proxy = await startProxy();
    const github = client({ webUrl, caBundle: pair.cert, env: { https_proxy: proxy.url } });
    await expect(github.getApp(never)).resolves.toMatchObject({ slug: "private" });
    expect(proxy.tunnels).toEqual([new URL(webUrl).host]);
  });
});
