// Devices that change the route of a dialog: strict routers, a lost `;lr`, an answer without Record-Route. RFC 3261 §12, §16.4; TS 24.229 §5.2.6.
import { type Dialog, dialogAsUac, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, impuOf, Lab, type Peer } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

interface Talk {
  readonly lab: Lab;
  readonly carol: ScriptedUe;
  readonly bob: ScriptedUe;
  /** As each of them has it. */
  readonly ofCarol: Dialog;
  readonly ofBob: Dialog;
}

type Edit = (recorded: readonly string[]) => readonly string[];

const asItCame: Edit = (recorded) => recorded;

function latest(peer: Peer, method: string): SipRequest | undefined {
  return peer.requests.findLast((request) => request.method === method);
}

/** Carol's request of this method is answered 200 by bob, with the Record-Route that `edit` makes of it. */
async function talk(method: string, edit: Edit, provisional = false): Promise<Talk> {
  const lab = await Lab.start();
  const carol = await ScriptedUe.subscribed(lab, "carol");
  const bob = await ScriptedUe.subscribed(lab, "bob");
  bob.peer.answers = () => undefined;
  const first = carol.request(method, impuOf("bob"), [
    ["To", `<${impuOf("bob")}>`],
    ["Contact", `<${carol.contactUri}>`],
    ["Event", "presence"],
    ["Refer-To", "<sip:zoe@other.example>"],
  ]);
  carol.peer.send(first, ACCESS);
  lab.pass(0.1);
  const came = latest(bob.peer, method);
  if (came === undefined) throw new Error(`no ${method} came`);
  const recorded = came.texts("Record-Route");
  const answer = newResponse(came, provisional ? 183 : 200, { toTag: "b" });
  answer.set("Contact", `<${bob.contactUri}>`).remove("Record-Route");
  for (const value of edit(recorded)) answer.append("Record-Route", value);
  bob.peer.send(answer, ACCESS);
  lab.pass(0.1);
  bob.peer.answers = () => 200;
  const answered = carol.peer.responses.findLast(({ cseq }) => cseq.method === method);
  const ofCarol = answered && dialogAsUac(first, answered);
  if (ofCarol === undefined) throw new Error("no dialog");
  const ofBob = {
    ...ofCarol,
    localTag: "b",
    remoteTag: "f",
    localUri: ofCarol.remoteUri,
    remoteUri: ofCarol.localUri,
    remoteTarget: carol.contactUri,
    routeSet: recorded,
    localCseq: 100,
  };
  return { lab, carol, bob, ofCarol, ofBob };
}

describe("a UE that answers", () => {
  const edits: readonly [string, Edit][] = [
    ["without Record-Route", () => []],
    ["with its topmost entry alone", (recorded) => recorded.slice(0, 1)],
    ["with its lowest entry alone", (recorded) => recorded.slice(-1)],
    ["without the S-CSCF's", (recorded) => recorded.filter((value) => value.includes("@"))],
    ["the other way round", (recorded) => [...recorded].reverse()],
    ["with an entry of its own", (recorded) => ["<sip:evil.example;lr>", ...recorded]],
    ["with `;lr` lost", (recorded) => recorded.map((value) => value.replace(";lr", ""))],
    ["with another's token", (recorded) => recorded.map((value) => value.replace(/:\w+/, ":x"))],
  ];
  const methods = ["INVITE", "SUBSCRIBE", "REFER"];
  test.each(
    methods.flatMap((method) => edits.map(([what, edit]) => [method, what, edit] as const)),
  )("%s, %s: later requests come through both ways", async (method, _what, edit) => {
    const { lab, carol, bob, ofCarol, ofBob } = await talk(method, edit);
    expect(send(lab, carol, nextRequest(ofCarol, "INFO").request)).toBe(200);
    expect(latest(bob.peer, "INFO")?.uri).toBe(bob.contactUri);
    expect(send(lab, bob, nextRequest(ofBob, "BYE").request)).toBe(200);
    expect(latest(carol.peer, "BYE")?.uri).toBe(carol.contactUri);
    expect(lab.logs.pcscf.named("response.route-restored")).toHaveLength(1);
  });

  test("a 183 as well as a 200; what came whole is left alone", async () => {
    const early = await talk("INVITE", () => [], true);
    expect(send(early.lab, early.carol, nextRequest(early.ofCarol, "PRACK").request)).toBe(200);
    const { lab } = await talk("INVITE", asItCame);
    expect(lab.logs.pcscf.named("response.route-restored")).toEqual([]);
  });
});

