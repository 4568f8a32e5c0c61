/**
 * inPool works on items, `size` of them at a time. After the first failure nothing more is begun; the failure is thrown once what was
 * under way has ended, so that nothing goes on behind the caller's back.
 */
export async function inPool<T>(items: Iterable<T>, size: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items][Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    // All workers take from the one iterator: each item is worked on once.
    for (const item of rest) {
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
      }
      if (failure !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: size }, worker));
  if (failure !== undefined) throw failure.error;
}
