// Session timers from either side: a call whose other side is gone ends. RFC 4028; RFC 3311.
import { describe, expect, test } from "vitest";
import { CONTACT, type Headers, OtherSide, SDP, SDP_BODY } from "./other-side.ts";

const UPDATE: Headers = [["Allow", "INVITE, ACK, BYE, CANCEL, UPDATE"]];
const TIMER: Headers = [["Supported", "timer"]];

describe("the UE calls", () => {
  async function calling(headers: Headers): Promise<OtherSide> {
    const side = await OtherSide.start();
    side.answers("INVITE", 200, [...CONTACT, ...SDP_BODY, ...headers], SDP);
    side.answers("BYE", 200);
    side.lab.ue.calls.dial("sip:bob@example.org");
    await side.lab.pass(1);
    return side;
  }

  test("§7.1: the INVITE says that it knows session timers, and asks for one", async () => {
    const side = await calling([]);
    const [invite] = side.lab.network.requests;
    expect(invite?.texts("Supported")).toContain("timer");
    expect(invite?.text("Session-Expires")).toBe("1800");
    expect(invite?.has("Min-SE")).toBe(false);
    expect(invite?.texts("Allow")).toContain("UPDATE");
  });

  test("it refreshes at half time by UPDATE, again and again, and hangs up when nobody is there", async () => {
    const side = await calling([...UPDATE, ["Session-Expires", "600;refresher=uac"]]);
    side.answers("UPDATE", 200, [...CONTACT, ...UPDATE, ["Session-Expires", "600;refresher=uac"]]);
    side.lab.clear();
    expect(await side.sent(299)).toEqual([]);
    expect(await side.sent(5)).toEqual(["UPDATE"]);
    expect(await side.sent(300)).toEqual(["UPDATE"]);
    side.serves("UPDATE", (incoming) => incoming.drop());
    side.serves("BYE", (incoming) => incoming.drop());
    await side.lab.pass(400);
    expect(side.call).toMatchObject({ state: "over", why: "refresh: timeout" });
    expect(side.lab.methods).toContain("BYE");
  });

  test("a refresh that is answered 481 ends the call", async () => {
    const side = await calling([...UPDATE, ["Session-Expires", "600;refresher=uac"]]);
    side.answers("UPDATE", 481);
    await side.lab.pass(301);
    expect(side.call).toMatchObject({ state: "over", why: "refresh: 481" });
  });

  test("one that fails otherwise is tried again until the session ends", async () => {
    const side = await calling([...UPDATE, ["Session-Expires", "600;refresher=uac"]]);
    side.answers("UPDATE", 500);
    side.lab.clear();
    await side.lab.pass(400);
    expect(side.call.state).toBe("up");
    expect(side.lab.methods.length).toBeGreaterThan(5);
    await side.lab.pass(170);
    expect(side.call).toMatchObject({ state: "over", why: "session expired" });
  });

  test.each([
    ["does not allow UPDATE", []],
    ["allows it and answers 501", UPDATE],
  ] as const)("where the other side %s it refreshes by re-INVITE", async (_name, allow) => {
    const side = await calling([...allow, ["Session-Expires", "600;refresher=uac"]]);
    side.answers("UPDATE", 501);
    side.lab.clear();
    await side.lab.pass(301);
    expect(side.lab.methods.filter((method) => method !== "UPDATE")).toEqual(["INVITE", "ACK"]);
    expect(side.call).toMatchObject({ state: "up", heldHere: false });
  });

  test("§7.2: the other side knows no session timers: it refreshes all the same", async () => {
    const side = await calling([]);
    side.lab.clear();
    expect(await side.sent(901)).toEqual(["INVITE", "ACK"]);
  });

  test("the other side refreshes: without a refresh the call ends before the session does", async () => {
    const side = await calling([...UPDATE, ["Session-Expires", "600;refresher=uas"]]);
    side.lab.clear();
    expect(await side.sent(567)).toEqual([]);
    expect(await side.sent(2)).toEqual(["BYE"]);
    expect(side.call.why).toBe("session expired");
  });

  test("§7.3: 422: once more with what it asks for, and Min-SE", async () => {
    const side = await OtherSide.start();
    let times = 0;
    side.serves("INVITE", () => {
      times++;
      if (times === 1) side.answers("INVITE", 200, [...CONTACT, ...SDP_BODY], SDP);
    });
    side.answers("INVITE", 422, [["Min-SE", "3600"]]);
    side.lab.ue.calls.dial("sip:bob@example.org");
    await side.lab.pass(0.1);
    const invites = side.lab.network.of("INVITE");
    expect(invites.length).toBe(2); // and then it is the same again: no help
    expect(invites[1]?.text("Session-Expires")).toBe("3600");
    expect(invites[1]?.text("Min-SE")).toBe("3600");
    expect(invites.map(({ cseq }) => cseq.number)).toEqual([1, 2]);
    expect(invites[1]?.callId).toBe(invites[0]?.callId);
    expect(side.call).toMatchObject({ state: "over", why: "answered 422" });
  });

  test("a peer that asks for more each time is not called without end", async () => {
    const side = await OtherSide.start();
    let least = 2000;
    side.serves("INVITE", () => side.answers("INVITE", 422, [["Min-SE", String(++least)]]));
    const more = (): void =>
      side.serves("INVITE", (incoming) => {
        side.answers("INVITE", 422, [["Min-SE", String(++least)]]);
        side.lab.network.serves.get("INVITE")?.(incoming);
        more();
      });
    more();
    side.lab.ue.calls.dial("sip:bob@example.org");
    await side.lab.pass(5);
    expect(side.lab.network.of("INVITE")).toHaveLength(4);
    expect(side.call.state).toBe("over");
  });
});

