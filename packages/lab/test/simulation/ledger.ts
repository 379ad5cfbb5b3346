// What was announced and what was seen at an S-CSCF, over all its lives: from its messages and events alone, so that its own deadlines can be judged.
import { Milenage, xor } from "@ims-lab/common/ims/milenage";
import { sqnFromOctets } from "@ims-lab/common/ims/sqn";
import { unpackNonce } from "@ims-lab/common/sip/auth/aka";
import {
  Authorization,
  Contact,
  Expires,
  SubscriptionState,
  WwwAuthenticate,
} from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { Binding } from "../../../scscf/src/registration/binding.ts";
import type { RegistrationEvent } from "../../../scscf/src/registration/events.ts";
import { K, OPC } from "../scenarios/nodes.ts";
import {
  type AnnouncedFacts,
  type AnswerFacts,
  AUTHENTICATED_BY_ANSWER,
  type DueFacts,
  ENDED_STAYS_ENDED,
  type FoundFacts,
  type HolderFacts,
  type Invariant,
  latestEnd,
  NO_SQN_TWICE,
  NOT_PAST_DEADLINE,
  NOT_PAST_DUTY,
  NOTHING_LOST,
  SAME_HOLDER,
} from "./invariants.ts";

/** Tells whoever ends the run. */
export type Judge = <Facts>(invariant: Invariant<Facts>, facts: Facts) => void;

export interface LedgerOptions {
  readonly judge: Judge;
  /** N, reg-await-auth, the time to subscribe, and what a deadline gets that passed while the node was down. */
  readonly deadlineMs: number;
  readonly awaitMs: number;
  readonly dutyMs: number;
  readonly graceMs: number;
}

/** What a restart has found. */
export interface TakenOverFacts {
  readonly now: number;
  readonly downSince: number;
  readonly bindings: readonly Binding[];
  readonly subscriptions: ReadonlyMap<string, FoundFacts>;
  /** Ids and tokens of rows whose commit nobody heard of: they may be there or not. */
  readonly uncertain: ReadonlySet<string>;
}

/** A registered Contact, as the 200s told it. */
interface ContactRecord {
  readonly contact: string;
  impi: string;
  grantedUntil: number;
  callId: string;
  cseq: number;
  due: { -readonly [K in keyof DueFacts]: DueFacts[K] } | undefined;
  owedMs: number;
  graceUntil: number | undefined;
}

interface Answer {
  readonly at: number;
  readonly nonce: string;
}

