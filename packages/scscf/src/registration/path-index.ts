// Bindings by what their topmost Path URI says: the user part, and the P-CSCF's place. RFC 3327 §5.1, §5.3.
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { Groups } from "@ims-lab/common/platform/groups";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { SipUri } from "@ims-lab/common/sip/message/uri";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";

export class PathIndex {
  /** Tokens of bindings by user part. */
  readonly #byUser = new Groups<string, string>();
  /** Number of bindings by `host port`. */
  readonly #behind = new Map<string, number>();

  /** Tokens of bindings. */
  ofUser(user: string): readonly string[] {
    return this.#byUser.of(user);
  }

  /** Whether a binding is behind this P-CSCF. */
  hasHop(host: string, port: number): boolean {
    return this.#behind.has(`${host} ${port}`);
  }

  /** The topmost Path of a binding was one value and is another; undefined: there was, is none. */
  moved(token: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    const left = before === undefined ? undefined : sipUriOfPath(before);
    const taken = after === undefined ? undefined : sipUriOfPath(after);
    this.#count(taken, 1);
    this.#count(left, -1);
    if (left?.user === taken?.user) return;
    if (left?.user !== undefined) this.#byUser.remove(left.user, token);
    if (taken?.user !== undefined) this.#byUser.add(ownCopy(taken.user), token);
  }

  #count(uri: SipUri | undefined, change: number): void {
    const to = uri && destinationOf(uri);
    if (to === undefined || "flow" in to) return;
    const key = `${to.host} ${to.port}`;
    const count = (this.#behind.get(key) ?? 0) + change;
    if (count > 0) this.#behind.set(key, count);
    else this.#behind.delete(key);
  }
}
