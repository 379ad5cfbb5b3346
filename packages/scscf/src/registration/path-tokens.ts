// Bindings by the user part of their topmost Path URI. RFC 3327 §5.1.
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { Groups } from "@ims-lab/common/platform/groups";
import { ownCopy } from "@ims-lab/common/sip/message/scan";

export class PathTokens {
  /** By user part. */
  readonly #bindings = new Groups<string, string>();

  /** Tokens of bindings. */
  of(user: string): readonly string[] {
    return this.#bindings.of(user);
  }

  /** The topmost Path of a binding was one value and is another; undefined: there was, is none. */
  moved(token: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    const [left, taken] = [userOf(before), userOf(after)];
    if (left === taken) return;
    if (left !== undefined) this.#bindings.remove(left, token);
    if (taken !== undefined) this.#bindings.add(ownCopy(taken), token);
  }
}

function userOf(path: string | undefined): string | undefined {
  return path === undefined ? undefined : sipUriOfPath(path)?.user;
}
