// Faults that a node can be made to have, to test its peers with: names, parameters, presets and the HTTP views. docs/faults.md.

/** A value that says how a fault shows. */
export type FaultParameter =
  | {
      readonly name: string;
      readonly doc: string;
      readonly kind: "integer";
      readonly min: number;
      readonly max: number;
      readonly default: number;
    }
  | {
      readonly name: string;
      readonly doc: string;
      readonly kind: "word";
      readonly words: readonly string[];
      readonly default: string;
    };

export interface FaultDefinition<Name extends string = string> {
  readonly name: Name;
  readonly doc: string;
  /** It happens when it is switched on, and is off again: no fault that lasts. */
  readonly isDeed: boolean;
  readonly parameters: readonly FaultParameter[];
}

/** A combination of faults that goes by one name. */
export interface FaultPreset<Name extends string = string> {
  readonly name: string;
  readonly doc: string;
  readonly combines: readonly Name[];
}

export interface FaultCatalogue<Name extends string = string> {
  readonly node: "UE" | "S-CSCF";
  readonly faults: readonly FaultDefinition<Name>[];
  readonly presets: readonly FaultPreset<Name>[];
}

export type UeFaultName =
  | "no-subscribe"
  | "notify-ignored"
  | "notify-481"
  | "notify-500"
  | "notify-late"
  | "silent-after-notify"
  | "wrong-res"
  | "reject-autn"
  | "force-auts"
  | "skip-mac-check"
  | "challenge-unanswered"
  | "no-authorization"
  | "new-address"
  | "reboot";

export const ueFaults: FaultCatalogue<UeFaultName> = {
  node: "UE",
  faults: [
    fault("no-subscribe", "No SUBSCRIBE leaves the UE."),
    fault("notify-ignored", "NOTIFYs are lost on the UE: neither obeyed nor answered."),
    fault("notify-481", "NOTIFYs are answered 481, as by a device that forgot its subscription."),
    fault("notify-500", "NOTIFYs are answered 500 and not obeyed."),
    fault("notify-late", "NOTIFYs are heard, answered and obeyed late.", [
      integer("delaySeconds", "How late.", { min: 1, max: 600, default: 20 }),
    ]),
    fault(
      "silent-after-notify",
      "The next NOTIFY is answered 200, and then nothing leaves the UE but answers.",
    ),
    fault("wrong-res", "Challenges are answered with a wrong RES, or a wrong password."),
    fault("reject-autn", "The MAC in AUTN is taken for wrong: an empty response, no AUTS."),
    fault("force-auts", "The SQN in AUTN is taken for out of range: AUTS, each time."),
    fault("skip-mac-check", "AUTN is not checked: a wrong MAC is answered like a right one."),
    fault("challenge-unanswered", "No REGISTER with an answer to a challenge leaves the UE."),
    fault("no-authorization", "REGISTERs carry Authorization only to answer a challenge."),
    deed(
      "new-address",
      "The UE sends from another port and hears nothing at the old one, without a REGISTER.",
    ),
    deed(
      "reboot",
      "The UE forgets everything but its instance and registers anew: new Call-ID, new tags.",
    ),
  ],
  presets: [
    {
      name: "frozen-application",
      doc: "The modem answers NOTIFYs 200, the application behind it is dead: nothing follows.",
      combines: ["silent-after-notify"],
    },
    {
      name: "plain-softphone",
      doc: "A softphone without IMS: it names no IMPI before it is asked, and watches no registration.",
      combines: ["no-authorization", "no-subscribe"],
    },
    {
      name: "forgetful-device",
      doc: "After a silent restart of its IMS stack: it knows no subscription and makes none.",
      combines: ["notify-481", "no-subscribe"],
    },
    {
      name: "careless-usim",
      doc: "A card that takes any AUTN for genuine, on a device that does not name its IMPI.",
      combines: ["skip-mac-check", "no-authorization"],
    },
    {
      name: "slow-and-shaky",
      doc: "A device in deep sleep behind a bad link: hears NOTIFYs late and loses its answer to the challenge.",
      combines: ["notify-late", "challenge-unanswered"],
    },
  ],
};

export type ScscfFaultName =
  | "reginfo-version-gap"
  | "reginfo-same-version"
  | "reginfo-unknown-namespace"
  | "active-for-terminated"
  | "trigger-other-contact"
  | "trigger-without-callid"
  | "notify-twice"
  | "notify-wrong-from-to"
  | "bad-autn"
  | "old-sqn"
  | "auts-ignored"
  | "interval-too-brief"
  | "unavailable"
  | "no-service-route"
  | "stale-contact"
  | "short-grant";

