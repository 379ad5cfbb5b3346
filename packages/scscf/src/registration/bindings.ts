// Every binding of this S-CSCF, found by token and by registration set. RFC 3261 §10.3.

import { Groups } from "@ims-lab/common/platform/groups";
import { isPacked, PackedTable } from "@ims-lab/common/platform/packed-table";
import { SharedTexts } from "@ims-lab/common/platform/shared-texts";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { samePath } from "./address.ts";
import type { Binding } from "./binding.ts";
import { Heirs } from "./heirs.ts";
import { packBinding, unpackBinding } from "./packed-binding.ts";
import { PathIndex } from "./path-index.ts";

export class Bindings {
  readonly #agents = new SharedTexts();
  readonly #byToken = new PackedTable<Binding>({
    pack: (binding) => packBinding(binding, this.#agents),
    unpack: (text, token) => unpackBinding(text, token, this.#agents),
  });
  /** Tokens, oldest first. */
  readonly #bySet = new Groups<string, string>();

  readonly #heirs = new Heirs();

  readonly #paths = new PathIndex();

  get size(): number {
    return this.#byToken.size;
  }

  get(token: string): Binding | undefined {
    return this.#byToken.get(token);
  }

  /**
   * Whose Service-Route it is: a device has got one of them for all that it registered over one Path,
   * and goes on with it when that one binding has ended.
   */
  ofServiceRoute(token: string): Binding | undefined {
    return this.#byToken.get(this.#heirs.of(token) ?? token);
  }

  /** All devices of the registration set, those of other IMPIs too; oldest first. */
  ofSet(set: string): readonly Binding[] {
    const found: Binding[] = [];
    for (const token of this.#bySet.of(set)) {
      const binding = this.#byToken.get(token);
      if (binding !== undefined) found.push(binding);
    }
    return found;
  }

  /** Number of those. */
  countOfSet(set: string): number {
    return this.#bySet.count(set);
  }

  /** All that are reached by this user part of a topmost Path URI. */
  ofPath(pathToken: string): readonly Binding[] {
    return this.#paths.ofUser(pathToken).flatMap((token) => this.#byToken.get(token) ?? []);
  }

  /** Whether one of them is behind the P-CSCF at this place. */
  isPathHop(host: string, port: number): boolean {
    return this.#paths.hasHop(host, port);
  }

  put(binding: Binding): void {
    const { token, set } = binding;
    const before = this.#byToken.get(token);
    if (before === undefined) {
      this.#bySet.add(ownCopy(set), token);
      this.#heirs.back(token);
    }
    this.#paths.moved(token, before?.address.path[0], binding.address.path[0]);
    this.#byToken.set(token, binding);
  }

  /** One that a store has kept. @param text its row, where it may rest as that */
  restore(binding: Binding, text: string | undefined): void {
    const { token, set, userAgent } = binding;
    if (!isPacked(text) || this.#byToken.has(token)) {
      this.put(binding);
      return;
    }
    this.#bySet.add(set, token);
    this.#paths.moved(token, undefined, binding.address.path[0]);
    // What many devices say alike stands in the table of texts.
    const shared = userAgent === undefined ? text : packBinding(binding, this.#agents);
    this.#byToken.restore(token, shared ?? text);
  }

  delete(token: string): void {
    const binding = this.#byToken.get(token);
    if (binding === undefined) return;
    this.#byToken.delete(token);
    this.#paths.moved(token, binding.address.path[0], undefined);
    this.#bySet.remove(binding.set, token);
    this.#heirs.ended(token, this.#heirOf(binding)?.token);
  }

  /** The same device's other binding behind the same Path. */
  #heirOf({ set, impi, address }: Binding): Binding | undefined {
    if (address.path.length === 0) return undefined;
    return this.ofSet(set).find(
      (one) => one.impi === impi && samePath(one.address.path, address.path),
    );
  }

  /** Without a trace: another node has them. */
  drop(set: string): void {
    for (const { token, address } of this.ofSet(set)) {
      this.#byToken.delete(token);
      this.#paths.moved(token, address.path[0], undefined);
      this.#heirs.ended(token, undefined);
      this.#bySet.remove(set, token);
    }
  }

  /** Names of the sets that have a binding. */
  sets(): IterableIterator<string> {
    return this.#bySet.keys();
  }

  get setCount(): number {
    return this.#bySet.size;
  }

  /** Tokens of all. */
  keys(): IterableIterator<string> {
    return this.#byToken.keys();
  }

  all(): IterableIterator<Binding> {
    return this.#byToken.values();
  }
}
