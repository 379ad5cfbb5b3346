// Kamailio in the place of either CSCF. See docs/interop/kamailio.md.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Baresip, startBaresip } from "./baresip.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { type Kamailio, startKamailio } from "./kamailio.ts";
import { phoneCallsUe, ueCallsPhone } from "./phone-calls.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type RunningLab, type RunningUe, startLab, startUe } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

/** In interop/kamailio/registrar.cfg everybody has this one. */
const PASSWORD_THERE = "secret";

const { softphone } = shippedAccounts();

beforeAll(() => requirePrograms(["kamailio", "baresip"]));

interface Parties {
  readonly lab: RunningLab;
  readonly kamailio: Kamailio;
  readonly ue: RunningUe;
  readonly phone: Baresip;
}

let parties: Partial<Parties> = {};

async function stopAll(): Promise<void> {
  const { phone, ue, kamailio, lab } = parties;
  parties = {};
  await phone?.stop();
  await ue?.stop();
  await kamailio?.stop();
  await lab?.stop();
}

function all(): Parties {
  const { lab, kamailio, ue, phone } = parties;
  if (!lab || !kamailio || !ue || !phone) throw new Error("not everything has started");
  return { lab, kamailio, ue, phone };
}

function noFaults({ complaints, events }: RunningLab): void {
  expect(complaints).toEqual([]);
  expect(events.filter(({ level }) => level === "error")).toEqual([]);
}

describe("Kamailio as edge proxy in front of our S-CSCF", () => {
  let admin: LabAdmin;

  beforeAll(async () => {
    const [edge = 0] = await freePorts(1);
    const lab = await startLab({ scscf: { SCSCF_TRUSTED_PEERS: `${LOOPBACK}:${edge}` } });
    parties = { lab };
    admin = new LabAdmin(lab);
    const kamailio = await startKamailio("edge", {
      EDGE_PORT: edge,
      SCSCF_PORT: lab.ports.serving,
    });
    parties = { lab, kamailio };
    const ue = await startUe({ pcscf: edge });
    parties = { lab, kamailio, ue };
    parties = { lab, kamailio, ue, phone: await startBaresip({ proxy: edge }) };
  });
  afterAll(stopAll);

  test("AKA and digest users register; our UE has subscribed through it", async () => {
    const { phone, ue } = all();
    await phone.registered();
    for (const impu of [ue.impu, softphone.impu])
      expect(await admin.registration(impu)).toMatchObject({ state: "registered" });
  });

  test("a trigger reaches our UE along the Path: it authenticates again", async () => {
    expect(await admin.reauthenticateOnceSubscribed(all().ue.impu, 10)).toEqual([
      "reauthenticated",
    ]);
  });

  test("baresip calls our UE, and is called by it", async () => {
    const { phone, ue } = all();
    await phoneCallsUe(phone, ue);
    await ueCallsPhone(phone, ue);
  });

  test("both de-register", async () => {
    const { phone, ue, lab } = all();
    await ue.command("deregister");
    await phone.stop();
    await vi.waitFor(async () => expect(await admin.registered()).toBe(0), { timeout: 5000 });
    noFaults(lab);
  });
});

describe("Kamailio as registrar behind our P-CSCF", () => {
  let admin: LabAdmin;

  beforeAll(async () => {
    const [registrar = 0] = await freePorts(1);
    const kamailio = await startKamailio("registrar", { REGISTRAR_PORT: registrar });
    parties = { kamailio };
    const lab = await startLab({ pcscf: { PCSCF_SCSCF: `sip:${LOOPBACK}:${registrar}` } });
    parties = { kamailio, lab };
    admin = new LabAdmin(lab);
    const { access } = lab.ports;
    const ue = await startUe({ pcscf: access, password: PASSWORD_THERE });
    parties = { kamailio, lab, ue };
    const phone = await startBaresip({ proxy: access, password: PASSWORD_THERE });
    parties = { kamailio, lab, ue, phone };
  });
  afterAll(stopAll);

  test("digest users register", async () => {
    const { phone, ue } = all();
    await phone.registered();
    for (const impu of [ue.impu, softphone.impu])
      expect(await admin.accessBindings(impu)).toHaveLength(1);
  });

  test("baresip calls our UE, and is called by it", async () => {
    const { phone, ue } = all();
    await phoneCallsUe(phone, ue);
    await ueCallsPhone(phone, ue);
  });

  test("both de-register: nothing is left in the P-CSCF", async () => {
    const { phone, ue, lab } = all();
    await ue.command("deregister");
    await phone.stop();
    await vi.waitFor(
      async () => {
        for (const impu of [ue.impu, softphone.impu])
          expect(await admin.accessBindings(impu)).toEqual([]);
      },
      { timeout: 5000 },
    );
    noFaults(lab);
  });
});
