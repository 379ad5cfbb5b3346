// Tokens of bindings that have ended, and the binding of the same device that answers for each. RFC 3608 §5.

/** Of one binding: who changes Contacts all day long fills no memory. */
const MOST = 4;

export class Heirs {
  readonly #heirOf = new Map<string, string>();
  readonly #left = new Map<string, readonly string[]>();

  of(token: string): string | undefined {
    return this.#heirOf.get(token);
  }

  /** It answers for itself again. */
  back(token: string): void {
    const heir = this.#heirOf.get(token);
    if (heir === undefined) return;
    this.#heirOf.delete(token);
    const left = this.#left.get(heir) ?? [];
    this.#left.set(
      heir,
      left.filter((former) => former !== token),
    );
  }

  /** @param heir undefined: nobody is left to answer for it */
  ended(token: string, heir: string | undefined): void {
    const before = this.#left.get(token);
    if (before === undefined && heir === undefined) {
      this.#heirOf.delete(token);
      return;
    }
    const left = [...(before ?? []), token];
    this.#left.delete(token);
    for (const former of left) this.#heirOf.delete(former);
    if (heir === undefined) return;
    const all = [...(this.#left.get(heir) ?? []), ...left];
    for (const former of all.slice(0, -MOST)) this.#heirOf.delete(former);
    const kept = all.slice(-MOST);
    for (const former of kept) this.#heirOf.set(former, heir);
    this.#left.set(heir, kept);
  }
}
