// The ledger of an S-CSCF over all its lives: what was announced and what was seen, from messages and events alone, so that its own deadlines can be judged.
import {
  Authorization,
  Contact,
  Expires,
  SubscriptionState,
  Via,
} from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { Binding } from "../../../scscf/src/registration/binding.ts";
import type { RegistrationEvent } from "../../../scscf/src/registration/events.ts";
import type { Due } from "../../../scscf/src/registration/reauthentication.ts";
import type { Change } from "../../../scscf/src/rows.ts";
import { ChallengeLedger } from "./challenge-ledger.ts";
import {
  type AnnouncedFacts,
  AUTHENTICATED_BY_ANSWER,
  type DueFacts,
  ENDED_STAYS_ENDED,
  type FoundFacts,
  type HolderFacts,
  latestEnd,
  NOT_PAST_DEADLINE,
  NOT_PAST_DUTY,
  NOTHING_LOST,
  SAME_HOLDER,
} from "./invariants.ts";
import type { Judge } from "./surroundings.ts";

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
  lastChallengeAt: number;
  isSubscribed: boolean;
}

/** A store that has failed is left alone for a second; then it takes its time. */
const RETRY_MS = 1_200;
/** A 200 says whole seconds. */
const WHOLE_SECOND_MS = 1_000;
/** A commit takes no longer, and one that waits for another no longer than twice that. */
const COMMIT_MS = 200;
const SHORTENED = /<contact\b([^>]*\bevent="shortened"[^>]*)>\s*<uri>([^<]*)<\/uri>/g;

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #contacts = new Map<string, ContactRecord>();
  readonly #subscriptions = new Map<string, AnnouncedFacts>();
  /** Contacts whose end was told, and that have not come again. */
  readonly #ended = new Set<string>();
  /** Re-authentications that run, by token of their binding, as they are kept. */
  readonly #dueByToken = new Map<string, string>();
  readonly #holders = new Map<string, HolderFacts>();
  readonly #contactsByToken = new Map<string, string>();
  /** By Call-ID: what its last REGISTER was about. */
  readonly #registers = new Map<string, { contacts: readonly string[]; impi: string }>();
  readonly #responses = new Set<string>();
  readonly #challenges: ChallengeLedger;
  #steppedAt = 0;
  #excusedUntil = 0;
  /** Ends of each re-authentication that began. */
  readonly ends: Map<string, number> = new Map();
  readonly endsByKind: Map<string, number> = new Map();

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#challenges = new ChallengeLedger(options.judge);
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

  /** It leaves the S-CSCF. @param isUnsaved the store refuses to keep it */
  sent(message: SipMessage, now: number, isUnsaved: boolean): void {
    if (message.kind === "response") this.#responded(message, now);
    else if (message.method === "NOTIFY") this.#notified(message, now, isUnsaved);
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
    else if (method === "SUBSCRIBE" && response.status === 200) this.#granted(response, now);
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
    const record: ContactRecord = {
      contact,
      impi,
      grantedUntil: 0,
      callId: "",
      cseq: 0,
      due: undefined,
      owedMs: 0,
      graceUntil: undefined,
      lastChallengeAt: 0,
      isSubscribed: false,
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

  #notified(notify: SipRequest, now: number, isUnsaved: boolean): void {
    if (notify.get(SubscriptionState)?.value === "terminated")
      this.#subscriptions.delete(notify.from.params.get("tag") ?? "");
    for (const [, attributes = "", contact = ""] of notify.body
      .toString("latin1")
      .matchAll(SHORTENED)) {
      const due = this.#contacts.get(contact)?.due;
      // Others may hear of it, too; and what is not durable begins again with the next process.
      const isTold = hostOf(notify.uri) === hostOf(contact);
      // One that was begun by a challenge shows the time that is left, and gives no other.
      const seconds = Number(/\bexpires="(\d+)"/.exec(attributes)?.[1]);
      const isTrigger = seconds * 1000 <= this.#options.deadlineMs + WHOLE_SECOND_MS;
      if (due !== undefined && isTold && isTrigger && !isUnsaved) due.notifiedAt ??= now;
    }
  }

  happened(event: RegistrationEvent, now: number): void {
    if (event.kind === "reauthentication-asked") this.#asked(event.binding, now);
    if (event.kind !== "reauthentication-ended") return;
    const { id, end } = event.reauthentication;
    this.ends.set(id, (this.ends.get(id) ?? 0) + 1);
    this.endsByKind.set(end, (this.endsByKind.get(end) ?? 0) + 1);
  }

  /** The store has it, whether or not the S-CSCF lives to hear of it: what has ended may be gone. */
  kept(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.table === "bindings") this.#bindingKept(change.id, change.value);
      else if (change.table === "subscriptions" && change.value?.state.name !== "active")
        this.#subscriptions.delete(change.id);
    }
  }

  #bindingKept(token: string, binding: Binding | undefined): void {
    const before = this.#contactsByToken.get(token);
    const contact = binding?.address.contact;
    if (before !== undefined && before !== contact) this.#gone(before);
    const due = binding?.reauthentication?.id;
    if (due === undefined) this.#dueByToken.delete(token);
    else this.#dueByToken.set(token, due);
    if (contact === undefined) {
      this.#contactsByToken.delete(token);
      this.#holders.delete(token);
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
    if (!this.ends.has(id)) this.ends.set(id, 0);
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

  /** The S-CSCF puts a binding into its table. */
  put(binding: Binding): void {
    const { token, impi, address, authenticatedAt, callId, cseq } = binding;
    const { judge, awaitMs } = this.#options;
    const after = holderOf(binding);
    const before = this.#holders.get(token);
    judge(SAME_HOLDER, { node: "S-CSCF", contact: address.contact, before, after });
    this.#holders.set(token, after);
    if (before?.authenticatedAt === authenticatedAt) return;
    const answer = this.#challenges.answerIn({ callId, cseq });
    const contact = address.contact;
    judge(AUTHENTICATED_BY_ANSWER, { impi, contact, authenticatedAt, answer, awaitMs });
    this.#challenges.accepted({ callId, cseq });
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
      if (now > this.#excusedUntil)
        judge(NOT_PAST_DEADLINE, { ...record, now, deadlineMs, awaitMs });
      if (!facts.isEnforced(binding.impi)) continue;
      record.isSubscribed = facts.isSubscribed(binding);
      if (record.isSubscribed) record.owedMs = 0;
      else if (!isAnnounced(record) && now > this.#excusedUntil) record.owedMs += passed;
      judge(NOT_PAST_DUTY, { contact: record.contact, owedMs: record.owedMs, dutyMs });
    }
  }

  /** The store refuses: nothing ends before it is durable, and is tried again a second later. */
  refused(now: number): void {
    this.#excusedUntil = now + RETRY_MS;
  }

  /** The S-CSCF is gone with all that it knew. */
  forgotten(): void {
    for (const id of this.#open) this.ends.delete(id);
    this.#contactsByToken.clear();
    this.#dueByToken.clear();
    this.#contacts.clear();
    this.#subscriptions.clear();
    this.#ended.clear();
    this.#holders.clear();
    this.#responses.clear();
    this.#challenges.forgotten();
  }

  /** The process is gone: ends that were durable and that nobody heard of any more are none. */
  died(): void {
    const running = new Set(this.#dueByToken.values());
    for (const id of this.#open) if (!running.has(id)) this.ends.delete(id);
  }

  /** Ids of re-authentications that have begun and not ended. */
  get #open(): readonly string[] {
    return [...this.ends].filter(([, count]) => count === 0).map(([id]) => id);
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
    announced.push(...this.#subscriptions.values());
    this.#options.judge(NOTHING_LOST, { announced, found, now });
    this.#adoptAll(facts);
    this.#moveDeadlines(facts);
    for (const id of [...this.#subscriptions.keys()])
      if (!found.has(id)) this.#subscriptions.delete(id);
  }

  /** What was due while the node was down gets its time once, until something is accepted again. */
  #moveDeadlines({ now, downSince }: TakenOverFacts): void {
    const { graceMs, dutyMs } = this.#options;
    for (const record of this.#contacts.values()) {
      // A subscription that ran out meanwhile ends now.
      const stood = record.isSubscribed || isAnnounced(record);
      const owed = stood ? record.owedMs : record.owedMs + (now - downSince);
      const isOverdue = latestEnd({ ...this.#options, ...record, now }) <= now + WHOLE_SECOND_MS;
      if (isOverdue) record.graceUntil = record.graceUntil === undefined ? now + graceMs : now; // once; then at once
      record.owedMs = owed >= dutyMs ? Math.min(owed, dutyMs - graceMs) : owed;
    }
  }

  /** N begins again with the next NOTIFY where the process died, or could not write, before it had noted the first one. */
  #mayBegin(notifiedAt: number | undefined, downSince: number): boolean {
    if (notifiedAt === undefined) return false;
    return downSince - notifiedAt <= COMMIT_MS || notifiedAt <= this.#excusedUntil;
  }

  /** What the new process has is what counts from here. */
  #adoptAll({ bindings, downSince }: TakenOverFacts): void {
    const there = new Set(bindings.map(({ address }) => address.contact));
    for (const contact of [...this.#contacts.keys()])
      if (!there.has(contact)) this.#contacts.delete(contact);
    for (const binding of bindings) this.#adoptOne(binding, downSince);
  }

  #adoptOne(binding: Binding, downSince: number): void {
    const { address, impi, expiresAt, callId, cseq, reauthentication } = binding;
    const record = this.#contacts.get(address.contact) ?? this.#adopt(address.contact, impi);
    this.#holders.set(binding.token, holderOf(binding));
    // One whose 200 did not leave any more was accepted all the same.
    if (record.callId !== callId || record.cseq < cseq)
      Object.assign(record, { grantedUntil: expiresAt, callId, cseq });
    record.due = reauthentication && this.#dueAfter(record.due, reauthentication, downSince);
  }

  #dueAfter(
    before: ContactRecord["due"],
    { id, requestedAt, course }: Due,
    downSince: number,
  ): ContactRecord["due"] {
    const { notifiedAt, challengedAt } = course;
    if (before?.id !== id) {
      if (!this.ends.has(id)) this.ends.set(id, 0);
      return { id, askedAt: requestedAt, notifiedAt, challengedAt };
    }
    if (this.#mayBegin(before.notifiedAt, downSince)) before.notifiedAt = notifiedAt;
    // One whose 401 did not leave any more counts all the same.
    before.challengedAt ??= challengedAt;
    return before;
  }
}

/** From its first step on the re-authentication's deadline stands in for the duty's. */
function isAnnounced({ due }: ContactRecord): boolean {
  return due?.notifiedAt !== undefined || due?.challengedAt !== undefined;
}

/** Each device has its own. */
function hostOf(uri: string): string {
  return /@([^:;>]+)/.exec(uri)?.[1] ?? "";
}

function holderOf({ impi, address, authenticatedAt }: Binding): HolderFacts {
  return { impi, place: `${address.path[0]} ${address.source}`, authenticatedAt };
}
