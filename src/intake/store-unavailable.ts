/**
 * StoreUnavailable says that a decision could not be carried out: nothing was promised, and the delivery must come again.
 *
 * | kind | the API server |
 * |---|---|
 * | Absent | gave no answer in time: it will not take anything else now |
 * | Refused | took this not, for a reason that need not hold for the next: a quota, a Role or an admission webhook of one namespace |
 */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
  readonly kind: "Absent" | "Refused";

  constructor(kind: "Absent" | "Refused", message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** isStoreUnavailable tells whether a thrown value is a StoreUnavailable, by shape. */
export function isStoreUnavailable(error: unknown): error is StoreUnavailable {
  return error instanceof Error && error.name === "StoreUnavailable";
}
