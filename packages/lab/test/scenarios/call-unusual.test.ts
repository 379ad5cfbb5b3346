// Calls that are allowed and seldom seen: offers that meet, BYE before the answer, INVITEs at the wrong time. RFC 3261 §14, §15; RFC 5407.
import { type Dialog, dialogAsUac, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { ACCESS, type Headers, impuOf, Lab, type Ue } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { callUp, lastCall, registered, twoUes } from "./two-ues.ts";

test("§14.1: both hold at once; both are heard at the second attempt", async () => {
  const { lab, alice, bob } = await twoUes();
  alice.equipment.calls.dial(impuOf("bob"));
  lab.pass(1);
  callUp(alice).apply({ kind: "hold", on: true });
  callUp(bob).apply({ kind: "hold", on: true });
  lab.pass(1);
  expect(lab.passed("491 INVITE", "P-CSCF", "UE")).toHaveLength(2);
  lab.pass(5);
  expect([lastCall(alice), lastCall(bob)]).toMatchObject([
    { heldHere: true, heldThere: true },
    { heldHere: true, heldThere: true },
  ]);
});

describe("a scripted caller", () => {
  let lab: Lab;
  let carol: ScriptedUe;
  let bob: Ue;
  let dialog: Dialog;
  let branches = 0;

  /** INVITE without an offer until its first answer with a To tag. */
  async function calling(incoming: "answer" | "ring"): Promise<void> {
    lab = await Lab.start();
    carol = await ScriptedUe.subscribed(lab, "carol");
    bob = await registered(lab, "bob", { "calls.incoming": incoming });
    const invite = carol.request("INVITE", impuOf("bob"), [
      ["To", `<${impuOf("bob")}>`],
      ["Contact", `<${carol.contactUri}>`],
    ]);
    carol.peer.send(invite, ACCESS);
    lab.pass(0.1);
    const answered = carol.peer.responses.findLast(
      ({ cseq, status }) => cseq.method === "INVITE" && status > 100,
    );
    const made = answered && dialogAsUac(invite, answered);
    if (made === undefined) throw new Error("no dialog");
    dialog = made;
  }

  function sends(method: string, headers: Headers = [], body?: string): SipResponse {
    const next = nextRequest(
      dialog,
      method,
      headers,
      body === undefined ? body : Buffer.from(body),
    );
    dialog = next.dialog;
    const via = `SIP/2.0/UDP ${carol.peer.at.host}:5060;branch=z9hG4bK-in-${++branches};rport`;
    next.request.push("Via", via);
    return lab.exchange(carol.peer, next.request, ACCESS, 0.1);
  }

  function acknowledges(body?: string): void {
    const contents: Headers = body === undefined ? [] : [["Content-Type", "application/sdp"]];
    const before = { ...dialog, localCseq: dialog.localCseq - 1 };
    const ack = nextRequest(before, "ACK", contents, body === undefined ? body : Buffer.from(body));
    ack.request.push(
      "Via",
      `SIP/2.0/UDP ${carol.peer.at.host}:5060;branch=z9hG4bK-ack-${++branches}`,
    );
    carol.peer.send(ack.request, ACCESS);
    lab.pass(0.1);
  }

  const sdp = (direction: string): string =>
    `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=${direction}\r\n`;
  const CONTACT: Headers = [["Contact", "<sip:carol@192.0.2.1>"]];

  describe("whose call rings", () => {
    beforeEach(() => calling("ring"));

    test("§15.1.2: BYE ends it: 200, and 487 to the INVITE", () => {
      expect(sends("BYE").status).toBe(200);
      expect(carol.peer.responses.at(-1)?.status ?? 0).toBeGreaterThanOrEqual(200);
      expect(carol.peer.responses.map(({ status }) => status)).toContain(487);
      expect(lastCall(bob)).toMatchObject({ state: "over", why: "hung up there" });
    });

    test("§14.2: a second INVITE before the answer: 500, to be tried within ten seconds", () => {
      const refused = sends("INVITE", CONTACT);
      expect(refused.status).toBe(500);
      expect(refused.text("Retry-After")).toMatch(/^([0-9]|10)$/);
      expect(lastCall(bob).state).toBe("ringing");
    });
  });

  describe("whose call is up", () => {
    beforeEach(() => calling("answer"));

    test("RFC 5407 §3.1.5: a re-INVITE that overtakes the ACK: 491", () => {
      expect(sends("INVITE", CONTACT).status).toBe(491);
    });

    test("RFC 3264 §4: what the ACK describes counts: held from the start", () => {
      acknowledges(sdp("sendonly"));
      expect(lastCall(bob)).toMatchObject({ state: "up", heldThere: true });
    });

    test.each([
      ["Require of something unknown: 420", [["Require", "precondition"]], undefined, 420],
      ["a body that is no SDP: 415", [["Content-Type", "text/plain"]], "hello", 415],
      [
        "secured RTP: 488",
        [["Content-Type", "application/sdp"]],
        sdp("sendrecv").replace("RTP/AVP", "RTP/SAVP"),
        488,
      ],
    ] as const)("a re-INVITE is judged as the first was, and the call stays: %s", (...one) => {
      const [, headers, body, status] = one;
      acknowledges(sdp("sendrecv"));
      expect(sends("INVITE", [...CONTACT, ...headers], body).status).toBe(status);
      expect(lastCall(bob).state).toBe("up");
    });

    test("on hold here, nobody else takes it off hold", () => {
      acknowledges(sdp("sendrecv"));
      carol.peer.answers = ({ method }) => (method === "ACK" ? undefined : 200);
      callUp(bob).apply({ kind: "hold", on: true });
      lab.pass(1);
      const type = [["Content-Type", "application/sdp"]] as const;
      const answered = sends("INVITE", [...CONTACT, ...type], sdp("sendrecv"));
      expect(answered.body.toString()).toContain("a=sendonly");
      acknowledges();
      const offered = sends("INVITE", CONTACT);
      expect(offered.body.toString()).toContain("a=sendonly");
    });

    test("RFC 3264 §8: its hold offers as many m-lines as the call has had", () => {
      acknowledges(sdp("sendrecv"));
      const type = [["Content-Type", "application/sdp"]] as const;
      sends("INVITE", [...CONTACT, ...type], `${sdp("sendrecv")}m=video 4002 RTP/AVP 96\r\n`);
      acknowledges();
      callUp(bob).apply({ kind: "hold", on: true });
      lab.pass(0.1);
      const hold = carol.peer.requests.findLast(({ method }) => method === "INVITE");
      expect(hold?.body.toString()).toContain("m=video 0 RTP/AVP 96");
    });

    test("§15.1.2: a BYE for what is over: 481", () => {
      acknowledges(sdp("sendrecv"));
      expect([sends("BYE").status, sends("BYE").status]).toEqual([200, 481]);
    });
  });
});

test("RFC 3261 §8.2.2.3: a MESSAGE that requires what the UE does not know: 420, not shown", async () => {
  const { lab, bob } = await twoUes();
  const carol = await ScriptedUe.subscribed(lab, "carol");
  const request = carol.request("MESSAGE", impuOf("bob"), [["Require", "recipient-list-message"]]);
  const refused = lab.exchange(carol.peer, request);
  expect([refused.status, refused.text("Unsupported")]).toEqual([420, "recipient-list-message"]);
  expect(bob.view.messages).toEqual([]);
});
