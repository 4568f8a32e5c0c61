import { ApiError, notFound } from "../errors.ts";
import type { Bucket } from "../rate-limit.ts";
import { renderDelivery, renderDeliveryItem } from "../webhooks/render.ts";
import { type Handler, pageSize, param, type RestCall, theApp } from "./call.ts";
import { callerName } from "./policy.ts";

function deliveryOf(call: RestCall) {
  // Number() would lose the last digits.
  const delivery = call.webhooks.log.get(theApp(call), BigInt(param(call, "delivery_id")));
  if (!delivery) throw notFound();
  return delivery;
}

/** hookRoutes: the App's webhook, its deliveries and their redelivery; and the rate limit's own endpoint. */
export const hookRoutes: Readonly<Record<string, Handler>> = {
  "apps/get-webhook-config-for-app": (call) => {
    const { hook } = theApp(call);
    return {
      status: 200,
      body: {
        ...(hook.receivers[0] !== undefined && { url: hook.receivers[0] }),
        content_type: "json",
        insecure_ssl: "0",
        ...(hook.secret !== undefined && { secret: "********" }),
      },
    };
  },

  "apps/list-webhook-deliveries": (call) => {
    const size = pageSize(call);
    const cursor = call.query.get("cursor");
    const before = cursor === null ? undefined : /^v1_(\d{1,19})$/.exec(cursor)?.[1];
    if (cursor !== null && before === undefined) throw new ApiError(400, "Invalid cursor");
    const status = call.query.get("status");
    const all = call.webhooks.log
      .list(theApp(call))
      .filter((delivery) => before === undefined || delivery.id < BigInt(before))
      .filter((delivery) => status === null || (status === "success") === (delivery.status === "OK"));
    const items = all.slice(0, size);
    const last = items.at(-1);
    const next = all.length > items.length && last ? new URLSearchParams(call.query) : undefined;
    next?.set("cursor", `v1_${last?.id}`);
    return {
      status: 200,
      headers: next ? { link: `<${call.world.url}${call.path}?${next.toString()}>; rel="next"` } : {},
      body: items.map(renderDeliveryItem),
    };
  },

  "apps/get-webhook-delivery": (call) => ({ status: 200, body: renderDelivery(deliveryOf(call)) }),

  "apps/redeliver-webhook-delivery": (call) => {
    call.webhooks.redeliver(deliveryOf(call));
    return { status: 202, body: {} };
  },

  "rate-limit/get": (call) => {
    const shown = (bucket: Bucket) => {
      const { limit, used, resetAt } = call.limits.budget(callerName(call.caller), bucket);
      return { limit, used, remaining: Math.max(0, limit - used), reset: Math.ceil(resetAt / 1000) };
    };
    const core = shown("core");
    const search = { limit: 30, used: 0, remaining: 30, reset: core.reset };
    return {
      status: 200,
      body: { resources: { core, search, actions_runner_registration: shown("actions_runner_registration") }, rate: core },
    };
  },
};
