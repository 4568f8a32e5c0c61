import type { ECSClientConfig } from "@aws-sdk/client-ecs";
import { type Clock, systemClock } from "../../util/clock.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { EcsConnection } from "./connection.ts";

/** Timeouts of one HTTP exchange, in milliseconds, as the SDK names them. */
export interface Timeouts {
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
}

/** SenderOptions are what SDK clients are made with beside their connection. */
export interface SenderOptions {
  readonly timeouts?: Timeouts;
  /** Shared by the clients of all services. */
  readonly roles?: AssumedRoles;
}

/** ClientConfig is what the clients of all services have in common. */
export interface ClientConfig {
  readonly region: string;
  readonly maxAttempts: number;
  readonly requestHandler: ReturnType<typeof handlerOptions>;
  readonly credentials?: Credentials;
}

type Credentials = Extract<NonNullable<ECSClientConfig["credentials"]>, (...args: never[]) => unknown>;

const defaultTimeouts: Timeouts = { connectionTimeout: 3_000, requestTimeout: 8_000 };

/**
 * clientConfig is how a client for a connection is made: with the credentials of the environment, or those of the class' role.
 *
 * One retry inside the SDK hides a keep-alive connection that had just been closed; it repeats the same bytes, clientToken included.
 * All further patience is the controllers'.
 */
export async function clientConfig(
  { region, assumeRoleArn }: Pick<EcsConnection, "region" | "assumeRoleArn">,
  { timeouts = defaultTimeouts, roles = new AssumedRoles() }: SenderOptions = {},
): Promise<ClientConfig> {
  const config = { region, maxAttempts: 2, requestHandler: handlerOptions(timeouts) };
  return assumeRoleArn === undefined ? config : { ...config, credentials: await roles.credentials(assumeRoleArn, config) };
}

/**
 * handlerOptions are those of the SDK's HTTP. Without throwOnRequestTimeout it would only log that a call hangs. It reads no proxy
 * variables; Node's agents do when they are told so, NO_PROXY included.
 */
export function handlerOptions(timeouts: Timeouts) {
  const agent = { proxyEnv: process.env };
  return { ...timeouts, throwOnRequestTimeout: true, httpAgent: agent, httpsAgent: agent } as const;
}

/** As many as there are clients. */
const maxRoles = 64;

/** AssumedRoles hands the credentials of a role to the clients of all services: one AssumeRole serves them all. */
export class AssumedRoles {
  readonly #known = new BoundedMap<string, Promise<Credentials>>(maxRoles);

  credentials(roleArn: string, clientOfSts: Omit<ClientConfig, "credentials">): Promise<Credentials> {
    const key = JSON.stringify([clientOfSts.region, roleArn]);
    const known = this.#known.get(key) ?? assume(roleArn, clientOfSts);
    this.#known.set(key, known);
    return known;
  }
}

async function assume(RoleArn: string, clientOfSts: Omit<ClientConfig, "credentials">): Promise<Credentials> {
  const { fromTemporaryCredentials } = await import("@aws-sdk/credential-providers");
  return shared(fromTemporaryCredentials({ params: { RoleArn, RoleSessionName: "getabako" }, clientConfig: { ...clientOfSts } }));
}

/** As early as the SDK's clients ask for new credentials, so that what they get then is new. */
const renewBeforeMs = 5 * 60_000;

/** shared remembers the credentials until they expire soon; the SDK remembers them for each client alone. */
export function shared(load: Credentials, clock: Clock = systemClock): Credentials {
  let known: Awaited<ReturnType<Credentials>> | undefined;
  let loading: ReturnType<Credentials> | undefined;
  return (properties) => {
    const forced = (properties as { readonly forceRefresh?: boolean } | undefined)?.forceRefresh === true;
    const expiresMs = known?.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    if (known !== undefined && !forced && expiresMs - clock.now() > renewBeforeMs) return Promise.resolve(known);
    loading ??= load(properties)
      .then((loaded) => (known = loaded))
      .finally(() => (loading = undefined));
    return loading;
  };
}
