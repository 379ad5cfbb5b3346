// linphone, a softphone that knows no event package and follows its Service-Route by the letter. See docs/interop/linphone.md.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { freePorts } from "./free-ports.ts";
import { type Linphone, startLinphone } from "./linphone.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type RunningLab, type RunningUe, startLab, startUe } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

/** Between its REGISTERs, about: what the network asks for takes effect at the next one. */
const INTERVAL_SECONDS = 6;
const PATIENCE = { timeout: 10_000, interval: 50 };
const CERTIFICATES = fileURLToPath(new URL("../../../common/test/certificates/", import.meta.url));

const { softphone } = shippedAccounts();

let lab: RunningLab;
let admin: LabAdmin;
let ue: RunningUe;
let accessTls = 0;

beforeAll(async () => {
  requirePrograms(["linphone-daemon"]);
  [accessTls = 0] = await freePorts(1);
  lab = await startLab({
    scscf: { SCSCF_REGISTRATION_MIN_EXPIRES: String(INTERVAL_SECONDS) },
    pcscf: {
      PCSCF_ACCESS_TLS_PORT: String(accessTls),
      PCSCF_ACCESS_TLS_KEY: `${CERTIFICATES}node.key`,
      PCSCF_ACCESS_TLS_CERT: `${CERTIFICATES}node.crt`,
    },
  });
  admin = new LabAdmin(lab);
  ue = await startUe({ pcscf: lab.ports.access });
});
afterAll(async () => {
  await ue?.stop();
  await lab?.stop();
});

const registered = (): Promise<void> =>
  vi.waitFor(async () => expect(await admin.registration(softphone.impu)).toBeDefined(), PATIENCE);

describe.each(["udp", "tcp", "tls"] as const)("linphone over %s", (transport) => {
  let phone: Linphone;

  beforeAll(async () => {
    const proxy = transport === "tls" ? accessTls : lab.ports.access;
    phone = await startLinphone({ proxy, transport, interval: INTERVAL_SECONDS });
  });
  afterAll(async () => {
    await phone?.stop();
  });

  test("registers with digest", async () => {
    await registered();
    const [binding] = await admin.accessBindings(softphone.impu);
    expect(binding).toMatchObject({ impi: softphone.impi });
    await phone.logs(/to \[LinphoneRegistrationOk\]/);
  });

  test("calls our UE: answered with SDP, up at both", async () => {
    await phone.command(`call ${ue.impu}`);
    await phone.callIs("LinphoneCallStreamsRunning");
    await vi.waitFor(async () => {
      const call = (await ue.state()).calls.at(-1);
      expect(call).toMatchObject({ state: "up", direction: "incoming", peer: softphone.impu });
    }, PATIENCE);
    await phone.command("terminate");
    await untilOver();
  });

  test("is called by our UE: answers by itself", async () => {
    await ue.command("call", { to: softphone.impu });
    await phone.callIs("LinphoneCallStreamsRunning");
    await ue.command("hangup");
    await untilOver();
  });

  test("sends a message, and gets one", async () => {
    const text = `from linphone over ${transport}`;
    await phone.command(`message ${ue.impu} ${text}`);
    await vi.waitFor(async () => {
      expect((await ue.state()).messages.map((message) => message.text)).toContain(text);
    }, PATIENCE);
    await ue.command("message", { to: softphone.impu, text: `to linphone over ${transport}` });
    await phone.logs(new RegExp(`\nto linphone over ${transport}`));
  });

  test("is asked over HTTP to authenticate again: does so with its next REGISTER", async () => {
    const { answer } = await admin.reauthenticate(softphone.impu, INTERVAL_SECONDS + 5);
    expect(answer.items.map(({ end }) => end)).toEqual(["reauthenticated"]);
    expect(await admin.registration(softphone.impu)).toMatchObject({ state: "registered" });
  });

  test("ends: de-registers, and both nodes forget it", async () => {
    await phone.stop();
    await admin.untilGone(softphone.impu, 5000);
  });
});

test("without outbound proxy it sends past the P-CSCF: refused, and the log says what it lacks", async () => {
  const { access: proxy } = lab.ports;
  const settings = { proxy, transport: "udp", interval: 60, outboundProxy: false } as const;
  const phone = await startLinphone(settings);
  try {
    await phone.logs(/to \[LinphoneRegistrationOk\]/);
    await phone.command(`message ${ue.impu} past`);
    await vi.waitFor(() => {
      expect(lab.events.filter(({ reason }) => reason === "past-pcscf")).toMatchObject([
        { event: "request.refused", next: expect.stringContaining("outbound proxy") },
      ]);
    }, PATIENCE);
  } finally {
    await phone.stop();
  }
  await admin.untilGone(softphone.impu, 5000);
});

test("neither node complained or had a fault of its own", () => {
  expect(lab.complaints).toEqual([]);
  expect(lab.events.filter(({ level }) => level === "error")).toEqual([]);
});

async function untilOver(): Promise<void> {
  await vi.waitFor(async () => {
    expect((await ue.state()).calls.at(-1)?.state).toBe("over");
  }, PATIENCE);
}
