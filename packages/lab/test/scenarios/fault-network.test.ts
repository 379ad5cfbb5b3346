// Network faults at the sender: what the rule names is lost, late, twice or overtaken, and nothing else; the figures complete all the same.
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { Lab } from "./lab.ts";

const isTrigger = ({ body }: SipMessage): boolean => body.includes('event="shortened"');

/** Re-authenticated while the rules hold; the rule of each node is in its own settings. */
async function reauthenticated(rules: {
  readonly scscf?: string;
  readonly pcscf?: string;
  readonly ue?: string;
}): Promise<Lab> {
  const settings = (text: string | undefined): { networkFaults?: string } =>
    text === undefined ? {} : { networkFaults: text };
  const { lab } = await Lab.withAlice({
    scscf: settings(rules.scscf),
    pcscf: settings(rules.pcscf),
    ue: settings(rules.ue),
  });
  lab.askByScscf("alice");
  lab.pass(20);
  expect(lab.onlyEnd).toBe("reauthenticated");
  return lab;
}

describe("drop", () => {
  test("the second NOTIFY of the S-CSCF, the trigger: its retransmission is the third, and passes", async () => {
    const lab = await reauthenticated({ scscf: "drop NOTIFY S>P 2" });
    const triggers = lab.passed("NOTIFY", "S-CSCF", "P-CSCF").filter(isTrigger);
    expect(new Set(triggers.map(({ cseq }) => cseq.number)).size).toBe(1);
    const [acted, ...more] = lab.logs.scscf.named("network.fault");
    expect(more).toEqual([]);
    expect(acted).toEqual({ rule: "drop NOTIFY S>P 2", message: "NOTIFY", number: 2 });
    const [{ requestedAt = 0, acknowledgedAt = 0 } = {}] = lab.reauthentications;
    expect((acknowledgedAt ?? 0) - requestedAt).toBeGreaterThanOrEqual(500); // Timer E
  });

  test("towards the UE and from it, each at its sender; a response by status and method", async () => {
    const lab = await reauthenticated({
      pcscf: "drop 401 REGISTER P>U 1,drop REGISTER P>S 1",
      ue: "drop REGISTER U>P 1-2",
    });
    expect(lab.logs.ue.named("network.fault")).toHaveLength(2);
    expect(lab.logs.pcscf.named("network.fault")).toMatchObject([
      { message: "REGISTER" },
      { message: "401 REGISTER" },
    ]);
  });
});

test("delay: it leaves later, and what it is answered comes later", async () => {
  const lab = await reauthenticated({ scscf: "delay 401 S>P 2 300ms" });
  const [{ notifiedAt = 0, endedAt = 0 } = {}] = lab.reauthentications;
  const took = (endedAt ?? 0) - (notifiedAt ?? 0);
  expect([took >= 300, took < 500]).toEqual([true, true]);
});

test("duplicate: the same octets twice, and nothing happens twice", async () => {
  const lab = await reauthenticated({ ue: "duplicate REGISTER U>P *" });
  const registers = lab.passed("REGISTER", "UE", "P-CSCF");
  expect(registers.length).toBe(8);
  expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(4);
  expect(lab.attempts("REGISTER", "P-CSCF", "S-CSCF")).toBe(4);
});

test("reorder: the next message of the way overtakes it, and it leaves right behind that one", async () => {
  const { lab, alice } = await Lab.withAlice({
    scscf: { networkFaults: "reorder 200 SUBSCRIBE S>P 1" },
  });
  const fromScscf = lab.seen.filter(({ from, to }) => from === "S-CSCF" && to === "P-CSCF");
  const answer = fromScscf.findIndex(
    ({ message }) => message.kind === "response" && message.cseq.method === "SUBSCRIBE",
  );
  const [overtaker, overtaken] = fromScscf.slice(answer - 1, answer + 1);
  // Its own SUBSCRIBE at the P-CSCF follows the 200 otherwise.
  expect(overtaker?.message.startLine).toMatch(/^SUBSCRIBE /);
  expect(overtaken?.at).toBe(overtaker?.at);
  expect(alice.view.subscription?.state).toBe("active");
  expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
});

