// Calls between baresip and the project's UE, both ways, until a second of sound has arrived.
import { expect, vi } from "vitest";
import type { Baresip } from "./baresip.ts";
import type { RunningUe } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

/** Packets of 20 ms. */
const A_SECOND_OF_SOUND = 50;
const PATIENCE = { timeout: 10_000, interval: 50 };

const { softphone } = shippedAccounts();

export async function phoneCallsUe(phone: Baresip, ue: RunningUe): Promise<void> {
  const [up, over] = [count(phone, "CALL_ESTABLISHED"), count(phone, "CALL_CLOSED")];
  phone.command("dial", ue.impu);
  await phone.told("CALL_ESTABLISHED", { after: up });
  await soundArrives(ue, "incoming");
  phone.command("hangup");
  await isOver(ue);
  await phone.told("CALL_CLOSED", { after: over });
}

export async function ueCallsPhone(phone: Baresip, ue: RunningUe): Promise<void> {
  const [up, over] = [count(phone, "CALL_ESTABLISHED"), count(phone, "CALL_CLOSED")];
  await ue.command("call", { to: softphone.impu });
  await phone.told("CALL_ESTABLISHED", { after: up });
  await soundArrives(ue, "outgoing");
  await ue.command("hangup");
  await phone.told("CALL_CLOSED", { after: over });
  await isOver(ue);
}

function count({ events }: Baresip, type: string): number {
  return events.filter((event) => event["type"] === type).length;
}

/** baresip sends once it has our SDP: so both descriptions came through. */
async function soundArrives(ue: RunningUe, direction: string): Promise<void> {
  await vi.waitFor(async () => {
    const call = (await ue.state()).calls.at(-1);
    expect(call).toMatchObject({ state: "up", direction, peer: softphone.impu });
    expect(call?.packets).toBeGreaterThan(A_SECOND_OF_SOUND);
  }, PATIENCE);
}

async function isOver(ue: RunningUe): Promise<void> {
  await vi.waitFor(async () => {
    expect((await ue.state()).calls.at(-1)?.state, "the UE's latest call").toBe("over");
  }, PATIENCE);
}
