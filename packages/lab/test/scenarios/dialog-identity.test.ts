// Identity of those who speak within a dialog, or only say that they do. RFC 3261 §12.2.2; RFC 3325; TS 24.229 §5.2.6.3.
import { type Dialog, dialogAsUac, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, type Headers, impuOf, Lab, type LabOptions, type Ue } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { registered } from "./two-ues.ts";

interface Talk {
  readonly lab: Lab;
  readonly carol: ScriptedUe;
  readonly dialog: Dialog;
}

/** Carol's INVITE, answered by whoever bob is. */
function talking(lab: Lab, carol: ScriptedUe, headers: Headers = []): Dialog {
  const invite = carol.request("INVITE", impuOf("bob"), [
    ["To", `<${impuOf("bob")}>`],
    ["Contact", `<${carol.contactUri}>`],
    ...headers,
  ]);
  carol.peer.send(invite, ACCESS);
  lab.pass(0.1);
  const answered = carol.peer.responses.findLast(({ status }) => status === 200);
  const dialog = answered && dialogAsUac(invite, answered);
  if (dialog === undefined) throw new Error("no dialog");
  return dialog;
}

async function callToUe(options: LabOptions = {}): Promise<Talk & { readonly bob: Ue }> {
  const lab = await Lab.start(options);
  const carol = await ScriptedUe.subscribed(lab, "carol");
  const bob = await registered(lab, "bob");
  return { lab, carol, bob, dialog: talking(lab, carol) };
}

async function callToDevice(
  options: LabOptions = {},
): Promise<Talk & { readonly bob: ScriptedUe }> {
  const lab = await Lab.start(options);
  const carol = await ScriptedUe.subscribed(lab, "carol");
  const bob = await ScriptedUe.subscribed(lab, "bob");
  bob.peer.answers = () => undefined;
  const invite = carol.request("INVITE", impuOf("bob"), [
    ["To", `<${impuOf("bob")}>`],
    ["Contact", `<${carol.contactUri}>`],
  ]);
  carol.peer.send(invite, ACCESS);
  lab.pass(0.1);
  const came = bob.peer.requests.findLast(({ method }) => method === "INVITE");
  if (came === undefined) throw new Error("no INVITE came");
  const answer = newResponse(came, 200, { toTag: "b", headers: [["Contact", bob.contact]] });
  bob.peer.send(answer.set("Privacy", "id"), ACCESS);
  lab.pass(0.1);
  bob.peer.answers = () => 200;
  const answered = carol.peer.responses.findLast(({ status }) => status === 200);
  const dialog = answered && dialogAsUac(invite, answered);
  if (dialog === undefined) throw new Error("no dialog");
  return { lab, carol, bob, dialog };
}

function within(
  dialog: Dialog,
  from: ScriptedUe,
  method: string,
  headers: Headers = [],
): SipRequest {
  const { request } = nextRequest(dialog, method, headers);
  return request.push("Via", from.peer.request(method, "sip:x", "sip:x").text("Via") ?? "");
}

const METHODS =
  "MESSAGE OPTIONS INFO UPDATE BYE INVITE NOTIFY REFER SUBSCRIBE PUBLISH PRACK BREW".split(" ");

describe("a To tag that the UE has not given (RFC 3261 §12.2.2)", () => {
  test.each(METHODS)("%s: 481, nothing is shown", async (method) => {
    const { lab, carol, bob, dialog } = await callToUe();
    const request = within({ ...dialog, remoteTag: "invented" }, carol, method, [
      ["Contact", carol.contact],
      ["Event", method === "NOTIFY" ? "reg" : "presence"],
    ]);
    expect(lab.exchange(carol.peer, request, ACCESS, 0.1).status).toBe(481);
    expect(bob.view.messages).toEqual([]);
    expect(bob.equipment.calls.active).toHaveLength(1);
    const seen = lab.passed(method, "P-CSCF", "UE");
    expect(seen.at(-1)?.to.params.get("tag")).toBe("invented"); // it is the UE that says so
  });

  test("after the call's end its own tags are no more than invented ones", async () => {
    const { lab, carol, bob, dialog } = await callToUe();
    lab.exchange(carol.peer, within(dialog, carol, "BYE"), ACCESS, 0.1);
    const late = within({ ...dialog, localCseq: 50 }, carol, "MESSAGE");
    expect(lab.exchange(carol.peer, late, ACCESS, 0.1).status).toBe(481);
    expect(bob.view.messages).toEqual([]);
  });
});

