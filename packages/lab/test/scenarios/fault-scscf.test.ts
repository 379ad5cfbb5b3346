// Each fault of the S-CSCF: what our UE makes of it, and how the re-authentication ends. docs/faults.md.
import { scscfFaults } from "@ims-lab/common/admin-api/faults";
import { parseReginfo, type Reginfo } from "@ims-lab/common/ims/reginfo";
import { Expires, Via } from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest } from "@ims-lab/common/sip/message/message";
import { afterAll, describe, expect, test } from "vitest";
import { Lab, type Ue } from "./lab.ts";

/** Seconds: N, and a moment; the life of a challenge. */
const N = 61;
const AWAIT = 240;

const shown = new Set<string>();
afterAll(() => {
  const all = [...scscfFaults.faults, ...scscfFaults.presets].map(({ name }) => name);
  expect([...shown].sort()).toEqual(all.sort());
});

function on(lab: Lab, name: string, request: object = {}): void {
  shown.add(name);
  expect(lab.scscf.faults.switches.on(name, request)).toBeUndefined();
}

async function withFault(
  name: string,
  request: object = {},
  options: Parameters<typeof Lab.withAlice>[0] = {},
): Promise<{ lab: Lab; alice: Ue }> {
  const { lab, alice } = await Lab.withAlice(options);
  on(lab, name, request);
  lab.forget();
  return { lab, alice };
}

/** Asked by the S-CSCF, as the operator sees it at its end: after N, or when the life of a challenge is over. */
function asked(lab: Lab): string | null {
  lab.askByScscf("alice");
  lab.pass(N);
  if (lab.reauthentications[0]?.progress === "challenged") lab.pass(AWAIT);
  return lab.reauthentications[0]?.end ?? null;
}

const isRequest = (message: SipMessage): message is SipRequest => message.kind === "request";

function notifies(lab: Lab): readonly SipRequest[] {
  return lab.passed("NOTIFY", "P-CSCF", "UE").filter(isRequest);
}

function documents(lab: Lab): readonly Reginfo[] {
  return notifies(lab).map(({ body }) => {
    const read = parseReginfo(body, 16);
    if ("problem" in read) throw new Error(read.problem);
    return read.reginfo;
  });
}

function versions(lab: Lab): readonly number[] {
  return documents(lab).map(({ version }) => version);
}

const ALL_THERE = { atScscf: 1, subscribed: 1, atPcscf: 1 };

