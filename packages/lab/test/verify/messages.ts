// Observed messages for tests of the judge: a device's re-authentication, message by message.
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import type { Course, DeviceFacts } from "../../src/verify/course.ts";

const CONTACT = "sip:alice@192.0.2.1:5060";
export const DEVICE: DeviceFacts = {
  impu: "sip:alice@ims.example",
  impi: "alice@ims.example",
  scheme: "aka",
  contact: CONTACT,
  callId: "reg",
  cseq: 7,
  package: OWN_PACKAGE,
};

type Written = Partial<ObservedMessage> & Pick<ObservedMessage, "at" | "direction" | "method">;

export function message(written: Written): ObservedMessage {
  return {
    isRepeated: false,
    status: null,
    callId: "reg",
    cseq: 1,
    contact: null,
    expires: null,
    minExpires: null,
    retryAfter: null,
    event: null,
    subscriptionState: null,
    reason: null,
    contacts: [],
    credentials: null,
    nonce: null,
    userAgent: null,
    ...written,
  };
}

/** @param at seconds */
export function notify(
  at: number,
  event: string,
  expires: number,
  cseq = 2,
  uri: string = CONTACT,
): ObservedMessage {
  return message({
    at: at * 1000,
    direction: "to-device",
    method: "NOTIFY",
    callId: "sub",
    cseq,
    event: OWN_PACKAGE,
    contacts: [{ uri, state: "active", event, expires }],
  });
}

/** @param at seconds */
export function answer(
  at: number,
  to: ObservedMessage,
  status: number,
  more: Partial<ObservedMessage> = {},
): ObservedMessage {
  const direction = to.direction === "to-device" ? "from-device" : "to-device";
  const { method, callId, cseq } = to;
  return message({ at: at * 1000, direction, method, callId, cseq, status, ...more });
}

/** @param at seconds */
export function register(
  at: number,
  cseq: number,
  credentials: ObservedMessage["credentials"],
  more: Partial<ObservedMessage> = {},
): ObservedMessage {
  const nonce = credentials === "none" || credentials === "unanswered" ? null : "n";
  return message({
    at: at * 1000,
    direction: "from-device",
    method: "REGISTER",
    cseq,
    credentials,
    nonce,
    contact: CONTACT,
    expires: 600_000,
    ...more,
  });
}

export function subscribe(at: number, cseq = 1): ObservedMessage {
  const direction = "from-device";
  const more = { callId: "sub2", cseq, event: "reg", expires: 600_000 };
  return message({ at: at * 1000, direction, method: "SUBSCRIBE", ...more });
}

/** @param endedAt seconds */
export function course(
  messages: readonly ObservedMessage[],
  endedAt: number,
  more: Partial<Course> = {},
): Course {
  const base = { device: DEVICE, cutShort: undefined, hasCall: false };
  return { ...base, messages, endedAt: endedAt * 1000, ...more };
}

/** NOTIFY, 200, REGISTER, 401, REGISTER, 200. */
export function good(): readonly ObservedMessage[] {
  const asked = notify(10, "shortened", 60);
  const first = register(10.2, 8, "unanswered");
  const second = register(10.4, 9, "answer");
  return [
    asked,
    answer(10.1, asked, 200),
    first,
    answer(10.3, first, 401, { nonce: "n" }),
    second,
    answer(10.5, second, 200, { expires: 600_000 }),
  ];
}
