// Faults of ours while we fuzz: whatever a node logs as an error, with what had reached it just before.

/** So many messages of each node are remembered, and so many of them shown when none is the one. */
const REMEMBERED = 60;
const SHOWN = 6;
const LONGEST_SHOWN = 6_000;

export class Faults {
  /** Rejects with the first fault. */
  readonly first: Promise<never>;
  #reject: (fault: Error) => void = () => undefined;
  readonly #reached = new Map<string, Buffer[]>();

  constructor() {
    this.first = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    this.first.catch(() => undefined); // heard where it is raced
  }

  /** `bytes` is on its way to this node. */
  reached(node: string, bytes: Buffer): void {
    const known = this.#reached.get(node) ?? [];
    this.#reached.set(node, known);
    known.push(bytes);
    if (known.length > REMEMBERED) known.shift();
  }

  /** Nodes are started so that they print nothing but errors. */
  said(node: string, line: string): void {
    const before = this.#suspects(node, line).map(escaped);
    const evidence = before.map((text) => `\n  before: ${text}`).join("");
    this.found(`${node} says: ${line}${evidence}`);
  }

  found(what: string): void {
    process.stderr.write(`FAULT ${what}\n`);
    this.#reject(new Error(what.split("\n")[0]));
  }

  /** Those of the Call-ID that the line names, or else the latest. */
  #suspects(node: string, line: string): readonly Buffer[] {
    const known = this.#reached.get(node) ?? [];
    const callId = /"callId":"([^"]+)"/.exec(line)?.[1];
    const named = callId === undefined ? [] : known.filter((bytes) => bytes.includes(callId));
    return (named.length > 0 ? named : known).slice(-SHOWN);
  }
}

/** As a literal of JavaScript, octet by octet. */
export function escaped(bytes: Buffer): string {
  const text = JSON.stringify(bytes.toString("latin1"));
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}… (${bytes.length})`;
}
