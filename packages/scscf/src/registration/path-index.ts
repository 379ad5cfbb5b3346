// Bindings by what their topmost Path URI says: the user part, and the P-CSCF's place. RFC 3327 §5.1, §5.3.
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { Groups } from "@ims-lab/common/platform/groups";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";

export class PathIndex {
  /** Tokens of bindings by user part. */
  readonly #byUser = new Groups<string, string>();
  /** Number of bindings by `host port`. */
  readonly #behind = new Map<string, number>();
  /** What stands behind the user part, as most write it, and the place that it names: a P-CSCF writes one of them. */
  readonly #known = new Map<string, string | undefined>();

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
    const left = this.#read(before);
    const taken = this.#read(after);
    this.#count(taken.place, 1);
    this.#count(left.place, -1);
    if (left.user === taken.user) return;
    if (left.user !== undefined) this.#byUser.remove(left.user, token);
    if (taken.user !== undefined) this.#byUser.add(ownCopy(taken.user), token);
  }

  #read(value: string | undefined): PathValue {
    if (value === undefined) return NOTHING;
    const [user] = USUAL_USER.exec(value) ?? [];
    if (user === undefined) return readPath(value);
    const rest = value.slice(user.length);
    if (this.#known.has(rest))
      return { user: user.slice(BEFORE_USER), place: this.#known.get(rest) };
    const read = readPath(value);
    if (this.#known.size < MOST_KNOWN) this.#known.set(ownCopy(rest), read.place);
    return read;
  }

  #count(place: string | undefined, change: number): void {
    if (place === undefined) return;
    const count = (this.#behind.get(place) ?? 0) + change;
    if (count > 0) this.#behind.set(place, count);
    else this.#behind.delete(place);
  }
}

/** What of a Path value is kept. */
interface PathValue {
  readonly user: string | undefined;
  /** `host port` */
  readonly place: string | undefined;
}

const NOTHING: PathValue = { user: undefined, place: undefined };
/** A user part of which no character means anything else (RFC 3261 §25.1), up to its `@`. */
const USUAL_USER = /^<sip:[A-Za-z0-9]+(?=@)/;
const BEFORE_USER = "<sip:".length;
const MOST_KNOWN = 64;

function readPath(value: string): PathValue {
  const uri = sipUriOfPath(value);
  const to = uri && destinationOf(uri);
  const place = to === undefined || "flow" in to ? undefined : `${to.host} ${to.port}`;
  return { user: uri?.user, place };
}
