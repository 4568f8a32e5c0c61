/** Folder is one row of the import table: what the files of a folder of src may import besides their own folder and Node. */
export interface Folder {
  /** Path of the folder below src; `*` stands for every sub-folder that has no row of its own. */
  readonly path: string;
  /** Folders, or single files, of src; "everything" sets no limits. */
  readonly may: readonly string[] | "everything";
  /** Those of `may` of which only types may be imported. */
  readonly typesOnly?: readonly string[];
  /** Files of the folders right above and below, as an import names them. */
  readonly near?: readonly string[];
  /** npm packages that have their home here; `@scope/*` is a whole scope. */
  readonly packages?: readonly string[];
}

const providerContract = ["provider/types.ts", "provider/errors.ts"];
// The address of an API is part of it: it says which GitHubApps ask the same one. So is what GitHub takes for a runner's version.
const githubContract = ["github/types.ts", "github/errors.ts", "github/api-url.ts", "github/runner-version.ts"];

/** A provider is handed what it needs: it knows the interface, and no other provider. */
const concreteProvider = {
  may: ["api", "telemetry", "util"],
  typesOnly: ["telemetry"],
  near: ["../types.ts", "../errors.ts"],
};
const intake = ["api", "kube", "overrides", "request", "telemetry", "util", ...githubContract];
const controllers = [...intake, "accounting", ...providerContract];

/**
 * importTable says who imports whom in src. Every folder has a row (the generator refuses a folder without one), and every
 * npm package has its home in the rows that name it.
 */
export const importTable: readonly Folder[] = [
  { path: "util", may: [] },
  { path: "api", may: [], packages: ["zod"] },
  { path: "api/v1alpha1", may: [], near: ["../kind.ts"], packages: ["zod"] },
  { path: "telemetry", may: ["util"], packages: ["pino", "prom-client"] },
  { path: "kube", may: ["telemetry", "util"], packages: ["@kubernetes/client-node", "undici"] },
  // What a job's labels ask for, and what a target allows.
  { path: "overrides", may: ["api", "util"] },
  // What the status of a RunnerRequest means: intake and controllers both write it.
  { path: "request", may: ["api", "kube", "overrides", "util"] },
  // What the requests of one bucket add up to: jobs that wait against runners that have none.
  { path: "accounting", may: ["api", "kube", "overrides", "request", "util"] },
  { path: "provider", may: ["api", "telemetry", "util"] },
  { path: "provider/*", ...concreteProvider },
  {
    path: "provider/ecs",
    ...concreteProvider,
    near: [...concreteProvider.near, "../aws-metrics.ts", "./events/*.ts"],
    packages: ["@aws-sdk/*"],
  },
  {
    path: "provider/ecs/events",
    ...concreteProvider,
    near: ["../*.ts", ...concreteProvider.near.map((name) => `../${name}`)],
    packages: ["@aws-sdk/*"],
  },
  { path: "provider/plugin", ...concreteProvider, packages: ["@grpc/*"] },
  { path: "provider/pod", ...concreteProvider, may: [...concreteProvider.may, "kube"], typesOnly: ["telemetry", "kube"] },
  { path: "github", may: ["telemetry", "util"], packages: ["@octokit/*", "undici"] },
  { path: "intake", may: intake, near: ["./*/*.ts"] },
  { path: "intake/*", may: intake, near: ["../*.ts"] },
  { path: "intake/webhook", may: intake, near: ["../*.ts"], packages: ["@octokit/webhooks"] },
  { path: "intake/sqs", may: intake, near: ["../*.ts"], packages: ["@aws-sdk/client-sqs"] },
  { path: "controllers", may: controllers },
  { path: "controllers/*", may: controllers, near: ["../*.ts"] },
  { path: "cli", may: "everything" },
  { path: "cli/*", may: "everything" },
];
