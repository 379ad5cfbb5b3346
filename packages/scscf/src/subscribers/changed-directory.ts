// Directory of the file's subscribers with what was added, replaced and removed since on top of them.
import { Groups } from "@ims-lab/common/platform/groups";
import type { FileDirectory, SubscriberDirectory } from "./directory.ts";
import type { Impu, Subscriber } from "./subscriber.ts";

export interface SubscriberChange {
  readonly impi: string;
  /** Undefined: removed. */
  readonly subscriber: Subscriber | undefined;
}

export type SubscriberSource = "file" | "changed" | "added";

export class ChangedDirectory implements SubscriberDirectory {
  readonly #file: FileDirectory;
  /** By IMPI: what counts instead of the file; undefined: removed. */
  readonly #changed = new Map<string, Subscriber | undefined>();
  /** Of those of `#changed`. */
  readonly #byAor = new Groups<string, Subscriber>();
  /** IMPIs of those of `#changed` that have rules of their own. */
  readonly #withRules = new Set<string>();
  /** Those that the file does not have, in the order in which they came. */
  readonly #added = new Set<string>();
  /** Positions in the file whose subscribers were removed, rising. */
  #removed: readonly number[] = [];

  constructor(file: FileDirectory) {
    this.#file = file;
  }

  get hasOwnRules(): boolean {
    return this.#file.hasOwnRules || this.#withRules.size > 0;
  }

  get size(): number {
    return this.#file.size - this.#removed.length + this.#added.size;
  }

  byImpi(impi: string): Subscriber | undefined {
    if (this.#changed.size > 0 && this.#changed.has(impi)) return this.#changed.get(impi);
    return this.#file.byImpi(impi);
  }

  ownersOf(aor: string): readonly Subscriber[] {
    const owners = this.#file.ownersOf(aor);
    if (this.#changed.size === 0) return owners;
    const unchanged = owners.filter(({ impi }) => !this.#changed.has(impi));
    return [...unchanged, ...this.#byAor.of(aor)];
  }

  implicitSet(impi: string): readonly Impu[] {
    return this.byImpi(impi)?.impus ?? [];
  }

  list(offset: number, limit: number): readonly Subscriber[] {
    const inFile = this.#file.size - this.#removed.length;
    const found = offset < inFile ? this.#listFile(offset, limit) : [];
    let at = inFile;
    for (const impi of this.#added) {
      if (found.length >= limit) break;
      const subscriber = this.#changed.get(impi);
      if (at >= offset && subscriber !== undefined) found.push(subscriber);
      at += 1;
    }
    return found;
  }

  /** Where its record comes from; undefined for a stranger. */
  sourceOf(impi: string): SubscriberSource | undefined {
    if (!this.#changed.has(impi)) return this.#file.byImpi(impi) && "file";
    if (this.#changed.get(impi) === undefined) return undefined;
    return this.#added.has(impi) ? "added" : "changed";
  }

  /** Whether the file has this one, whatever became of it since. */
  isInFile(impi: string): boolean {
    return this.#file.byImpi(impi) !== undefined;
  }

  /** IMPIs that the file alone does not tell the truth of. */
  get changes(): number {
    return this.#changed.size;
  }

  /** Those. */
  changedImpis(): IterableIterator<string> {
    return this.#changed.keys();
  }

  /** Of two for one private identity the later counts. */
  apply(changes: readonly SubscriberChange[]): void {
    const moved: { readonly position: number; readonly isRemoved: boolean }[] = [];
    for (const { impi, subscriber } of changes) {
      const position = this.#file.positionOf(impi);
      if (position !== undefined) moved.push({ position, isRemoved: subscriber === undefined });
      else if (subscriber !== undefined) this.#added.add(impi);
      this.#forget(impi);
      if (position === undefined && subscriber === undefined) this.#added.delete(impi);
      else this.#put(impi, subscriber);
    }
    if (moved.length > 0) this.#move(moved);
  }

  #put(impi: string, subscriber: Subscriber | undefined): void {
    this.#changed.set(impi, subscriber);
    if (subscriber?.policy !== undefined) this.#withRules.add(impi);
    for (const { aor } of subscriber?.impus ?? []) this.#byAor.add(aor, subscriber as Subscriber);
  }

  #move(moved: readonly { readonly position: number; readonly isRemoved: boolean }[]): void {
    if (this.#removed.length === 0 && moved.every(({ isRemoved }) => !isRemoved)) return;
    const removed = new Set(this.#removed);
    for (const { position, isRemoved } of moved) {
      if (isRemoved) removed.add(position);
      else removed.delete(position);
    }
    this.#removed = [...removed].sort((a, b) => a - b);
  }

  #forget(impi: string): void {
    const before = this.#changed.get(impi);
    for (const { aor } of before?.impus ?? []) this.#byAor.remove(aor, before as Subscriber);
    this.#changed.delete(impi);
    this.#withRules.delete(impi);
  }

  /** @param offset among those that are left of the file */
  #listFile(offset: number, limit: number): Subscriber[] {
    let at = offset;
    for (const hole of this.#removed) {
      if (hole > at) break;
      at += 1;
    }
    const found: Subscriber[] = [];
    while (found.length < limit && at < this.#file.size) {
      const page = this.#file.list(at, limit - found.length);
      at += page.length;
      for (const { impi } of page) {
        const subscriber = this.byImpi(impi);
        if (subscriber !== undefined) found.push(subscriber);
      }
    }
    return found;
  }
}
