/**
 * UnheardWork remembers which runners GitHub listed as busy although nobody told of a job of theirs: the event was lost, or it is a job of
 * a repository whose events never come here. It is a cache: what follows from it is stored, and after a restart the sweep finds it again.
 */
export class UnheardWork {
  /** By the request's uid; a later attempt has another runner, so an old note says nothing about it. */
  readonly #runners = new Map<string, { readonly runner: string; readonly busy: boolean }>();

  /** note says whether a request's runner is at work. */
  note(uid: string, runner: string, busy: boolean): void {
    this.#runners.set(uid, { runner, busy });
  }

  /** of is what was last said of this runner of the request. */
  of(uid: string, runner: string | undefined): boolean | undefined {
    const known = this.#runners.get(uid);
    return known?.runner === runner ? known?.busy : undefined;
  }

  /** forget drops what is known of a request that is gone. */
  forget(uid: string): void {
    this.#runners.delete(uid);
  }
}