test("reorder, with nothing behind it: it leaves after its time", async () => {
  const lab = await Lab.start({ ue: { networkFaults: "reorder REGISTER U>P 1 400ms" } });
  const alice = await lab.ue("alice");
  alice.register();
  lab.pass(0.39);
  expect(lab.seen).toEqual([]);
  lab.pass(0.1);
  expect(lab.passed("REGISTER", "UE", "P-CSCF").length).toBeGreaterThan(0);
});

/** At run time, at the node that sends: counted from then, so that it is the figure's that is meant. */
const AT_RUN_TIME: readonly {
  readonly rule: string;
  readonly at: "scscf" | "pcscf" | "ue";
  readonly message: string;
}[] = [
  { at: "scscf", rule: "drop NOTIFY S>P 1", message: "NOTIFY" },
  { at: "pcscf", rule: "drop NOTIFY P>U 1", message: "NOTIFY" },
  { at: "ue", rule: "drop 200 NOTIFY U>P 1", message: "200 NOTIFY" },
  { at: "pcscf", rule: "drop 200 NOTIFY P>S 1", message: "200 NOTIFY" },
  { at: "ue", rule: "drop REGISTER U>P 1-2", message: "REGISTER" },
  { at: "scscf", rule: "drop 401 REGISTER S>U 1", message: "401 REGISTER" },
  { at: "pcscf", rule: "delay 401 P>U 1 700ms", message: "401 REGISTER" },
  { at: "ue", rule: "delay REGISTER U>P 2 2s", message: "REGISTER" },
  { at: "ue", rule: "duplicate REGISTER U>P *", message: "REGISTER" },
  { at: "scscf", rule: "duplicate NOTIFY S>P 1", message: "NOTIFY" },
  { at: "scscf", rule: "reorder 200 REGISTER S>P 1", message: "200 REGISTER" },
  { at: "ue", rule: "reorder 200 NOTIFY U>P 1", message: "200 NOTIFY" },
];
test.each(AT_RUN_TIME)("put before Figure 3, $rule acts in it, and it completes", async (given) => {
  const { rule, at, message } = given;
  const { lab, alice } = await Lab.withAlice();
  const faults = {
    scscf: lab.scscf.networkFaults,
    pcscf: lab.pcscf.networkFaults,
    ue: alice.node.faults.network,
  }[at];
  expect(faults.put(rule)).toBeUndefined();
  lab.askByScscf("alice");
  lab.pass(20);
  expect(lab.onlyEnd).toBe("reauthenticated");
  expect(lab.logs[at].named("network.fault")[0]).toMatchObject({ rule, message });
  const [{ acted } = { acted: 0 }] = faults.views;
  expect(acted).toBe(lab.logs[at].named("network.fault").length);
  faults.end();
  lab.askByScscf("alice");
  lab.pass(20);
  expect(lab.logs[at].named("network.fault")).toHaveLength(acted);
  expect(lab.reauthentications.map(({ end }) => end)).toEqual([
    "reauthenticated",
    "reauthenticated",
  ]);
});

test("S>U is what goes on to the UE: not what the S-CSCF says to the P-CSCF itself", async () => {
  const lab = await reauthenticated({ scscf: "drop * S>U 1" });
  const [acted] = lab.logs.scscf.named("network.fault");
  expect(acted).toMatchObject({ message: "401 REGISTER" });
  const { lab: other } = await Lab.withAlice({ scscf: { networkFaults: "drop SUBSCRIBE S>U *" } });
  expect(other.passed("SUBSCRIBE", "S-CSCF", "P-CSCF").length).toBeGreaterThan(0);
  expect(other.logs.scscf.named("network.fault")).toEqual([]);
});
