// Readers of server-sent events that keep up: heartbeat, bounded buffers, a bounded number. HTML §9.2.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";

/** One who reads a stream: a connection. */
export interface EventReader {
  write(text: string): void;
  /** Octets that were written and have not left yet. */
  readonly buffered: number;
  /** All that was written still leaves. */
  end(): void;
  /** Nothing more leaves. */
  drop(): void;
}

/** Who has so much unread is dropped; it may come back. */
export const MOST_BUFFERED_OCTETS = 1_048_576;
/** Middleboxes close what is silent for longer. */
const HEARTBEAT_MS = 15_000;

export class StreamReaders<R extends { readonly reader: EventReader }> {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #onLeft: (reading: R) => void;
  readonly #readings = new Set<R>();
  #heartbeat: Timer | undefined;
  #isClosed = false;

  /** @param onLeft told once of each that reads no more, whoever ended it */
  constructor(clock: Clock, most: number, onLeft: (reading: R) => void = () => undefined) {
    this.#clock = clock;
    this.#most = most;
    this.#onLeft = onLeft;
  }

  get size(): number {
    return this.#readings.size;
  }

  /** False: there are as many readers as may be, or the node is stopping. */
  get mayOpen(): boolean {
    return !this.#isClosed && this.#readings.size < this.#most;
  }

  open(reading: R): void {
    this.#readings.add(reading);
    this.#heartbeat ??= this.#beatLater();
  }

  /** The connection has gone. */
  left(reader: EventReader): void {
    for (const reading of [...this.#readings]) {
      if (reading.reader !== reader) continue;
      this.#readings.delete(reading);
      this.#onLeft(reading);
    }
    if (this.#readings.size > 0) return;
    this.#heartbeat?.cancel();
    this.#heartbeat = undefined;
  }

  [Symbol.iterator](): Iterator<R> {
    return [...this.#readings][Symbol.iterator]();
  }

  /** One that does not read is dropped instead. */
  tell({ reader }: R, text: string): void {
    if (reader.buffered <= MOST_BUFFERED_OCTETS) reader.write(text);
    else {
      this.left(reader);
      reader.drop();
    }
  }

  /** Every reader hears what was said, and no more. */
  close(): void {
    this.#isClosed = true;
    for (const { reader } of this) {
      this.left(reader);
      reader.end();
    }
  }

  #beatLater(): Timer {
    return this.#clock.after(HEARTBEAT_MS, () => {
      for (const reading of this) this.tell(reading, ":\n\n");
      this.#heartbeat = this.#readings.size > 0 ? this.#beatLater() : undefined;
    });
  }
}
