// SIPp's message log, read as it grows: what devices have sent and received, in order.
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { decode } from "@ims-lab/common/sip/message/decode";
import type { SipMessage } from "@ims-lab/common/sip/message/message";

export interface LoggedMessage {
  readonly direction: "sent" | "received";
  readonly message: SipMessage;
}

/** Before each message: `----- DATE TIME`. */
const BETWEEN = /^-{20,} (?=\d{4}-)/m;
/** After a message that SIPp did not wait for, the same once more. */
const AGAIN = /\n-{20,}\n.*$/s;
/** Then `UDP message received [n] bytes:` and an empty line. */
const HEAD = /^[^\n]*\n(?:UDP|TCP) message (sent|received)[^\n]*\n\n/;

export class MessageLog {
  readonly #path: string;
  #offset = 0;
  #text = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** Messages that are whole and new since the last time: the last one is, when another has begun. */
  read(): readonly LoggedMessage[] {
    this.#text += this.#grown();
    const entries = this.#text.split(BETWEEN);
    this.#text = entries.pop() ?? "";
    return entries.flatMap((entry) => messageIn(entry) ?? []);
  }

  #grown(): string {
    if (!existsSync(this.#path)) return "";
    const file = openSync(this.#path, "r");
    try {
      const parts: Buffer[] = [];
      for (;;) {
        const part = Buffer.alloc(1 << 20);
        const length = readSync(file, part, 0, part.length, this.#offset);
        if (length === 0) break;
        this.#offset += length;
        parts.push(part.subarray(0, length));
      }
      return Buffer.concat(parts).toString("latin1");
    } finally {
      closeSync(file);
    }
  }
}

function messageIn(entry: string): LoggedMessage | undefined {
  const head = HEAD.exec(entry);
  if (head === null) return undefined;
  const text = entry.slice(head[0].length).replace(AGAIN, "").replace(/\r?\n/g, "\r\n");
  const { message } = decode(Buffer.from(withLength(text), "latin1"));
  return message && { direction: head[1] === "sent" ? "sent" : "received", message };
}

/** The log has other line ends than the wire, so another length. */
function withLength(text: string): string {
  const at = text.indexOf("\r\n\r\n");
  if (at < 0) return `${text.trimEnd()}\r\n\r\n`;
  const body = text.slice(at + 4).trimEnd();
  const head = text.slice(0, at).replace(/\r\nContent-Length:[^\r]*/i, "");
  return `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
