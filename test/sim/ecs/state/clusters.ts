import type { CapacityProviderStrategyItem } from "@aws-sdk/client-ecs";
import { ApiError } from "../api-error.ts";
import type { Account } from "./account.ts";

/** ClusterOptions describes one cluster of the simulated account. */
export interface ClusterOptions {
  readonly name: string;
  /** Associated capacity providers; FARGATE and FARGATE_SPOT if absent. Other names are Auto Scaling group providers, see `providers`. */
  readonly capacityProviders?: readonly string[];
  readonly defaultCapacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
  readonly status?: "ACTIVE" | "INACTIVE";
}

export type ProviderType = "FARGATE" | "EC2_AUTOSCALING" | "MANAGED_INSTANCES";

export type ProviderStatus = "ACTIVE" | "INACTIVE" | "PROVISIONING" | "DEPROVISIONING";

/** ProviderOptions describes a capacity provider that is not one of AWS' own two. */
export interface ProviderOptions {
  readonly name: string;
  readonly type: Exclude<ProviderType, "FARGATE">;
  readonly status?: ProviderStatus;
  /** The one cluster of a Managed Instances provider, `runners` if absent; nothing else associates it. */
  readonly cluster?: string;
  /** Instances are still to be started: tasks wait in PROVISIONING until `capacity.release(name)`. */
  readonly waits?: boolean;
}

export interface Cluster {
  readonly name: string;
  readonly arn: string;
  readonly status: "ACTIVE" | "INACTIVE";
  readonly capacityProviders: readonly string[];
  readonly defaultCapacityProviderStrategy: readonly CapacityProviderStrategyItem[];
}

export interface CapacityProvider {
  readonly name: string;
  readonly arn: string;
  readonly type: ProviderType;
  readonly status: ProviderStatus;
  /** The cluster that a Managed Instances provider belongs to. */
  readonly cluster?: string;
}

/** Clusters holds the account's clusters and capacity providers; they do not change while the simulator runs. */
export class Clusters {
  readonly #account: Account;
  readonly #clusters: ReadonlyMap<string, Cluster>;
  readonly #providers: ReadonlyMap<string, CapacityProvider>;

  constructor(account: Account, clusters: readonly ClusterOptions[], providers: readonly ProviderOptions[]) {
    this.#account = account;
    this.#clusters = new Map(clusters.map((options) => [options.name, this.#cluster(options)]));
    const named = new Map<string, ProviderOptions>(providers.map((provider) => [provider.name, provider]));
    for (const name of clusters.flatMap((cluster) => cluster.capacityProviders ?? [])) {
      if (!isFargate(name) && !named.has(name)) {
        named.set(name, { name, type: "EC2_AUTOSCALING" });
      }
    }
    this.#providers = new Map([
      ...["FARGATE", "FARGATE_SPOT"].map((name) => [name, this.#provider(name, "FARGATE")] as const),
      ...[...named.values()].map((options) => [options.name, this.#own(options)] as const),
    ]);
  }

  /** The cluster of a name or ARN (the default cluster if absent), as calls other than DescribeClusters see it. */
  get(nameOrArn: string | undefined): Cluster {
    const cluster = this.find(nameOrArn ?? "default");
    if (cluster === undefined) {
      throw new ApiError("ClusterNotFoundException", "Cluster not found.");
    }
    if (cluster.status === "INACTIVE") {
      throw new ApiError("ClusterNotFoundException", "The referenced cluster was inactive.");
    }
    return cluster;
  }

  find(nameOrArn: string): Cluster | undefined {
    const prefix = this.#account.arn("cluster/");
    return this.#clusters.get(nameOrArn.startsWith(prefix) ? nameOrArn.slice(prefix.length) : nameOrArn);
  }

  provider(nameOrArn: string): CapacityProvider | undefined {
    const prefix = this.#account.arn("capacity-provider/");
    return this.#providers.get(nameOrArn.startsWith(prefix) ? nameOrArn.slice(prefix.length) : nameOrArn);
  }

  providers(): readonly CapacityProvider[] {
    return [...this.#providers.values()];
  }

  all(): readonly Cluster[] {
    return [...this.#clusters.values()];
  }

  #cluster(options: ClusterOptions): Cluster {
    return {
      name: options.name,
      arn: this.#account.arn(`cluster/${options.name}`),
      status: options.status ?? "ACTIVE",
      capacityProviders: options.capacityProviders ?? ["FARGATE", "FARGATE_SPOT"],
      defaultCapacityProviderStrategy: options.defaultCapacityProviderStrategy ?? [],
    };
  }

  /** Whether a provider can be named in a strategy for a cluster. */
  isAssociated(cluster: Cluster, provider: CapacityProvider): boolean {
    return provider.type === "MANAGED_INSTANCES"
      ? provider.cluster === cluster.name
      : cluster.capacityProviders.includes(provider.name);
  }

  #own({ name, type, status, cluster = "runners" }: ProviderOptions): CapacityProvider {
    return { ...this.#provider(name, type, status), ...(type === "MANAGED_INSTANCES" && { cluster }) };
  }

  #provider(name: string, type: ProviderType, status: ProviderStatus = "ACTIVE"): CapacityProvider {
    return { name, arn: this.#account.arn(`capacity-provider/${name}`), type, status };
  }
}

function isFargate(name: string): boolean {
  return name === "FARGATE" || name === "FARGATE_SPOT";
}
