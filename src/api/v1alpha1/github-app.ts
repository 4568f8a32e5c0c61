import { z } from "zod";
import { type ApiObject, atomicList, cel, type KindDefinition, listMap } from "../kind.ts";
import { conditionsSchema, namespacesList, repositoryGlobs, secretKeyRef, timestamp } from "./common.ts";
import { githubAppResource } from "./resources.ts";

const httpUrl = z
  .string()
  .max(253)
  .regex(/^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?(\/[A-Za-z0-9._~/-]*)?$/);

export const githubAppSpecSchema = z
  .object({
    url: httpUrl
      .default("https://github.com")
      .describe(
        "Address of GitHub as people open it: https://github.com, https://TENANT.ghe.com or that of a GitHub Enterprise Server.",
      ),
    apiUrl: httpUrl.exactOptional().describe("Address of the REST API, where it does not follow from url."),
    appId: z.int().min(1).describe("The App's id, shown on its settings page."),
    privateKeySecretRef: secretKeyRef.describe("The App's private key, a PEM file as GitHub hands it out (PKCS#1) or PKCS#8."),
    webhookSecretRefs: z
      .array(secretKeyRef)
      .min(1)
      .max(4)
      .meta(atomicList)
      .describe("The webhook secrets that are accepted: one, or the old and the new one while rotating."),
    caBundleRef: secretKeyRef
      .exactOptional()
      .describe("Certificate authorities (PEM) to trust for this host, beside the usual ones."),
    access: z
      .array(
        z.object({
          namespaces: namespacesList.describe("Namespaces whose RunnerTargets may use this App."),
          repositories: repositoryGlobs.min(1).exactOptional().describe("The repositories they may serve; by default every one."),
        }),
      )
      .min(1)
      .max(64)
      .meta(atomicList)
      .exactOptional()
      .describe(
        "Who may use the App. By default the RunnerTargets of its own namespace, for every repository; once set it is the whole list, so name the own namespace too.",
      ),
  })
  .meta(
    cel(
      { rule: "self.url.matches('^https?://[^/]+/?$')", message: "url is the bare address of the host; put a path into apiUrl" },
      {
        rule: "self.webhookSecretRefs.all(a, self.webhookSecretRefs.exists_one(b, a.name == b.name && a.key == b.key))",
        message: "webhookSecretRefs names the same Secret key twice",
      },
    ),
  )
  .describe("Which App on which host, and where its secrets are.");

export const githubAppStatusSchema = z
  .object({
    observedGeneration: z.int().min(0).exactOptional().describe("The generation that the status speaks of."),
    slug: z.string().max(100).exactOptional().describe("The App's name in GitHub's addresses."),
    installations: z
      .array(
        z.object({
          id: z.string().max(20).describe("The installation's id."),
          account: z.string().max(100).describe("The organisation or user it belongs to."),
          suspended: z.boolean().exactOptional().describe("Whether the owner suspended it."),
          repositorySelection: z.enum(["all", "selected"]).describe("Whether every repository of the account is covered."),
        }),
      )
      .max(100)
      .meta(listMap("id"))
      .exactOptional()
      .describe("Where the App is installed, the first hundred."),
    rateLimit: z
      .record(
        z.string(),
        z.object({
          limit: z.int().min(0).describe("Requests a window."),
          remaining: z.int().min(0).describe("Requests left."),
          resetAt: timestamp.describe("When the window starts anew."),
        }),
      )
      .meta({ maxProperties: 32 })
      .exactOptional()
      .describe("GitHub's rate limits by its name for the bucket, as last seen; written once a minute at most."),
    redelivery: z
      .object({
        checkedThrough: timestamp.describe(
          "Webhook deliveries up to this moment have succeeded, were sent again with success, or were given up.",
        ),
      })
      .exactOptional()
      .describe(
        "How far the App's webhook deliveries were checked for failed ones. Several objects for one App share the newest.",
      ),
    recentRepositories: z
      .array(
        z.object({
          name: z.string().max(140).describe("The repository, as owner/name."),
          seenAt: timestamp.describe("When a job of it was last served, to the hour."),
        }),
      )
      .max(200)
      .meta(listMap("name"))
      .exactOptional()
      .describe(
        "Repositories with jobs in the last day, the newest two hundred: these are asked for jobs whose webhooks were lost.",
      ),
    conditions: conditionsSchema.exactOptional(),
  })
  .describe("What the operator saw at GitHub.");

export type GitHubAppSpec = z.infer<typeof githubAppSpecSchema>;
export type GitHubAppStatus = z.infer<typeof githubAppStatusSchema>;
export type GitHubApp = ApiObject<GitHubAppSpec, GitHubAppStatus>;

export const githubAppKind: KindDefinition = {
  kind: githubAppResource.kind,
  plural: githubAppResource.plural,
  singular: "githubapp",
  shortNames: ["gha"],
  description: "GitHubApp is one GitHub App on one host: how getabako signs in there, and whose webhooks it accepts.",
  spec: githubAppSpecSchema,
  status: githubAppStatusSchema,
  columns: [
    {
      name: "Ready",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: "Whether it can be used.",
      priority: 0,
    },
    {
      name: "Reason",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: "Why, or why not.",
      priority: 0,
    },
    { name: "App", type: "integer", jsonPath: ".spec.appId", description: "The App's id.", priority: 0 },
    { name: "URL", type: "string", jsonPath: ".spec.url", description: "GitHub's address.", priority: 1 },
    { name: "Slug", type: "string", jsonPath: ".status.slug", description: "The App's name.", priority: 1 },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since creation.", priority: 0 },
  ],
};
