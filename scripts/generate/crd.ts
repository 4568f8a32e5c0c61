import { apiVersion, group, type KindDefinition, type Validation, version } from "../../src/api/kind.ts";
import { type CelRule, type JsonSchema, structuralSchema } from "./schema.ts";

/** customResourceDefinition builds the CRD of one kind, ready to be printed as YAML. */
export function customResourceDefinition(definition: KindDefinition): Record<string, unknown> {
  const { kind, plural, singular, shortNames, columns, selectableFields } = definition;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [...shortNames], categories: ["getabako"] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns.map(({ name, type, jsonPath, description, priority }) => ({
            name,
            type,
            jsonPath,
            description,
            ...(priority === 0 ? {} : { priority }),
          })),
          ...(selectableFields === undefined ? {} : { selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })) }),
          schema: { openAPIV3Schema: objectSchema(definition) },
        },
      ],
    },
  };
}

/** objectSchema is the schema of a whole object of the kind. */
export function objectSchema({ kind, description, spec, status, validations }: KindDefinition): JsonSchema {
  return {
    description,
    type: "object",
    ...(validations === undefined ? {} : { "x-kubernetes-validations": validations.map(plainRule) }),
    required: ["spec"],
    properties: {
      apiVersion: { description: `Version of the schema of this object: ${apiVersion}.`, type: "string" },
      kind: { description: `Kind of this object: ${kind}.`, type: "string" },
      // The API server documents metadata itself, and refuses a CRD that adds so much as a description.
      metadata: { type: "object" },
      spec: structuralSchema(spec, `${kind}.spec`),
      status: structuralSchema(status, `${kind}.status`),
    },
  };
}

function plainRule(validation: Validation): CelRule {
  return { ...validation };
}
