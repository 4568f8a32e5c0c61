import { createHmac } from "node:crypto";
import { teamNamespace } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";

/** refuseBadWebhooks posts by hand what GitHub would never send. */
export async function refuseBadWebhooks(stage: Stage, detail: Detail): Promise<void> {
  const { cluster, github } = stage;
  const [url] = github.app.hook.receivers;
  if (url === undefined) throw new Error("the Service's address is not known");
  const count = async (): Promise<number> =>
    (await cluster.kubectl(["get", "runnerrequests", "-n", teamNamespace, "-o", "name"])).trim().split("\n").length;
  const before = await count();
  // A real event, with another job's id: accepted if anything but the signature was looked at.
  const event = github.webhooks.log.list().find((delivery) => delivery.event.action === "queued");
  if (event === undefined) throw new Error("there is no delivery to imitate");
  const body = event.event.body.replaceAll(String(event.event.job?.id), "4242424242");
  const sign = (secret: string, text: string): string => `sha256=${createHmac("sha256", secret).update(text).digest("hex")}`;
  const secret = github.app.hook.secret ?? "";
  const post = (signature: string | undefined, text: string, app = github.app.id): RequestInit => ({
    method: "POST",
    body: text,
    headers: {
      ...Object.fromEntries(
        Object.entries(event.requestHeaders).filter(
          ([name]) => !/^(x-hub-signature|x-github-hook-installation-target-id|content-length|host)/i.test(name),
        ),
      ),
      "x-github-hook-installation-target-id": String(app),
      ...(signature !== undefined && { "x-hub-signature-256": signature }),
    },
  });
  const cases: readonly (readonly [string, number, RequestInit])[] = [
    ["signed with another secret", 401, post(sign(`${secret}x`, body), body)],
    ["signature of another body", 401, post(sign(secret, event.event.body), body)],
    ["no signature", 401, post(undefined, body)],
    ["an App that nobody knows", 404, post(sign(secret, body), body, 987654)],
    ["signed, but not JSON", 400, post(sign(secret, "not json"), "not json")],
    ["GET", 405, { method: "GET" }],
  ];
  for (const [what, expected, request] of cases) {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(10_000) });
    const text = (await answer.text()).trim();
    if (answer.status !== expected) throw new Error(`${what}: ${answer.status} instead of ${expected}: ${text}`);
    detail(`${what}: ${answer.status} ${text}`);
  }
  const after = await count();
  if (after !== before) throw new Error(`${after - before} requests were made of them`);
}
