import { entrypoint, places, user } from "./runtime-files.ts";

/** defaults are what a container of the image has unless it is told otherwise. */
export const defaults = {
  User: `${user}:${user}`,
  Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production"],
  Entrypoint: entrypoint,
  Cmd: ["run"],
  WorkingDir: places.app,
  ExposedPorts: { "8080/tcp": {}, "9090/tcp": {} },
} as const;

/** labels are the image's OCI annotations. */
export function labels(manifest: {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly revision?: string | undefined;
}): Record<string, string> {
  return {
    "org.opencontainers.image.title": "getabako",
    "org.opencontainers.image.description": manifest.description,
    "org.opencontainers.image.version": manifest.version,
    "org.opencontainers.image.licenses": manifest.license,
    ...(manifest.revision === undefined ? {} : { "org.opencontainers.image.revision": manifest.revision }),
  };
}
