import { group, version as apiVersionName } from "../../api/kind.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { isApiError } from "../../kube/api-error.ts";
import { type Check, fail, ok, orOk, type Outcome, skip, warn } from "./check.ts";
import { crdFacts } from "./crd-facts.ts";
import { type Schema, schemaFields, schemaHash } from "./crd-schema.ts";

/** The oldest Kubernetes that the CRDs' rules and the chart work with. */
const oldestMinor = 31;

/** kubernetesChecks are about the API server itself. */
export const kubernetesChecks: readonly Check<Cluster>[] = [
  {
    name: "version",
    run: async (cluster, signal) => {
      try {
        const { major, minor, gitVersion } = (await call(cluster, "/version", signal)) as {
          readonly major: string;
          readonly minor: string;
          readonly gitVersion: string;
        };
        const isOld = Number(major) === 1 && Number.parseInt(minor, 10) < oldestMinor;
        if (!isOld) return [ok(`Kubernetes ${gitVersion} at ${cluster.server}`)];
        return [
          warn(`Kubernetes ${gitVersion} is older than 1.${oldestMinor}, which getabako is made for`, "upgrade the cluster"),
        ];
      } catch (error) {
        if (!isApiError(error)) throw error;
        const advice =
          error.status === 0
            ? "check the network and the kubeconfig's server"
            : "check the kubeconfig's credentials, for example with: kubectl auth whoami";
        return [fail(`the API server at ${cluster.server} does not serve us: ${error.message}`, advice)];
      }
    },
  },
];

/** Crd is the CRD of one kind in a cluster. */
export interface Crd {
  readonly cluster: Cluster;
  readonly plural: string;
}

const install = "apply this release's crds/ (the chart does it unless crds.install is false)";

/** crdChecks are about each CRD. */
export const crdChecks: readonly Check<Crd>[] = [
  {
    name: "served",
    run: async ({ cluster, plural }, signal) => {
      const path = `/apis/${group}/${apiVersionName}`;
      const list = await ignoring("NotFound", call(cluster, path, signal));
      const { resources = [] } = (list ?? {}) as { readonly resources?: readonly { readonly name: string }[] };
      const names = resources.map(({ name }) => name);
      if (!names.includes(plural)) return [fail(`${plural}.${group}/${apiVersionName} is not served`, install)];
      if (!names.includes(`${plural}/status`)) return [fail(`${plural} has no status subresource`, install)];
      return [ok(`${plural}.${group}/${apiVersionName} is served`)];
    },
  },
  { name: "schema", needs: ["served"], run: ({ cluster, plural }, signal) => schemaOutcomes(cluster, plural, signal) },
];

/** The CRD itself is compared where it may be read, with all of its rules; else its fields, as everybody may read them. */
async function schemaOutcomes(cluster: Cluster, plural: string, signal: AbortSignal): Promise<readonly Outcome[]> {
  const facts = crdFacts[plural];
  if (facts === undefined) return [skip("this release has no such CRD")];
  const crd = await ignoring(
    "Forbidden",
    call(cluster, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`, signal),
  );
  const stored = crd === undefined ? undefined : storedSchema(crd);
  const schema = stored ?? (await publishedSchema(cluster, facts.kind, signal));
  if (schema === undefined) return [skip("its schema may not be read", "run doctor with a user who may read CRDs")];
  const present = schemaFields(schema);
  const missing = facts.fields.filter((field) => !present.includes(field));
  if (missing.length > 0) {
    return [fail(`it is of another release: it lacks ${some(missing)}`, install)];
  }
  const unknown = present.filter((field) => !facts.fields.includes(field));
  if (unknown.length > 0) {
    return [warn(`it is of a newer release: this doctor does not know ${some(unknown)}`, "use the doctor of that release")];
  }
  if (stored === undefined) return [ok("its fields are those of this release (its rules may not be read)")];
  if (schemaHash(stored) !== facts.hash) {
    return [fail("it is of another release: its fields are the same, and its rules or limits are not", install)];
  }
  return [ok("it is that of this release")];
}

function storedSchema(crd: unknown): Schema | undefined {
  const { spec } = crd as {
    readonly spec?: {
      readonly versions?: readonly { readonly name: string; readonly schema?: { readonly openAPIV3Schema?: Schema } }[];
    };
  };
  return spec?.versions?.find(({ name }) => name === apiVersionName)?.schema?.openAPIV3Schema;
}

async function publishedSchema(cluster: Cluster, kind: string, signal: AbortSignal): Promise<Schema | undefined> {
  const document = await ignoring("Forbidden", call(cluster, `/openapi/v3/apis/${group}/${apiVersionName}`, signal));
  const { components } = (document ?? {}) as { readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> } };
  // Such as dev.getabako.v1alpha1.GitHubApp.
  return Object.entries(components?.schemas ?? {}).find(([name]) => name.split(".").at(-1) === kind)?.[1];
}

/** readingOutcomes say which of getabako's kinds could not be read by whoever runs doctor. */
export function readingOutcomes(errors: Readonly<Record<string, Error | undefined>>): readonly Outcome[] {
  const failed = Object.entries(errors).flatMap(([kind, error]) =>
    error === undefined
      ? []
      : [
          fail(
            `${kind} cannot be read: ${error.message}`,
            "name a namespace that you may read with --namespace, or run doctor with a user who may list them",
          ),
        ],
  );
  return orOk(failed, "GitHubApps, classes, RunnerTargets and RunnerRequests can be read");
}

function call(cluster: Cluster, path: string, signal: AbortSignal): Promise<unknown> {
  return cluster.call({ method: "GET", path, signal, doing: `get ${path}` });
}

async function ignoring<T>(reason: string, result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (isApiError(error, reason)) return undefined;
    throw error;
  }
}

function some(names: readonly string[]): string {
  return names.length <= 4 ? names.join(", ") : `${names.slice(0, 4).join(", ")} and ${names.length - 4} more`;
}
