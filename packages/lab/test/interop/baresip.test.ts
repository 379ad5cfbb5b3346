// baresip, a softphone that knows no event package: issue "Strangers", section 3. See docs/interop/baresip.md.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { shippedAccounts } from "../../src/launcher/accounts.ts";
import { type Baresip, startBaresip } from "./baresip.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type RunningLab, type RunningUe, startLab, startUe } from "./running-lab.ts";

/** Between its REGISTERs: what the network asks for takes effect at the next one. */
const INTERVAL_SECONDS = 6;
/** Packets of 20 ms: one second of its tone. */
const A_SECOND_OF_SOUND = 50;

const { softphone } = shippedAccounts();

let lab: RunningLab;
let admin: LabAdmin;
let ue: RunningUe;

beforeAll(async () => {
  requirePrograms(["baresip"]);
  const scscf = { SCSCF_REGISTRATION_MIN_EXPIRES: String(INTERVAL_SECONDS) };
  lab = await startLab({ scscf, pcscf: {} });
  admin = new LabAdmin(lab);
  ue = await startUe(lab);
});
afterAll(async () => {
  await ue?.stop();
  await lab?.stop();
});

describe.each(["udp", "tcp"] as const)("baresip over %s", (transport) => {
  let phone: Baresip;

  beforeAll(async () => {
    phone = await startBaresip({
      access: lab.ports.access,
      transport,
      interval: INTERVAL_SECONDS,
    });
  });
  afterAll(async () => {
    await phone?.stop();
  });

  test("registers with digest", async () => {
    await phone.told("REGISTER_OK");
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
    phone.command("dial", ue.impu);
    await phone.told("CALL_ESTABLISHED");
    await talking(softphone.impu, "incoming");
    phone.command("hangup");
    await over();
  });

  test("is called by our UE: answers with SDP, its tone arrives", async () => {
    const before = count(phone, "CALL_ESTABLISHED");
    await ue.command("call", { to: softphone.impu });
    await phone.told("CALL_ESTABLISHED", { after: before });
    await talking(softphone.impu, "outgoing");
    const ended = count(phone, "CALL_CLOSED");
    await ue.command("hangup");
    await phone.told("CALL_CLOSED", { after: ended });
    await over();
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

function count({ events }: Baresip, type: string): number {
  return events.filter((event) => event["type"] === type).length;
}

/** The UE's latest call is up, and a second of sound has come. */
async function talking(peer: string, direction: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const call = (await ue.state()).calls.at(-1);
      expect(call).toMatchObject({ state: "up", direction, peer });
      expect(call?.packets).toBeGreaterThan(A_SECOND_OF_SOUND);
    },
    { timeout: 10_000, interval: 50 },
  );
}

async function over(): Promise<void> {
  await vi.waitFor(
    async () => expect((await ue.state()).calls.at(-1)?.state, "the UE's latest call").toBe("over"),
    { timeout: 10_000, interval: 50 },
  );
}
