// A value that no log, error message or API answer can show by accident.
import { inspect } from "node:util";

const SHOWN = "[secret]";

/** Text such as a password, or octets such as a key. */
export class Secret<T extends string | Buffer = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself: call it where it is used, keep it nowhere. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }
}

// Set from outside: isolated declarations cannot name a computed member.
Object.defineProperty(Secret.prototype, inspect.custom, { value: () => SHOWN });
