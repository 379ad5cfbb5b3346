// State of all nodes after a binding has gone, whatever ended it.
import { REG_PACKAGE } from "@ims-lab/common/ims/events";
import { Expires } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { expect } from "vitest";
import { type Lab, type Peer, SCSCF } from "./lab.ts";
import { newsIn, type ScriptedUe } from "./scripted-ue.ts";

/** A second P-CSCF that the S-CSCF trusts, to ask it things the lab's own would not pass on. */
export const OTHER_PCSCF = { host: "10.1.0.9", port: 4060 };
export const TRUSTING_BOTH = { trustedPeers: `10.1.0.1:4060,${OTHER_PCSCF.host}:4060` };

/** 64*T1: what is under way after a registration's end. */
const LINGER_SECONDS = 33;

/** Needs a lab whose S-CSCF has the settings TRUSTING_BOTH. */
export async function expectGone(lab: Lab, ue: ScriptedUe): Promise<void> {
  expect(lab.atScscf(ue.user)).toEqual([]);
  expect(lab.atPcscf(ue.user)).toEqual([]);
  expect(ue.message()).toBe(403);
  expect(await statusAtScscf(lab, ue)).toBe(403);
  lab.pass(LINGER_SECONDS);
  expectNothingLeft(lab);
}

/** Milliseconds since the epoch. */
export function passTo({ clock }: Lab, at: number): void {
  clock.advance(at - clock.now());
}

/** Every table of both nodes is empty, for labs with one device. */
export function expectNothingLeft({ scscf, pcscf }: Lab): void {
  expect(scscf.bindings.size).toBe(0);
  expect(scscf.notifier.size).toBe(0);
  expect(scscf.pcscfSubscriptions.size).toBe(0);
  expect(scscf.reauthentications.runningCount).toBe(0);
  expect(pcscf.table.size).toBe(0);
  expect(pcscf.notifier.size).toBe(0);
}

/** What the S-CSCF says to a request of this user that some trusted P-CSCF vouches for. */
async function statusAtScscf(lab: Lab, { impu }: ScriptedUe): Promise<number> {
  const peer: Peer = await lab.peer({ at: OTHER_PCSCF });
  const headers = [["P-Asserted-Identity", `<${impu}>`]] as const;
  const request = peer.request("MESSAGE", "sip:carol@ims.example", impu, headers);
  return lab.exchange(peer, request, SCSCF, 0.02).status;
}

/** How the S-CSCF told its P-CSCF that the binding has gone. */
export function toldToPcscf(lab: Lab, { contactUri }: ScriptedUe): readonly string[] {
  const toPcscf = (method: string): readonly SipRequest[] =>
    lab.passed(method, "S-CSCF", "P-CSCF").filter((message) => message.kind === "request");
  const left = toPcscf("SUBSCRIBE").filter((request) => request.get(Expires) === 0);
  const notified = toPcscf("NOTIFY").filter(
    (request) => request.text("Event") === REG_PACKAGE && request.uri.startsWith("sip:10.1.0.1"),
  );
  return [
    ...left.map((request) =>
      request.to.params.has("tag") ? "un-SUBSCRIBE" : "SUBSCRIBE with Expires 0",
    ),
    ...notified.map((request) => {
      const { state, event } = newsIn(request, contactUri);
      return `NOTIFY ${event ?? "nothing"}, ${state}`;
    }),
  ];
}
