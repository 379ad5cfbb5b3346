// Server-sent events out of a stream of text, whatever pieces it comes in. HTML §9.2.6.

export interface SentEvent {
  /** "message" where none is said. */
  readonly type: string;
  readonly data: string;
}

/** More than any event of a node of ours; what is longer is no event stream. */
const LONGEST_LINE = 1_048_576;

export class SseReader {
  #rest = "";
  #type = "";
  #data: string[] = [];
  #id: string | undefined;

  /** Of the last event that was whole. */
  lastId: string | undefined;

  /** The events that this piece completes. */
  take(text: string): readonly SentEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > LONGEST_LINE) throw new RangeError("a line without an end");
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): SentEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return undefined;
  }

  #dispatch(): SentEvent | undefined {
    const [type, data] = [this.#type, this.#data];
    this.#type = "";
    this.#data = [];
    this.lastId = this.#id ?? this.lastId;
    return data.length === 0
      ? undefined
      : { type: type === "" ? "message" : type, data: data.join("\n") };
  }
}
