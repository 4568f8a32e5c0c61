import { z } from "zod";
import { atomicList, listMap, listSet } from "../kind.ts";

const dnsLabel = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
const dnsSubdomain = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/** conditionSchema is metav1.Condition. */
export const conditionSchema = z
  .object({
    type: z.string().max(316).describe("Type of the condition, such as Ready."),
    status: z.enum(["True", "False", "Unknown"]).describe("True, False or Unknown."),
    reason: z.string().min(1).max(1024).describe("The cause of the status, one CamelCase word from a documented list."),
    message: z.string().max(32768).describe("What is going on and what to do, for people."),
    lastTransitionTime: z.string().meta({ format: "date-time" }).describe("When the status last changed."),
    observedGeneration: z.int().min(0).exactOptional().describe("The metadata.generation that the condition speaks of."),
  })
  .describe("One observation about the object.");

export const conditionsSchema = z
  .array(conditionSchema)
  .max(16)
  .meta(listMap("type"))
  .describe("Observations about the object, one a type.");

/** objectName is a name of a namespaced object; namespaceName that of a namespace. */
export const objectName = z.string().min(1).max(253).regex(new RegExp(dnsSubdomain));
export const namespaceName = z.string().min(1).max(63).regex(new RegExp(dnsLabel));

/** timestamp is an RFC 3339 moment. */
export const timestamp = z.string().meta({ format: "date-time" });

/** secretKeyRef names one key of a Secret in the object's own namespace. */
export const secretKeyRef = z.object({
  name: objectName.describe("Name of a Secret in the same namespace."),
  key: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._a-zA-Z0-9]+$/)
    .describe("Key in the Secret."),
});

/** crossNamespaceRef names an object in the same namespace, or in another one whose `access` allows it. */
export const crossNamespaceRef = z.object({
  name: objectName.describe("Name of the object."),
  namespace: namespaceName
    .exactOptional()
    .describe("Its namespace; by default the referring object's own. Another one must allow it in the object's `access`."),
});

/** repositoryGlob is `owner/name` with `*` for any characters but a slash. */
export const repositoryGlob = z
  .string()
  .min(3)
  .max(140)
  .regex(/^[A-Za-z0-9_.*-]+\/[A-Za-z0-9_.*-]+$/)
  .describe("A repository as owner/name; * stands for any characters except a slash. Case is ignored.");

/** namespacesList is a set of namespace names. */
export const namespacesList = z.array(namespaceName).min(1).max(64).meta(listSet);

export const repositoryGlobs = z.array(repositoryGlob).max(64).meta(atomicList);
