// Answers of the admin HTTP interfaces of S-CSCF and P-CSCF, shared with `imslab`; docs/operations.md.
// Times are integer milliseconds since the epoch; what does not apply is null, never left out.

/** How every list is answered. */
export interface Page<T> {
  readonly items: readonly T[];
  /** How many there are in all, whatever `limit` and `offset` left out. */
  readonly total: number;
}

/** One SIP transaction that has not ended. */
export interface LiveTransactionView {
  /** Of the node: `access` or `core` at the P-CSCF. */
  readonly side: string;
  readonly kind: "client" | "server";
  readonly method: string;
  /** Of its machine (RFC 3261 §17, RFC 6026): `trying`, `proceeding`, `completed` … */
  readonly state: string;
  readonly ageMs: number;
  /** Until the timer fires that ends it; null: no such timer runs. */
  readonly endsInMs: number | null;
  /** `192.0.2.7:5060/udp`; null while its host name is looked up. */
  readonly peer: string | null;
  /** "" for RFC 2543 peers. */
  readonly branch: string;
  readonly callId: string;
}

/** Who asked for a re-authentication. */
export type ReauthenticationCause =
  | "operator"
  | "pcscf"
  | `policy:${string}`
  | `campaign:${string}`;

/** How far a re-authentication has come; a step may be skipped. */
export type ReauthenticationProgress = "requested" | "notified" | "acknowledged" | "challenged";

/** How a re-authentication ended; each has exactly one end. */
export type ReauthenticationEnd =
  | "reauthenticated"
  | "refused"
  | "unanswered"
  | "ignored"
  | "unreachable"
  | "unsubscribed"
  | "withdrawn";

/** An operator's reasons to de-register (RFC 3680 §5.1 contact events of the same names). */
export const deregistrationCauses = ["expired", "deactivated", "rejected", "probation"] as const;
export type OperatorCause = (typeof deregistrationCauses)[number];

/** One re-authentication of one binding. */
export interface ReauthenticationView {
  readonly id: string;
  readonly impi: string;
  readonly impu: string;
  readonly bindingId: string;
  readonly contact: string;
  readonly cause: ReauthenticationCause;
  readonly askers: readonly string[];
  readonly progress: ReauthenticationProgress;
  /** Null while it runs. */
  readonly end: ReauthenticationEnd | null;
  readonly requestedAt: number;
  readonly notifiedAt: number | null;
  readonly acknowledgedAt: number | null;
  readonly challengedAt: number | null;
  readonly endedAt: number | null;
  /** After the end: the one that held. Null only where the end was seen by its effect alone. */
  readonly deadlineAt: number | null;
  readonly deregisteredAt: number | null;
  /** One line on why, for a person. */
  readonly reason: string | null;
}

/** The UE's own subscription that fulfils the binding's duty to subscribe. */
export interface SubscriptionView {
  readonly package: string;
  readonly callId: string;
  readonly expiresAt: number;
  /** Of the last NOTIFY. */
  readonly version: number;
}

export interface BindingView {
  readonly id: string;
  readonly contact: string;
  readonly callId: string;
  readonly cseq: number;
  readonly path: readonly string[];
  /** Of its last REGISTER. */
  readonly userAgent: string | null;
  /** Whether it must subscribe. */
  readonly duty: "enforce" | "warn" | "optional";
  /** What chose that: `its subscriber`, `User-Agent PATTERN`, `subscription.duty`. */
  readonly dutyBy: string;
  readonly expiresAt: number;
  readonly registeredAt: number;
  readonly authenticatedAt: number | null;
  readonly subscription: SubscriptionView | null;
  /** When the duty to subscribe is over; null while it is fulfilled or not enforced. */
  readonly subscriptionDeadlineAt: number | null;
  /** The one that runs now. */
  readonly reauthentication: ReauthenticationView | null;
}

/** S-CSCF `GET /registrations`, `GET /registrations/{impu}`. */
export interface RegistrationView {
  readonly impu: string;
  readonly impi: string;
  readonly implicitSet: readonly string[];
  readonly state: "registered" | "not-registered";
  readonly bindings: readonly BindingView[];
}

/** S-CSCF `POST /registrations/{impu}/reauthenticate` (200 joined, 201 new, 202 still running). */
export interface ReauthenticateAnswer {
  readonly items: readonly ReauthenticationView[];
}

