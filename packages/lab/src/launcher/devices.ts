// The device of a message: its user, or its address while it has none.
import { Contact } from "@ims-lab/common/sip/message/fields";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import { formatUri } from "@ims-lab/common/sip/message/uri";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import type { ObservedMessage } from "./message-correlator.ts";
import type { UserNames } from "./user-names.ts";

export interface Device {
  /** "bob", "bob#2" for the second of two devices, "192.0.2.7:5062/udp" for a device without a user. */
  readonly label: string;
  readonly user: string | undefined;
  /** `192.0.2.7:5062/udp`; undefined between the nodes, where the message has only the user. */
  readonly address: string | undefined;
}

/** How many are remembered of each kind; the oldest are forgotten. */
const MOST = 2_000;

export class Devices {
  readonly #userNames: UserNames;
  readonly #byAddress = new Map<string, Device>();
  readonly #byCallId = new Map<string, Device>();
  /** User → the keys of this user's devices, in order of appearance. */
  readonly #ofUser = new Map<string, string[]>();
  #ueAddress: string | undefined;

  constructor(userNames: UserNames) {
    this.#userNames = userNames;
  }

  of(seen: ObservedMessage): Device {
    const { from, to, hop, message } = seen;
    const end = isOutside(from) ? hop.from : isOutside(to) ? hop.to : undefined;
    if (end === undefined) return this.#betweenNodes(seen);
    const address = this.#addressOf(seen, `${formatHostPort(end)}/${hop.transport}`);
    const device = this.#atAddress(address, message, isOutside(from));
    keep(this.#byCallId, message.callId, device);
    return device;
  }

  /** Of a log line: who had this Call-ID, or speaks from this address. */
  ofCall(callId: string): Device | undefined {
    return this.#byCallId.get(callId);
  }

  atAddress(address: string): Device | undefined {
    return this.#byAddress.get(address);
  }

  /** What the lab's UE is sent, it reports itself, by its own idea of its TCP port: one UE, the address it sends from. */
  #addressOf({ from, to }: ObservedMessage, address: string): string {
    if (from === "UE") this.#ueAddress = address;
    return to === "UE" ? (this.#ueAddress ?? address) : address;
  }

  #atAddress(address: string, message: SipMessage, isSender: boolean): Device {
    const known = this.#byAddress.get(address);
    if (message.kind === "request" && message.method === "REGISTER" && isSender) {
      const user = this.#userNames.nameOf(message.to.uriText);
      if (user === undefined) return known ?? withoutUser(address);
      const device = { label: this.#labelOf(user, sameDevice(message) ?? address), user, address };
      keep(this.#byAddress, address, device);
      return device;
    }
    return known ?? withoutUser(address);
  }

  #labelOf(user: string, key: string): string {
    const keys = this.#ofUser.get(user) ?? [];
    if (!keys.includes(key) && keys.length < MOST) keys.push(key);
    keep(this.#ofUser, user, keys);
    const at = keys.indexOf(key);
    return at > 0 ? `${user}#${at + 1}` : user;
  }

  /** Towards the S-CSCF the user is the sender, from it the receiver; a node's own URI has no user. */
  #betweenNodes({ to, message }: ObservedMessage): Device {
    const { from: sender, to: receiver } = message;
    const isAsking = (message.kind === "request") === (to === "S-CSCF");
    const parties = isAsking ? [sender, receiver] : [receiver, sender];
    const user = parties.map(({ uriText }) => this.#userNames.nameOf(uriText)).find(isPresent);
    const device = this.#byCallId.get(message.callId);
    if (device !== undefined && (user === undefined || device.user === user)) return device;
    return { label: user ?? "", user, address: undefined };
  }
}

function isOutside(place: ObservedMessage["from"]): boolean {
  return place === "stranger" || place === "UE";
}

function isPresent(user: string | undefined): user is string {
  return user !== undefined && user !== "";
}

function withoutUser(address: string): Device {
  return { label: address, user: undefined, address };
}

/** A connection's port changes, the instance or the Contact does not. */
function sameDevice(message: SipMessage): string | undefined {
  const contact = message.get(Contact);
  if (contact === undefined || contact === "*") return undefined;
  const instance = contact.params.get("+sip.instance");
  return instance ?? (contact.uri === undefined ? contact.uriText : formatUri(contact.uri));
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST && oldest !== undefined) map.delete(oldest);
}
