// What a P-CSCF has told its devices over all its lives: a Contact is bound while its 200 says so, unless its end came. RFC 3261 §10.3.
import { Contact, Via } from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipResponse } from "@ims-lab/common/sip/message/message";
import {
  type Binding,
  type BoundContact,
  contactsOf,
} from "../../../pcscf/src/bindings/binding.ts";
import type { FlowTable, GoneCause } from "../../../pcscf/src/bindings/flow-table.ts";
import {
  type AnnouncedFacts,
  type FoundFacts,
  NO_FOREIGN_END,
  NOTHING_LOST,
} from "./invariants.ts";
import type { Judge } from "./surroundings.ts";

export class EdgeLedger {
  readonly #judge: Judge;
  /** By Contact. */
  readonly #announced = new Map<string, AnnouncedFacts>();
  /** By Call-ID: Contacts of the last REGISTER. */
  readonly #registers = new Map<string, readonly string[]>();
  readonly #responses = new Set<string>();
  /** Whether the S-CSCF is up, and has this very registration. */
  isAtScscf: (contact: BoundContact) => boolean = () => false;

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** A REGISTER has come from a device. */
  received(message: SipMessage): void {
    if (message.kind !== "request" || message.method !== "REGISTER") return;
    const contacts = message.all(Contact).flatMap((one) => (one === "*" ? [] : one.uriText));
    this.#registers.set(message.callId, contacts);
  }

  /** It leaves the P-CSCF. */
  sent(message: SipMessage, now: number): void {
    const isAnswer = message.kind === "response" && message.cseq.method === "REGISTER";
    if (isAnswer && message.status === 200) this.#accepted(message, now);
  }

  #accepted(response: SipResponse, now: number): void {
    const { callId, cseq } = response;
    // A retransmission says what was true when it was first said.
    const transaction = response.get(Via)?.branch ?? "";
    if (this.#responses.has(transaction)) return;
    this.#responses.add(transaction);
    for (const what of this.#registers.get(callId) ?? []) {
      const row = response.all(Contact).find((one) => one !== "*" && one.uriText === what);
      const seconds = row === undefined || row === "*" ? 0 : Number(row.params.get("expires") ?? 0);
      if (seconds === 0) this.#announced.delete(what);
      else
        this.#announced.set(what, {
          what,
          until: now + seconds * 1000,
          callId,
          cseq: cseq.number,
        });
    }
  }

  /** Its table as it changes: what ends there, whatever the reason, is announced no more. */
  watch(table: FlowTable, isAlive: () => boolean): void {
    const end = table.end.bind(table);
    table.end = (token, cause) => {
      const binding = table.registered(token);
      if (isAlive() && binding !== undefined) this.#ends(contactsOf(binding), cause);
      end(token, cause);
    };
    const endContact = table.endContact.bind(table);
    table.endContact = (token, contact, cause) => {
      if (isAlive()) this.#ends([contact], cause);
      endContact(token, contact, cause);
    };
    const expireAt = table.expireAt.bind(table);
    table.expireAt = (token, contact, until) => {
      const known = this.#announced.get(contact.contact);
      if (isAlive() && known !== undefined)
        this.#announced.set(known.what, { ...known, until: Math.min(known.until, until) });
      expireAt(token, contact, until);
    };
    const bind = table.bind.bind(table);
    table.bind = (binding) => {
      const before = table.registered(binding.token);
      const left = new Set(contactsOf(binding).map(({ contact }) => contact));
      if (isAlive() && before !== undefined)
        this.#gone(contactsOf(before).filter(({ contact }) => !left.has(contact)));
      bind(binding);
    };
  }

  #ends(contacts: readonly BoundContact[], cause: GoneCause): void {
    if (cause === "core")
      for (const one of contacts) {
        const { contact, callId, cseq } = one;
        this.#judge(NO_FOREIGN_END, { contact, callId, cseq, isAtScscf: this.isAtScscf(one) });
      }
    this.#gone(contacts);
  }

  #gone(contacts: readonly { readonly contact: string }[]): void {
    for (const { contact } of contacts) this.#announced.delete(contact);
  }

  /** The P-CSCF is gone with all that it knew. */
  forgotten(): void {
    this.#announced.clear();
  }

  /** A new process has what the last one has kept. */
  tookOver(bindings: Iterable<Binding>, now: number): void {
    const found = new Map<string, FoundFacts>();
    for (const binding of bindings)
      for (const { contact, callId, cseq } of contactsOf(binding))
        found.set(contact, { callId, cseq });
    this.#judge(NOTHING_LOST, { announced: [...this.#announced.values()], found, now });
    for (const what of [...this.#announced.keys()])
      if (!found.has(what)) this.#announced.delete(what);
  }
}
