// Walks over the header lines of a message: the one place that says where a line ends and what its name is. RFC 3261 §7.3.1, §25.1.
import { type HeaderName, headerNameAt } from "./header-names.ts";
import { isBlank } from "./scan.ts";

const LONE_LINE_END = "a line end that is not CRLF";
const NO_HEADER = "a header line without a name and a colon";

/** Line after line by `next`; the fields speak of the line that it came to. */
export class HeaderCursor {
  readonly #text: string;
  start = 0;
  /** Of the line and its folds, without the line end. */
  end: number;
  valueAt = 0;
  header: HeaderName | undefined;
  /** Why there is no header. Such a line is none to be kept, read or repeated. */
  problem: string | undefined;

  /**
   * @param text the start line and the header lines as latin1, without the empty line
   * @param from where the first header line begins
   */
  constructor(text: string, from: number) {
    this.#text = text;
    this.end = from - 2;
  }

  /** False behind the last line. */
  next(): boolean {
    const text = this.#text;
    const start = this.end + 2;
    if (start >= text.length) return false;
    this.start = start;
    this.problem = undefined;
    this.header = undefined;
    this.#findEnd();
    if (this.problem !== undefined) return true;
    const colon = text.indexOf(":", start);
    if (colon >= 0 && colon < this.end) this.header = headerNameAt(text, start, colon);
    if (this.header === undefined) this.problem = NO_HEADER;
    this.valueAt = colon + 1;
    return true;
  }

  /** At a CRLF that no blank follows; a CR or LF that stands alone ends nothing. */
  #findEnd(): void {
    const text = this.#text;
    for (let at = this.start; ; ) {
      const end = this.#nextLineEnd(at);
      if (end < 0 || !isBlank(text.charCodeAt(end + 2))) {
        this.end = end < 0 ? text.length : end;
        return;
      }
      at = end + 2;
    }
  }

  /** Where the next CRLF is, -1 behind the last. */
  #nextLineEnd(from: number): number {
    const text = this.#text;
    // Looked for by its halves, which is quicker, until they are found apart.
    if (this.problem === undefined) {
      const cr = text.indexOf("\r", from);
      const lf = text.indexOf("\n", from);
      if (cr < 0 ? lf < 0 : lf === cr + 1) return cr;
      this.problem = LONE_LINE_END;
    }
    return text.indexOf("\r\n", from);
  }
}
