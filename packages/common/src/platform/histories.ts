// The latest events of many names, for people who ask what happened. Bounded per name and in names; compact.
import type { Clock } from "./clock.ts";
import { PackedTable } from "./packed-table.ts";

/** Something that happened, once or several times in a row. */
export interface Happened<K extends string> {
  /** Milliseconds since the epoch; of the last time. */
  readonly at: number;
  readonly kind: K;
  readonly detail: string | undefined;
  /** Who did it, as an address. */
  readonly source: string | undefined;
  readonly times: number;
}

export interface HistoriesOptions<K extends string> {
  readonly clock: Clock;
  /** Names; those quiet longest are forgotten, half of them at once. */
  readonly maxNames: number;
  /** What anybody can cause, whoever the name belongs to: has a share of its own in each history. */
  isUnproven(kind: K): boolean;
}

export const EVENTS_KEPT = 20;
/** So that a stranger's attempts do not push out what the user did. */
const UNPROVEN_KEPT = 12;
/** Time, kind, detail, source, times. */
const SLOTS = 5;

/** What JSON knows: at rest they are text. */
type Slot = number | string | null;

/** One flat array per name, times counted from the first. */
interface Kept {
  readonly since: number;
  readonly slots: Slot[];
}

export class Histories<K extends string> {
  readonly #options: HistoriesOptions<K>;
  #recent = newTable();
  #older = newTable();
  #lastEvent: WrittenEvent | undefined;

  constructor(options: HistoriesOptions<K>) {
    this.#options = options;
  }

  note(name: string, kind: K, detail: string | null = null, source: string | null = null): void {
    const now = Math.round(this.#options.clock.now());
    const append = (text: string): string | undefined =>
      appended(text, now, this.#written(kind, detail), source);
    if (this.#recent.rewrite(name, append) || this.#rewriteOlder(name, append)) return;
    const kept = this.#touched(name, now);
    this.#recent.use(name);
    const { slots } = kept;
    const at = now - kept.since;
    const last = slots.length - SLOTS;
    if (last >= 0 && slots[last + 1] === kind && slots[last + 2] === detail) {
      slots[last] = at;
      slots[last + 3] = source;
      slots[last + 4] = Number(slots[last + 4]) + 1;
      return;
    }
    if (slots.length >= EVENTS_KEPT * SLOTS) slots.splice(this.#leastWorth(slots), SLOTS);
    slots.push(at, kind, detail, source, 1);
  }

  /** Many users may have the same end at once: it is written once. */
  #written(kind: K, detail: string | null): WrittenEvent {
    const last = this.#lastEvent;
    if (last?.kind === kind && last.detail === detail) return last;
    const text = `,${JSON.stringify(kind)},${JSON.stringify(detail)},`;
    this.#lastEvent = { kind, detail, text };
    return this.#lastEvent;
  }

  /** Oldest first. */
  of(name: string): readonly Happened<K>[] {
    const kept = this.#recent.get(name) ?? this.#older.get(name);
    if (kept === undefined) return [];
    const found: Happened<K>[] = [];
    const { slots, since } = kept;
    for (let at = 0; at < slots.length; at += SLOTS) {
      const [time, kind, detail, source, times] = slots.slice(at, at + SLOTS);
      found.push({
        at: since + Number(time),
        kind: kind as K,
        detail: textOf(detail),
        source: textOf(source),
        times: Number(times),
      });
    }
    return found;
  }

  /** Two generations: moving each name to the end of one map would cost more than all the rest. */
  #touched(name: string, now: number): Kept {
    const known = this.#recent.get(name);
    if (known !== undefined) return known;
    const kept = this.#older.get(name) ?? { since: now, slots: [] };
    this.#takeForward(name);
    this.#recent.set(name, kept);
    return kept;
  }

  /** The name goes from the older generation to the recent one, as a text that is at rest. */
  #rewriteOlder(name: string, rewrite: (text: string) => string | undefined): boolean {
    const text = this.#recent.has(name) ? undefined : this.#older.atRest(name);
    const longer = text && rewrite(text);
    if (longer === undefined) return false;
    this.#takeForward(name);
    this.#recent.restore(name, longer);
    return true;
  }

  #takeForward(name: string): void {
    if (this.#recent.size * 2 >= this.#options.maxNames) {
      this.#older = this.#recent;
      this.#recent = newTable();
    } else this.#older.delete(name);
  }

  /** The oldest; among what anybody can cause, when there is more of that than its share. */
  #leastWorth(slots: Kept["slots"]): number {
    const { isUnproven } = this.#options;
    let unproven = 0;
    let oldest = 0;
    for (let at = slots.length - SLOTS; at >= 0; at -= SLOTS) {
      if (!isUnproven(slots[at + 1] as K)) continue;
      unproven += 1;
      oldest = at;
    }
    return unproven > UNPROVEN_KEPT ? oldest : 0;
  }
}

/** Names that have been quiet for a while are at rest: one text each. */
function newTable(): PackedTable<Kept> {
  return new PackedTable<Kept>({ pack: packed, unpack: unpacked });
}

/** At rest: how many events, since when, the slots. */
function packed({ since, slots }: Kept): string {
  return JSON.stringify([slots.length / SLOTS, since, slots]);
}

function unpacked(text: string): Kept {
  const [, since, slots] = JSON.parse(text) as [number, number, Slot[]];
  return { since, slots };
}

interface WrittenEvent {
  readonly kind: string;
  readonly detail: string | null;
  /** Both as they stand in a history at rest. */
  readonly text: string;
}

/** A history at rest with one event more, without taking it apart; undefined where it is full, or the last event may be the same. */
function appended(
  text: string,
  now: number,
  { text: what }: WrittenEvent,
  source: string | null,
): string | undefined {
  const events = Number.parseInt(text.slice(1), 10);
  if (events >= EVENTS_KEPT || mayBeLast(text, what)) return undefined;
  const behind = text.indexOf(",");
  const at = now - Number.parseInt(text.slice(behind + 1), 10);
  const before = text.slice(behind, -2);
  const longer = `[${events + 1}${before},${at}${what}${JSON.stringify(source)},1]]`;
  // Reading it makes one text of its pieces, for a third of what a copy takes: else it would keep the one before it.
  longer.charCodeAt(0);
  return longer;
}

/** Source and times of an event, and that another one follows. */
const FOLLOWED = /^(?:null|"[^"\\]*"),\d+,/;

function mayBeLast(text: string, what: string): boolean {
  const found = text.lastIndexOf(what);
  return found >= 0 && !FOLLOWED.test(text.slice(found + what.length));
}

function textOf(slot: Slot | undefined): string | undefined {
  return typeof slot === "string" ? slot : undefined;
}
