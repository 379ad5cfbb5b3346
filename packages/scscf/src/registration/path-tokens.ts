// Bindings by the user part of their topmost Path URI. RFC 3327 §5.1.
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { ownCopy } from "@ims-lab/common/sip/message/scan";

export class PathTokens {
  /** Mostly one binding each: no Set for that. */
  readonly #bindings = new Map<string, string | Set<string>>();

  /** Tokens of bindings. */
  of(user: string): readonly string[] {
    const found = this.#bindings.get(user) ?? [];
    return typeof found === "string" ? [found] : [...found];
  }

  /** The topmost Path of a binding was one value and is another; undefined: there was, is none. */
  moved(token: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    const [left, taken] = [userOf(before), userOf(after)];
    if (left === taken) return;
    if (left !== undefined) this.#remove(left, token);
    if (taken !== undefined) this.#add(taken, token);
  }

  #add(user: string, token: string): void {
    const found = this.#bindings.get(user);
    if (found === undefined) this.#bindings.set(ownCopy(user), token);
    else if (typeof found === "string") this.#bindings.set(user, new Set([found, token]));
    else found.add(token);
  }

  #remove(user: string, token: string): void {
    const found = this.#bindings.get(user);
    if (typeof found === "string" || found === undefined) {
      if (found === token) this.#bindings.delete(user);
      return;
    }
    found.delete(token);
    if (found.size === 0) this.#bindings.delete(user);
  }
}

function userOf(path: string | undefined): string | undefined {
  return path === undefined ? undefined : sipUriOfPath(path)?.user;
}
