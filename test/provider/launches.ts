import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { runnerName } from "../../src/api/v1alpha1/names.ts";
import type { Launch, Place, Provider, ResolvedClass } from "../../src/provider/types.ts";

/** makeLaunch is a launch of a request that no other test knows. Its JIT configuration is as long as a real one. */
export function makeLaunch<Spec>(cls: ResolvedClass<Spec>, overrides: Partial<Launch<Spec>> = {}): Launch<Spec> {
  const requestName = overrides.requestName ?? `job-${randomInt(1e9, 1e12)}`;
  const attempt = overrides.attempt ?? 1;
  return {
    requestUid: randomUUID(),
    requestNamespace: "team-web",
    requestName,
    attempt,
    tries: 0,
    runnerName: runnerName(requestName, attempt),
    registeredIn: { app: "team-web/acme", scope: "acme/web" },
    labels: ["self-hosted", "linux", "x64"],
    overrides: {},
    avoid: [],
    class: cls,
    jitConfig: jitConfig(),
    tags: { repository: "acme/web", workflow: "CI (nightly)", job: "31415926535", target: "web" },
    ...overrides,
  };
}

/** jitConfig is a new one: base64, 4,144 characters. */
export function jitConfig(): string {
  return randomBytes(3_108).toString("base64");
}

/** placeOf is where the instances of a class are found, as it is stored with them. */
export function placeOf(provider: Provider, cls: ResolvedClass): Place {
  return {
    classRef: { kind: cls.kind, namespace: cls.namespace, name: cls.name },
    connection: JSON.parse(JSON.stringify(provider.connection(cls))) as Record<string, string>,
  };
}

/** unaborted is a signal that nobody aborts. */
export function unaborted(): AbortSignal {
  return new AbortController().signal;
}

/** collect reads an iterable to its end. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
