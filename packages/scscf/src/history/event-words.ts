// Events of a user at the S-CSCF in words; docs/operations.md lists them.

/** Each with its words; a detail follows behind a colon. */
const WORDS = {
  challenged: "challenged (401)",
  "challenged-again": "challenged once more (401)",
  probed: "rejected AUTN; asked again with a usual mix-up (401, authentication.probe)",
  silent: "did not answer its 401",
  resynchronised: "AUTS: SQN set, challenged again (401)",
  refused: "REGISTER refused",
  "subscribe-refused": "SUBSCRIBE refused",
  "request-refused": "request refused",
  registered: "registered",
  refreshed: "registered again",
  subscribed: "subscribed",
  unsubscribed: "subscription over",
  "notify-answered": "NOTIFY answered",
  "notify-failed": "NOTIFY failed",
  overdue: "has not subscribed by the deadline, stays registered (subscription.duty: warn)",
  asked: "re-authentication asked for",
  "not-followed": "the P-CSCF asked for a re-authentication, and is not followed",
  notified: "NOTIFY sent that asks for the re-authentication",
  ended: "re-authentication over",
  removed: "de-registered",
  "subscriber-changed": "the operator has changed the subscriber",
} as const;

export type EventKind = keyof typeof WORDS;

/** What anybody can cause who knows a name; the rest takes a secret, or is the network's own doing. */
const UNPROVEN: ReadonlySet<EventKind> = new Set<EventKind>([
  "challenged",
  "challenged-again",
  "probed",
  "silent",
  "refused",
  "subscribe-refused",
  "request-refused",
]);

export function isUnproven(kind: EventKind): boolean {
  return UNPROVEN.has(kind);
}

export function wordsFor(kind: EventKind, detail: string | undefined): string {
  return detail === undefined ? WORDS[kind] : `${WORDS[kind]}: ${detail}`;
}
