import { invalidParameter } from "../api-error.ts";

/** Network knows the account's subnets and security groups. Without a given set, everything that has the form of one exists. */
export class Network {
  readonly #region: string;
  readonly #subnets: readonly string[] | undefined;
  readonly #securityGroups: readonly string[] | undefined;
  #addresses = 0;

  constructor(region: string, subnets: readonly string[] | undefined, securityGroups: readonly string[] | undefined) {
    this.#region = region;
    this.#subnets = subnets;
    this.#securityGroups = securityGroups;
  }

  check(subnets: readonly string[], securityGroups: readonly string[]): void {
    for (const id of subnets) {
      if (!(this.#subnets?.includes(id) ?? /^subnet-[0-9a-z-]+$/.test(id))) {
        throw invalidParameter(
          `Error retrieving subnet information for [${id}]: The subnet ID '${id}' does not exist`,
          "reference",
        );
      }
    }
    for (const id of securityGroups) {
      if (!(this.#securityGroups?.includes(id) ?? /^sg-[0-9a-z-]+$/.test(id))) {
        throw invalidParameter(
          `Error retrieving security group information for [${id}]: The security group '${id}' does not exist`,
          "reference",
        );
      }
    }
  }

  /** A place for one more task: subnets take turns, each is a zone of its own. */
  place(subnets: readonly string[]): { readonly id: string; readonly zone: string; readonly address: string } | undefined {
    const index = this.#addresses++;
    const id = subnets[index % subnets.length];
    if (id === undefined) {
      return undefined;
    }
    const zone = `${this.#region}${"abcdef"[(this.#subnets ?? subnets).indexOf(id) % 6] ?? "a"}`;
    return { id, zone, address: `10.0.${Math.floor(index / 250) % 250}.${(index % 250) + 4}` };
  }
}
