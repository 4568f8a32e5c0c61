/**
 * Wakeups remembers which requests a change of class or target has called out of their pause. It only shortens waiting: when it is
 * lost in a restart, the pause ends by the clock.
 */
export class Wakeups {
  readonly #uids = new Set<string>();

  /** call notes that something changed that the request waits for. */
  call(uid: string): void {
    this.#uids.add(uid);
  }

  /** take tells whether the request was called, and forgets it. */
  take(uid: string): boolean {
    return this.#uids.delete(uid);
  }
}
