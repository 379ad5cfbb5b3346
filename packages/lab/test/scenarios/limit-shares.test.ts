// One user's share of what is pending: the others call and register, whatever he does. Each limit at it and over it.
import { expect, test } from "vitest";
import { ACCESS, impuOf, Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const LIMITS = { "limits.maxPendingTransactions": 100, "limits.pendingSharePercent": 10 };

/** INVITEs or others to bob, who says nothing; the final answers that came. */
function floods(lab: Lab, from: ScriptedUe, count: number, method = "INVITE"): number[] {
  const before = from.peer.responses.length;
  for (let n = 0; n < count; n++)
    from.peer.send(
      from.request(method, impuOf("bob"), [
        ["To", `<${impuOf("bob")}>`],
        ["Contact", from.contact],
      ]),
      ACCESS,
    );
  lab.pass(0.1);
  const after = from.peer.responses.slice(before);
  return after.map(({ status }) => status).filter((status) => status >= 200);
}

async function silentBob(
  pcscf: object,
  scscf: object,
): Promise<{ lab: Lab; carol: ScriptedUe; bob: ScriptedUe }> {
  const lab = await Lab.start({ pcscf, scscf } as Parameters<typeof Lab.start>[0]);
  const carol = await ScriptedUe.subscribed(lab, "carol");
  const bob = await ScriptedUe.subscribed(lab, "bob");
  bob.peer.answers = () => undefined;
  return { lab, carol, bob };
}

test("limits.pendingSharePercent: at it calls go on, over it 503 for this user alone", async () => {
  const { lab, carol } = await silentBob(LIMITS, {});
  expect(floods(lab, carol, 10)).toEqual([]);
  expect(floods(lab, carol, 3)).toEqual([503, 503, 503]);
  expect(carol.peer.responses.at(-1)?.text("Retry-After")).toMatch(/^\d+$/);
  for (const method of ["MESSAGE", "OPTIONS"]) expect(floods(lab, carol, 1, method)).toEqual([503]);
  lab.pass(200); // Timer C
  expect(floods(lab, carol, 1)).toEqual([]);
});

test("the same at the S-CSCF, for a P-CSCF that lets everything pass: 500, to be tried later", async () => {
  const { lab, carol } = await silentBob({}, LIMITS);
  expect(floods(lab, carol, 10)).toEqual([]);
  expect(floods(lab, carol, 2)).toEqual([500, 500]);
  expect(carol.peer.responses.at(-1)?.text("Retry-After")).toMatch(/^\d+$/);
});

test("one user's calls to a silent callee: others call, and register", async () => {
  const { lab, carol, bob } = await silentBob(LIMITS, LIMITS);
  const alice = await ScriptedUe.subscribed(lab, "alice");
  floods(lab, carol, 300);
  bob.peer.answers = ({ method }) => (method === "MESSAGE" ? 200 : undefined);
  expect(floods(lab, alice, 1, "MESSAGE")).toEqual([200]);
  expect(alice.register().status).toBe(200);
  expect(carol.register().status).toBe(200);
});

test("who has used up his share still ends what he has begun", async () => {
  const { lab, carol } = await silentBob(LIMITS, LIMITS);
  floods(lab, carol, 12);
  const invite = lab.passed("INVITE", "UE", "P-CSCF")[0];
  if (invite?.kind !== "request") throw new Error("no INVITE was sent");
  const cancel = carol.request("CANCEL", invite.uri, [
    ["Via", invite.text("Via") ?? ""],
    ["To", invite.text("To") ?? ""],
    ["Call-ID", invite.callId],
    ["CSeq", "1 CANCEL"],
  ]);
  expect(lab.exchange(carol.peer, cancel, ACCESS, 0.1).status).toBe(200);
});