/** S-CSCF `DELETE /registrations/{impu}`. */
export interface DeregisterAnswer {
  readonly impu: string;
  readonly cause: OperatorCause;
  /** Contacts that were removed. */
  readonly contacts: readonly string[];
}

/** P-CSCF `GET /registrations`: what it keeps per binding. */
export interface AccessBindingView {
  readonly impu: string;
  readonly impi: string;
  readonly implicitSet: readonly string[];
  readonly contact: string;
  /** The UE's address as this node sees it: `udp:192.0.2.1:5060`. */
  readonly flow: string;
  readonly serviceRoute: readonly string[];
  readonly expiresAt: number;
  readonly authenticatedAt: number | null;
  /** The S-CSCF's subscription here (Figure 4): when it ends; null without one. */
  readonly subscriptionExpiresAt: number | null;
}

/** P-CSCF `POST /registrations/{impu}/reauthenticate` (202): what was sent to the S-CSCF (Figure 5). */
export interface AskAnswer {
  readonly impu: string;
  /** Contacts named in the NOTIFY. */
  readonly contacts: readonly string[];
}

/** Something that happened to a user or came from an address: `GET /registrations/{impu}/history`, `GET /sources/{address}/history`. */
export interface HistoryEventView {
  /** Of the last time. */
  readonly at: number;
  /** A fixed name, such as `refused`. */
  readonly event: string;
  /** What happened and why, in one line. */
  readonly text: string;
  /** The device's address, where it is known: `192.0.2.7:5060/udp`. */
  readonly source: string | null;
  /** How often in a row. */
  readonly times: number;
}

/** A call as its UE sees it: UE `POST /call`, `GET /state`. */
export interface CallView {
  readonly callId: string;
  readonly direction: "outgoing" | "incoming";
  /** Whom it called, or who the network says has called. */
  readonly peer: string;
  readonly state: "inviting" | "ringing" | "answered" | "up" | "ending" | "over";
  /** Why it is over, or ends. */
  readonly why: string | null;
  readonly heldHere: boolean;
  readonly heldThere: boolean;
  readonly startedAt: number;
  readonly upAt: number | null;
  readonly overAt: number | null;
  /** RTP packets that this UE got while the call lasted. */
  readonly packets: number;
}

/** A MESSAGE of a UE: UE `POST /message`, `GET /state`. */
export interface MessageView {
  readonly at: number;
  readonly direction: "sent" | "received";
  readonly peer: string;
  readonly text: string;
  /** Of a sent one: its final status; null when none came. */
  readonly status: number | null;
  readonly why: string | null;
}

/** RFC 9457 problem details. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** Of an import: the first of them. */
  readonly mistakes?: readonly ImportMistake[];
  /** The query parameter, or the property of the body, that is wrong. */
  readonly parameter?: string;
  /** How many it is about. */
  readonly count?: number;
}

/** One of the lab's HSS; a secret is said to be set, and never shown. */
export interface SubscriberView {
  readonly impi: string;
  readonly impus: readonly { readonly uri: string; readonly barred: boolean }[];
  readonly scheme: "aka" | "digest";
  readonly algorithms: readonly string[];
  readonly auth:
    | {
        readonly scheme: "aka";
        readonly algorithm: string;
        readonly k: "set";
        readonly opc: "set";
        readonly amf: string;
      }
    | {
        readonly scheme: "digest";
        readonly algorithms: readonly string[];
        readonly password: "set";
      };
  readonly subscription: string | null;
  /** Rules of the authentication policy for this one alone. */
  readonly policy: readonly object[] | null;
  /** The subscribers file; that and a change since; a change alone. */
  readonly source: "file" | "changed" | "added";
  readonly registered: boolean;
  /** Why the last authentication failed, and when. */
  readonly lastFailure: { readonly why: string; readonly at: number } | null;
}

export interface SubscriberRemoved {
  readonly impi: string;
  /** That were de-registered. */
  readonly contacts: readonly string[];
}

export const importFormats = ["yaml", "sipp", "table"] as const;
export type ImportFormat = (typeof importFormats)[number];

export interface ImportAnswer {
  readonly format: ImportFormat;
  readonly created: number;
  readonly replaced: number;
  /** There already, and alike. */
  readonly unchanged: number;
  /** Of a table: those that mean nothing here. */
  readonly unusedColumns: readonly string[];
  /** Nothing was changed. */
  readonly dryRun: boolean;
}

/** One mistake of an import. */
export interface ImportMistake {
  /** Of the file, from 1. */
  readonly line: number;
  readonly why: string;
}
