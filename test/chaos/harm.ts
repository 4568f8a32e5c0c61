/** Harm is what the script did to the world that may cost a job its runner: nothing else excuses a job that was lost. */
export class Harm {
  /** Tasks by id, with what was done to them. */
  readonly #tasks = new Map<string, string>();
  /** Requests by name that a person deleted. */
  readonly #requests = new Set<string>();

  /** Registrations that the script made to be in the way. */
  readonly foreignRunners = new Set<number>();

  /** A registration that is nobody's leftover. */
  foreign(runnerId: number): void {
    this.foreignRunners.add(runnerId);
  }

  task(id: string, what: string): void {
    this.#tasks.set(id, what);
  }

  request(name: string): void {
    this.#requests.add(name);
  }

  /** Why a runner may have been lost, by its name and the tasks that were started for it; undefined if nobody touched it. */
  excuse(runnerName: string, taskIds: readonly string[]): string | undefined {
    for (const id of taskIds) {
      const what = this.#tasks.get(id);
      if (what !== undefined) return what;
    }
    const request = runnerName.replace(/-\d+$/, "");
    return this.#requests.has(request) ? "a person deleted its request" : undefined;
  }
}
