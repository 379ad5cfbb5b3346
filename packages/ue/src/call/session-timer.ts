// Session timer negotiation: Session-Expires, Min-SE and the refresher. RFC 4028 §7, §9.
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { Params } from "@ims-lab/common/sip/message/params";
import type { Refusal } from "@ims-lab/common/sip/transaction/user";

/** §4: no session timer is shorter, seconds. */
export const LEAST_SESSION_SECONDS = 90;
const MOST_SESSION_SECONDS = 2 ** 32 - 1;

type Headers = readonly (readonly [string, string])[];

interface SessionExpires {
  readonly seconds: number;
  readonly refresher: "uac" | "uas" | undefined;
}

export interface AgreedSession {
  readonly seconds: number;
  /** Whether this side refreshes. */
  readonly here: boolean;
}

export interface SessionAnswer extends AgreedSession {
  /** Of the 2xx. */
  readonly headers: Headers;
}

/** What our INVITE or UPDATE asks for. */
export interface SessionProposal {
  readonly seconds: number;
  /** What a 422 has asked for; undefined: none did. */
  readonly minSeconds: number | undefined;
  /** Who refreshes so far: a refresh does not change it (§7.4); undefined before it is agreed upon. */
  readonly here: boolean | undefined;
}

/** §7.1, §7.4: Supported is the caller's to add. */
export function sessionRequestHeaders({ seconds, minSeconds, here }: SessionProposal): Headers {
  const refresher = here === undefined ? "" : `;refresher=${here ? "uac" : "uas"}`;
  return [
    ["Session-Expires", `${seconds}${refresher}`],
    ...(minSeconds === undefined ? [] : [["Min-SE", String(minSeconds)] as const]),
  ];
}

/** §7.2: a peer without session timers, or one that has none now: we refresh, and find out when it is gone. */
export function sessionAgreed(proposal: SessionProposal, response: SipResponse): AgreedSession {
  const said = sessionExpiresOf(response);
  if (typeof said !== "object") return { seconds: proposal.seconds, here: true };
  // A shorter one than the standard allows would have us refresh without end.
  const seconds = Math.max(said.seconds, LEAST_SESSION_SECONDS);
  return { seconds, here: said.refresher !== "uas" };
}

/** §7.3: what the INVITE is to ask for after this 422; undefined: it is no help. */
export function secondsAfter422(response: SipResponse, asked: number): number | undefined {
  const least = secondsIn(response.text("Min-SE"));
  return least !== undefined && least > asked ? least : undefined;
}

/** §9: 422 for an interval below the minimum, 400 for one that cannot be read. */
export function checkSession(request: SipRequest): Refusal | undefined {
  const asked = sessionExpiresOf(request);
  if (asked === "malformed") return { status: 400, reason: "Malformed Session-Expires" };
  if (asked === undefined || asked.seconds >= LEAST_SESSION_SECONDS) return undefined;
  return { status: 422, headers: [["Min-SE", String(LEAST_SESSION_SECONDS)]] };
}

/** §9, table 2: the caller refreshes where it supports `timer`. */
export function sessionAnswer(request: SipRequest, ownSeconds: number): SessionAnswer {
  const asked = sessionExpiresOf(request);
  const least = Math.max(secondsIn(request.text("Min-SE")) ?? 0, LEAST_SESSION_SECONDS);
  const wanted = typeof asked === "object" ? Math.min(asked.seconds, ownSeconds) : ownSeconds;
  const seconds = Math.max(wanted, least);
  const isSupported = supportsTimer(request);
  const refresher = isSupported && (typeof asked !== "object" || asked.refresher !== "uas");
  const headers: Headers = [
    ["Session-Expires", `${seconds};refresher=${refresher ? "uac" : "uas"}`],
    ...(isSupported ? [["Require", "timer"] as const] : []),
  ];
  return { seconds, here: !refresher, headers };
}

function supportsTimer(request: SipRequest): boolean {
  return request.texts("Supported").some((tag) => tag.toLowerCase() === "timer");
}

function sessionExpiresOf(
  message: SipRequest | SipResponse,
): SessionExpires | "malformed" | undefined {
  const text = message.text("Session-Expires");
  if (text === undefined) return undefined;
  const semicolon = text.indexOf(";");
  const seconds = secondsIn(semicolon < 0 ? text : text.slice(0, semicolon));
  const params = semicolon < 0 ? Params.none : Params.parse(text, semicolon);
  if (seconds === undefined || params === undefined) return "malformed";
  const refresher = params.get("refresher")?.toLowerCase();
  return { seconds, refresher: refresher === "uac" || refresher === "uas" ? refresher : undefined };
}

/** Parameters may follow (Min-SE has generic ones). */
function secondsIn(text: string | undefined): number | undefined {
  const digits = /^(\d{1,10})[ \t]*(?:;|$)/.exec(text ?? "")?.[1];
  return digits === undefined ? undefined : Math.min(Number(digits), MOST_SESSION_SECONDS);
}
