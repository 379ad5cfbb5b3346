// RFC 3261 §12: what makes a dialog, and what a dialog makes.
import { describe, expect, it } from "vitest";
import {
  acceptRequest,
  acceptResponse,
  type Dialog,
  dialogAsUac,
  dialogAsUas,
  dialogFromNotify,
  isInDialog,
  nextRequest,
} from "../../../src/sip/dialog/dialog.ts";
import { nextHop } from "../../../src/sip/dialog/next-hop.ts";
import { newRequest, newResponse, type SipRequest } from "../../../src/sip/message/message.ts";

function subscribe(headers: readonly (readonly [string, string])[] = []): SipRequest {
  return newRequest("SUBSCRIBE", "sip:alice@home.test", [
    ["Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa"],
    ["Record-Route", "<sip:p2.test;lr>, <sip:p1.test:4060;transport=udp;lr>"],
    ["From", "Alice <sip:alice@home.test;x=Y>;tag=ue"],
    ["To", "<sip:Alice@home.test>"],
    ["Call-ID", "call-1"],
    ["CSeq", "7 SUBSCRIBE"],
    ["Contact", "<sip:alice@192.0.2.1:5060;ob>;expires=60"],
    ...headers,
  ]);
}

function made(dialog: Dialog | undefined): Dialog {
  if (dialog === undefined) throw new Error("no dialog was made");
  return dialog;
}

const DIALOG: Dialog = {
  callId: "call-1",
  localTag: "me",
  remoteTag: "you",
  localUri: "sip:me@a.test",
  remoteUri: "sip:you@b.test",
  remoteTarget: "sip:you@192.0.2.9:5080",
  routeSet: [],
  localCseq: 0,
  remoteCseq: null,
};

describe("RFC 3261 §12.1.1: dialog of a UAS", () => {
  it("takes the route set in order, the Contact as target and the URIs octet for octet", () => {
    expect(dialogAsUas(subscribe(), "scscf")).toEqual({
      callId: "call-1",
      localTag: "scscf",
      remoteTag: "ue",
      localUri: "sip:Alice@home.test",
      remoteUri: "sip:alice@home.test;x=Y",
      remoteTarget: "sip:alice@192.0.2.1:5060;ob",
      routeSet: ["<sip:p2.test;lr>", "<sip:p1.test:4060;transport=udp;lr>"],
      localCseq: 0,
      remoteCseq: 7,
    });
  });

  it("needs a Contact", () => {
    expect(dialogAsUas(subscribe().remove("Contact"), "scscf")).toBeUndefined();
    expect(dialogAsUas(subscribe().set("Contact", "*"), "scscf")).toBeUndefined();
  });

  it("is plain data", () => {
    const dialog = made(dialogAsUas(subscribe(), "scscf"));
    expect(JSON.parse(JSON.stringify(dialog))).toEqual(dialog);
  });
});

describe("RFC 3261 §12.1.2: dialog of a UAC", () => {
  it("takes the response's route set in reverse", () => {
    const response = newResponse(subscribe(), 200, {
      toTag: "scscf",
      headers: [["Contact", "<sip:scscf@192.0.2.6:6060>"]],
    });
    expect(dialogAsUac(subscribe(), response)).toMatchObject({
      localTag: "ue",
      remoteTag: "scscf",
      localUri: "sip:alice@home.test;x=Y",
      remoteTarget: "sip:scscf@192.0.2.6:6060",
      routeSet: ["<sip:p1.test:4060;transport=udp;lr>", "<sip:p2.test;lr>"],
      localCseq: 7,
      remoteCseq: null,
    });
  });
});

describe("RFC 6665 §4.4.1: dialog made by a NOTIFY", () => {
  it("takes route set and target of the NOTIFY, and goes on with the SUBSCRIBE's CSeq", () => {
    const notify = newRequest("NOTIFY", "sip:alice@192.0.2.1", [
      ["Record-Route", "<sip:p1.test;lr>"],
      ["From", "<sip:Alice@home.test>;tag=scscf"],
      ["To", "<sip:alice@home.test>;tag=ue"],
      ["Call-ID", "call-1"],
      ["CSeq", "1 NOTIFY"],
      ["Contact", "<sip:scscf@192.0.2.6:6060>"],
    ]);
    const early = {
      callId: "call-1",
      localTag: "ue",
      localUri: "sip:alice@home.test",
      remoteUri: "sip:Alice@home.test",
      localCseq: 7,
    };
    const dialog = made(dialogFromNotify(early, notify));
    expect(dialog).toMatchObject({
      remoteTag: "scscf",
      routeSet: ["<sip:p1.test;lr>"],
      remoteTarget: "sip:scscf@192.0.2.6:6060",
      remoteCseq: 1,
    });
    expect(nextRequest(dialog, "SUBSCRIBE").request.text("CSeq")).toBe("8 SUBSCRIBE");
    expect(isInDialog(dialog, notify)).toBe(true);
  });
});