describe("reginfo documents", () => {
  test("reginfo-version-gap: processed, and followed by a SUBSCRIBE for the whole state", async () => {
    const { lab } = await withFault("reginfo-version-gap", { parameters: { by: 3 } });
    expect(asked(lab)).toBe("reauthenticated");
    expect(versions(lab)[0]).toBe(4); // 0 came with the registration
    expect(lab.passed("SUBSCRIBE", "UE", "P-CSCF").length).toBeGreaterThan(0);
    expect(lab.ofAlice).toEqual(ALL_THERE);
  });

  test("reginfo-version-gap, off again: versions go on rising from where they are", async () => {
    const { lab } = await withFault("reginfo-version-gap", { times: 1, parameters: { by: 100 } });
    expect(asked(lab)).toBe("reauthenticated");
    lab.pass(60);
    expect(asked(lab)).toBe("reauthenticated");
    const all = versions(lab);
    expect(all[0]).toBe(101);
    expect(all.length).toBeGreaterThan(3);
    for (const [at, version] of all.entries()) expect(version).toBe(101 + at);
  });

  test("reginfo-same-version: discarded, though answered 200: ignored", async () => {
    const { lab } = await withFault("reginfo-same-version", { times: 1 });
    expect(asked(lab)).toBe("ignored");
    expect(versions(lab)[0]).toBe(0);
    expect(lab.passed("REGISTER", "UE", "P-CSCF")).toEqual([]);
  });

  test("reginfo-same-version, for as long as it is on: none of them counts", async () => {
    const { lab } = await withFault("reginfo-same-version");
    expect(asked(lab)).toBe("ignored");
    expect(new Set(versions(lab))).toEqual(new Set([0]));
  });

  test("reginfo-unknown-namespace: ignored, and the rest obeyed", async () => {
    const { lab } = await withFault("reginfo-unknown-namespace");
    expect(asked(lab)).toBe("reauthenticated");
    const [first] = notifies(lab);
    expect(first?.body.toString()).toMatch(/<odd:contact [^>]*>\?<\/odd:contact><\/contact>/);
    expect(lab.ofAlice).toEqual(ALL_THERE);
  });

  test("trigger-other-contact: not the UE's business: ignored", async () => {
    const { lab, alice } = await withFault("trigger-other-contact");
    lab.askByScscf("alice");
    lab.pass(10);
    expect(documents(lab)[0]?.registrations[0]?.contacts[0]).toMatchObject({
      event: "shortened",
      uri: "sip:somebody-else@192.0.2.99:5060",
    });
    expect(alice.state).toBe("registered");
    lab.pass(N);
    expect(lab.onlyEnd).toBe("ignored");
  });

  test("trigger-without-callid: RFC 3680 §5.3 has them optional: obeyed, once", async () => {
    const { lab } = await withFault("trigger-without-callid");
    expect(asked(lab)).toBe("reauthenticated");
    expect(notifies(lab)[0]?.body.toString()).not.toMatch(/callid|cseq/);
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
    expect(asked(lab)).toBe("reauthenticated");
  });

  test("active-for-terminated, registration: the UE goes by the contact's own state", async () => {
    const { lab, alice } = await withFault("active-for-terminated");
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(1);
    expect(documents(lab)[0]?.registrations[0]).toMatchObject({
      state: "active",
      contacts: [{ state: "terminated", event: "rejected" }],
    });
    expect(alice.state).toBe("deregistered");
  });

  test("active-for-terminated, subscription-state: the UE goes by the document; the re-authentication is withdrawn", async () => {
    const { lab, alice } = await withFault("active-for-terminated", {
      parameters: { where: "subscription-state" },
    });
    lab.askByScscf("alice");
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(1);
    expect(notifies(lab).at(-1)?.text("Subscription-State")).toMatch(/^active/);
    expect(alice.state).toBe("deregistered");
    expect(lab.onlyEnd).toBe("withdrawn");
  });
});

describe("NOTIFYs", () => {
  test("notify-twice: the second is out of order in the dialog, 500, and obeyed by nobody", async () => {
    const { lab } = await withFault("notify-twice");
    expect(asked(lab)).toBe("reauthenticated");
    const asking = notifies(lab).filter(({ body }) => body.includes('event="shortened"'));
    expect(asking).toHaveLength(2);
    expect(new Set(asking.map(({ cseq }) => cseq.number)).size).toBe(1);
    expect(new Set(asking.map((notify) => notify.get(Via)?.branch)).size).toBe(2);
    expect(lab.passed("500 NOTIFY", "UE", "P-CSCF").length).toBeGreaterThan(0);
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
    expect(lab.ofAlice).toEqual(ALL_THERE);
  });

  test("notify-wrong-from-to: the dialog is told by its tags: obeyed", async () => {
    const { lab } = await withFault("notify-wrong-from-to");
    expect(asked(lab)).toBe("reauthenticated");
    const [first] = notifies(lab);
    expect(first?.from.uriText).not.toBe("sip:alice@ims.example");
    expect(first?.from.params.get("tag")).toBeDefined();
    expect(lab.ofAlice).toEqual(ALL_THERE);
  });
});

