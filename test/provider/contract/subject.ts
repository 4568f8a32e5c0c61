import type { Provider, ResolvedClass } from "../../../src/provider/types.ts";
import type { ReadBack } from "./read-back.ts";

/** ContractSubject is a provider with a backend of its own, and what a test can tell that backend. */
export interface ContractSubject {
  readonly provider: Provider;
  /** A class whose ladder has two rungs, `rungs`, and that check() finds nothing wrong with. */
  readonly cls: ResolvedClass;
  readonly rungs: readonly [string, string];
  readonly control: ContractControl;
  close(): Promise<void>;
}

/** ContractControl is what a backend can be told. A case that needs what a backend lacks is skipped, and says so. */
export interface ContractControl {
  /** Lets an instance reach Running; absent where instances do so by themselves. */
  readonly run?: (id: string) => void | Promise<void>;
  /** Ends the runner's process. */
  readonly exit?: (id: string, code: number) => void | Promise<void>;
  /** Takes the capacity of an instance away. */
  readonly interrupt?: (id: string) => void | Promise<void>;
  /** Makes the backend forget an instance that has stopped. */
  readonly forget?: (id: string) => void | Promise<void>;
  /** Lets a rung give nothing, until accept(). */
  readonly refuse?: (rung: string) => void | Promise<void>;
  readonly accept?: (rung: string) => void | Promise<void>;
  /** Lets the next launch on a rung succeed and its answer be lost, as often as the provider asks by itself. */
  readonly loseAnswer?: (rung: string) => void | Promise<void>;
  /** How many live instances the backend itself counts for a request. */
  readonly countLive?: (requestUid: string) => number | Promise<number>;
  /** What the ECS API says of an instance. */
  readonly readBack?: (id: string) => Promise<ReadBack>;
  /** The security groups that an instance was started with. */
  readonly securityGroupsOf?: (id: string) => readonly string[] | undefined;
  /** Every revision of a task definition's family. */
  readonly revisions?: (definitionArn: string) => Promise<readonly string[]>;
  /** How many calls the provider has made. */
  readonly countCalls?: () => number;
  /** Where the backend's tasks are real containers: the path of Node in their image. */
  readonly node?: string;
  /** All that can go wrong with a launch, by name; each hits the next call, or the next few. One that lasts returns what ends it. */
  readonly faults?: Readonly<Record<string, () => Injected | Promise<Injected>>>;
}

type Injected = void | (() => void | Promise<void>);
