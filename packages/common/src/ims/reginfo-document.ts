// Registration information documents, as values. RFC 3680 §5.
export const NAMESPACE = "urn:ietf:params:xml:ns:reginfo";

export type RegistrationState = "init" | "active" | "terminated";

export type ContactEvent =
  | "registered"
  | "created"
  | "refreshed"
  | "shortened"
  | "expired"
  | "deactivated"
  | "probation"
  | "unregistered"
  | "rejected";

export interface ReginfoContact {
  readonly id: string;
  readonly state: "active" | "terminated";
  readonly event: ContactEvent;
  readonly uri: string;
  readonly displayName?: string;
  /** Seconds left; always present with `shortened`. */
  readonly expires?: number;
  /** Seconds; always present with `probation`. */
  readonly retryAfter?: number;
  /** Seconds since the contact was first bound. */
  readonly durationRegistered?: number;
  readonly q?: number;
  readonly callId?: string;
  readonly cseq?: number;
  /** Contact header parameters without a meaning here, e.g. `+sip.instance`. */
  readonly unknownParams?: readonly { readonly name: string; readonly value: string }[];
}

export interface ReginfoRegistration {
  readonly aor: string;
  readonly id: string;
  readonly state: RegistrationState;
  readonly contacts: readonly ReginfoContact[];
}

export interface Reginfo {
  readonly version: number;
  readonly state: "full" | "partial";
  readonly registrations: readonly ReginfoRegistration[];
}

/** @property limit what there is too much of, when that is the problem */
export type ReginfoParse =
  | { readonly reginfo: Reginfo }
  | { readonly problem: string; readonly limit?: string };

/** What a subscriber knows: one per subscription (versions start again in a new one). */
export interface ReginfoView {
  readonly version: number;
  readonly registrations: ReadonlyMap<string, ReginfoRegistration>;
}

export type ReginfoUpdate =
  | { readonly kind: "applied"; readonly view: ReginfoView }
  /** Applied, but documents are missing before it: ask for the full state by a refresh. */
  | { readonly kind: "gap"; readonly view: ReginfoView }
  | { readonly kind: "stale"; readonly view: ReginfoView };
