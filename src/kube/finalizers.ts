interface Finalized {
  readonly metadata: { readonly finalizers?: readonly string[] };
}

/** hasFinalizer is whether an object carries a finalizer. */
export function hasFinalizer(object: Finalized, name: string): boolean {
  return object.metadata.finalizers?.includes(name) ?? false;
}

/** withFinalizer is the object's list of finalizers with one added, for Client.patchMetadata. */
export function withFinalizer(object: Finalized, name: string): string[] {
  const present = object.metadata.finalizers ?? [];
  return present.includes(name) ? [...present] : [...present, name];
}

/** withoutFinalizer is the object's list of finalizers with one removed, for Client.patchMetadata. */
export function withoutFinalizer(object: Finalized, name: string): string[] {
  return (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name);
}
