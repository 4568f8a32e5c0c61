/** UnheardNote is what GitHub's list said of a runner without a known job. */
export interface UnheardNote {
  readonly runner: string;
  readonly busy: boolean;
}

/**
 * UnheardWork remembers, until a pass has taken it in, which runners GitHub listed as busy although nobody told of a job of theirs: the
 * event was lost, or it is a job of a repository whose events never come here. It is a cache: what follows from it is stored, and after a
 * restart the sweep finds it again.
 */
export class UnheardWork {
  /** By the request's uid; a later attempt has another runner, so an old note says nothing about it. */
  readonly #runners = new Map<string, UnheardNote>();

  /** note says whether a request's runner is at work. */
  note(uid: string, runner: string, busy: boolean): void {
    this.#runners.set(uid, { runner, busy });
  }

  /** of is what was last said of this runner of the request. */
  of(uid: string, runner: string | undefined): UnheardNote | undefined {
    const known = this.#runners.get(uid);
    return known?.runner === runner ? known : undefined;
  }

  /** done drops a note that a pass has stored, unless there is a newer one: what GitHub says later must not be undone by it. */
  done(uid: string, note: UnheardNote): void {
    if (this.#runners.get(uid) === note) this.#runners.delete(uid);
  }

  /** forget drops what is known of a request that is gone. */
  forget(uid: string): void {
    this.#runners.delete(uid);
  }
}
