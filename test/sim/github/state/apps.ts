import { createPublicKey, generateKeyPairSync, type KeyPairKeyObjectResult, randomBytes } from "node:crypto";
import { addOrganization, addRepository } from "./accounts.ts";
import type { Account, App, Installation, Repository } from "./model.ts";
import type { World } from "./world.ts";

/** operatorPermissions is what an App needs for everything that the operator does, and nothing more. */
export const operatorPermissions: Readonly<Record<string, string>> = {
  actions: "write",
  administration: "write",
  metadata: "read",
  organization_self_hosted_runners: "write",
};

/** AddApp describes a GitHub App; all of it is optional. */
export interface AddApp {
  readonly slug?: string;
  readonly owner?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly events?: readonly string[];
  /** null: a webhook without a secret, hence without a signature. */
  readonly webhookSecret?: string | null;
  readonly receivers?: readonly string[];
  readonly keyFormat?: "pkcs1" | "pkcs8";
}

/** addApp registers an App with one new private key. */
export function addApp(world: World, options: AddApp = {}): App {
  const slug = options.slug ?? "getabako";
  const secret = options.webhookSecret === null ? undefined : (options.webhookSecret ?? randomBytes(24).toString("hex"));
  if (secret) world.secrets.add(secret);
  const id = 100_000 + world.id();
  const app: App = {
    id,
    clientId: `Iv23li${randomBytes(7).toString("hex")}`,
    slug,
    name: slug,
    owner: addOrganization(world, options.owner ?? "app-owner"),
    createdAt: world.now(),
    keys: [],
    permissions: { ...(options.permissions ?? operatorPermissions) },
    events: [...(options.events ?? ["workflow_job"])],
    hook: { id: 400_000_000 + id, receivers: [...(options.receivers ?? [])], secret, cursor: 0 },
  };
  addKey(world, app, options.keyFormat);
  world.apps.set(app.id, app);
  return app;
}

/** addKey gives the App one more private key, valid beside the others, and returns it as GitHub's download would hold it. */
export function addKey(world: World, app: App, format: "pkcs1" | "pkcs8" = "pkcs1"): string {
  const pair = keyPair(world.appKeys);
  world.appKeys += 1;
  const privateKey = pair.privateKey.export({ type: format, format: "pem" }).toString();
  app.keys.push({ privateKey, publicKey: createPublicKey(pair.publicKey.export({ type: "spki", format: "pem" })) });
  world.secrets.add(privateKey);
  return privateKey;
}

/** Keys cost a core for a while: worlds of one process share them, the keys of one world all differ. */
const keyPairs: KeyPairKeyObjectResult[] = [];

function keyPair(index: number): KeyPairKeyObjectResult {
  keyPairs[index] ??= generateKeyPairSync("rsa", { modulusLength: 2048 });
  return keyPairs[index];
}

/** revokeKey makes a private key worthless. */
export function revokeKey(app: App, privateKey: string): void {
  const index = app.keys.findIndex((key) => key.privateKey === privateKey);
  if (index >= 0) app.keys.splice(index, 1);
}

/** rotateWebhookSecret replaces the secret and returns the new one. */
export function rotateWebhookSecret(world: World, app: App, secret = randomBytes(24).toString("hex")): string {
  app.hook.secret = secret;
  world.secrets.add(secret);
  return secret;
}

export interface Install {
  /** Full names; absent means every repository. */
  readonly repositories?: readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly events?: readonly string[];
}

/** install puts the App on an account, which is created as an organisation when nobody has that name. */
export function install(world: World, app: App, login: string, options: Install = {}): Installation {
  const account = world.accounts.get(login.toLowerCase()) ?? addOrganization(world, login);
  const existing = findInstallation(world, app, account);
  if (existing) return existing;
  const installation: Installation = {
    id: 50_000_000 + world.id(),
    app,
    account,
    createdAt: world.now(),
    repositorySelection: options.repositories ? "selected" : "all",
    repositories: new Set((options.repositories ?? []).map((name) => addRepository(world, name).id)),
    permissions: { ...(options.permissions ?? app.permissions) },
    events: [...(options.events ?? app.events)],
    suspendedAt: undefined,
  };
  world.installations.set(installation.id, installation);
  return installation;
}

/** uninstall removes an installation and makes its tokens worthless. */
export function uninstall(world: World, installation: Installation): void {
  world.installations.delete(installation.id);
  for (const token of world.tokens.values()) if (token.installation === installation) token.revoked = true;
}

/** reinstall removes the App and puts it back: same account, new id, old tokens dead. */
export function reinstall(world: World, installation: Installation): Installation {
  uninstall(world, installation);
  const fresh: Installation = { ...installation, id: 50_000_000 + world.id(), createdAt: world.now(), suspendedAt: undefined };
  world.installations.set(fresh.id, fresh);
  return fresh;
}

/** findInstallation is the App's installation on exactly this account. */
export function findInstallation(world: World, app: App, account: Account): Installation | undefined {
  return [...world.installations.values()].find((candidate) => candidate.app === app && candidate.account === account);
}

/** installationCovers tells whether an installation may see a repository. */
export function installationCovers(installation: Installation, repository: Repository): boolean {
  if (installation.account !== repository.owner) return false;
  return installation.repositorySelection === "all" || installation.repositories.has(repository.id);
}
