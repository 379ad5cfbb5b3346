// Calls with a Contact that nobody can be reached by. RFC 3261 §8.1.1.8, §12.1, §12.2.1.2, §13.2.2.4.
import { describe, expect, test } from "vitest";
import { CONTACT, type Headers, OtherSide, SDP, SDP_BODY } from "./other-side.ts";

const UNUSABLE: readonly (readonly [string, Headers])[] = [
  ["none", []],
  ["the star", [["Contact", "*"]]],
  ["an empty one", [["Contact", ""]]],
  ["one without a scheme", [["Contact", "<bob@192.0.2.1>"]]],
  ["one that never closes", [["Contact", "<sip:bob@192.0.2.1"]]],
  ["tel", [["Contact", "<tel:+15550001>"]]],
  ["mailto", [["Contact", "<mailto:bob@example.org>"]]],
  ["two", [["Contact", "<sip:bob@192.0.2.1>, <sip:bob@192.0.2.2>"]]],
  [
    "two lines",
    [
      ["Contact", "<sip:bob@192.0.2.1>"],
      ["Contact", "<sip:bob@192.0.2.2>"],
    ],
  ],
];
const USABLE: readonly (readonly [string, string])[] = [
  ["name-addr", "<sip:bob@192.0.2.1:5060>"],
  ["a display name", '"Bob, the <b>" <sip:bob@192.0.2.1:5060>;q=1'],
  ["addr-spec", "sip:bob@192.0.2.1:5060"],
  ["sips", "<sips:bob@192.0.2.1:5061>"],
];

describe.each(UNUSABLE)("Contact: %s", (_name, contact) => {
  test("an INVITE with it is 400; the next caller is answered", async () => {
    const side = await OtherSide.start();
    const refused = await side.ask(side.request("INVITE", [...contact, ...SDP_BODY], SDP));
    expect(refused.status).toBe(400);
    expect(side.lab.ue.calls.active).toEqual([]);
    await side.calls();
    expect(side.call.state).toBe("up");
  });

  test.each(["INVITE", "UPDATE"])(
    "a later %s with it is 400, and the call goes on",
    async (method) => {
      const side = await OtherSide.start();
      const call = await side.calls();
      expect((await call.asks(method, [...contact, ...SDP_BODY], SDP)).status).toBe(400);
      expect(side.call.state).toBe("up");
      expect((await call.asks("BYE")).status).toBe(200);
      expect(side.call).toMatchObject({ state: "over", why: "hung up there" });
    },
  );

  test("a 200 with it is acknowledged, and the call ended", async () => {
    const side = await OtherSide.start();
    side.answers("INVITE", 200, [...contact, ...SDP_BODY], SDP);
    side.answers("BYE", 200);
    side.lab.ue.calls.dial("sip:bob@example.org");
    await side.lab.pass(1);
    const [invite, ack, bye] = side.lab.network.requests;
    expect(side.lab.methods).toEqual(["INVITE", "ACK", "BYE"]);
    expect([ack?.uri, bye?.uri]).toEqual(["sip:bob@example.org", "sip:bob@example.org"]);
    expect(bye?.texts("Route")).toEqual(invite?.texts("Route"));
    expect(bye?.to.params.get("tag")).toBe("bob");
    expect(side.call).toMatchObject({
      state: "over",
      why: "200 without one SIP URI in Contact",
    });
  });

  test("a 200 with it to a re-INVITE leaves the target as it was", async () => {
    const side = await OtherSide.start();
    side.answers("INVITE", 200, [...CONTACT, ...SDP_BODY], SDP);
    side.lab.ue.calls.dial("sip:bob@example.org");
    await side.lab.pass(1);
    side.answers("INVITE", 200, [...contact, ...SDP_BODY], SDP);
    side.lab.ue.calls.active[0]?.apply({ kind: "hold", on: true });
    await side.lab.pass(1);
    expect(side.lab.methods).toEqual(["INVITE", "ACK", "INVITE", "ACK"]);
    expect(side.lab.network.requests.at(-1)?.uri).toBe("sip:bob@192.0.2.1:5060");
    expect(side.call).toMatchObject({ state: "up", heldHere: true });
  });
});

test.each(USABLE)("Contact as %s is taken, of callers and callees", async (_name, contact) => {
  const side = await OtherSide.start();
  await side.calls([["Contact", contact], ...SDP_BODY]);
  expect(side.call.state).toBe("up");
  side.lab.ue.calls.hangUpAll();
  side.answers("INVITE", 200, [["Contact", contact], ...SDP_BODY], SDP);
  await side.lab.pass(40);
  side.lab.ue.calls.dial("sip:bob@example.org");
  await side.lab.pass(1);
  expect(side.call.state).toBe("up");
});

test("the Record-Route of a 200 without Contact is the way of its ACK and BYE", async () => {
  const side = await OtherSide.start();
  const route: Headers = [["Record-Route", "<sip:second.example.org;lr>, <sip:192.0.2.1:5060;lr>"]];
  side.answers("INVITE", 200, [...route, ...SDP_BODY], SDP);
  side.lab.ue.calls.dial("sip:bob@example.org");
  await side.lab.pass(1);
  const [, ack, bye] = side.lab.network.requests;
  const way = ["<sip:192.0.2.1:5060;lr>", "<sip:second.example.org;lr>"];
  expect([ack?.texts("Route"), bye?.texts("Route")]).toEqual([way, way]);
});

test("a BYE that nobody answers ends the call after 64*T1, and the UE is free at once for others", async () => {
  const side = await OtherSide.start();
  side.answers("INVITE", 200, SDP_BODY, SDP);
  side.lab.ue.calls.dial("sip:bob@example.org");
  await side.lab.pass(1);
  expect(side.call).toMatchObject({ state: "ending", why: "200 without one SIP URI in Contact" });
  await side.calls();
  await side.lab.pass(33);
  expect(side.lab.ue.calls.view[0]?.state).toBe("over");
});

test("de-registration ends a call in every state, and nothing is left of it", async () => {
  const side = await OtherSide.start();
  side.lab.ue.calls.dial("sip:bob@example.org"); // nobody answers
  await side.lab.pass(1);
  side.lab.ue.deregister();
  await side.lab.pass(40);
  expect(side.lab.ue.calls.active).toEqual([]);
});
