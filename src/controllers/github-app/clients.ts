import { createHash } from "node:crypto";
import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import { isGitHubError } from "../../github/errors.ts";
import type { GitHub } from "../../github/types.ts";
import { background } from "../../kube/background.ts";
import { type DeepReadonly, keyText, type ObjectKey } from "../../kube/object.ts";
import type { SecretSource } from "../../kube/secret-source.ts";
import type { Logger } from "../../telemetry/log.ts";

/** Credentials is what a GitHub client is made from. */
export interface Credentials {
  readonly app: ObjectKey;
  readonly url: string;
  readonly apiUrl: string | undefined;
  readonly appId: number;
  readonly privateKey: string;
  readonly caBundle: string | undefined;
}

/** Missing says which Secret or setting keeps a client from being made, and why. */
export interface Missing {
  readonly reason: "SecretNotFound" | "SecretForbidden" | "InvalidPrivateKey" | "InvalidSettings" | "AwaitingCheck";
  readonly message: string;
}

/** ClosableGitHub is a client that holds connections. */
export type ClosableGitHub = GitHub & { readonly close?: () => Promise<void> };

interface Entry {
  /** A digest of the credentials, to notice a change without keeping another copy of the key. */
  readonly digest: string;
  readonly github: ClosableGitHub;
}

/**
 * AppClients holds one GitHub client for each GitHubApp and makes a new one when its spec or its Secrets change, so that a rotated key
 * takes effect without a restart. The client of a deleted App is kept: what it registered still has to be removed.
 */
export class AppClients {
  readonly #secrets: SecretSource;
  readonly #log: Logger;
  readonly #create: (credentials: Credentials) => ClosableGitHub;
  readonly #keyFault: (pem: string) => string | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #wanted = new Map<string, readonly ObjectKey[]>();
  #made: (app: ObjectKey) => void = () => undefined;

  constructor(options: {
    readonly secrets: SecretSource;
    readonly log: Logger;
    readonly create: (credentials: Credentials) => ClosableGitHub;
    /** What is wrong with a private key, in words, or undefined. */
    readonly keyFault: (pem: string) => string | undefined;
  }) {
    this.#secrets = options.secrets;
    this.#log = options.log;
    this.#create = options.create;
    this.#keyFault = options.keyFault;
  }

  /** onMade is told of each App whose client could be made, or was made anew. */
  onMade(handler: (app: ObjectKey) => void): void {
    this.#made = handler;
  }

  /** follow starts to watch the Secrets of an App, and stops with those that it does not name any more. */
  follow(key: ObjectKey, app: DeepReadonly<GitHubApp> | undefined): void {
    const text = keyText(key);
    const before = this.#wanted.get(text) ?? [];
    const now = app === undefined ? [] : secretKeys(key.namespace, app);
    for (const secret of now) this.#secrets.want(secret);
    for (const secret of before) this.#secrets.unwant(secret);
    if (now.length === 0) this.#wanted.delete(text);
    else this.#wanted.set(text, now);
  }

  /** uses tells which Apps a Secret belongs to, as "namespace/name". */
  *uses(secret: ObjectKey): Iterable<string> {
    const text = keyText(secret);
    for (const [app, keys] of this.#wanted) if (keys.some((key) => keyText(key) === text)) yield app;
  }

  /** get is the newest client that could be made for an App. */
  get(key: ObjectKey): GitHub | undefined {
    return this.#entries.get(keyText(key))?.github;
  }

  /** refresh makes the App's client from its present Secrets, or says what is missing. An older client stays in use until then. */
  refresh(key: ObjectKey, app: DeepReadonly<GitHubApp>): GitHub | Missing {
    const privateKey = this.#read(key.namespace, app.spec.privateKeySecretRef);
    if (typeof privateKey !== "string") return privateKey;
    const caBundle = app.spec.caBundleRef === undefined ? undefined : this.#read(key.namespace, app.spec.caBundleRef);
    if (caBundle !== undefined && typeof caBundle !== "string") return caBundle;
    for (const ref of app.spec.webhookSecretRefs) {
      const secret = this.#read(key.namespace, ref);
      if (typeof secret !== "string") return secret;
    }
    const credentials = { app: key, url: app.spec.url, apiUrl: app.spec.apiUrl, appId: app.spec.appId, privateKey, caBundle };
    const digest = createHash("sha256").update(JSON.stringify(credentials)).digest("base64");
    const known = this.#entries.get(keyText(key));
    if (known?.digest === digest) return known.github;
    const fault = this.#keyFault(privateKey);
    if (fault !== undefined) {
      const { name, key: field } = app.spec.privateKeySecretRef;
      return { reason: "InvalidPrivateKey", message: `${field} in Secret ${key.namespace}/${name}: ${fault}` };
    }
    let github: ClosableGitHub;
    try {
      github = this.#create(credentials);
    } catch (error) {
      // An address or a CA bundle that cannot be used; what the CRD can tell, it refuses before.
      if (!isGitHubError(error)) throw error;
      return { reason: "InvalidSettings", message: error.message };
    }
    this.#entries.set(keyText(key), { digest, github });
    // Calls that are under way with the old key still end; nobody begins another.
    if (known?.github.close !== undefined) background(known.github.close(), this.#log);
    this.#made(key);
    return github;
  }

  #read(namespace: string, ref: { readonly name: string; readonly key: string }): string | Missing {
    const found = this.#secrets.get({ namespace, name: ref.name });
    const name = `Secret ${namespace}/${ref.name}`;
    switch (found.state) {
      case "pending":
        return { reason: "AwaitingCheck", message: `${name} was not read yet` };
      case "absent":
        return { reason: "SecretNotFound", message: `${name} does not exist; create it with the key ${ref.key}` };
      case "forbidden":
        return {
          reason: "SecretForbidden",
          message: `the operator may not read ${name}: the chart's values secrets.namespaces and secrets.names say which Secrets it may`,
        };
      case "present": {
        const value = found.data[ref.key]?.toString("utf8").trim();
        if (value === undefined || value === "")
          return { reason: "SecretNotFound", message: `${name} has no key ${ref.key}, or it is empty` };
        return value;
      }
      default:
        return found satisfies never;
    }
  }
}

/** isMissing tells a client from the reason why there is none. */
export function isMissing(found: GitHub | Missing): found is Missing {
  return "reason" in found;
}

function secretKeys(namespace: string, app: DeepReadonly<GitHubApp>): ObjectKey[] {
  const refs = [
    app.spec.privateKeySecretRef,
    ...app.spec.webhookSecretRefs,
    ...(app.spec.caBundleRef === undefined ? [] : [app.spec.caBundleRef]),
  ];
  return [...new Set(refs.map((ref) => ref.name))].map((name) => ({ namespace, name }));
}
