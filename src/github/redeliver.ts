import type { Caller } from "./caller.ts";
import { idParameter } from "./id-parameter.ts";
import { refusalError } from "./refusal.ts";

/** redeliver has GitHub send the event of a delivery again, which becomes a delivery of its own. */
export async function redeliver(caller: Caller, deliveryId: string, signal: AbortSignal): Promise<"accepted" | "gone"> {
  const id = idParameter("delivery", deliveryId);
  const answer = await caller.asApp(
    {
      operation: "redeliver",
      send: (request) => request("POST /app/hook/deliveries/{delivery_id}/attempts", { delivery_id: id }),
    },
    signal,
  );
  if (answer.ok) return "accepted";
  // What is older than three days (seven on an Enterprise Server) is not kept; nothing says which of the two answers it gets.
  if (answer.status === 404 || answer.status === 422) return "gone";
  throw refusalError("redeliver", undefined, answer);
}
