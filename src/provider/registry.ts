import type { Logger } from "../telemetry/log.ts";
import type { Clock } from "../util/clock.ts";
import type { AwsCallRecorder } from "./aws-metrics.ts";
import type { Provider } from "./types.ts";

/** ProviderDependencies are what every provider is built from. */
export interface ProviderDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** For providers that call AWS. */
  readonly awsCalls?: AwsCallRecorder;
  /** How many times faster than the backend's documented limits calls may go: for tests whose time goes faster. 1 unless told. */
  readonly pace?: number;
}

/** ProviderModule is what a provider's folder exports for the registry: the kind of its classes, and how to make it. */
export interface ProviderModule<Kind extends string = string> {
  readonly classKind: Kind;
  readonly create: (dependencies: ProviderDependencies) => ClosableProvider;
}

/** ClosableProvider is a provider that may hold connections. */
export type ClosableProvider = Provider & { close?(): Promise<void> | void };

/** ClassKind is the union of the class kinds of a list of modules that was declared `as const satisfies readonly ProviderModule[]`. */
export type ClassKind<Modules extends readonly ProviderModule[]> = Modules[number]["classKind"];

/**
 * ProviderRegistry finds the provider of a class kind. It names no provider itself: the composition root hands the modules in,
 * so that a program (a test, the benchmark) loads only those that it uses.
 */
export class ProviderRegistry<Kind extends string = string> {
  readonly kinds: readonly Kind[];
  /** One provider a kind; filled once, in the constructor. */
  readonly #providers = new Map<
    string,
    { readonly provider: Provider; readonly close: (() => Promise<void> | void) | undefined }
  >();

  /**
   * `decorate` wraps every provider, with metrics and deadlines for example.
   * @throws RangeError when two modules serve the same kind.
   */
  constructor(
    modules: readonly ProviderModule<Kind>[],
    dependencies: ProviderDependencies,
    decorate: (provider: Provider) => Provider = (provider) => provider,
  ) {
    for (const { classKind, create } of modules) {
      if (this.#providers.has(classKind)) throw new RangeError(`two providers serve ${classKind}; register one`);
      const provider = create({ ...dependencies, log: dependencies.log.child({ provider: classKind }) });
      this.#providers.set(classKind, { provider: decorate(provider), close: provider.close?.bind(provider) });
    }
    this.kinds = modules.map(({ classKind }) => classKind);
  }

  /** get is the provider of a class kind, or undefined for a kind that nobody serves. */
  get(kind: string): Provider | undefined {
    return this.#providers.get(kind)?.provider;
  }

  /** close lets every provider go of its connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#providers.values()].map(async ({ close }) => close?.()));
  }
}
