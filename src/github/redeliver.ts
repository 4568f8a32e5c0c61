import type { Caller } from "./caller.ts";
import { GitHubError } from "./errors.ts";
import { refusalError } from "./refusal.ts";

/** redeliver has GitHub send the event of a delivery again, which becomes a delivery of its own. */
export async function redeliver(caller: Caller, deliveryId: string, signal: AbortSignal): Promise<"accepted" | "gone"> {
  if (!/^\d{1,20}$/.test(deliveryId)) throw new GitHubError("Invalid", "a delivery's id is a whole number");
  const answer = await caller.asApp(
    {
      operation: "redeliver",
      // 64 bits, so text; the route's parameter is typed as a number.
      send: (request) =>
        request("POST /app/hook/deliveries/{delivery_id}/attempts", { delivery_id: deliveryId as unknown as number }),
    },
    signal,
  );
  if (answer.ok) return "accepted";
  // What is older than three days (seven on an Enterprise Server) is not kept; nothing says which of the two answers it gets.
  if (answer.status === 404 || answer.status === 422) return "gone";
  throw refusalError("redeliver", undefined, answer);
}