export const scscfFaults: FaultCatalogue<ScscfFaultName> = {
  node: "S-CSCF",
  faults: [
    fault(
      "reginfo-version-gap",
      "The version of reginfo documents jumps, as if NOTIFYs had been lost.",
      [integer("by", "Versions that are left out each time.", { min: 1, max: 1000, default: 1 })],
    ),
    fault(
      "reginfo-same-version",
      "The version of a reginfo document is that of the one before: to be discarded.",
    ),
    fault(
      "reginfo-unknown-namespace",
      "Reginfo documents have elements and attributes of an unknown namespace: to be ignored.",
    ),
    fault("active-for-terminated", "What has ended is called active in its last NOTIFY.", [
      word("where", "In which place.", ["registration", "subscription-state"]),
    ]),
    fault(
      "trigger-other-contact",
      "The contact that is asked to register again is another one, by id and URI.",
    ),
    fault("trigger-without-callid", "Contacts in reginfo documents have neither callid nor cseq."),
    fault(
      "notify-twice",
      "Each NOTIFY leaves twice, the second time in a transaction of its own.",
      [integer("afterMilliseconds", "Between the two.", { min: 0, max: 10_000, default: 50 })],
    ),
    fault(
      "notify-wrong-from-to",
      "NOTIFYs name other URIs in From and To than the SUBSCRIBE did; tags are right.",
    ),
    fault("bad-autn", "The MAC in AUTN is wrong."),
    fault(
      "old-sqn",
      "The SQN in AUTN is one of long ago, as of an HSS restored from yesterday's backup.",
      [integer("behind", "By how many vectors.", { min: 1, max: 1_000_000, default: 1000 })],
    ),
    fault("auts-ignored", "AUTS sets no SQN: the next challenge goes on counting as before."),
    fault("interval-too-brief", "REGISTERs that ask for less are answered 423.", [
      integer("minExpiresSeconds", "In Min-Expires.", { min: 1, max: 2_000_000, default: 700_000 }),
    ]),
    fault("unavailable", "Requests are answered 503 with Retry-After.", [
      word("method", "Which ones.", ["REGISTER", "SUBSCRIBE"]),
      integer("retryAfterSeconds", "In Retry-After.", { min: 0, max: 86_400, default: 10 }),
    ]),
    fault("no-service-route", "The 200 to REGISTER has no Service-Route."),
    fault("stale-contact", "The 200 to REGISTER lists a second Contact, of long ago."),
    fault(
      "short-grant",
      "The 200 to REGISTER grants less time than the S-CSCF keeps the binding.",
      [integer("seconds", "Granted.", { min: 1, max: 600_000, default: 40 })],
    ),
  ],
  presets: [
    {
      name: "restored-hss",
      doc: "An HSS restored from yesterday's backup, and an S-CSCF that does not resynchronise.",
      combines: ["old-sqn", "auts-ignored"],
    },
    {
      name: "unclean-registrar",
      doc: "A registrar that never forgets: old contacts in the 200, ended registrations called active.",
      combines: ["stale-contact", "active-for-terminated"],
    },
    {
      name: "foreign-notifier",
      doc: "A notifier of another make: other From and To, extensions in reginfo, no callid and cseq.",
      combines: ["notify-wrong-from-to", "reginfo-unknown-namespace", "trigger-without-callid"],
    },
    {
      name: "shaky-failover",
      doc: "A pair of S-CSCFs that both believe to be active: NOTIFYs twice, versions that jump.",
      combines: ["notify-twice", "reginfo-version-gap"],
    },
    {
      name: "bare-registrar",
      doc: "A registrar that is no S-CSCF: no Service-Route, no callid and cseq.",
      combines: ["no-service-route", "trigger-without-callid"],
    },
  ],
};

function fault<Name extends string>(
  name: Name,
  doc: string,
  parameters: readonly FaultParameter[] = [],
): FaultDefinition<Name> {
  return { name, doc, isDeed: false, parameters };
}

function deed<Name extends string>(name: Name, doc: string): FaultDefinition<Name> {
  const afterSeconds = integer("afterSeconds", "Time until it happens.", {
    min: 0,
    max: 86_400,
    default: 0,
  });
  return { name, doc, isDeed: true, parameters: [afterSeconds] };
}

function integer(
  name: string,
  doc: string,
  limits: { readonly min: number; readonly max: number; readonly default: number },
): FaultParameter {
  return { name, doc, kind: "integer", ...limits };
}

/** The first word is the default. */
function word(name: string, doc: string, words: readonly [string, ...string[]]): FaultParameter {
  return { name, doc, kind: "word", words, default: words[0] };
}

export type FaultValues = Readonly<Record<string, number | string>>;

/** Body of `PUT /faults/{name}`: what is left out has its default. */
export interface FaultRequest {
  /** Whom alone it meets; absent: everybody. */
  readonly impu?: string;
  /** Messages, or challenges, that it spoils before it switches itself off; absent: until it is switched off. */
  readonly times?: number;
  /** Of this fault; a preset takes none. */
  readonly parameters?: FaultValues;
}

/** A fault that is on for somebody. */
export interface ActiveFaultView {
  /** Null: everybody. */
  readonly impu: string | null;
  /** Left; null: until it is switched off. */
  readonly remaining: number | null;
  /** What it has spoilt since it was switched on. */
  readonly acted: number;
  readonly since: number;
  readonly parameters: FaultValues;
}

/** `GET /faults`, `PUT /faults/{name}`, `DELETE /faults/{name}`. */
export interface FaultView {
  readonly name: string;
  readonly doc: string;
  readonly isDeed: boolean;
  /** Of a preset: the faults that it switches. */
  readonly combines: readonly string[];
  readonly parameters: readonly FaultParameter[];
  /** Of a preset always empty: its faults show by themselves. */
  readonly active: readonly ActiveFaultView[];
}