describe("who speaks within a dialog", () => {
  const ANOTHER = `<${impuOf("alice")}>;tag=f`;

  test("is whose flow it comes over, whatever From and P-Asserted-Identity say", async () => {
    const { lab, carol, bob, dialog } = await callToUe();
    const request = within(dialog, carol, "MESSAGE");
    request.set("From", ANOTHER).set("P-Asserted-Identity", `<${impuOf("alice")}>`);
    expect(lab.exchange(carol.peer, request, ACCESS, 0.1).status).toBe(200);
    expect(bob.view.messages).toMatchObject([{ peer: impuOf("carol") }]);
  });

  test.each(["INFO", "UPDATE", "INVITE", "REFER", "NOTIFY", "OPTIONS", "BYE"])(
    "%s: asserted to the core and to the other side",
    async (method) => {
      const { lab, carol, bob, dialog } = await callToDevice();
      lab.exchange(carol.peer, within(dialog, carol, method), ACCESS, 0.1);
      const came = bob.peer.requests.findLast((request) => request.method === method);
      expect(came?.texts("P-Asserted-Identity")).toEqual([`<${impuOf("carol")}>`]);
    },
  );

  test("who answered with Privacy: id is not named by later requests either", async () => {
    const { lab, carol, bob, dialog } = await callToDevice();
    const back: Dialog = {
      ...dialog,
      localTag: "b",
      remoteTag: dialog.localTag,
      remoteTarget: carol.contactUri,
      routeSet:
        bob.peer.requests.findLast(({ method }) => method === "INVITE")?.texts("Record-Route") ??
        [],
    };
    lab.exchange(bob.peer, within(back, bob, "INFO"), ACCESS, 0.1);
    const [atCore] = lab.passed("INFO", "P-CSCF", "S-CSCF");
    expect(atCore?.texts("P-Asserted-Identity")).toEqual([`<${impuOf("bob")}>`]);
    const came = carol.peer.requests.findLast(({ method }) => method === "INFO");
    expect([came?.uri, came?.has("P-Asserted-Identity")]).toEqual([carol.contactUri, false]);
  });

  test("with neither of the dialog's tags the P-CSCF knows of no dialog: 481, nobody hears it", async () => {
    const { lab, carol, bob, dialog } = await callToUe();
    const request = within({ ...dialog, localTag: "x", remoteTag: "y" }, carol, "MESSAGE");
    expect(lab.exchange(carol.peer, request, ACCESS, 0.1).status).toBe(481);
    expect(lab.passed("MESSAGE", "P-CSCF", "S-CSCF")).toEqual([]);
    expect(bob.view.messages).toEqual([]);
  });
});

describe("policy.onMethods", () => {
  const REJECTING = { scscf: { "policy.onMethods": "MESSAGE", "policy.outcome": "reject" } };

  test("a made-up dialog is no way round it; in the one that there is nobody is asked", async () => {
    const { lab, carol, bob, dialog } = await callToUe(REJECTING);
    expect(lab.exchange(carol.peer, within(dialog, carol, "MESSAGE"), ACCESS, 0.1).status).toBe(
      200,
    );
    expect(lab.reauthentications).toEqual([]);
    for (const tags of [{ remoteTag: "invented" }, { localTag: "invented", remoteTag: "f" }]) {
      const made = within({ ...dialog, ...tags }, carol, "MESSAGE");
      expect(lab.exchange(carol.peer, made, ACCESS, 0.1).status).toBe(403);
    }
    expect(lab.reauthentications).toMatchObject([{ impi: carol.impi, cause: "policy:onMethods" }]);
    expect(bob.view.messages).toHaveLength(1);
  });

  test("nor is the dialog of a call that is over", async () => {
    const { lab, carol, dialog } = await callToUe(REJECTING);
    lab.exchange(carol.peer, within(dialog, carol, "BYE"), ACCESS, 0.1);
    const late = within({ ...dialog, localCseq: 50 }, carol, "MESSAGE");
    expect(lab.exchange(carol.peer, late, ACCESS, 0.1).status).toBe(403);
  });
});