describe("challenges", () => {
  test.each([1, 2])(
    "bad-autn, %i times: rejected each time, then a good one answered: reauthenticated",
    async (times) => {
      const { lab, alice } = await withFault("bad-autn", { times });
      const { callId } = lab.atScscf("alice")[0] ?? {};
      expect(asked(lab)).toBe("reauthenticated");
      expect(lab.passed("401 REGISTER", "P-CSCF", "UE")).toHaveLength(times + 1);
      // One attempt, not a registration anew.
      expect(alice.view.registration.callId).toBe(callId);
      expect(lab.passed("403 REGISTER")).toEqual([]);
    },
  );

  test("bad-autn, always: the UE answers two in a row and no more (TS 24.229 §5.1.1.5.1): unanswered", async () => {
    const { lab } = await withFault("bad-autn");
    expect(asked(lab)).toBe("unanswered");
    expect(lab.passed("REGISTER", "UE", "P-CSCF").filter(isRejection)).toHaveLength(2);
  });

  test("old-sqn, once: AUTS, and the next challenge answered: reauthenticated", async () => {
    const { lab } = await withFault("old-sqn", { times: 1 });
    expect(asked(lab)).toBe("reauthenticated");
    expect(lab.passed("REGISTER", "UE", "P-CSCF").filter(isResync)).toHaveLength(1);
  });

  test("old-sqn, always: AUTS does not help: refused", async () => {
    const { lab } = await withFault("old-sqn");
    expect(asked(lab)).toBe("refused");
  });

  test("auts-ignored: a network that has lost its numbers, and does not resynchronise, gets no device back", async () => {
    const { lab, alice } = await Lab.withAlice();
    for (let times = 0; times < 20; times++) {
      lab.askByScscf("alice");
      lab.pass(6);
    }
    await lab.restart("S-CSCF");
    on(lab, "auts-ignored");
    lab.forget();
    alice.register();
    lab.pass(5);
    const resyncs = lab.passed("REGISTER", "UE", "P-CSCF").filter(isResync);
    expect(resyncs.length).toBeGreaterThanOrEqual(2);
    expect(lab.atScscf("alice")).toEqual([]);
    lab.scscf.faults.switches.off("auts-ignored");
    alice.register();
    lab.pass(5);
    expect(lab.atScscf("alice")).toHaveLength(1);
    expect(asked(lab)).toBe("reauthenticated");
  });

  test("a user with a password has no AUTN to spoil", async () => {
    const lab = await Lab.start();
    expect(lab.scscf.faults.switches.on("bad-autn", { impu: "sip:bob@ims.example" })).toEqual({
      problem: "unsuitable",
      detail: "bad-autn: the user has a password, there is no AUTN to spoil",
    });
  });
});

function isRejection(message: SipMessage): boolean {
  const said = message.text("Authorization") ?? "";
  return said.includes('response=""') && !said.includes('nonce=""');
}

function isResync(message: SipMessage): boolean {
  return (message.text("Authorization") ?? "").includes("auts=");
}

