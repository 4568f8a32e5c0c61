/**
 * Told remembers, place by place, what was counted and announced of the things there, until a complete list does not show them any
 * more: sweeps repeat what they do, people hear of it once. It is bounded by the newest lists.
 */
export class Told {
  readonly #places = new Map<string, Map<string, Set<string>>>();

  /** first tells whether something is said of a thing for the first time. */
  first(place: string, thing: string, what: string): boolean {
    const things = this.#places.get(place) ?? new Map<string, Set<string>>();
    const said = things.get(thing) ?? new Set<string>();
    this.#places.set(place, things.set(thing, said));
    return said.size < said.add(what).size;
  }

  /** keep forgets the things of a place that are gone. */
  keep(place: string, present: ReadonlySet<string>): void {
    const things = this.#places.get(place);
    for (const thing of things?.keys() ?? []) if (!present.has(thing)) things?.delete(thing);
  }

  /** keepPlaces forgets the places that are gone. */
  keepPlaces(present: ReadonlySet<string>): void {
    for (const place of this.#places.keys()) if (!present.has(place)) this.#places.delete(place);
  }
}
