// Observation of single users' messages at the wire, while somebody watches. RFC 3261 §8, §17.
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import { assertedIdentities } from "@ims-lab/common/ims/p-headers";
import { boundedKey } from "@ims-lab/common/platform/bounded-key";
import type {
  Interceptor,
  SwitchedInterceptor,
  WireMessage,
} from "@ims-lab/common/sip/endpoint/interceptors";
import { decode } from "@ims-lab/common/sip/message/decode";
import { From, To, Via } from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf } from "@ims-lab/common/sip/message/uri";
import { contactIn, observedFactsOf } from "./message-facts.ts";

export interface Watch {
  /** Identities of the user. */
  readonly names: ReadonlySet<string>;
  saw(message: ObservedMessage): void;
}

type Direction = ObservedMessage["direction"];

interface Remembered {
  readonly direction: Direction;
  readonly contact: string | null;
}

/** Of each watch: a device's last requests, so that their answers and repetitions are known. */
const MOST_REMEMBERED = 1_000;

/** Met by the endpoint's messages while somebody watches; each goes on as it is. */
export class MessageWatches implements SwitchedInterceptor {
  readonly #watches = new Map<Watch, UserMessages>();
  readonly #listeners: (() => void)[] = [];

  get isOn(): boolean {
    return this.#watches.size > 0;
  }

  onSwitched(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Until the returned function is called. */
  begin(watch: Watch): () => void {
    this.#watches.set(watch, new UserMessages(watch));
    if (this.#watches.size === 1) this.#switched();
    return () => {
      if (this.#watches.delete(watch) && this.#watches.size === 0) this.#switched();
    };
  }

  #switched(): void {
    for (const listener of this.#listeners) listener();
  }

  readonly intercept: Interceptor = (message, next) => {
    this.#pass(message);
    next(message);
  };

  #pass({ direction, bytes, at }: WireMessage): void {
    const { message } = decode(bytes);
    if (message === undefined) return;
    for (const user of this.#watches.values()) user.pass(direction, message, at);
  }
}

class UserMessages {
  readonly #watch: Watch;
  readonly #requests = new Bounded<Remembered>();
  readonly #seen = new Bounded<true>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  pass(way: "in" | "out", message: SipMessage, at: number): void {
    const key = boundedKey(`${message.callId} ${message.cseq.number} ${message.cseq.method}`);
    const found =
      message.kind === "request"
        ? this.#request(way, message, key)
        : this.#answered(way, this.#requests.get(key));
    if (found === undefined) return;
    const { direction, contact } = found;
    const word = message.kind === "request" ? "" : `${message.status}`;
    const once = `${way} ${word} ${message.get(Via)?.branch ?? ""} ${key}`;
    const isRepeated = this.#seen.get(once) !== undefined;
    this.#seen.set(once, true);
    const time = Math.round(at);
    this.#watch.saw({ at: time, direction, isRepeated, ...observedFactsOf(message, contact) });
  }

  #request(way: "in" | "out", request: SipRequest, key: string): Remembered | undefined {
    const direction = this.#directionOf(way, request);
    if (direction === undefined) return undefined;
    const contact = request.method === "REGISTER" ? contactIn(request) : null;
    const remembered = { direction, contact };
    this.#requests.set(key, remembered);
    return remembered;
  }

  #answered(way: "in" | "out", request: Remembered | undefined): Remembered | undefined {
    if (request === undefined) return undefined;
    const isBack = (request.direction === "from-device") === (way === "out");
    if (!isBack) return undefined;
    return { ...request, direction: way === "out" ? "to-device" : "from-device" };
  }

  /** By whom it names; between the S-CSCF and its P-CSCF alone pass NOTIFYs in and SUBSCRIBEs out. */
  #directionOf(way: "in" | "out", request: SipRequest): Direction | undefined {
    if (way === "in" && request.method === "NOTIFY") return undefined;
    if (way === "out" && request.method === "SUBSCRIBE") return undefined;
    const isOwn = way === "in" ? this.#isSender(request) : this.#isNamed(request, To);
    if (!isOwn) return undefined;
    return way === "in" ? "from-device" : "to-device";
  }

  #isSender(request: SipRequest): boolean {
    if (request.method === "REGISTER") return this.#isNamed(request, To);
    const asserted = assertedIdentities(request);
    return asserted.length === 0
      ? this.#isNamed(request, From)
      : asserted.some((uri) => this.#watch.names.has(aorOf(uri)));
  }

  #isNamed(request: SipRequest, header: typeof From): boolean {
    const address = request.get(header);
    return address !== undefined && this.#watch.names.has(aorOf(address.uri));
  }
}

/** The latest entries; the oldest go first. */
class Bounded<T> {
  readonly #entries = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: T): void {
    this.#entries.set(key, value);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MOST_REMEMBERED && oldest !== undefined) this.#entries.delete(oldest);
  }
}