describe("answers", () => {
  test("interval-too-brief: asks for Min-Expires, in the same procedure: reauthenticated", async () => {
    const { lab } = await withFault("interval-too-brief");
    expect(asked(lab)).toBe("reauthenticated");
    const registers = lab.passed("REGISTER", "UE", "P-CSCF");
    expect(lab.passed("423 REGISTER", "P-CSCF", "UE")[0]?.text("Min-Expires")).toBe("700000");
    expect(registers.map((register) => register.get(Expires))).toEqual([600_000, 700_000, 700_000]);
  });

  test("unavailable, once: comes back after Retry-After, within N: reauthenticated", async () => {
    const { lab } = await withFault("unavailable", {
      times: 1,
      parameters: { retryAfterSeconds: 20 },
    });
    lab.askByScscf("alice");
    lab.pass(19);
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(1);
    lab.pass(N - 19);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("unavailable, always: acknowledged, and no REGISTER that came through: ignored", async () => {
    const { lab } = await withFault("unavailable");
    expect(asked(lab)).toBe("ignored");
  });

  test("unavailable to SUBSCRIBE: registered, and subscribed when Retry-After is over", async () => {
    const lab = await Lab.start();
    on(lab, "unavailable", {
      times: 1,
      parameters: { method: "SUBSCRIBE", retryAfterSeconds: 15 },
    });
    const alice = await lab.ue("alice");
    alice.register();
    lab.pass(10);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 0, atPcscf: 1 });
    lab.askByScscf("alice");
    lab.pass(20);
    expect(lab.ofAlice).toEqual(ALL_THERE);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("no-service-route: the P-CSCF has none to put in, and its S-CSCF serves: reauthenticated", async () => {
    const lab = await Lab.start();
    on(lab, "no-service-route");
    const alice = await lab.ue("alice");
    alice.register();
    lab.pass(5);
    expect(alice.view.registration.serviceRoute).toEqual([]);
    expect(lab.ofAlice).toEqual(ALL_THERE);
    expect(asked(lab)).toBe("reauthenticated");
  });

  test("short-grant: the UE refreshes by what it was granted, not by what it asked for", async () => {
    const { lab, alice } = await withFault("short-grant", { parameters: { seconds: 40 } });
    expect(asked(lab)).toBe("reauthenticated");
    lab.forget();
    lab.pass(60);
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBeGreaterThanOrEqual(2);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual(ALL_THERE);
  });

  test("stale-contact: the UE finds its own; the P-CSCF keeps no second binding: reauthenticated", async () => {
    const { lab, alice } = await withFault("stale-contact");
    expect(asked(lab)).toBe("reauthenticated");
    const [accepted] = lab.passed("200 REGISTER", "P-CSCF", "UE");
    expect(accepted?.texts("Contact")).toHaveLength(2);
    expect(accepted?.texts("Contact")[1]).toMatch(/@192\.0\.2\.199:5060>;expires=3599$/);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual(ALL_THERE);
  });
});

describe("presets", () => {
  test.each([
    ["restored-hss", "refused"],
    ["unclean-registrar", "reauthenticated"],
    ["foreign-notifier", "reauthenticated"],
    ["shaky-failover", "reauthenticated"],
    ["bare-registrar", "reauthenticated"],
  ])("%s: %s", async (preset, end) => {
    const { lab } = await withFault(preset);
    expect(asked(lab)).toBe(end);
  });
});

describe("for whom", () => {
  test("for one user, by any of the identities: the others meet nothing of it", async () => {
    const { lab } = await withFault("interval-too-brief", { impu: "tel:+15550001" });
    const bob = await lab.ue("bob");
    bob.register();
    lab.pass(5);
    expect(bob.state).toBe("registered");
    expect(lab.passed("423 REGISTER")).toEqual([]);
    expect(asked(lab)).toBe("reauthenticated");
    expect(lab.passed("423 REGISTER").length).toBeGreaterThan(0);
  });

  test("faults are for devices: the P-CSCF's own subscription hears what is so", async () => {
    const { lab } = await withFault(
      "trigger-other-contact",
      {},
      { profile: "ts24229", scscf: { "reauthentication.deadlineSeconds": 60 } },
    );
    lab.askByScscf("alice");
    lab.pass(1);
    const toPcscf = lab
      .passed("NOTIFY", "S-CSCF", "P-CSCF")
      .filter(isRequest)
      .filter(({ uri }) => uri.startsWith("sip:10.1.0.1"));
    expect(toPcscf.length).toBeGreaterThan(0);
    for (const { body } of toPcscf) expect(body.toString()).not.toContain("somebody-else");
    expect(notifies(lab)[0]?.body.toString()).toContain("somebody-else");
  });

  test("from the settings, from the start", async () => {
    const lab = await Lab.start({ scscf: { faults: "interval-too-brief;times=1" } });
    const alice = await lab.ue("alice");
    alice.register();
    lab.pass(5);
    expect(lab.passed("423 REGISTER", "P-CSCF", "UE")).toHaveLength(1);
    expect(alice.state).toBe("registered");
    expect(lab.logs.scscf.named("fault.on")).toMatchObject([{ fault: "interval-too-brief" }]);
  });
});
