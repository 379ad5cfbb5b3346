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

  constructor(options: HistoriesOptions<K>) {
    this.#options = options;
  }

  note(name: string, kind: K, detail: string | null = null, source: string | null = null): void {
    const now = Math.round(this.#options.clock.now());
    const atRest = this.#recent.atRest(name);
    const longer = atRest && appended(atRest, now, { kind, detail, source });
    if (longer !== undefined) {
      this.#recent.restore(name, longer);
      return;
    }
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
    if (this.#recent.size * 2 >= this.#options.maxNames) {
      this.#older = this.#recent;
      this.#recent = newTable();
    } else this.#older.delete(name);
    this.#recent.set(name, kept);
    return kept;
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

function packed({ since, slots }: Kept): string {
  return JSON.stringify([since, slots]);
}

function unpacked(text: string): Kept {
  const [since, slots] = JSON.parse(text) as [number, Slot[]];
  return { since, slots };
}

/** A text no longer than this has room for one more event: none takes fewer characters than `,0,"k","","",1`. */
const ROOM_FOR_ONE_MORE = (EVENTS_KEPT - 1) * 14;

interface Event {
  readonly kind: string;
  readonly detail: string | null;
  readonly source: string | null;
}

/** A history at rest with one event more, without taking it apart; undefined where that might be full, or have it already. */
function appended(text: string, now: number, { kind, detail, source }: Event): string | undefined {
  if (text.length > ROOM_FOR_ONE_MORE) return undefined;
  const what = `,${JSON.stringify(kind)},${JSON.stringify(detail)},`;
  if (text.includes(what)) return undefined;
  const at = now - Number.parseInt(text.slice(1), 10);
  const longer = `${text.slice(0, -2)},${at}${what}${JSON.stringify(source)},1]]`;
  // In memory of its own: else each event would keep the text before it.
  return Buffer.from(longer, "utf8").toString("utf8");
}

function textOf(slot: Slot | undefined): string | undefined {
  return typeof slot === "string" ? slot : undefined;
}
