// Figure 5 with an S-CSCF that has no time: it is asked again. RFC 6665 §4.2.2, RFC 3261 §21.5.4.
import { newResponse } from "@ims-lab/common/sip/message/message";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import { expect, test } from "vitest";
import { ALICE, CORE, Lab, type Peer, SCSCF, UE, uriOf } from "../lab.ts";

/** Subscribed to, asked, and the S-CSCF has answered 503. */
async function refused(
  headers: readonly [string, string][] = [],
): Promise<{ lab: Lab; scscf: Peer }> {
  const lab = await Lab.start();
  const scscf = await lab.peer(SCSCF);
  const path = lab.registered(await lab.peer(UE), scscf);
  const subscribe = lab.request(scscf, "SUBSCRIBE", uriOf(path), [
    ["From", "<sip:10.1.0.2:6060>;tag=s"],
    ["To", `<${ALICE}>`],
    ["Contact", "<sip:10.1.0.2:6060>"],
    ["P-Asserted-Identity", "<sip:10.1.0.2:6060>"],
    ["Event", "network-initiated-reregistration"],
    ["Expires", "660"],
  ]);
  scscf.send(subscribe, CORE);
  lab.run();
  scscf.takeResponse(200);
  answer(lab, scscf, 200);
  const alice = parseUri(ALICE);
  if (alice === undefined) throw new Error(ALICE);
  expect(lab.pcscf.notifier.ask(aorOf(alice)).kind).toBe("asked");
  lab.run();
  expect(answer(lab, scscf, 503, headers)).toContain("shortened");
  return { lab, scscf };
}

function answer(
  lab: Lab,
  scscf: Peer,
  status: number,
  headers: readonly [string, string][] = [],
): string {
  const notify = scscf.takeRequest("NOTIFY");
  scscf.reply(newResponse(notify, status, { headers: [...headers] }));
  lab.run();
  return notify.body.toString();
}

test("after two seconds, then four, until it is heard", async () => {
  const { lab, scscf } = await refused();
  lab.run(1900);
  expect(scscf.inbox).toEqual([]);
  lab.run(200);
  expect(answer(lab, scscf, 500)).toContain("shortened");
  lab.run(4100);
  expect(answer(lab, scscf, 200)).toContain("shortened");
  lab.run(300_000);
  expect(scscf.inbox).toEqual([]);
});

test("not before a Retry-After", async () => {
  const { lab, scscf } = await refused([["Retry-After", "30"]]);
  lab.run(29_900);
  expect(scscf.inbox).toEqual([]);
  lab.run(200);
  expect(answer(lab, scscf, 200)).toContain("shortened");
});

test("no more once the S-CSCF has dropped the subscription", async () => {
  const { lab, scscf } = await refused();
  lab.run(2100);
  expect(answer(lab, scscf, 481)).toContain("shortened");
  lab.run(300_000);
  expect(scscf.inbox).toEqual([]);
});
