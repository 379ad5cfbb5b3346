// SIPp as UE through the real P-CSCF and S-CSCF.
// tshark and xmllint judge afterwards everything that was on the wire.

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Capture, startCapture } from "./capture.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type LogEvent, type RunningLab, startLab } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";
import { loadUsers, packUsers, runSipp, type SippResult, type SippRun } from "./sipp.ts";
import { judgeCapture, judgeTrace } from "./wire-checks.ts";

const SUBSCRIPTION_DEADLINE_SECONDS = 3;
const REAUTHENTICATION_DEADLINE_SECONDS = 4;
/** Beyond a deadline, for a machine with other things to do. */
const GRACE_MS = 5000;

const { aka, softphone } = shippedAccounts();
const BOB = `sip:bob@${aka.domain}`;

let lab: RunningLab;
let admin: LabAdmin;
let capture: Capture;
/** Where the nodes write what they see themselves. */
const traces = mkdtempSync("/tmp/ims-lab-traces-");
const traceOf = (node: string): string => join(traces, `${node}.pcap`);

beforeAll(async () => {
  requirePrograms(["sipp", "tshark", "dumpcap", "xmllint"]);
  lab = await startLab({
    scscf: {
      SCSCF_SUBSCRIPTION_DEADLINE_SECONDS: String(SUBSCRIPTION_DEADLINE_SECONDS),
      SCSCF_REAUTHENTICATION_DEADLINE_SECONDS: String(REAUTHENTICATION_DEADLINE_SECONDS),
      SCSCF_TRACE_PCAP: traceOf("scscf"),
    },
    pcscf: { PCSCF_TRACE_PCAP: traceOf("pcscf") },
  });
  admin = new LabAdmin(lab);
  const { access, core, serving } = lab.ports;
  capture = await startCapture([access, core, serving]);
});

afterAll(async () => {
  await lab?.stop();
  await capture?.stop();
  capture?.remove();
  rmSync(traces, { recursive: true });
});

type Call = Omit<SippRun, "access">;

function sipp(call: Call): Promise<SippResult> {
  return runSipp({ ...call, access: lab.ports.access });
}

async function sippPasses(call: Call): Promise<SippResult> {
  const result = await sipp(call);
  expect(result, result.errors).toMatchObject({ exitCode: 0 });
  return result;
}

/** A node writes its log behind its work. */
async function logged(event: LogEvent): Promise<void> {
  await vi.waitFor(() => expect(lab.events).toContainEqual(expect.objectContaining(event)), {
    timeout: GRACE_MS,
  });
}

describe("registers, subscribes, re-authenticates when asked, de-registers", () => {
  const users = [
    { scheme: "AKAv1-MD5", users: packUsers("aka"), impu: aka.impu },
    { scheme: "digest MD5", users: packUsers("bob"), impu: BOB },
  ];
  const cases = users.flatMap((user) =>
    (["udp", "tcp"] as const).flatMap((transport) =>
      [OWN_PACKAGE, REG_PACKAGE].map((event) => ({ ...user, transport, event })),
    ),
  );

  test.each(cases)("$scheme over $transport, $event", async ({ users, impu, transport, event }) => {
    const [, ends] = await Promise.all([
      sippPasses({ scenario: "reauthenticate", users, transport, event }),
      admin.reauthenticateOnceSubscribed(impu, 10),
    ]);
    expect(ends).toEqual(["reauthenticated"]);
    await admin.untilGone(impu, GRACE_MS);
  });
});