/** What came back, from the next hop or from the other side. */
function send(lab: Lab, from: ScriptedUe, request: SipRequest): number {
  request.push("Via", from.peer.request(request.method, "sip:x", "sip:x").text("Via") ?? "");
  return lab.exchange(from.peer, request, ACCESS, 0.1).status;
}

function withoutLr(values: readonly string[]): string[] {
  return values.map((value) => value.replace(";lr", ""));
}

/** RFC 3261 §12.2.1.1: as an element does that takes the first entry for a strict router. */
function strict(request: SipRequest, routes: readonly string[]): SipRequest {
  const [first = "", ...rest] = routes;
  request.set("Route", [...rest, `<${request.uri}>`]);
  return request.setUri(/<([^>]*)>/.exec(first)?.[1] ?? "");
}

describe("a UE that sends within a dialog", () => {
  const ways: readonly [string, (request: SipRequest, routes: readonly string[]) => SipRequest][] =
    [
      ["strictly, by our entry of its side", strict],
      [
        "strictly, by our entry of the other side",
        (request, [access = "", core = "", ...rest]) => strict(request, [core, access, ...rest]),
      ],
      [
        "strictly, our core entry left out",
        (request, [access = "", , ...rest]) => strict(request, [access, ...rest]),
      ],
      ["strictly, with every `;lr` lost", (request, routes) => strict(request, withoutLr(routes))],
      [
        "with the address of the P-CSCF on top, strictly",
        (request, routes) => {
          strict(request, routes);
          return request.push(
            "Route",
            "<sip:192.0.2.254:5060;lr>".replace("192.0.2.254", ACCESS.host),
          );
        },
      ],
      [
        "loosely, with every `;lr` lost",
        (request, routes) => request.set("Route", withoutLr(routes)),
      ],
      [
        "loosely, with `;lr` behind the brackets",
        (request, routes) =>
          request.set(
            "Route",
            routes.map((value) => value.replace(";lr>", ">;lr")),
          ),
      ],
      [
        "loosely, the S-CSCF's `;lr` lost",
        (request, routes) =>
          request.set(
            "Route",
            routes.map((value) => (value.includes("@") ? value : value.replace(";lr", ""))),
          ),
      ],
      [
        "loosely, with parameters in another order",
        (request, routes) =>
          request.set(
            "Route",
            routes.map((value) => value.replace(/;transport=(\w+);lr/, ";lr;transport=$1")),
          ),
      ],
    ];
  const methods = ["BYE", "INFO", "MESSAGE", "OPTIONS", "SUBSCRIBE", "NOTIFY", "REFER", "ACK"];
  test.each(ways)("%s: it arrives as it was meant, from both sides", async (_what, edit) => {
    const { lab, carol, bob, ofCarol, ofBob } = await talk("INVITE", asItCame);
    for (const [sender, dialog, receiver] of [
      [carol, ofCarol, bob],
      [bob, ofBob, carol],
    ] as const) {
      for (const method of methods) {
        lab.forget();
        const { request } = nextRequest(dialog, method, [["Event", "presence"]]);
        const edited = edit(request, request.texts("Route"));
        if (method === "ACK") {
          edited.push("Via", sender.peer.request(method, "sip:x", "sip:x").text("Via") ?? "");
          sender.peer.send(edited, ACCESS);
          lab.pass(0.1);
        } else expect([method, send(lab, sender, edited)]).toEqual([method, 200]);
        const came = latest(receiver.peer, method);
        expect([method, came?.uri, came?.texts("Route")]).toEqual([
          method,
          receiver.contactUri,
          [],
        ]);
      }
    }
  });
});
