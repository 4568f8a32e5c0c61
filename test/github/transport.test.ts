import type { RequestListener } from "node:http";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createDispatcher } from "../../src/github/dispatcher.ts";
import { errorCode } from "../../src/github/redact.ts";
import { BrokenExchange, type Transport, createTransport } from "../../src/github/transport.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";

const token = `ghs_${"planted".repeat(5)}`;
const never = new AbortController().signal;

describe("the transport, on the wire", () => {
  const closers: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function serve(
    listener: RequestListener,
    env: Record<string, string> = {},
  ): Promise<{ server: LocalServer; transport: Transport }> {
    const server = await startLocalServer(listener);
    const transport = createTransport({ baseUrl: server.url, dispatcher: createDispatcher({ env }), userAgent: "getabako/test" });
    closers.push(
      () => server.close(),
      () => transport.close(),
    );
    return { server, transport };
  }

  const json =
    (body: string): RequestListener =>
    (_request, response) => {
      response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(body);
    };

  it("sends typed routes with the authorization, the API version and a user agent, and encodes parameters", async () => {
    let seen: { url: string | undefined; headers: NodeJS.Dict<string | string[]> } | undefined;
    const { transport } = await serve((request, response) => {
      seen = { url: request.url, headers: request.headers };
      json('{"total_count":0,"runners":[]}')(request, response);
    });
    const send = transport.send(
      "Bearer abc",
      (request) => request("GET /orgs/{org}/actions/runners", { org: "a/../b", name: "x&y", per_page: 100 }),
      never,
    );
    await expect(send).resolves.toMatchObject({ ok: true, status: 200, data: { total_count: 0 } });
    expect(seen?.url).toBe("/orgs/a%2F..%2Fb/actions/runners?name=x%26y&per_page=100");
    expect(seen?.headers).toMatchObject({
      authorization: "Bearer abc",
      "x-github-api-version": "2022-11-28",
      "user-agent": expect.stringMatching(/^getabako\/test /),
    });
  });

  it("keeps ids beyond 2^53 exact", async () => {
    const { transport } = await serve(json('{"id":9223372036854775807,"run_id":9007199254740993,"runner_id":21}'));
    const answer = await transport.send(
      "Bearer x",
      (request) => request("GET /repos/{owner}/{repo}/actions/jobs/{job_id}", { owner: "a", repo: "b", job_id: 1 }),
      never,
    );
    expect(answer.ok && [String(answer.data.id), String(answer.data.run_id), Number(answer.data.runner_id)]).toEqual([
      "9223372036854775807",
      "9007199254740993",
      21,
    ]);
  });

  it("gives up on an answer that is small on the wire and grows without end", async () => {
    const zeros = gzipSync(Buffer.alloc(64 << 20));
    const { transport } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(zeros);
    });
    const answer = transport.send("Bearer x", (request) => request("GET /app"), never);
    await expect(answer).rejects.toThrow(BrokenExchange);
    await expect(answer.catch((error: BrokenExchange) => String(error.reason))).resolves.toContain(
      "has more than 16777216 bytes",
    );
  });

  it.each([
    ["cut off in the middle", '{"token":"' as string, 100],
    ["cut off before its first byte", "", 100],
    ["not JSON", "<html>proxy error</html>", undefined],
    ["a bare text", '"hello"', undefined],
  ])("takes a body that is %s for an unknown outcome and not for a success", async (_name, body, promised) => {
    const { transport } = await serve((_request, response) => {
      response.writeHead(201, {
        "content-type": "application/json",
        ...(promised === undefined ? {} : { "content-length": promised }),
      });
      response.write(body === "" ? Buffer.alloc(0) : body);
      if (promised === undefined) response.end();
      else setImmediate(() => response.destroy());
    });
    await expect(transport.send("Bearer x", (request) => request("GET /app"), never)).rejects.toMatchObject({
      name: "BrokenExchange",
    });
  });

  it("keeps what broke an answer off, for the log", async () => {
    const { transport } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": 100 });
      response.write("{");
      setImmediate(() => response.destroy());
    });
    const error: unknown = await transport
      .send("Bearer x", (request) => request("GET /app"), never)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BrokenExchange);
    expect(errorCode((error as BrokenExchange).reason)).toMatch(/^(ECONNRESET|UND_ERR_SOCKET)$/);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/ECONNRESET|UND_ERR_SOCKET/);
  });

  it.each([302, 304])("takes a %i that leads nowhere for a refusal", async (status) => {
    const { transport } = await serve((_request, response) => {
      response.writeHead(status, { "content-type": "application/json" }).end(status === 304 ? undefined : "{}");
    });
    const answer = await transport.send("Bearer x", (request) => request("GET /app"), never);
    expect(answer).toMatchObject({ ok: false, status });
  });

  it("writes nothing to the console, whatever headers come", async () => {
    const lines = (["debug", "info", "log", "warn", "error"] as const).map((level) => vi.spyOn(console, level).mockReturnValue());
    const { transport } = await serve((_request, response) => {
      response
        .writeHead(200, {
          "content-type": "application/json",
          deprecation: "true",
          sunset: "tomorrow",
          link: '<https://x>; rel="deprecation"',
        })
        .end("{}");
    });
    await transport.send("Bearer x", (request) => request("GET /app"), never);
    for (const line of lines) expect(line).not.toHaveBeenCalled();
  });

  it("returns a refusal without its body, and throws nothing that holds the request", async () => {
    const { transport } = await serve((_request, response) => {
      response
        .writeHead(422, {
          "content-type": "application/json",
          "x-github-request-id": "AB:1<script>",
          "x-accepted-github-permissions": "administration=write",
        })
        .end(JSON.stringify({ message: `do not repeat ${token}` }));
    });
    const answer = await transport.send(
      `Bearer ${token}`,
      (request) =>
        request("POST /orgs/{org}/actions/runners/generate-jitconfig", {
          org: "acme",
          name: "n",
          runner_group_id: 1,
          labels: ["x"],
        }),
      never,
    );
    expect(answer).toMatchObject({
      ok: false,
      status: 422,
      saysRateLimit: false,
      headers: { requestId: "AB:1script", acceptedPermissions: "administration=write" },
    });
    expect(inspect(answer, { depth: 10 })).not.toContain("planted");
  });

  it("does not let a server write into our messages through a header", async () => {
    const { transport } = await serve((_request, response) => {
      response
        .writeHead(403, {
          "x-accepted-github-permissions": "visit <https://evil.example> now",
          "x-ratelimit-resource": "a b",
          "x-ratelimit-limit": "-1",
        })
        .end();
    });
    const answer = await transport.send("Bearer x", (request) => request("GET /app"), never);
    expect(answer.headers).toMatchObject({ acceptedPermissions: undefined, rateLimit: undefined });
  });

  it.each([
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    "API rate limit exceeded for installation ID 1.",
    "You have triggered an abuse detection mechanism.",
  ])("notices a limit that is only said in words: %s", async (message) => {
    const { transport } = await serve((_request, response) => {
      response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify({ message }));
    });
    await expect(transport.send("Bearer x", (request) => request("GET /app"), never)).resolves.toMatchObject({
      saysRateLimit: true,
    });
  });

  it("stops waiting for a slow body when the signal says so", async () => {
    const { transport } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("{");
    });
    const limit = AbortSignal.timeout(50);
    await expect(transport.send("Bearer x", (request) => request("GET /app"), limit)).rejects.toMatchObject({
      name: "BrokenExchange",
    });
  });

  it("follows the redirect of a renamed repository with the same method and body", async () => {
    const seen: string[] = [];
    const { transport } = await serve((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => {
        seen.push(`${request.method} ${request.url} ${body.length > 0} ${request.headers.authorization}`);
        if (request.url?.startsWith("/repos/"))
          response.writeHead(307, { location: "/repositories/7/actions/runners/generate-jitconfig" }).end();
        else json("{}")(request, response);
      });
    });
    await transport.send(
      "Bearer x",
      (request) =>
        request("POST /repos/{owner}/{repo}/actions/runners/generate-jitconfig", {
          owner: "a",
          repo: "old",
          name: "n",
          runner_group_id: 1,
          labels: ["x"],
        }),
      never,
    );
    expect(seen).toEqual([
      "POST /repos/a/old/actions/runners/generate-jitconfig true Bearer x",
      "POST /repositories/7/actions/runners/generate-jitconfig true Bearer x",
    ]);
  });

  it("never carries a token to another host", async () => {
    const seen: (string | undefined)[] = [];
    const other = await startLocalServer((request, response) => {
      seen.push(request.headers.authorization);
      json("{}")(request, response);
    });
    closers.push(() => other.close());
    const { transport } = await serve((_request, response) => {
      response.writeHead(302, { location: `${other.url}/elsewhere` }).end();
    });
    await transport.send(`Bearer ${token}`, (request) => request("GET /app"), never);
    expect(seen).toEqual([undefined]);
  });

  it("goes through the proxy that the environment names, except for what NO_PROXY lists", async () => {
    const proxied: (string | undefined)[] = [];
    const proxy = await startLocalServer((request, response) => {
      proxied.push(request.url);
      json('{"via":"proxy"}')(request, response);
    });
    closers.push(() => proxy.close());
    const through = await serve(json('{"via":"direct"}'), { HTTP_PROXY: proxy.url });
    await expect(through.transport.send("Bearer x", (request) => request("GET /app"), never)).resolves.toMatchObject({
      data: { via: "proxy" },
    });
    const around = await serve(json('{"via":"direct"}'), { HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.1" });
    await expect(around.transport.send("Bearer x", (request) => request("GET /app"), never)).resolves.toMatchObject({
      data: { via: "direct" },
    });
    expect(proxied).toEqual([`${through.server.url}/app`]);
  });
});
