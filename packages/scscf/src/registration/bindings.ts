// Every binding of this S-CSCF, found by token and by registration set. RFC 3261 §10.3.

import { Groups } from "@ims-lab/common/platform/groups";
import { isPacked, PackedTable } from "@ims-lab/common/platform/packed-table";
import { SharedTexts } from "@ims-lab/common/platform/shared-texts";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { samePath } from "./address.ts";
import type { Binding } from "./binding.ts";
import { dueAt, isOver } from "./binding-machine.ts";
import { Heirs } from "./heirs.ts";
import { dueAtRest, packBinding, unpackBinding } from "./packed-binding.ts";
import { PathIndex } from "./path-index.ts";

/** Bindings whose time is over and whose end waits for its turn. */
export interface LateEnds {
  /** Milliseconds since the epoch; undefined while there are none. */
  lateAt(): number | undefined;
  /** Tokens of all such, others among them. */
  waiting(): Iterable<string>;
}

const NEVER_LATE: LateEnds = { lateAt: () => undefined, waiting: () => [] };

/** No look-up shows a binding from the moment on at which its time is over, however late its end is worked off. */
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

  #ends = NEVER_LATE;

  /** Who works off their ends. */
  endBy(ends: LateEnds): void {
    this.#ends = ends;
  }

  get size(): number {
    return this.#byToken.size - this.#over().length;
  }

  get(token: string): Binding | undefined {
    return this.#shown(this.#byToken.get(token));
  }

  /** The same until its end has been worked off. */
  kept(token: string): Binding | undefined {
    return this.#byToken.get(token);
  }

  /** The same without keeping it at hand: it is looked at for the last time. */
  look(token: string): Binding | undefined {
    return this.#byToken.look(token);
  }

  /** When the deadline of this one comes, milliseconds since the epoch; undefined: it has gone. */
  dueOf(token: string): number | undefined {
    const text = this.#byToken.atRest(token);
    const due = text === undefined ? undefined : dueAtRest(text);
    if (due !== undefined) return due;
    const binding = this.#byToken.look(token);
    return binding && dueAt(binding);
  }

  /** Of a set, the same. */
  keptOfSet(set: string): readonly Binding[] {
    return this.#bySet.of(set).flatMap((token) => this.#byToken.get(token) ?? []);
  }

  /** Number of all of those. */
  get keptSize(): number {
    return this.#byToken.size;
  }

  #shown(binding: Binding | undefined): Binding | undefined {
    if (binding === undefined) return undefined;
    const at = this.#ends.lateAt();
    return at !== undefined && isOver(binding, at) ? undefined : binding;
  }

  #over(): readonly Binding[] {
    const at = this.#ends.lateAt();
    if (at === undefined) return [];
    const tokens = new Set(this.#ends.waiting());
    const kept = Array.from(tokens, (token) => this.#byToken.look(token) ?? []).flat();
    return kept.filter((binding) => isOver(binding, at));
  }

  /**
   * Whose Service-Route it is: a device has got one of them for all that it registered over one Path,
   * and goes on with it when that one binding has ended.
   */
  ofServiceRoute(token: string): Binding | undefined {
    return this.get(this.#heirs.of(token) ?? token);
  }

  /** All devices of the registration set, those of other IMPIs too; oldest first. */
  ofSet(set: string): readonly Binding[] {
    const found: Binding[] = [];
    for (const token of this.#bySet.of(set)) {
      const binding = this.get(token);
      if (binding !== undefined) found.push(binding);
    }
    return found;
  }

  /** Number of those. */
  countOfSet(set: string): number {
    return this.#ends.lateAt() === undefined ? this.#bySet.count(set) : this.ofSet(set).length;
  }

  /** Whether the set has no other binding than one. */
  isAlone(set: string): boolean {
    return this.#bySet.count(set) === 1;
  }

  /** All that are reached by this user part of a topmost Path URI. */
  ofPath(pathToken: string): readonly Binding[] {
    return this.#paths.ofUser(pathToken).flatMap((token) => this.get(token) ?? []);
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

  delete(binding: Binding): void {
    const { token } = binding;
    if (!this.#byToken.delete(token)) return;
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
    for (const { token, address } of this.keptOfSet(set)) {
      this.#byToken.delete(token);
      this.#paths.moved(token, address.path[0], undefined);
      this.#heirs.ended(token, undefined);
      this.#bySet.remove(set, token);
    }
  }

  /** Names of the sets that have a binding. */
  *sets(): IterableIterator<string> {
    for (const set of this.#bySet.keys()) if (this.countOfSet(set) > 0) yield set;
  }

  get setCount(): number {
    const touched = new Set(this.#over().map(({ set }) => set));
    return this.#bySet.size - [...touched].filter((set) => this.countOfSet(set) === 0).length;
  }

  /** Tokens of all. */
  keys(): IterableIterator<string> {
    return this.#byToken.keys();
  }

  *all(): IterableIterator<Binding> {
    for (const binding of this.#byToken.values())
      if (this.#shown(binding) !== undefined) yield binding;
  }

  /** The same, each until its end has been worked off. */
  allKept(): IterableIterator<Binding> {
    return this.#byToken.values();
  }
}
