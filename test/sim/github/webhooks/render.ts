import { parseJson } from "../http.ts";
import type { Delivery } from "./log.ts";

/** renderDeliveryItem is a delivery as the list shows it, without payload. */
export function renderDeliveryItem(delivery: Delivery) {
  const { event } = delivery;
  return {
    id: delivery.id,
    guid: event.guid,
    delivered_at: new Date(delivery.deliveredAt).toISOString(),
    redelivery: delivery.redelivery,
    duration: delivery.durationMs / 1000,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: event.name,
    action: event.action ?? null,
    installation_id: event.installationId ?? null,
    repository_id: event.repositoryId ?? null,
    throttled_at: delivery.throttledAt === undefined ? null : new Date(delivery.throttledAt).toISOString(),
  };
}

/** renderDelivery is one delivery with what was sent and what came back. */
export function renderDelivery(delivery: Delivery) {
  return {
    ...renderDeliveryItem(delivery),
    url: delivery.url,
    request: { headers: { ...delivery.requestHeaders }, payload: parseJson(delivery.event.body) ?? null },
    response: { headers: { ...delivery.responseHeaders }, payload: delivery.responseBody },
  };
}
