// baresip, a softphone that knows no event package. See docs/interop/baresip.md.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Baresip, startBaresip } from "./baresip.ts";
import { phoneCallsUe, ueCallsPhone } from "./phone-calls.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type RunningLab, type RunningUe, startLab, startUe } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

/** Between its REGISTERs: what the network asks for takes effect at the next one. */
const INTERVAL_SECONDS = 6;

const { softphone } = shippedAccounts();

let lab: RunningLab;
let admin: LabAdmin;
let ue: RunningUe;

beforeAll(async () => {
  requirePrograms(["baresip"]);
  const scscf = { SCSCF_REGISTRATION_MIN_EXPIRES: String(INTERVAL_SECONDS) };
  lab = await startLab({ scscf, pcscf: {} });
  admin = new LabAdmin(lab);
  ue = await startUe({ pcscf: lab.ports.access });
});
afterAll(async () => {
  await ue?.stop();
  await lab?.stop();
});

describe.each(["udp", "tcp"] as const)("baresip over %s", (transport) => {
  let phone: Baresip;

  beforeAll(async () => {
    phone = await startBaresip({
      proxy: lab.ports.access,
      transport,
      interval: INTERVAL_SECONDS,
    });
  });
  afterAll(async () => {
    await phone?.stop();
  });

  test("registers with digest", async () => {
    await phone.registered();
    expect(await admin.registration(softphone.impu)).toMatchObject({ state: "registered" });
    const [binding] = await admin.accessBindings(softphone.impu);
    expect(binding).toMatchObject({ impi: softphone.impi });
  });

  test("is asked over HTTP to authenticate again: does so with its next REGISTER", async () => {
    const { answer } = await admin.reauthenticate(softphone.impu, INTERVAL_SECONDS + 5);
    expect(answer.items.map(({ end }) => end)).toEqual(["reauthenticated"]);
    expect(await admin.registration(softphone.impu)).toMatchObject({ state: "registered" });
  });

  test("calls our UE: answered with SDP, its tone arrives", async () => {
    await phoneCallsUe(phone, ue);
  });

  test("is called by our UE: answers with SDP, its tone arrives", async () => {
    await ueCallsPhone(phone, ue);
  });

  test("ends: de-registers, and both nodes forget it", async () => {
    await phone.stop();
    await admin.untilGone(softphone.impu, 5000);
  });
});

test("neither node complained or had a fault of its own", () => {
  expect(lab.complaints).toEqual([]);
  expect(lab.events.filter(({ level }) => level === "error")).toEqual([]);
});
