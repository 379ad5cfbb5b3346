// Key material and passwords that no log, error message or API answer can show by accident.
import { inspect } from "node:util";

const SHOWN = "[secret]";

export class SecretOctets {
  readonly #octets: Buffer;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** The octets themselves: call it where they are used, keep them nowhere. */
  reveal(): Buffer {
    return this.#octets;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }
}

// Set from outside: isolated declarations cannot name a computed member.
Object.defineProperty(SecretOctets.prototype, inspect.custom, { value: () => SHOWN });
