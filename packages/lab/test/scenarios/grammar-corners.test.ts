// The grammar's corners at the nodes, from the device to the other device and back. RFC 3261 §20, §25.1.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { encode } from "@ims-lab/common/sip/message/encode";
import { newResponse } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, type Headers, impuOf, Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const DEVICE = ';+g.3gpp.accesstype="cellular";+sip.instance="<urn:gsma:imei:35548888-144050-0>"';

async function carolAndBob(): Promise<{ lab: Lab; carol: ScriptedUe; bob: ScriptedUe }> {
  const lab = await Lab.start();
  const carol = await ScriptedUe.subscribed(lab, "carol");
  const bob = await ScriptedUe.subscribed(lab, "bob");
  return { lab, carol, bob };
}

describe("REGISTER", () => {
  test.each([
    ["addr-spec", (uri: string) => `${uri}${DEVICE}`],
    ["a quoted name like an address", (uri: string) => `"<sip:x@y>, z" <${uri}>${DEVICE}`],
  ])("a Contact as %s is bound, and reached", async (_what, contactOf) => {
    const { lab, carol } = await carolAndBob();
    const phone = await ScriptedUe.start(lab, "phone");
    const { contactUri } = phone;
    phone.contact = contactOf(contactUri);
    expect(phone.register().status).toBe(200);
    expect(lab.atScscf("phone").map(({ contact }) => contact)).toEqual([contactUri]);
    const sent = carol.request("MESSAGE", impuOf("phone"), [["To", `<${impuOf("phone")}>`]]);
    expect(lab.exchange(carol.peer, sent).status).toBe(200);
  });

  test.each(["1.5", "0.1234", "x"])("q=%s is not said again", async (q) => {
    const lab = await Lab.start();
    const phone = await ScriptedUe.start(lab, "phone");
    const ok = phone.register({ contact: `${phone.contact};q=${q}` });
    expect([ok.status, ok.text("Contact")]).toEqual([200, expect.not.stringContaining("q=")]);
  });
});

test.each([
  ["SUBSCRIBE", "application/reginfo+xml;q=0", 406],
  ["SUBSCRIBE", "*/*;q=0", 406],
  ["SUBSCRIBE", "application/*;q=0, text/*", 406],
  ["SUBSCRIBE", "*/*;q=0.1", 200],
  ["SUBSCRIBE", "*/*;q=0, application/reginfo+xml", 200],
])("%s with Accept: %s: %d", async (_method, accept, status) => {
  const lab = await Lab.start();
  const bob = await ScriptedUe.start(lab, "bob");
  bob.register();
  const headers: Headers = [
    ["Contact", `<${bob.contactUri}>`],
    ["Event", OWN_PACKAGE],
    ["Expires", "600000"],
    ["Accept", accept],
  ];
  const asked = bob.request("SUBSCRIBE", bob.impu, headers);
  expect(lab.exchange(bob.peer, asked).status).toBe(status);
});

test("CSeq with HTAB, From and Contact without brackets, all the way", async () => {
  const { lab, carol, bob } = await carolAndBob();
  const sent = carol.request("MESSAGE", impuOf("bob"), [
    ["To", `<${impuOf("bob")}>`],
    ["CSeq", "7\tMESSAGE"],
    ["From", `${impuOf("carol")};tag=1;+x="<y>"`],
    ["Contact", `${carol.contactUri}${DEVICE}`],
  ]);
  expect(lab.exchange(carol.peer, sent).status).toBe(200);
  const came = bob.peer.requests.at(-1);
  expect(came?.cseq).toEqual({ number: 7, method: "MESSAGE" });
  expect(came?.from.params.get("+x")).toBe("<y>");
});

test.each([
  ["SIP/2.0 486", "SIP/2.0 486 "],
  ["SIP/2.0 486 B\x1b[2Jusy", "SIP/2.0 486 Busy Here"],
])("an answer that begins %j comes back, and says nothing odd", async (start, expected) => {
  const { lab, carol, bob } = await carolAndBob();
  bob.peer.answers = () => undefined;
  const sent = carol.request("MESSAGE", impuOf("bob"), [["To", `<${impuOf("bob")}>`]]);
  carol.peer.send(sent, ACCESS);
  lab.pass(0.1);
  const came = bob.peer.requests.at(-1);
  if (came === undefined) throw new Error("nothing came");
  const answer = encode(newResponse(came, 486, { toTag: "b" })).toString("latin1");
  const odd = Buffer.from(answer.replace("SIP/2.0 486 Busy Here", start), "latin1");
  bob.peer.sendOctets(odd, ACCESS);
  lab.pass(0.1);
  expect(carol.peer.answerTo(sent)?.startLine).toBe(expected);
});
