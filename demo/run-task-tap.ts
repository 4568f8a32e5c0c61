import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** RunTaskTap stands between the operator and an ECS, and passes everything on as it is. */
export interface RunTaskTap extends AsyncDisposable {
  readonly url: string;
  /** Security groups by task ARN, of each RunTask that gave a task. ECS itself never tells them again. */
  readonly securityGroups: ReadonlyMap<string, readonly string[]>;
}

interface RunTask {
  readonly networkConfiguration?: { readonly awsvpcConfiguration?: { readonly securityGroups?: readonly string[] } };
}

/** startRunTaskTap listens on this machine's loopback address. It keeps nothing of a request but the security groups. */
export async function startRunTaskTap(target: string): Promise<RunTaskTap> {
  const securityGroups = new Map<string, readonly string[]>();
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const { host: _host, connection: _connection, "content-length": _length, ...headers } = request.headers;
      const answer = await fetch(new URL(request.url ?? "/", target), {
        method: request.method ?? "POST",
        headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
        ...(body.length > 0 && { body }),
        signal: AbortSignal.timeout(60_000),
      });
      const text = await answer.text();
      if (answer.ok && String(request.headers["x-amz-target"]).endsWith(".RunTask")) note(body.toString("utf8"), text);
      const type = answer.headers.get("content-type");
      response.writeHead(answer.status, type === null ? {} : { "content-type": type }).end(text);
    })().catch(() => response.destroy());
  });
  const note = (asked: string, answered: string): void => {
    const groups = (JSON.parse(asked) as RunTask).networkConfiguration?.awsvpcConfiguration?.securityGroups;
    const { tasks = [] } = JSON.parse(answered) as { readonly tasks?: readonly { readonly taskArn: string }[] };
    if (groups !== undefined) for (const { taskArn } of tasks) securityGroups.set(taskArn, groups);
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    securityGroups,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close").catch(() => undefined);
    },
  };
}