describe("RFC 3261 §12.2.1.1: the next request", () => {
  it("carries the dialog's URIs, tags, target and the next CSeq each time", () => {
    const dialog = made(dialogAsUas(subscribe(), "scscf"));
    const first = nextRequest(dialog, "NOTIFY", [["Event", "reg"]]);
    expect(first.request.uri).toBe("sip:alice@192.0.2.1:5060;ob");
    expect(first.request.text("From")).toBe("<sip:Alice@home.test>;tag=scscf");
    expect(first.request.text("To")).toBe("<sip:alice@home.test;x=Y>;tag=ue");
    expect(first.request.text("CSeq")).toBe("1 NOTIFY");
    expect(first.request.text("Event")).toBe("reg");
    expect(nextRequest(first.dialog, "NOTIFY").request.text("CSeq")).toBe("2 NOTIFY");
    expect(dialog.localCseq).toBe(0);
  });

  it("loose routing: the target in the Request-URI, the route set as Route", () => {
    const routeSet = ["<sip:p1.test;lr>", "<sip:p2.test;lr>"];
    const { request } = nextRequest({ ...DIALOG, routeSet }, "NOTIFY");
    expect(request.uri).toBe(DIALOG.remoteTarget);
    expect(request.texts("Route")).toEqual(routeSet);
    expect(nextHop(request)).toMatchObject({ host: "p1.test" });
  });

  it("strict routing: the first router in the Request-URI, the target at the end", () => {
    const routeSet = ["<sip:strict.test?Subject=x>", "<sip:p2.test;lr>"];
    const { request } = nextRequest({ ...DIALOG, routeSet }, "NOTIFY");
    expect(request.uri).toBe("sip:strict.test");
    expect(request.texts("Route")).toEqual(["<sip:p2.test;lr>", "<sip:you@192.0.2.9:5080>"]);
  });

  it("without a route set goes to the target itself", () => {
    const { request } = nextRequest(DIALOG, "NOTIFY");
    expect(request.has("Route")).toBe(false);
    expect(nextHop(request)).toMatchObject({ host: "192.0.2.9", port: 5080 });
  });
});

describe("RFC 3261 §12.2.2: requests within the dialog", () => {
  const dialog = made(dialogAsUas(subscribe(), "scscf"));
  function refresh(cseq: number, contact = "<sip:alice@192.0.2.2:5060>"): SipRequest {
    return subscribe()
      .set("CSeq", `${cseq} SUBSCRIBE`)
      .set("To", "<sip:Alice@home.test>;tag=scscf")
      .set("Contact", contact);
  }

  it.each([
    [6, "out-of-order"],
    [7, "accepted"],
    [8, "accepted"],
    [1000, "accepted"],
  ])("CSeq %i after 7 is %s", (cseq, kind) => {
    expect(acceptRequest(dialog, refresh(cseq)).kind).toBe(kind);
  });

  it("a target refresh renews the target, but not the route set", () => {
    const request = refresh(8).set("Record-Route", "<sip:other.test;lr>");
    expect(acceptRequest(dialog, request)).toEqual({
      kind: "accepted",
      dialog: { ...dialog, remoteCseq: 8, remoteTarget: "sip:alice@192.0.2.2:5060" },
    });
  });

  it("another method leaves the target", () => {
    const info = newRequest("INFO", "sip:x@y.test", [
      ["From", "<sip:alice@home.test>;tag=ue"],
      ["To", "<sip:Alice@home.test>;tag=scscf"],
      ["Call-ID", "call-1"],
      ["CSeq", "9 INFO"],
      ["Contact", "<sip:elsewhere@192.0.2.77>"],
    ]);
    expect(acceptRequest(dialog, info)).toMatchObject({
      dialog: { remoteTarget: dialog.remoteTarget },
    });
  });

  it.each([
    ["Call-ID", "call-2"],
    ["To", "<sip:Alice@home.test>;tag=other"],
    ["From", "<sip:alice@home.test>;tag=other"],
  ])("a different %s is not of this dialog", (name, value) => {
    expect(isInDialog(dialog, refresh(8))).toBe(true);
    expect(isInDialog(dialog, refresh(8).set(name, value))).toBe(false);
  });

  it("§12.2.1.2: a 2xx renews the target, an error does not", () => {
    const { request } = nextRequest(dialog, "SUBSCRIBE");
    const headers = [["Contact", "<sip:new@192.0.2.5>"]] as const;
    const renewed = acceptResponse(dialog, newResponse(request, 200, { headers }));
    expect(renewed.remoteTarget).toBe("sip:new@192.0.2.5");
    expect(acceptResponse(dialog, newResponse(request, 500, { headers }))).toBe(dialog);
  });
});
