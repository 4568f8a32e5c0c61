import type { Caller } from "./caller.ts";
import { pages } from "./pages.ts";
import { refusalError } from "./refusal.ts";
import { idText, list } from "./shape.ts";
import type { InstallationInfo } from "./types.ts";

/** listInstallations reads all installations of the App, suspended ones included. */
export async function listInstallations(caller: Caller, signal: AbortSignal): Promise<readonly InstallationInfo[]> {
  const installations: InstallationInfo[] = [];
  const raw = pages(async (page) => {
    const answer = await caller.asApp(
      { operation: "listInstallations", send: (request) => request("GET /app/installations", { per_page: 100, page }) },
      signal,
    );
    if (!answer.ok) throw refusalError("listInstallations", undefined, answer);
    return list(answer.data);
  });
  for await (const { id, account, suspended_at: suspendedAt, repository_selection: selection, permissions } of raw) {
    installations.push({
      id: idText(id),
      account: accountName(account),
      suspended: typeof suspendedAt === "string",
      repositorySelection: selection,
      permissions: levels(permissions),
    });
  }
  return installations;
}

/** accountName is the login of a user or organisation, or the slug of an enterprise. */
export function accountName(account: { readonly login?: string; readonly slug?: string } | null): string {
  return account?.login ?? account?.slug ?? "";
}

/** levels keeps what is well-formed of a permission list: names and levels. */
export function levels(permissions: object | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(permissions ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
