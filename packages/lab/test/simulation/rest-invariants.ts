// Invariants of rest: both nodes agree, devices are served, nothing is left. TS 24.229 §5.2.3; RFC 3261 §17.
import { type Invariant, unless } from "./invariant.ts";

export interface AgreementFacts {
  /** Contacts of all that is registered, by IMPI and Path. */
  readonly atScscf: ReadonlyMap<string, readonly string[]>;
  readonly atPcscf: ReadonlyMap<string, readonly string[]>;
  /** Contacts that devices have registered since something was lost. */
  readonly told: ReadonlySet<string> | "all";
  /** The S-CSCF may have given up the subscription by which the P-CSCF hears of ends (RFC 6665 §4.2.2). */
  readonly mayMissEnds: boolean;
}

export const BOTH_AGREE: Invariant<AgreementFacts> = {
  name: "both nodes agree",
  clause: "TS 24.229 §5.2.2.1, §5.2.3",
  holds:
    "once the wire is quiet, both CSCFs have the same devices; where something was lost, those that have registered since",
  check: ({ atScscf, atPcscf, told, mayMissEnds }) => {
    const lone = [...atScscf].filter(
      ([key, contacts]) =>
        !atPcscf.has(key) && (told === "all" || contacts.some((one) => told.has(one))),
    );
    const late = mayMissEnds ? [] : [...atPcscf].filter(([key]) => !atScscf.has(key));
    return [
      ...lone.map(([key, contacts]) => `${key} (${contacts.join(", ")}): S-CSCF alone`),
      ...late.map(([key, contacts]) => `${key} (${contacts.join(", ")}): P-CSCF alone`),
    ];
  },
};

export interface WordFacts {
  readonly contact: string;
  /** The REGISTER that it stands on at the P-CSCF. */
  readonly callId: string;
  readonly cseq: number;
  /** The S-CSCF has this very registration of it. */
  readonly isAtScscf: boolean;
}

export const NO_FOREIGN_END: Invariant<WordFacts> = {
  name: "no end of another registration",
  clause: "TS 24.229 §5.2.3; RFC 3680 §5.1",
  holds:
    "no binding ends at the P-CSCF by a word of the S-CSCF while the S-CSCF has that very registration",
  check: ({ contact, callId, cseq, isAtScscf }) =>
    unless(
      !isAtScscf,
      () => `${contact} (CSeq ${cseq} of ${callId}) has ended at the P-CSCF alone`,
    ),
};

export interface RestFacts {
  readonly devices: readonly {
    readonly says: string;
    readonly isRegistered: boolean;
    readonly isSubscribed: boolean;
    /** Ends of the re-authentications it was asked for over a fair network. */
    readonly ends: readonly string[];
  }[];
}

export const COMES_TO_REST: Invariant<RestFacts> = {
  name: "comes to rest",
  clause: "TS 24.229 §5.1.1; RFC 5626 §4.5",
  holds:
    "once the network is fair, every device that wants to is registered and subscribed, and re-authenticates when asked",
  check: ({ devices }) =>
    devices.flatMap(({ says, isRegistered, isSubscribed, ends }) => [
      ...unless(isRegistered, () => `${says}: not registered`),
      ...unless(isSubscribed, () => `${says}: not subscribed`),
      ...ends.filter((end) => end !== "reauthenticated").map((end) => `${says}: ${end}`),
    ]),
};

export interface LeftoverFacts {
  /** By name: what there is more than in a node that has just started. */
  readonly left: ReadonlyMap<string, number>;
}

export const NOTHING_LEFT: Invariant<LeftoverFacts> = {
  name: "nothing is left",
  clause: "RFC 3261 §17; RFC 6665 §4.2.1.4",
  holds:
    "when all devices are off and everything has expired, no binding, subscription, dialog, transaction or timer is left",
  check: ({ left }) =>
    [...left].flatMap(([what, count]) => unless(count === 0, () => `${count} ${what}`)),
};

export interface LogFacts {
  readonly node: string;
  readonly errors: readonly string[];
}

export const NO_ERROR_LINE: Invariant<LogFacts> = {
  name: "no error in the log",
  clause: "docs/operations.md, log",
  holds: "no node logs at level error, which is for its own faults, and none throws",
  check: ({ node, errors }) => errors.map((line) => `${node}: ${line}`),
};