describe("the UE is called", () => {
  test.each<[string, Headers, string, readonly string[]]>([
    ["nothing is asked", [], "1800;refresher=uas", []],
    ["timer is known", TIMER, "1800;refresher=uac", ["timer"]],
    ["a shorter one", [...TIMER, ["Session-Expires", "300"]], "300;refresher=uac", ["timer"]],
    ["compact", [...TIMER, ["x", "300"]], "300;refresher=uac", ["timer"]],
    ["a longer one", [...TIMER, ["Session-Expires", "9000"]], "1800;refresher=uac", ["timer"]],
    [
      "Min-SE",
      [...TIMER, ["Session-Expires", "9000"], ["Min-SE", "3600"]],
      "3600;refresher=uac",
      ["timer"],
    ],
    ["uac", [...TIMER, ["Session-Expires", "600;refresher=UAC"]], "600;refresher=uac", ["timer"]],
    ["uas", [...TIMER, ["Session-Expires", "600; refresher=uas"]], "600;refresher=uas", ["timer"]],
    ["by a proxy", [["Session-Expires", "600;refresher=uac"]], "600;refresher=uas", []],
  ])("§9: %s", async (_name, headers, expires, require) => {
    const side = await OtherSide.start();
    const ok = await side.ask(side.request("INVITE", [...CONTACT, ...SDP_BODY, ...headers], SDP));
    expect([ok.status, ok.text("Session-Expires"), ok.texts("Require")]).toEqual([
      200,
      expires,
      require,
    ]);
  });

  test.each(["89", "0", "1;refresher=uas"])("Session-Expires %s: 422 with Min-SE", async (text) => {
    const side = await OtherSide.start();
    const headers: Headers = [...CONTACT, ...SDP_BODY, ...TIMER, ["Session-Expires", text]];
    const refused = await side.ask(side.request("INVITE", headers, SDP));
    expect([refused.status, refused.text("Min-SE")]).toEqual([422, "90"]);
  });

  test.each(["soon", "-1", "", "600;;"])("Session-Expires %s: 400", async (text) => {
    const side = await OtherSide.start();
    const headers: Headers = [...CONTACT, ...SDP_BODY, ["Session-Expires", text]];
    expect((await side.ask(side.request("INVITE", headers, SDP))).status).toBe(400);
  });

  test("the caller's process is killed: the call ends within the session", async () => {
    const side = await OtherSide.start();
    await side.calls([...CONTACT, ...SDP_BODY, ...TIMER, ["Session-Expires", "300"]]);
    await side.lab.pass(267);
    expect(side.call.state).toBe("up");
    await side.lab.pass(34);
    expect(side.call).toMatchObject({ state: "over", why: "session expired" });
  });

  test("and where the caller knows no timers, the UE finds out by its own refresh", async () => {
    const side = await OtherSide.start({ calls: { sessionExpiresSeconds: 300 } });
    await side.calls();
    await side.lab.pass(151);
    expect(side.lab.methods).toEqual(["INVITE"]);
    await side.lab.pass(150);
    expect(side.call.state).toBe("over");
  });

  test.each(["INVITE", "UPDATE"])("the caller's %s refreshes it", async (method) => {
    const side = await OtherSide.start();
    const headers: Headers = [...CONTACT, ...TIMER, ["Session-Expires", "300;refresher=uac"]];
    const body: readonly [Headers, string] = method === "INVITE" ? [SDP_BODY, SDP] : [[], ""];
    const call = await side.calls([...headers, ...SDP_BODY]);
    for (let times = 0; times < 3; times++) {
      await side.lab.pass(200);
      const ok = await call.asks(method, [...headers, ...body[0]], body[1]);
      expect([ok.status, ok.text("Session-Expires")]).toEqual([200, "300;refresher=uac"]);
      if (method === "INVITE") call.acknowledge();
    }
    await side.lab.pass(250);
    expect(side.call.state).toBe("up");
    await side.lab.pass(50);
    expect(side.call.state).toBe("over");
  });
});

describe("RFC 3311: UPDATE", () => {
  test("with an offer it is answered, and puts on hold", async () => {
    const side = await OtherSide.start();
    const call = await side.calls();
    const offer = `${SDP}a=sendonly\r\n`;
    const ok = await call.asks("UPDATE", [...CONTACT, ...SDP_BODY], offer);
    expect([ok.status, ok.body.toString().includes("a=recvonly")]).toEqual([200, true]);
    expect(side.call.heldThere).toBe(true);
  });

  test("without one it changes nothing", async () => {
    const side = await OtherSide.start();
    const call = await side.calls();
    const ok = await call.asks("UPDATE", CONTACT);
    expect([ok.status, ok.body.length]).toEqual([200, 0]);
    expect(side.call.heldThere).toBe(false);
  });

  test("one that meets an offer of the UE's own is 491; out of a call it is 481", async () => {
    const side = await OtherSide.start();
    const call = await side.calls();
    side.lab.ue.calls.active[0]?.apply({ kind: "hold", on: true });
    expect((await call.asks("UPDATE", [...CONTACT, ...SDP_BODY], SDP)).status).toBe(491);
    expect((await call.asks("UPDATE", CONTACT)).status).toBe(200);
    expect((await side.ask(side.request("UPDATE", CONTACT))).status).toBe(481);
  });

  test("while it rings: 200 without an offer, 500 with one", async () => {
    const side = await OtherSide.start({ calls: { incoming: "ring" } });
    const ringing = await side.rings();
    expect((await ringing.asks("UPDATE", CONTACT)).status).toBe(200);
    const refused = await ringing.asks("UPDATE", [...CONTACT, ...SDP_BODY], SDP);
    expect([refused.status, refused.has("Retry-After")]).toEqual([500, true]);
  });
});