describe("does not do what is asked of it", () => {
  test.each([
    { transport: "udp", event: OWN_PACKAGE },
    { transport: "tcp", event: REG_PACKAGE },
  ] as const)(
    "answers the trigger 200 and ignores it ($transport, $event): de-registered at the deadline",
    async ({ transport, event }) => {
      // The scenario passes only if the NOTIFY that terminates the subscription comes.
      const [, ends] = await Promise.all([
        sippPasses({ scenario: "ignore-trigger", users: packUsers("bob"), transport, event }),
        admin.reauthenticateOnceSubscribed(BOB, REAUTHENTICATION_DEADLINE_SECONDS + 10),
      ]);
      expect(ends).toEqual(["ignored"]);
      await admin.untilGone(BOB, GRACE_MS);
    },
  );

  test("never subscribes, enforce: de-registered at the deadline, its SUBSCRIBE 403", async () => {
    const users = packUsers("bob");
    const { port } = await sippPasses({ scenario: "register", users });
    expect(await admin.registration(BOB)).toBeDefined();
    await admin.untilGone(BOB, SUBSCRIPTION_DEADLINE_SECONDS * 1000 + GRACE_MS);
    await logged({ event: "registration.removed", cause: "not-subscribed", impu: BOB });
    await sippPasses({ scenario: "subscribe-refused", users, port });
  });

  test("never subscribes, optional: stays, while one that has to subscribe goes", async () => {
    await sippPasses({ scenario: "register", users: packUsers("softphone"), transport: "tcp" });
    // Registered later, gone by its deadline: so the softphone's would be over too.
    await sippPasses({ scenario: "register", users: packUsers("bob") });
    await admin.untilGone(BOB, SUBSCRIPTION_DEADLINE_SECONDS * 1000 + GRACE_MS);
    expect(await admin.registration(softphone.impu)).toMatchObject({ state: "registered" });
    expect(await admin.accessBindings(softphone.impu)).toHaveLength(1);
  });
});

describe("is refused with 403, and the log says why", () => {
  test.each(["udp", "tcp"] as const)("wrong password over %s", async (transport) => {
    const users = packUsers("bob").replace("password=bob-secret", "password=wrong");
    await sippPasses({ scenario: "register-refused", users, transport });
    await logged({ event: "authentication.failed", impu: BOB, why: "the password differs" });
    expect(await admin.registration(BOB)).toBeUndefined();
  });

  test("a user nobody knows", async () => {
    const users = packUsers("bob").replaceAll("bob", "nobody");
    await sippPasses({ scenario: "register-refused", users });
    const reason = "unknown-user";
    await logged({
      event: "registration.refused",
      status: 403,
      reason,
      impi: `nobody@${aka.domain}`,
    });
  });

  test("another K: SIPp finds the network's MAC wrong and gives up", async () => {
    const users = packUsers("aka").replace(`0x${aka.k}`, `0x66${aka.k.slice(2)}`);
    const { exitCode, errors } = await sipp({ scenario: "register", users });
    expect(exitCode).toBe(255);
    expect(errors).toContain("MAC != eXpectedMAC");
    expect(await admin.registration(aka.impu)).toBeUndefined();
  });

  test("another K: a device says so with an empty response", async () => {
    await sippPasses({ scenario: "reject-autn", users: packUsers("aka") });
    const why = "UE rejected AUTN: K, OP/OPc or AMF differ";
    await logged({ event: "authentication.failed", impu: aka.impu, why });
    expect(await admin.registration(aka.impu)).toBeUndefined();
  });
});

test("200 users register within a second: none fails, no storm of retransmissions", async () => {
  const before = await admin.registered();
  const { statistics } = await sippPasses({
    scenario: "register",
    users: loadUsers(200),
    calls: 200,
    perSecond: 200,
  });
  expect(statistics.get("SuccessfulCall(C)")).toBe("200");
  expect(await admin.registered()).toBe(before + 200);
  // On a machine busy with other things some of the 400 requests are sent twice; in a storm all are.
  expect(Number(statistics.get("Retransmissions(C)"))).toBeLessThan(400);
});

test("tshark finds nothing wrong with any packet, xmllint with no reginfo body", async () => {
  await judgeCapture(capture, lab.ports);
});

test("neither node complained or had a fault of its own", () => {
  expect(lab.complaints).toEqual([]);
  expect(lab.events.filter(({ level }) => level === "error")).toEqual([]);
});

test("tshark reads the nodes' own traces; session keys are masked in them", async () => {
  await lab.stop(); // so that both files are complete
  const { access, core, serving } = lab.ports;
  await judgeTrace(traceOf("scscf"), [core, serving]);
  await judgeTrace(traceOf("pcscf"), [access, core, serving]);
});
