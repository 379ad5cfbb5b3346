// The admin interface's event stream: numbered events, a ring of the latest, and readers that keep up. HTML §9.2, server-sent events.
import type { EventGap } from "@ims-lab/common/admin-api/events";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { RegistrationEvent, RegistrationSubscriber } from "../registration/events.ts";
import { contentOf, type EventContent, isTold } from "./event-views.ts";
import { type EventReader, StreamReaders } from "./stream-readers.ts";

export interface ReadingFrom {
  /** The last event that the reader has; undefined: it wants what happens from now on. */
  readonly lastId: number | undefined;
  /** Events of these identities alone; undefined: all. */
  readonly names: ReadonlySet<string> | undefined;
}

export interface EventStreamOptions {
  readonly clock: Clock;
  /** Time to subscribe. */
  readonly dutySeconds: number;
}

/** Events that are remembered for readers that come back. */
export const EVENTS_REMEMBERED = 2_000;
export const MOST_READERS = 32;
/** Numbers go on above those of an earlier process that had fewer than this many events a millisecond. */
const EVENTS_PER_MS = 1_000;

interface Numbered {
  readonly id: number;
  readonly at: number;
  readonly event: RegistrationEvent;
}

interface Reading extends ReadingFrom {
  readonly reader: EventReader;
}

export class EventStream implements RegistrationSubscriber {
  readonly #options: EventStreamOptions;
  /** As they came: made into text when somebody reads them. */
  readonly #ring: Numbered[] = [];
  readonly #readings: StreamReaders<Reading>;
  /** Number of the first event. */
  readonly #first: number;
  /** Events so far: a small number, where their ids are too large for whole-number arithmetic. */
  #count = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#readings = new StreamReaders(options.clock, MOST_READERS);
    this.#first = Math.floor(options.clock.now()) * EVENTS_PER_MS;
  }

  on(event: RegistrationEvent): void {
    if (!isTold(event)) return;
    const numbered = { id: this.#next, at: Math.round(this.#options.clock.now()), event };
    this.#ring[this.#count % EVENTS_REMEMBERED] = numbered;
    this.#count += 1;
    if (this.#readings.size === 0) return;
    const content = this.#contentOf(numbered);
    if (content === undefined) return;
    const text = textOf(numbered, content);
    for (const reading of this.#readings)
      if (concerns(content, reading.names)) this.#readings.tell(reading, text);
  }

  get readers(): number {
    return this.#readings.size;
  }

  /** False: there are as many readers as may be, or the node is stopping. */
  get mayOpen(): boolean {
    return this.#readings.mayOpen;
  }

  /** What has happened since, then all that happens; false where it may not be opened. */
  open(reader: EventReader, from: ReadingFrom): boolean {
    if (!this.mayOpen) return false;
    this.#readings.open({ reader, ...from });
    this.replay(reader, from);
    return true;
  }

  /** What has happened since `lastId`; where that is not remembered a gap, and all that is. */
  replay(reader: EventReader, { lastId, names }: ReadingFrom): void {
    reader.write(": events of the S-CSCF\n\n");
    if (lastId === undefined) {
      // Whoever loses the connection before the first event can say where it was.
      reader.write(`id: ${this.#next - 1}\n\n`);
      return;
    }
    const oldest = this.oldest;
    const from = lastId + 1 >= oldest && lastId < this.#next ? lastId + 1 : oldest;
    if (from !== lastId + 1) reader.write(gapText({ from }));
    for (let id = from; id < this.#next; id++) {
      const numbered = this.#ring[(id - this.#first) % EVENTS_REMEMBERED];
      const content = numbered && this.#contentOf(numbered);
      if (numbered !== undefined && content !== undefined && concerns(content, names))
        reader.write(textOf(numbered, content));
    }
  }

  /** The connection has gone. */
  left(reader: EventReader): void {
    this.#readings.left(reader);
  }

  /** Every reader hears what was said, and no more. */
  close(): void {
    this.#readings.close();
  }

  /** The id of the oldest event that is remembered; of the next one, where none is. */
  get oldest(): number {
    return this.#first + Math.max(0, this.#count - EVENTS_REMEMBERED);
  }

  get #next(): number {
    return this.#first + this.#count;
  }

  #contentOf({ event }: Numbered): EventContent | undefined {
    return contentOf(event, this.#options.dutySeconds);
  }
}

function concerns({ impi, impu }: EventContent, names: ReadonlySet<string> | undefined): boolean {
  if (names === undefined) return true;
  return (impi !== null && names.has(impi)) || (impu !== null && names.has(impu));
}

function textOf({ id, at }: Numbered, content: EventContent): string {
  return `id: ${id}\nevent: ${content.type}\ndata: ${JSON.stringify({ id, at, ...content })}\n\n`;
}

/** Without an id: a reader that breaks off here asks for the same again. */
function gapText(gap: EventGap): string {
  return `event: gap\ndata: ${JSON.stringify(gap)}\n\n`;
}
