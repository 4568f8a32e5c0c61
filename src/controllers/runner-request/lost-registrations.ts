/**
 * LostRegistrations remembers which runners GitHub has forgotten while their requests believe them to be online. It is a cache: after a
 * restart, the sweep finds them again.
 */
export class LostRegistrations {
  /** By the request's uid the runner's name: a later attempt has another one, so an old note says nothing about it. */
  readonly #runners = new Map<string, string>();

  /** note says that a request's runner is not registered any more. */
  note(uid: string, runner: string): void {
    this.#runners.set(uid, runner);
  }

  /** has tells whether that was said of this runner of the request. */
  has(uid: string, runner: string | undefined): boolean {
    return runner !== undefined && this.#runners.get(uid) === runner;
  }

  /** forget drops what is known of a request that is gone. */
  forget(uid: string): void {
    this.#runners.delete(uid);
  }
}
