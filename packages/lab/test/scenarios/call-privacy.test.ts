// Privacy of callers at the edge of the trust domain. RFC 3323, RFC 3325 §5, TS 24.229 §4.4.
import { dialogAsUac, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, impuOf, Lab, type Peer, SCSCF } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const ANONYMOUS = [
  ["From", "<sip:anonymous@anonymous.invalid>;tag=f"],
  ["Privacy", "id"],
] as const;

function latest(peer: Peer, method: string): SipRequest {
  const found = peer.requests.findLast((request) => request.method === method);
  if (found === undefined) throw new Error(`no ${method} came`);
  return found;
}

describe("Privacy: id between two users", () => {
  test("neither the INVITE nor what follows in its dialog names the caller", async () => {
    const lab = await Lab.start();
    const carol = await ScriptedUe.subscribed(lab, "carol");
    const bob = await ScriptedUe.subscribed(lab, "bob");
    bob.peer.answers = () => undefined;
    const contact = ["Contact", `<${carol.contactUri}>`] as const;
    const invite = carol.request("INVITE", impuOf("bob"), [...ANONYMOUS, contact]);
    invite.set("To", `<${impuOf("bob")}>`);
    carol.peer.send(invite, ACCESS);
    lab.pass(1);
    const came = latest(bob.peer, "INVITE");
    expect(came.has("P-Asserted-Identity")).toBe(false);
    const headers = came.texts("Record-Route").map((value) => ["Record-Route", value] as const);
    bob.peer.send(
      newResponse(came, 200, {
        toTag: "b",
        headers: [...headers, ["Contact", `<${bob.contactUri}>`]],
      }),
      ACCESS,
    );
    lab.pass(0.1);
    const answered = carol.peer.responses.findLast(({ status }) => status === 200);
    let dialog = answered && dialogAsUac(invite, answered);
    for (const method of ["INFO", "BYE"]) {
      if (dialog === undefined) throw new Error("no dialog");
      const { request: next, dialog: after } = nextRequest(dialog, method);
      dialog = after;
      next.push("Via", carol.peer.request(method, "sip:x", "sip:x").text("Via") ?? "");
      carol.peer.send(next, ACCESS);
      lab.pass(0.1);
      expect([method, latest(bob.peer, method).has("P-Asserted-Identity")]).toEqual([
        method,
        false,
      ]);
    }
  });
});

describe("the domain of others, not in trustedPeers", () => {
  const other = { host: "203.0.113.9", port: 5080 };
  async function carolAndOther(): Promise<{ lab: Lab; carol: ScriptedUe; peer: Peer }> {
    const lab = await Lab.start({
      scscf: { routes: `other.example=sip:${other.host}:${other.port}` },
    });
    const carol = await ScriptedUe.subscribed(lab, "carol");
    return { lab, carol, peer: await lab.peer({ at: other }) };
  }

  test.each([
    ["with Privacy: id is not told who calls", ANONYMOUS, false],
    ["without it is", [], true],
  ] as const)("%s", async (_what, headers, isTold) => {
    const { lab, carol, peer } = await carolAndOther();
    lab.exchange(carol.peer, carol.request("MESSAGE", "sip:zoe@other.example", headers));
    expect(latest(peer, "MESSAGE").has("P-Asserted-Identity")).toBe(isTold);
  });

  test("RFC 7315: learns neither where the caller is nor how he is charged", async () => {
    const { lab, carol, peer } = await carolAndOther();
    const headers = [["P-Access-Network-Info", "IEEE-802.11;i-wlan-node-id=1"]] as const;
    lab.exchange(carol.peer, carol.request("MESSAGE", "sip:zoe@other.example", headers));
    const came = latest(peer, "MESSAGE");
    expect([came.has("P-Access-Network-Info"), came.has("P-Charging-Vector")]).toEqual([
      false,
      false,
    ]);
  });

  test("with Privacy: id in the answer is not told who answered", async () => {
    const { lab, carol, peer } = await carolAndOther();
    carol.peer.answers = () => undefined;
    const request = peer.request("MESSAGE", impuOf("carol"), "sip:zoe@other.example");
    peer.send(request, SCSCF);
    lab.pass(0.1);
    const headers: [string, string][] = [["Privacy", "id"]];
    carol.peer.send(newResponse(latest(carol.peer, "MESSAGE"), 200, { headers }), ACCESS);
    lab.pass(0.1);
    expect(peer.answerTo(request)?.has("P-Asserted-Identity")).toBe(false);
  });

  test("does not assert who answers", async () => {
    const { lab, carol, peer } = await carolAndOther();
    peer.answers = () => undefined;
    const request = carol.request("MESSAGE", "sip:zoe@other.example");
    carol.peer.send(request, ACCESS);
    lab.pass(0.1);
    const headers: [string, string][] = [["P-Asserted-Identity", "<sip:ceo@ims.example>"]];
    peer.send(newResponse(latest(peer, "MESSAGE"), 200, { headers }), SCSCF);
    lab.pass(0.1);
    expect(carol.peer.answerTo(request)?.has("P-Asserted-Identity")).toBe(false);
  });
});
