import type { RegisterTaskDefinitionRequest, Tag } from "@aws-sdk/client-ecs";
import { clientException } from "../api-error.ts";
import type { Account } from "./account.ts";

export interface Definition {
  readonly arn: string;
  readonly family: string;
  readonly revision: number;
  readonly request: RegisterTaskDefinitionRequest;
  readonly compatibilities: readonly string[];
  readonly registeredAt: number;
  readonly registeredBy: string;
  status: "ACTIVE" | "INACTIVE";
  deregisteredAt?: number;
  tags: readonly Tag[];
}

/** Definitions holds the account's task definitions by family and revision. */
export class Definitions {
  readonly #account: Account;
  // Revision n of a family is at index n - 1; revisions are never removed, as at AWS.
  readonly #families = new Map<string, Definition[]>();

  constructor(account: Account) {
    this.#account = account;
  }

  register(request: RegisterTaskDefinitionRequest, now: number, registeredBy: string): Definition {
    const family = request.family ?? "";
    const revisions = this.#families.get(family) ?? [];
    const revision = revisions.length + 1;
    const definition: Definition = {
      arn: this.#account.arn(`task-definition/${family}:${revision}`),
      family,
      revision,
      request,
      compatibilities: compatibilities(request),
      registeredAt: now,
      registeredBy,
      status: "ACTIVE",
      tags: request.tags ?? [],
    };
    revisions.push(definition);
    this.#families.set(family, revisions);
    return definition;
  }

  /** The definition of a `family` (its newest active revision), `family:revision` or ARN. */
  find(reference: string): Definition | undefined {
    const prefix = this.#account.arn("task-definition/");
    const name = reference.startsWith(prefix) ? reference.slice(prefix.length) : reference;
    const [family = "", revision, ...rest] = name.split(":");
    const revisions = this.#families.get(family) ?? [];
    if (rest.length > 0) {
      return undefined;
    }
    return revision === undefined
      ? revisions.findLast((definition) => definition.status === "ACTIVE")
      : revisions.find((definition) => String(definition.revision) === revision);
  }

  /** The definition that a task is to run; inactive ones are refused. */
  runnable(reference: string): Definition {
    const definition = this.find(reference);
    if (definition === undefined) {
      throw clientException("TaskDefinition not found.");
    }
    if (definition.status !== "ACTIVE") {
      throw clientException("TaskDefinition is inactive");
    }
    return definition;
  }

  all(): readonly Definition[] {
    return [...this.#families.values()].flat();
  }

  clear(): void {
    this.#families.clear();
  }
}

function compatibilities(request: RegisterTaskDefinitionRequest): readonly string[] {
  const asked = request.requiresCompatibilities ?? [];
  return asked.length === 0 ? ["EC2"] : [...new Set([...asked, "EC2"])];
}
