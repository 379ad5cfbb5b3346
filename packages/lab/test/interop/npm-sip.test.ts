// Calls and messages of a UE on the npm package `sip`: its transactions, dialogs and parser are not ours.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { LabAdmin, type RunningLab, type RunningUe, startLab, startUe } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

const { aka, softphone } = shippedAccounts();
const PATIENCE = { timeout: 10_000, interval: 50 };

let lab: RunningLab;
beforeAll(async () => {
  lab = await startLab({ scscf: {}, pcscf: {} });
});
afterAll(() => lab?.stop());

/** The latest call of both, seen from each. */
function bothAre(ues: readonly RunningUe[], seen: object): Promise<void> {
  return vi.waitFor(async () => {
    for (const ue of ues) expect((await ue.state()).calls.at(-1)).toMatchObject(seen);
  }, PATIENCE);
}

describe.each(["udp", "tcp"] as const)("npm sip over %s", (transport) => {
  let npm: RunningUe;
  let core: RunningUe;

  beforeAll(async () => {
    const at = { pcscf: lab.ports.access, ...(transport === "tcp" && { transport }) };
    npm = await startUe({ ...at, stack: "npm-sip" });
    core = await startUe({ ...at, account: softphone, password: softphone.password });
  });
  afterAll(async () => {
    await Promise.all([npm?.stop(), core?.stop()]);
  });

  test("it calls, holds and takes back, is re-authenticated meanwhile, and hangs up", async () => {
    await npm.command("call", { to: softphone.impu });
    await bothAre([npm, core], { state: "up" });
    for (const held of [true, false]) {
      await npm.command("hold", { on: held });
      await bothAre([npm], { state: "up", heldHere: held });
      await bothAre([core], { state: "up", heldThere: held });
    }
    const { answer } = await new LabAdmin(lab).reauthenticate(aka.impu, 10);
    expect(answer.items.map(({ end }) => end)).toEqual(["reauthenticated"]);
    await bothAre([npm, core], { state: "up" });
    await npm.command("hangup");
    await bothAre([npm, core], { state: "over" });
  });

  test("it is called, and hung up on", async () => {
    await core.command("call", { to: aka.impu });
    await bothAre([npm, core], { state: "up" });
    await core.command("hangup");
    await bothAre([npm, core], { state: "over" });
  });

  test("messages both ways", async () => {
    await npm.command("message", { to: softphone.impu, text: "from npm" });
    await core.command("message", { to: aka.impu, text: "to npm" });
    for (const [ue, text] of [
      [core, "from npm"],
      [npm, "to npm"],
    ] as const)
      await vi.waitFor(async () => {
        const { messages } = await ue.state();
        expect(messages).toContainEqual(expect.objectContaining({ direction: "received", text }));
      }, PATIENCE);
  });
});
