// SIP.js, as in a web page, over WebSocket; RFC 7118. See docs/interop/sipjs.md.
import { SessionState } from "sip.js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type BrowserPhone, startBrowserPhone, untilState } from "./browser-phone.ts";
import { freePorts } from "./free-ports.ts";
import { LabAdmin, type RunningLab, type RunningUe, startLab, startUe } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

const { softphone } = shippedAccounts();

let lab: RunningLab;
let admin: LabAdmin;
let ue: RunningUe;
let phone: BrowserPhone;

beforeAll(async () => {
  const [port = 0] = await freePorts(1);
  lab = await startLab({ scscf: {}, pcscf: { PCSCF_ACCESS_WS_PORT: String(port) } });
  admin = new LabAdmin(lab);
  ue = await startUe({ pcscf: lab.ports.access });
  phone = await startBrowserPhone(softphone, port);
});
afterAll(async () => {
  await phone?.stop();
  await ue?.stop();
  await lab?.stop();
});

/** Of the latest call. */
async function ueSays(state: string): Promise<void> {
  await vi.waitFor(async () => expect((await ue.state()).calls.at(-1)).toMatchObject({ state }), {
    timeout: 10_000,
    interval: 50,
  });
}

test("registers with digest", async () => {
  await phone.register();
  expect(await admin.registration(softphone.impu)).toMatchObject({ state: "registered" });
  expect(await admin.accessBindings(softphone.impu)).toHaveLength(1);
});

test("is asked over HTTP to authenticate again: does so with its next REGISTER", async () => {
  const [{ answer }] = await Promise.all([
    admin.reauthenticate(softphone.impu, 10),
    vi
      .waitFor(async () => {
        const [binding] = (await admin.registration(softphone.impu))?.bindings ?? [];
        expect(binding?.reauthentication).toBeTruthy();
      })
      .then(() => phone.register()),
  ]);
  expect(answer.items.map(({ end }) => end)).toEqual(["reauthenticated"]);
});

test("calls our UE: answered with SDP, hangs up", async () => {
  const call = await phone.call(ue.impu);
  await ueSays("up");
  expect(phone.heard.at(-1)).toMatch(/^m=audio [1-9]\d* RTP\/AVP 0/m);
  await call.bye();
  await ueSays("over");
});

test("is called by our UE over its WebSocket, which hangs up", async () => {
  await ue.command("call", { to: softphone.impu });
  const call = await phone.answered();
  await ueSays("up");
  expect(phone.heard.at(-1)).toMatch(/^m=audio [1-9]\d* RTP\/AVP 0/m);
  await ue.command("hangup");
  await untilState(call, SessionState.Terminated);
  await ueSays("over");
});

test("de-registers, and both nodes forget it", async () => {
  await phone.unregister();
  await admin.untilGone(softphone.impu, 5000);
});

test("neither node complained or had a fault of its own", () => {
  expect(lab.complaints).toEqual([]);
  expect(lab.events.filter(({ level }) => level === "error")).toEqual([]);
});
