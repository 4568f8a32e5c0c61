import type { Caller } from "./caller.ts";
import { refusalError } from "./refusal.ts";
import type { HookConfig } from "./types.ts";

/** getHookConfig reads where GitHub sends the App's webhooks, and how. */
export async function getHookConfig(caller: Caller, signal: AbortSignal): Promise<HookConfig> {
  const answer = await caller.asApp({ operation: "getHookConfig", send: (request) => request("GET /app/hook/config") }, signal);
  if (!answer.ok) throw refusalError("getHookConfig", undefined, answer);
  const { url, content_type: contentType, secret, insecure_ssl: insecure } = answer.data;
  return {
    url: typeof url === "string" && url !== "" ? url : undefined,
    contentType: typeof contentType === "string" ? contentType : undefined,
    // It comes as asterisks, and is not even looked at.
    hasSecret: typeof secret === "string" && secret !== "",
    verifiesTls: String(insecure ?? "0") !== "1",
  };
}
