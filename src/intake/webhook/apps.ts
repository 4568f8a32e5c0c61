import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import { Deadline } from "../../kube/abort.ts";
import type { Change, Store } from "../../kube/store.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey, parseKey } from "../../kube/object.ts";
import type { SecretSource } from "../../kube/secret-source.ts";
import { appIdIndex } from "../indexes.ts";
import { type App, hostOf } from "../matching.ts";
import type { DeliveryHeaders } from "./headers.ts";
import { isSignedBy, webhookSecret } from "./signature.ts";

/** Addressed is the Apps that a delivery may come from, all on one host, or why there are none. */
export type Addressed = { readonly apps: readonly App[] } | { readonly apps: undefined; readonly hint: string };

/** Verdict says which of the Apps signed a body. */
export type Verdict =
  | {
      readonly kind: "signed";
      readonly apps: readonly App[];
      readonly host: string;
      /** Another of the Apps may have signed it as well, whose secret was not read yet. */
      readonly unread: string | undefined;
    }
  | { readonly kind: "refused" }
  /** No secret fits, and one that could is not at hand: another try may succeed. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** AppInformer is the part of an informer that the directory of Apps needs. */
export interface AppInformer {
  readonly store: Store<GitHubApp>;
  onChange(handler: (change: Change<DeepReadonly<GitHubApp>>) => void): () => void;
}

/** WebhookSecrets is the part of a SecretSource that the directory of Apps needs. */
export type WebhookSecrets = Pick<SecretSource, "want" | "unwant" | "get" | "settled">;

/** A Secret that has just been named is read within milliseconds; a delivery waits for it, but not for long. */
const settleMs = 1_000;

/** Apps knows whose webhooks are accepted, and with which secrets, as of now: neither needs a restart to change. */
export class Apps {
  readonly #informer: AppInformer;
  readonly #secrets: WebhookSecrets;
  // The Secrets of each App, by key, that this directory told the source to watch: each is let go exactly once.
  readonly #wanted = new Map<string, ReadonlySet<string>>();

  constructor(informer: AppInformer, secrets: WebhookSecrets) {
    this.#informer = informer;
    this.#secrets = secrets;
  }

  /** follow keeps the Apps' webhook secrets at hand until the function that it returns is called. */
  follow(): () => void {
    const stop = this.#informer.onChange((change) => {
      if (change.type === "delete") this.#want(keyText(keyOf(change.old)), new Set());
      else this.#want(keyText(keyOf(change.new)), new Set(secretKeys(change.new).map(keyText)));
    });
    return () => {
      stop();
      for (const app of this.#wanted.keys()) this.#want(app, new Set());
    };
  }

  /** addressed finds the Apps that a delivery's headers name. The headers only choose; the signature decides. */
  addressed(headers: DeliveryHeaders): Addressed {
    const { targetId, targetType } = headers;
    if (targetType !== undefined && targetType !== "integration") {
      return none(
        `this is the webhook of a ${targetType}; getabako takes the webhooks of GitHub Apps: set its URL in the App's settings`,
      );
    }
    if (targetId === undefined) {
      return none(
        "X-GitHub-Hook-Installation-Target-ID is missing: every webhook of a GitHub App carries it, so check what stands before this server",
      );
    }
    const named = [...this.#informer.store.byIndex(appIdIndex, targetId)];
    const apps = named.filter((app) => isOn(hostOf(app), headers));
    if (apps.length > 0) return { apps };
    const host = headers.enterpriseHost ?? headers.tenant ?? "github.com";
    return none(
      `no GitHubApp object has appId ${targetId} for ${host}; create one, or check X-GitHub-Hook-Installation-Target-ID and X-GitHub-Enterprise-Host`,
    );
  }

  /**
   * verify finds those of the Apps whose secrets signed the body. Every secret of every App is tried, also after one has fitted, so
   * that the time this takes does not tell which one it was.
   */
  async verify(candidates: readonly App[], body: Uint8Array, signature: Uint8Array, signal: AbortSignal): Promise<Verdict> {
    await this.#settle(candidates, signal);
    const signed: App[] = [];
    let unreadable: string | undefined;
    let unread: string | undefined;
    for (const app of candidates) {
      let fits = false;
      let pending: string | undefined;
      for (const { name, key } of app.spec.webhookSecretRefs) {
        const secret = this.#secrets.get({ namespace: app.metadata.namespace ?? "", name });
        const value = secret.state === "present" ? webhookSecret(secret.data[key] ?? new Uint8Array()) : undefined;
        if (value === undefined || value.length === 0) {
          unreadable ??= whyUnreadable(app, secret.state);
          if (secret.state === "pending") pending = whyUnreadable(app, secret.state);
        } else if (isSignedBy(value, body, signature)) fits = true;
      }
      if (fits) signed.push(app);
      else unread ??= pending;
    }
    const [first] = signed;
    if (first !== undefined)
      return { kind: "signed", apps: signed.filter((app) => hostOf(app) === hostOf(first)), host: hostOf(first), unread };
    return unreadable === undefined ? { kind: "refused" } : { kind: "unreadable", reason: unreadable };
  }

  async #settle(candidates: readonly App[], signal: AbortSignal): Promise<void> {
    const pending = candidates.flatMap(secretKeys).filter((key) => this.#secrets.get(key).state === "pending");
    if (pending.length === 0) return;
    const deadline = new Deadline(settleMs, signal);
    try {
      // Whatever is still pending afterwards is so for verify as well.
      await Promise.allSettled(pending.map(async (key) => await this.#secrets.settled(key, deadline.signal)));
    } finally {
      deadline.dispose();
    }
  }

  #want(app: string, keys: ReadonlySet<string>): void {
    const before = this.#wanted.get(app) ?? new Set<string>();
    // First the new, then the old: a Secret that stays is never let go in between.
    for (const key of keys) if (!before.has(key)) this.#secrets.want(parseKey(key));
    for (const key of before) if (!keys.has(key)) this.#secrets.unwant(parseKey(key));
    if (keys.size === 0) this.#wanted.delete(app);
    else this.#wanted.set(app, keys);
  }
}

/**
 * A GitHub Enterprise Server names itself in X-GitHub-Enterprise-Host, a tenant of ghe.com was seen to do so in X-GitHub-Tenant, and
 * github.com does neither.
 */
function isOn(host: string, { enterpriseHost, tenant }: DeliveryHeaders): boolean {
  const named = enterpriseHost?.toLowerCase();
  if (named !== undefined) return named === host || named === host.replace(/:[0-9]+$/, "");
  if (tenant !== undefined) return host === tenant.toLowerCase() || host === `${tenant.toLowerCase()}.ghe.com`;
  return host === "github.com" || host.endsWith(".ghe.com");
}

function secretKeys(app: App): ObjectKey[] {
  return app.spec.webhookSecretRefs.map(({ name }) => ({ namespace: app.metadata.namespace ?? "", name }));
}

/** Strangers can read this: it names the App that they addressed, and no Secret. */
function whyUnreadable(app: App, state: ReturnType<WebhookSecrets["get"]>["state"]): string {
  const why = {
    present: "has no value",
    absent: "does not exist",
    forbidden: "may not be read by the operator",
    pending: "was not read yet",
  }[state];
  return `a webhook secret of GitHubApp ${keyText(keyOf(app))} ${why}; kubectl describe githubapp says what to do`;
}

function none(hint: string): Addressed {
  return { apps: undefined, hint };
}
