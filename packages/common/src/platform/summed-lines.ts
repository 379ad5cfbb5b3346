// Log lines that peers can cause at will: the first of each cause are said, the rest is counted and summed up.
import type { Clock, Timer } from "./clock.ts";
import type { LogFields, Logger } from "./logger.ts";

/** One line that may be said; `why` is a plain sentence. */
export interface CausedLine {
  readonly level: "info" | "warn";
  readonly event: string;
  /** What makes two lines the same: the cause, and whom it is about. */
  readonly key: string;
  /** Address whose doing it is. */
  readonly host: string;
  readonly fields: LogFields & { readonly why: string };
}

export interface SummedLinesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly windowMs?: number;
  /** Lines of one cause that are said at once; a person who tries again wants to see each. */
  readonly burst?: number;
  /** Causes told apart at once, of all peers and of one: a flood must not flood the log. */
  readonly maxKeys?: number;
  readonly maxPerHost?: number;
  /** Lines in one window, beside the sums. */
  readonly maxLines?: number;
}

interface Window {
  readonly host: string;
  closesAt: number;
  said: number;
  more: number;
  last: CausedLine;
  /** Whose lines are counted here; undefined: those of many. */
  readonly who: string | undefined;
}

export class SummedLines {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #windowMs: number;
  readonly #maxKeys: number;
  readonly #maxPerHost: number;
  readonly #maxLines: number;
  readonly #burst: number;
  #said = 0;
  #saidUntil = 0;
  /** In the order in which they close. */
  readonly #windows = new Map<string, Window>();
  readonly #perHost = new Map<string, number>();
  #timer: Timer | undefined;

  constructor(options: SummedLinesOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#windowMs = options.windowMs ?? 60_000;
    this.#maxKeys = options.maxKeys ?? 500;
    this.#maxPerHost = options.maxPerHost ?? 10;
    this.#maxLines = options.maxLines ?? 600;
    this.#burst = options.burst ?? 10;
  }

  say(line: CausedLine): void {
    const key = `${line.event} ${line.key}`;
    const known = this.#windows.get(key);
    if (known !== undefined) {
      if (known.said < this.#burst && this.#mayLog()) this.#write(known, line);
      else count(known, line);
      return;
    }
    const { host } = line;
    if (this.#windows.size >= this.#maxKeys || !this.#mayLog())
      this.#countElsewhere("", undefined, line);
    else if ((this.#perHost.get(host) ?? 0) >= this.#maxPerHost)
      this.#countElsewhere(`from ${host}`, host, line);
    else {
      const window = { host, who: host, said: 0, more: 0, last: line, closesAt: 0 };
      this.#open(key, window);
      this.#write(window, line);
    }
  }

  /** Ends the timer; what was counted and not said yet is said now. */
  close(): void {
    this.#timer?.cancel();
    for (const window of this.#windows.values()) this.#sumUp(window);
    this.#windows.clear();
    this.#perHost.clear();
  }

  /** No cause of its own is kept: one window for all such lines of a peer, or of all peers. */
  #countElsewhere(key: string, who: string | undefined, line: CausedLine): void {
    const known = this.#windows.get(key);
    if (known !== undefined) count(known, line);
    else this.#open(key, { host: "", who, said: 0, more: 1, last: line, closesAt: 0 });
  }

  #mayLog(): boolean {
    const now = this.#clock.now();
    if (now >= this.#saidUntil) {
      this.#said = 0;
      this.#saidUntil = now + this.#windowMs;
    }
    return this.#said < this.#maxLines;
  }

  #write(window: Window, { level, event, fields }: CausedLine): void {
    window.said += 1;
    this.#said += 1;
    this.#log[level](event, fields);
  }

  #open(key: string, window: Window): void {
    window.closesAt = this.#clock.now() + this.#windowMs;
    this.#windows.set(key, window);
    this.#perHost.set(window.host, (this.#perHost.get(window.host) ?? 0) + 1);
    this.#arm();
  }

  /** For the first window, which closes first. */
  #arm(): void {
    const [first] = this.#windows.values();
    if (first === undefined) return;
    this.#timer ??= this.#clock.at(first.closesAt, () => this.#closeDue());
  }

  #closeDue(): void {
    const now = this.#clock.now();
    for (const [key, window] of this.#windows) {
      if (window.closesAt > now) break;
      this.#windows.delete(key);
      this.#forget(window.host);
      if (this.#sumUp(window)) this.#open(key, { ...window, said: this.#burst, more: 0 });
    }
    this.#timer = undefined;
    this.#arm();
  }

  #sumUp({ more, who, last }: Window): boolean {
    if (more === 0) return false;
    const { level, event, fields } = last;
    const seconds = Math.round(this.#windowMs / 1000);
    const why = `${more} more from ${who ?? "several addresses"} in ${seconds} s, last: ${fields.why}`;
    this.#log[level](event, { ...fields, why, more, seconds });
    return true;
  }

  #forget(host: string): void {
    const left = (this.#perHost.get(host) ?? 1) - 1;
    if (left === 0) this.#perHost.delete(host);
    else this.#perHost.set(host, left);
  }
}

function count(window: Window, line: CausedLine): void {
  window.more += 1;
  window.last = line;
}
