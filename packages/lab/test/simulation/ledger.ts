// The ledger of an S-CSCF over all its lives: what was announced and what was seen, from messages and events alone, so that its own deadlines can be judged.
import { Authorization, Contact, Via } from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { Binding } from "../../../scscf/src/registration/binding.ts";
import type { RegistrationEvent } from "../../../scscf/src/registration/events.ts";
import type { Due } from "../../../scscf/src/registration/reauthentication.ts";
import type { Change } from "../../../scscf/src/rows.ts";
import { CampaignLedger } from "./campaign-ledger.ts";
import { ChallengeLedger } from "./challenge-ledger.ts";
import {
  type ContactRecord,
  isAnnounced,
  moveDeadline,
  newContactRecord,
  WHOLE_SECOND_MS,
} from "./contact-record.ts";
import { EndLedger } from "./end-ledger.ts";
import { HolderLedger } from "./holder-ledger.ts";
import {
  type AnnouncedFacts,
  ENDED_STAYS_ENDED,
  type FoundFacts,
  latestEnd,
  NOT_PAST_DEADLINE,
  NOT_PAST_DUTY,
  NOTHING_LOST,
} from "./invariants.ts";
import { SubscriptionLedger } from "./subscription-ledger.ts";
import type { Judge } from "./surroundings.ts";

export interface LedgerOptions {
  readonly judge: Judge;
  /** N, reg-await-auth, the time to subscribe, and what a deadline gets that passed while the node was down. */
  readonly deadlineMs: number;
  readonly awaitMs: number;
  readonly dutyMs: number;
  readonly graceMs: number;
  /** A commit takes no longer, one that waits for others included. */
  readonly commitMs: number;
}

/** What a restart has found. */
export interface TakenOverFacts {
  readonly now: number;
  readonly downSince: number;
  /** When the store last refused a commit; 0: never. */
  readonly refusedAt: number;
  readonly bindings: readonly Binding[];
  readonly subscriptions: ReadonlyMap<string, FoundFacts>;
}

