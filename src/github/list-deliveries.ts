import { isoTime } from "../util/clock.ts";
import type { Caller } from "./caller.ts";
import { pageSize } from "./pages.ts";
import { refusalError } from "./refusal.ts";
import { idText, list, text } from "./shape.ts";
import type { DeliveryPage, DeliveryQuery, DeliveryRecord } from "./types.ts";

/** listDeliveries reads one page of the deliveries of the App's webhook; whoever wants more follows `next`. */
export async function listDeliveries(caller: Caller, query: DeliveryQuery, signal: AbortSignal): Promise<DeliveryPage> {
  const answer = await caller.asApp<readonly RawDelivery[]>(
    {
      operation: "listDeliveries",
      send: (request) =>
        request("GET /app/hook/deliveries", {
          per_page: pageSize,
          // Servers that do not know this parameter yet list everything; the caller looks at `succeeded` anyway.
          ...(query.failed === true && { status: "failure" }),
          ...(query.cursor !== undefined && { cursor: query.cursor }),
        }),
    },
    signal,
  );
  if (!answer.ok) throw refusalError("listDeliveries", undefined, answer);
  const answeredAtMs = Date.parse(answer.headers.date ?? "");
  return {
    deliveries: list(answer.data).map(toDeliveryRecord),
    next: nextCursor(answer.headers.link),
    answeredAt: Number.isNaN(answeredAtMs) ? undefined : isoTime(answeredAtMs),
  };
}

/** nextCursor finds the cursor of the next page in a Link header: these lists have no page numbers. */
export function nextCursor(link: string | undefined): string | undefined {
  for (const part of link?.split(",") ?? []) {
    const [, address, rel] = /^\s*<([^<>]+)>\s*;.*\brel="?([a-z ]+)"?/.exec(part) ?? [];
    if (address === undefined || rel?.split(" ").includes("next") !== true || !URL.canParse(address)) continue;
    return new URL(address).searchParams.get("cursor") ?? undefined;
  }
  return undefined;
}

interface RawDelivery {
  readonly id: number | bigint;
  readonly guid: string;
  readonly delivered_at: string;
  readonly redelivery: boolean;
  readonly status: string;
  readonly status_code: number;
  readonly event: string;
  readonly action: string | null;
}

function toDeliveryRecord(delivery: RawDelivery): DeliveryRecord {
  return {
    id: idText(delivery.id),
    guid: text(delivery.guid),
    deliveredAt: text(delivery.delivered_at),
    redelivery: delivery.redelivery,
    // "OK" is what GitHub documents; what it writes for a 202 or 204 it does not.
    succeeded: delivery.status === "OK" || (delivery.status_code >= 200 && delivery.status_code < 300),
    statusCode: Number.isInteger(delivery.status_code) ? delivery.status_code : 0,
    event: text(delivery.event),
    action: delivery.action ?? undefined,
  };
}