const CIPHER = new Milenage(Buffer.from(K, "hex"), Buffer.from(OPC, "hex"));
const SHORTENED = /<contact\b[^>]*\bevent="shortened"[^>]*>\s*<uri>([^<]*)<\/uri>/g;
const ANSWERS_KEPT = 8;

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #contacts = new Map<string, ContactRecord>();
  readonly #subscriptions = new Map<string, AnnouncedFacts>();
  /** Contacts whose end was told, and that have not come again. */
  readonly #ended = new Set<string>();
  readonly #holders = new Map<string, HolderFacts>();
  readonly #contactsByToken = new Map<string, string>();
  /** By Call-ID: what its last REGISTER was about. */
  readonly #registers = new Map<string, { contacts: readonly string[]; impi: string }>();
  readonly #nonces = new Map<string, { at: number; isAka: boolean }>();
  /** By nonce: when the answer came that authenticated with it. */
  readonly #usedNonces = new Map<string, number>();
  readonly #answers = new Map<string, readonly Answer[]>();
  readonly #sqns = new Map<string, Set<number>>();
  #steppedAt = 0;
  /** Ends of each re-authentication that began. */
  readonly ends: Map<string, number> = new Map();
  readonly endsByKind: Map<string, number> = new Map();
  /** Ends by IMPI, the latest last. */
  readonly endsOf: Map<string, string[]> = new Map();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** The S-CSCF has got it. */
  received(message: SipMessage, now: number): void {
    if (message.kind !== "request" || message.method !== "REGISTER") return;
    const params = message.get(Authorization)?.params;
    const impi = params?.get("username") ?? "";
    const contacts = message.all(Contact).flatMap((one) => (one === "*" ? [] : one.uriText));
    this.#registers.set(message.callId, { contacts, impi });
    const nonce = params?.get("nonce") ?? "";
    if (nonce === "" || (params?.get("response") ?? "") === "") return;
    const answers = [...(this.#answers.get(impi) ?? []), { at: now, nonce }];
    this.#answers.set(impi, answers.slice(-ANSWERS_KEPT));
  }

  /** It leaves the S-CSCF. */
  sent(message: SipMessage, now: number): void {
    if (message.kind === "response") this.#responded(message, now);
    else if (message.method === "NOTIFY") this.#notified(message, now);
  }

  #responded(response: SipResponse, now: number): void {
    const { method } = response.cseq;
    if (method === "REGISTER" && response.status === 401) this.#challenged(response, now);
    else if (method === "REGISTER" && response.status === 200) this.#accepted(response, now);
    else if (method === "SUBSCRIBE" && response.status === 200) this.#granted(response, now);
  }

  #challenged(response: SipResponse, now: number): void {
    const register = this.#registers.get(response.callId);
    for (const contact of register?.contacts ?? []) {
      const due = this.#contacts.get(contact)?.due;
      if (due !== undefined) due.challengedAt ??= now;
    }
    for (const { params } of response.all(WwwAuthenticate)) {
      const nonce = params.get("nonce") ?? "";
      if (this.#nonces.has(nonce)) continue;
      const isAka = /^AKA/i.test(params.get("algorithm") ?? "");
      this.#nonces.set(nonce, { at: now, isAka });
      if (isAka) this.#drawn(register?.impi ?? "", nonce);
    }
  }

  #drawn(impi: string, nonce: string): void {
    const unpacked = unpackNonce(nonce);
    if (unpacked === undefined) return;
    const { ak } = CIPHER.keys(unpacked.rand);
    const sqn = sqnFromOctets(xor(unpacked.autn.subarray(0, 6), ak));
    const used = this.#sqns.get(impi) ?? new Set();
    this.#options.judge(NO_SQN_TWICE, { impi, sqn, used });
    this.#sqns.set(impi, used.add(sqn));
  }

  #accepted(response: SipResponse, now: number): void {
    const register = this.#registers.get(response.callId);
    for (const one of response.all(Contact)) {
      if (one === "*") continue;
      const contact = one.uriText;
      const until = now + Number(one.params.get("expires") ?? 0) * 1000;
      if (until <= now) continue;
      this.#ended.delete(contact);
      const record = this.#contacts.get(contact) ?? this.#adopt(contact, register?.impi ?? "");
      record.grantedUntil = until;
      if (register?.contacts.includes(contact) !== true) continue;
      record.callId = response.callId;
      record.cseq = response.cseq.number;
      record.graceUntil = undefined;
    }
  }

  #adopt(contact: string, impi: string): ContactRecord {
    const record: ContactRecord = {
      contact,
      impi,
      grantedUntil: 0,
      callId: "",
      cseq: 0,
      due: undefined,
      owedMs: 0,
      graceUntil: undefined,
    };
    this.#contacts.set(contact, record);
    return record;
  }

  #granted(response: SipResponse, now: number): void {
    const id = response.to.params.get("tag") ?? "";
    const seconds = response.get(Expires) ?? 0;
    if (seconds === 0) this.#subscriptions.delete(id);
    else
      this.#subscriptions.set(id, {
        what: id,
        until: now + seconds * 1000,
        callId: response.callId,
        cseq: response.cseq.number,
      });
  }

  #notified(notify: SipRequest, now: number): void {
    if (notify.get(SubscriptionState)?.value === "terminated")
      this.#subscriptions.delete(notify.from.params.get("tag") ?? "");
    for (const [, contact = ""] of notify.body.toString("latin1").matchAll(SHORTENED)) {
      const due = this.#contacts.get(contact)?.due;
      if (due !== undefined) due.notifiedAt ??= now;
    }
  }

  happened(event: RegistrationEvent, now: number): void {
    switch (event.kind) {
      case "reauthentication-asked":
        this.#asked(event.binding, now);
        return;
      case "reauthentication-ended": {
        const { id, end, contact, impi } = event.reauthentication;
        this.ends.set(id, (this.ends.get(id) ?? 0) + 1);
        this.endsByKind.set(end, (this.endsByKind.get(end) ?? 0) + 1);
        this.endsOf.set(impi, [...(this.endsOf.get(impi) ?? []), end]);
        const record = this.#contacts.get(contact);
        if (record?.due?.id === id) record.due = undefined;
        return;
      }
      case "removed":
        this.#gone(event.binding);
        return;
      case "moved":
        this.#gone(event.from);
        return;
      case "unsubscribed":
        this.#subscriptions.delete(event.subscription.id);
        return;
    }
  }

  #asked({ address, reauthentication }: Binding, now: number): void {
    if (reauthentication === undefined) return;
    const { id } = reauthentication;
    if (!this.ends.has(id)) this.ends.set(id, 0);
    const record = this.#contacts.get(address.contact);
    if (record === undefined || record.due?.id === id) return;
    record.due = { id, askedAt: now, notifiedAt: undefined, challengedAt: undefined };
  }

  #gone({ address, token }: Binding): void {
    this.#contacts.delete(address.contact);
    this.#ended.add(address.contact);
    this.#holders.delete(token);
  }

  /** The S-CSCF puts a binding into its table. */
  put(binding: Binding): void {
    const { token, impi, address, authenticatedAt } = binding;
    const { judge, awaitMs } = this.#options;
    const place = `${address.path[0]} ${address.source}`;
    const after: HolderFacts = { impi, place, authenticatedAt };
    const before = this.#holders.get(token);
    judge(SAME_HOLDER, { node: "S-CSCF", contact: address.contact, before, after });
    this.#holders.set(token, after);
    this.#contactsByToken.set(token, address.contact);
    if (before?.authenticatedAt === authenticatedAt) return;
    const given = this.#answers.get(impi) ?? [];
    const answers = given.map((answer): AnswerFacts => this.#answerFacts(answer));
    const contact = address.contact;
    judge(AUTHENTICATED_BY_ANSWER, { impi, contact, authenticatedAt, answers, awaitMs });
    const latest = given.findLast(({ at }) => at <= authenticatedAt);
    if (latest !== undefined && !this.#usedNonces.has(latest.nonce))
      this.#usedNonces.set(latest.nonce, latest.at);
  }

  #answerFacts({ at, nonce }: Answer): AnswerFacts {
    const issued = this.#nonces.get(nonce);
    const isUsed = (this.#usedNonces.get(nonce) ?? at) !== at;
    return { at, issuedAt: issued?.at, isUsed, isAka: issued?.isAka === true };
  }

  /** Time has passed with these bindings in the table. */
  stepped(
    now: number,
    bindings: Iterable<Binding>,
    facts: { isEnforced(impi: string): boolean; isSubscribed(binding: Binding): boolean },
  ): void {
    const passed = now - this.#steppedAt;
    this.#steppedAt = now;
    const { judge, deadlineMs, awaitMs, dutyMs } = this.#options;
    for (const binding of bindings) {
      const record = this.#contacts.get(binding.address.contact);
      if (record === undefined) continue;
      judge(NOT_PAST_DEADLINE, { ...record, now, deadlineMs, awaitMs });
      if (!facts.isEnforced(binding.impi)) continue;
      const isAnnounced =
        record.due?.notifiedAt !== undefined || record.due?.challengedAt !== undefined;
      if (facts.isSubscribed(binding)) record.owedMs = 0;
      else if (!isAnnounced) record.owedMs += passed;
      judge(NOT_PAST_DUTY, { contact: record.contact, owedMs: record.owedMs, dutyMs });
    }
  }

  /** The S-CSCF is gone with all that it knew. */
  forgotten(): void {
    this.#contacts.clear();
    this.#subscriptions.clear();
    this.#ended.clear();
    this.#holders.clear();
    this.#nonces.clear();
    this.#answers.clear();
    this.#sqns.clear();
  }

  /** Ids of re-authentications that have begun and not ended. */
  get open(): readonly string[] {
    return [...this.ends].filter(([, count]) => count === 0).map(([id]) => id);
  }

  /** A new process has what the last one has kept. */
  tookOver(facts: TakenOverFacts): void {
    const { now, bindings, uncertain, subscriptions } = facts;
    this.#steppedAt = now;
    this.#moveDeadlines(facts);
    for (const { token, address } of bindings)
      if (uncertain.has(token)) this.#ended.delete(address.contact);
    this.#options.judge(ENDED_STAYS_ENDED, {
      ended: this.#ended,
      found: bindings.map(({ address }) => address.contact),
    });
    const found = new Map<string, FoundFacts>(subscriptions);
    for (const { address, callId, cseq, reauthentication } of bindings) {
      found.set(address.contact, { callId, cseq });
      if (reauthentication !== undefined) found.set(reauthentication.id, { callId: "", cseq: 0 });
    }
    const uncertainContacts = new Set<string>();
    for (const [token, contact] of this.#contactsByToken)
      if (uncertain.has(token)) uncertainContacts.add(contact);
    const announced = [...this.#contacts.values()].flatMap((record): AnnouncedFacts[] => {
      const { contact: what, callId, cseq, due } = record;
      if (uncertainContacts.has(what)) return [];
      const until = latestEnd({ ...this.#options, ...record, now });
      const one = { what, until, callId, cseq };
      if (due?.notifiedAt === undefined) return [one];
      return [one, { what: due.id, until, callId: "", cseq: 0 }];
    });
    for (const [id, one] of this.#subscriptions) if (!uncertain.has(id)) announced.push(one);
    this.#options.judge(NOTHING_LOST, { announced, found, now });
    // One whose end nobody heard of may have ended.
    for (const contact of uncertainContacts) {
      const id = this.#contacts.get(contact)?.due?.id;
      if (id !== undefined && !found.has(id)) this.ends.delete(id);
    }
    this.#adoptAll(bindings);
  }

  #moveDeadlines({ now, downSince }: TakenOverFacts): void {
    const { graceMs, dutyMs } = this.#options;
    for (const record of this.#contacts.values()) {
      const until = latestEnd({ ...this.#options, ...record, now });
      if (until <= now && record.graceUntil === undefined) record.graceUntil = now + graceMs;
      const owed = record.owedMs + (now - downSince);
      record.owedMs = Math.max(record.owedMs, Math.min(owed, dutyMs - graceMs));
    }
  }

  /** What the new process has is what counts from here. */
  #adoptAll(bindings: readonly Binding[]): void {
    const there = new Set(bindings.map(({ address }) => address.contact));
    for (const contact of [...this.#contacts.keys()])
      if (!there.has(contact)) this.#contacts.delete(contact);
    for (const { address, impi, expiresAt, callId, cseq, reauthentication } of bindings) {
      const { contact } = address;
      const record = this.#contacts.get(contact) ?? this.#adopt(contact, impi);
      if (record.grantedUntil === 0)
        Object.assign(record, { grantedUntil: expiresAt, callId, cseq });
      if (reauthentication === undefined) record.due = undefined;
      else if (record.due?.id !== reauthentication.id) {
        const { id, requestedAt, course } = reauthentication;
        if (!this.ends.has(id)) this.ends.set(id, 0);
        const { notifiedAt, challengedAt } = course;
        record.due = { id, askedAt: requestedAt, notifiedAt, challengedAt };
      }
    }
  }
}
