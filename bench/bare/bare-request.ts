import { newRequest } from "../../src/request/testing.ts";

/** bareRequest is a RunnerRequest such as intake makes. */
export function bareRequest(name: string) {
  const { metadata, ...rest } = newRequest({ name, job: { id: name.slice(4) } });
  const { uid: _uid, generation: _generation, creationTimestamp: _created, ...own } = metadata;
  return { ...rest, metadata: own };
}
