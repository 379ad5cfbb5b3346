// The UE's own contact in a registration document. RFC 3680 §5.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import {
  applyReginfo,
  type ReginfoContact,
  type ReginfoRegistration,
  type ReginfoView,
} from "@ims-lab/common/ims/reginfo";
import { describe, expect, test } from "vitest";
import { registrationInputOf } from "../../src/subscription/own-contact.ts";

const own = { impu: "sip:alice@ims.example.org", contactUri: "sip:a@192.0.2.7:5064", callId: "r1" };

const contact: ReginfoContact = {
  id: "c1",
  state: "active",
  event: "registered",
  uri: own.contactUri,
  callId: "r1",
  cseq: 2,
};
const shortened: ReginfoContact = { ...contact, event: "shortened", expires: 60 };

function registration(
  contacts: readonly ReginfoContact[],
  change: Partial<ReginfoRegistration> = {},
): ReginfoRegistration {
  return { aor: own.impu, id: "a1", state: "active", contacts, ...change };
}

function told(
  registrations: readonly ReginfoRegistration[],
  event: typeof OWN_PACKAGE | typeof REG_PACKAGE = OWN_PACKAGE,
): unknown {
  const document = { version: 1, state: "full", registrations } as const;
  return registrationInputOf(document, applyReginfo(undefined, document).view, own, event);
}

/** A partial document after a full one. */
function toldAfter(
  known: readonly ReginfoRegistration[],
  changed: readonly ReginfoRegistration[],
): unknown {
  const before = { version: 0, state: "full", registrations: known } as const;
  const document = { version: 1, state: "partial", registrations: changed } as const;
  const view: ReginfoView = applyReginfo(applyReginfo(undefined, before).view, document).view;
  return registrationInputOf(document, view, own, OWN_PACKAGE);
}
const tel = { aor: "tel:+1555", id: "a2" };

describe("RFC 3680 §4.7: what the document says about the own contact", () => {
  test.each(["registered", "created", "refreshed"] as const)("%s: nothing is asked", (event) => {
    expect(told([registration([{ ...contact, event }])])).toBeUndefined();
  });

  test.each([
    [OWN_PACKAGE, "at-once"],
    [REG_PACKAGE, "by-expiry"],
  ] as const)("shortened in %s: %s", (event, urgency) => {
    expect(told([registration([shortened])], event)).toEqual({
      kind: "triggered",
      trigger: { urgency, contactId: "c1", callId: "r1", cseq: 2, expiresSeconds: 60 },
    });
  });

  test("another device's contact is none of ours", () => {
    const other = { ...shortened, id: "c2", uri: "sip:a@192.0.2.8:5064" };
    expect(told([registration([contact, other])])).toBeUndefined();
    expect(
      told([registration([{ ...other, state: "terminated", event: "rejected" }])]),
    ).toBeUndefined();
  });

  test("of an implicit set, the registered identity speaks; else whichever has the contact", () => {
    const set = [registration([{ ...shortened, id: "c9" }], { aor: "tel:+1555", id: "a2" })];
    expect(told(set)).toMatchObject({ trigger: { contactId: "c9" } });
    expect(told([...set, registration([shortened])])).toMatchObject({
      trigger: { contactId: "c1" },
    });
    expect(told([...set, registration([contact])])).toBeUndefined();
  });

  test("terminated contacts end with their event", () => {
    const ended = { ...contact, state: "terminated", event: "probation", retryAfter: 30 } as const;
    expect(told([registration([ended], { state: "terminated" })])).toEqual({
      kind: "contact-ended",
      event: "probation",
      retryAfterSeconds: 30,
    });
  });

  test("a binding of an earlier Call-ID may end without harm", () => {
    const old = { ...contact, state: "terminated", event: "expired", callId: "r0" } as const;
    expect(told([registration([old])])).toBeUndefined();
    expect(told([registration([old, contact])])).toBeUndefined();
  });

  test("a terminated registration without contacts has ended too", () => {
    const ended = registration([], { state: "terminated" });
    expect(told([ended])).toMatchObject({ event: "expired" });
    expect(toldAfter([registration([contact])], [ended])).toMatchObject({ event: "expired" });
  });

  test("a terminated registration that lists another device's contact alone has ended too", () => {
    const other = {
      ...contact,
      id: "c2",
      uri: "sip:a@192.0.2.8:5064",
      state: "terminated",
      event: "rejected",
    } as const;
    const ended = registration([other], { state: "terminated" });
    expect(toldAfter([registration([contact])], [ended])).toMatchObject({ event: "expired" });
  });

  test("another identity that ends alone ends nothing, with its contact or without", () => {
    const known = [registration([contact]), registration([{ ...contact, id: "c9" }], tel)];
    const gone = { ...contact, id: "c9", state: "terminated", event: "unregistered" } as const;
    expect(toldAfter(known, [registration([], { ...tel, state: "terminated" })])).toBeUndefined();
    expect(toldAfter(known, [registration([gone], tel)])).toBeUndefined();
    expect(told([registration([], { ...tel, state: "terminated" })])).toBeUndefined();
  });

  test("ids given twice: the last row counts, and a contact that is active in one is active", () => {
    const ended = { ...contact, state: "terminated", event: "expired" } as const;
    expect(told([registration([ended, contact])])).toBeUndefined();
    expect(told([registration([contact]), registration([ended])])).toBeUndefined();
  });

  test("TS 24.229 §5.1.1.5.2: the URI is compared by RFC 3261 §19.1.4", () => {
    const sameInOtherWords = { ...shortened, uri: "sip:%61@192.0.2.7:5064" };
    expect(told([registration([sameInOtherWords])])).toMatchObject({ kind: "triggered" });
  });
});