const SHORTENED = /<contact\b([^>]*\bevent="shortened"[^>]*)>\s*<uri>([^<]*)<\/uri>/g;

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #contacts = new Map<string, ContactRecord>();
  readonly #subscriptions = new SubscriptionLedger();
  /** Contacts whose end was told, and that have not come again. */
  readonly #ended = new Set<string>();
  readonly holders: HolderLedger;
  readonly #contactsByToken = new Map<string, string>();
  /** By Call-ID: what its last REGISTER was about. */
  readonly #registers = new Map<string, { contacts: readonly string[]; impi: string }>();
  readonly #responses = new Set<string>();
  readonly #challenges: ChallengeLedger;
  #steppedAt = 0;
  readonly ends: EndLedger = new EndLedger();
  readonly campaigns: CampaignLedger;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#challenges = new ChallengeLedger(options.judge);
    this.holders = new HolderLedger({ ...options, challenges: this.#challenges });
    this.campaigns = new CampaignLedger(options.judge);
  }

  /** The S-CSCF has got it. */
  received(message: SipMessage, now: number): void {
    if (message.kind !== "request" || message.method !== "REGISTER") return;
    const params = message.get(Authorization)?.params;
    const impi = params?.get("username") ?? "";
    const contacts = message.all(Contact).flatMap((one) => (one === "*" ? [] : one.uriText));
    this.#registers.set(message.callId, { contacts, impi });
    this.#challenges.received(message, now);
  }

  /** It leaves the S-CSCF. */
  sent(message: SipMessage, now: number): void {
    if (message.kind === "response") this.#responded(message, now);
    else if (message.method === "NOTIFY") this.#notified(message, now);
  }

  #responded(response: SipResponse, now: number): void {
    const { method } = response.cseq;
    if (response.status < 200 || (method !== "REGISTER" && method !== "SUBSCRIBE")) return;
    // A retransmission says what was true when it was first said.
    const transaction = `${response.get(Via)?.branch} ${response.status}`;
    if (this.#responses.has(transaction)) return;
    this.#responses.add(transaction);
    if (method === "REGISTER" && response.status === 401) this.#challenged(response, now);
    else if (method === "REGISTER" && response.status === 200) this.#accepted(response, now);
    else if (method === "SUBSCRIBE" && response.status === 200)
      this.#subscriptions.granted(response, now);
  }

  #challenged(response: SipResponse, now: number): void {
    const register = this.#registers.get(response.callId);
    for (const contact of register?.contacts ?? []) {
      const record = this.#contacts.get(contact);
      if (record === undefined) continue;
      record.lastChallengeAt = now;
      if (record.due !== undefined) record.due.challengedAt ??= now;
    }
    this.#challenges.challenged(response, register?.impi ?? "", now);
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
    const record = newContactRecord(contact, impi);
    this.#contacts.set(contact, record);
    return record;
  }

  #notified(notify: SipRequest, now: number): void {
    this.#subscriptions.notified(notify);
    for (const [, attributes = "", contact = ""] of notify.body
      .toString("latin1")
      .matchAll(SHORTENED)) {
      const due = this.#contacts.get(contact)?.due;
      // Others may hear of it, too; and what is not durable begins again with the next process.
      const isTold = hostOf(notify.uri) === hostOf(contact);
      // One that was begun by a challenge shows the time that is left, and gives no other.
      const seconds = Number(/\bexpires="(\d+)"/.exec(attributes)?.[1]);
      const isTrigger = seconds * 1000 <= this.#options.deadlineMs + WHOLE_SECOND_MS;
      if (due !== undefined && isTold && isTrigger) due.notifiedAt ??= now;
    }
  }

  happened(event: RegistrationEvent, now: number): void {
    this.campaigns.happened(event);
    if (event.kind === "reauthentication-asked") this.#asked(event.binding, now);
    if (event.kind === "reauthentication-ended") this.ends.ended(event.reauthentication);
  }

  /** The store has it, whether or not the S-CSCF lives to hear of it: what has ended may be gone. */
  kept(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.table === "bindings") this.#bindingKept(change.id, change.value);
      else this.#subscriptions.kept(change);
    }
  }

  #bindingKept(token: string, binding: Binding | undefined): void {
    const before = this.#contactsByToken.get(token);
    const contact = binding?.address.contact;
    if (before !== undefined && before !== contact) this.#gone(before);
    const due = binding?.reauthentication?.id;
    this.ends.kept(token, binding);
    this.campaigns.kept(token, binding);
    if (contact === undefined) {
      this.#contactsByToken.delete(token);
      this.holders.gone(token);
      return;
    }
    this.#contactsByToken.set(token, contact);
    this.#ended.delete(contact);
    const record = this.#contacts.get(contact);
    if (record?.due !== undefined && record.due.id !== due) record.due = undefined;
  }

  #asked({ address, reauthentication }: Binding, now: number): void {
    if (reauthentication === undefined) return;
    const { id } = reauthentication;
    this.ends.began(id);
    const record = this.#contacts.get(address.contact);
    if (record === undefined || record.due?.id === id) return;
    // One that a policy begins at a REGISTER begins with its challenge, which has just left.
    const challengedAt = record.lastChallengeAt === now ? now : undefined;
    record.due = { id, askedAt: now, notifiedAt: undefined, challengedAt };
  }

  #gone(contact: string): void {
    this.#contacts.delete(contact);
    this.#ended.add(contact);
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
      record.isSubscribed = facts.isSubscribed(binding);
      if (record.isSubscribed) record.owedMs = 0;
      else if (!isAnnounced(record)) record.owedMs += passed;
      judge(NOT_PAST_DUTY, { contact: record.contact, owedMs: record.owedMs, dutyMs });
    }
  }

  /** The S-CSCF is gone with all that it knew. */
  forgotten(): void {
    this.ends.forgotten();
    this.campaigns.forgotten();
    this.#contactsByToken.clear();
    this.#contacts.clear();
    this.#subscriptions.forgotten();
    this.#ended.clear();
    this.holders.forgotten();
    this.#responses.clear();
    this.#challenges.forgotten();
  }

  /** A new process has what the last one has kept. */
  tookOver(facts: TakenOverFacts): void {
    const { now, bindings, subscriptions } = facts;
    this.#steppedAt = now;
    this.#responses.clear();
    this.#options.judge(ENDED_STAYS_ENDED, {
      ended: this.#ended,
      found: bindings.map(({ address }) => address.contact),
    });
    const found = new Map<string, FoundFacts>(subscriptions);
    for (const { address, callId, cseq, reauthentication } of bindings) {
      found.set(address.contact, { callId, cseq });
      if (reauthentication !== undefined) found.set(reauthentication.id, { callId: "", cseq: 0 });
    }
    const announced = [...this.#contacts.values()].flatMap((record): AnnouncedFacts[] => {
      const { contact: what, callId, cseq, due } = record;
      const until = latestEnd({ ...this.#options, ...record, now });
      const one = { what, until, callId, cseq };
      if (due?.notifiedAt === undefined) return [one];
      return [one, { what: due.id, until, callId: "", cseq: 0 }];
    });
    announced.push(...this.#subscriptions.announced);
    this.#options.judge(NOTHING_LOST, { announced, found, now });
    this.#adoptAll(facts);
    for (const record of this.#contacts.values()) moveDeadline(record, facts, this.#options);
    this.#subscriptions.tookOver(found);
  }

  /** N begins again with the next NOTIFY where the process died, or could not write, before it had noted the first one. */
  #mayBegin(notifiedAt: number | undefined, { downSince, refusedAt }: TakenOverFacts): boolean {
    if (notifiedAt === undefined) return false;
    return downSince - notifiedAt <= this.#options.commitMs || notifiedAt <= refusedAt;
  }

  /** What the new process has is what counts from here. */
  #adoptAll(facts: TakenOverFacts): void {
    const { bindings } = facts;
    const there = new Set(bindings.map(({ address }) => address.contact));
    for (const contact of [...this.#contacts.keys()])
      if (!there.has(contact)) this.#contacts.delete(contact);
    for (const binding of bindings) this.#adoptOne(binding, facts);
  }

  #adoptOne(binding: Binding, facts: TakenOverFacts): void {
    const { address, impi, expiresAt, callId, cseq, reauthentication } = binding;
    const record = this.#contacts.get(address.contact) ?? this.#adopt(address.contact, impi);
    this.holders.adopt(binding);
    // One whose 200 did not leave any more was accepted all the same.
    if (record.callId !== callId || record.cseq < cseq)
      Object.assign(record, { grantedUntil: expiresAt, callId, cseq });
    record.due = reauthentication && this.#dueAfter(record.due, reauthentication, facts);
  }

  #dueAfter(
    before: ContactRecord["due"],
    { id, requestedAt, course }: Due,
    facts: TakenOverFacts,
  ): ContactRecord["due"] {
    const { notifiedAt, challengedAt } = course;
    if (before?.id !== id) {
      this.ends.began(id);
      return { id, askedAt: requestedAt, notifiedAt, challengedAt };
    }
    if (this.#mayBegin(before.notifiedAt, facts)) before.notifiedAt = notifiedAt;
    // One whose 401 did not leave any more counts all the same.
    before.challengedAt ??= challengedAt;
    return before;
  }
}

/** Each device has its own. */
function hostOf(uri: string): string {
  return /@([^:;>]+)/.exec(uri)?.[1] ?? "";
}
