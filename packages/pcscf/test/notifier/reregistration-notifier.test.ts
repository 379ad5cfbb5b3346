// The S-CSCF's subscription here and Figure 5. seed/S3z010092
import { parseReginfo, type ReginfoContact } from "@ims-lab/common/ims/reginfo";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, ALICE, CORE, credentials, Lab, type Peer, SCSCF, UE, uriOf } from "../lab.ts";

const PACKAGE = "network-initiated-reregistration";

interface Registered {
  readonly lab: Lab;
  readonly ue: Peer;
  readonly scscf: Peer;
  readonly path: string;
}

async function registered(...argv: string[]): Promise<Registered> {
  const lab = await Lab.start(...argv);
  const ue = await lab.peer(UE);
  const scscf = await lab.peer(SCSCF);
  const path = lab.registered(ue, scscf);
  return { lab, ue, scscf, path };
}

type Extra = readonly (readonly [string, string])[];

function subscribe({ lab, scscf, path }: Registered, extra: Extra = []): SipRequest {
  const given = new Set(extra.map(([name]) => name));
  const usual: Extra = [
    ["From", "<sip:10.1.0.2:6060>;tag=s"],
    ["To", `<${ALICE}>`],
    ["Call-ID", "fig4"],
    ["Contact", "<sip:10.1.0.2:6060>"],
    ["P-Asserted-Identity", "<sip:10.1.0.2:6060>"],
    ["Event", PACKAGE],
    ["Expires", "660"],
    ["Accept", "application/reginfo+xml"],
  ];
  const headers = [...usual.filter(([name]) => !given.has(name)), ...extra];
  return lab.request(scscf, "SUBSCRIBE", uriOf(path), headers);
}

/** Figure 4 whole: SUBSCRIBE, 200, NOTIFY, 200. Gives the 200's To and Expires. */
function subscribed(on: Registered, extra: Extra = []): { to: string; expires: string } {
  on.scscf.send(subscribe(on, extra), CORE);
  on.lab.run();
  const granted = on.scscf.takeResponse(200);
  acknowledged(on);
  return { to: granted.text("To") ?? "", expires: granted.text("Expires") ?? "" };
}

function acknowledged({ lab, scscf }: Registered): SipRequest {
  const notify = scscf.takeRequest("NOTIFY");
  scscf.reply(newResponse(notify, 200));
  lab.run();
  return notify;
}

/** The UE re-registers and is challenged; gives the REGISTER with its answer, as the S-CSCF gets it. */
function answered(on: Registered): SipRequest {
  on.ue.send(on.lab.register(on.ue, [["CSeq", "3 REGISTER"]]), ACCESS);
  on.lab.run();
  const challenged = on.scscf.takeRequest("REGISTER");
  const value = 'Digest realm="r",nonce="n2"';
  on.scscf.reply(newResponse(challenged, 401, { headers: [["WWW-Authenticate", value]] }));
  on.lab.run();
  on.ue.takeResponse(401);
  const answer: Extra = [
    ["CSeq", "4 REGISTER"],
    ["Authorization", credentials("n2", "r")],
  ];
  on.ue.send(on.lab.register(on.ue, answer), ACCESS);
  on.lab.run();
  return on.scscf.takeRequest("REGISTER");
}

function contactOf(notify: SipRequest): ReginfoContact | undefined {
  const read = parseReginfo(notify.body, 16);
  if ("problem" in read) throw new Error(read.problem);
  return read.reginfo.registrations[0]?.contacts[0];
}

describe("Figure 4", () => {
  test("mapped by the Path token; the first NOTIFY asks nothing", async () => {
    const on = await registered();
    on.scscf.send(subscribe(on), CORE);
    on.lab.run();
    const granted = on.scscf.takeResponse(200);
    expect(granted.text("Expires")).toBe("660");
    expect(granted.text("Contact")).toBe(on.path);
    const notify = acknowledged(on);
    expect(notify.text("Subscription-State")).toBe("active;expires=660");
    expect(notify.text("Event")).toBe(PACKAGE);
    const contact = contactOf(notify);
    expect(contact).toMatchObject({
      state: "active",
      event: "registered",
      callId: "reg-1",
      cseq: 2,
    });
    expect(on.lab.pcscf.notifier.size).toBe(1);
  });

  test("profile seed raises a short Expires to the registration's, never 0", async () => {
    const on = await registered();
    expect(Number(subscribed(on, [["Expires", "10"]]).expires)).toBe(600);
  });

  test("profile ts24229 only lowers", async () => {
    const on = await registered("--profile=ts24229", "--subscribeReg=false");
    expect(subscribed(on, [["Expires", "10"]]).expires).toBe("10");
  });

  test("2^32-1 s is granted", async () => {
    const on = await registered();
    expect(subscribed(on, [["Expires", "4294967295"]]).expires).toBe("4294967295");
  });

  test.each([
    ["an unknown token", [["To", `<${ALICE}>`]], "sip:nobody@10.1.0.1:4060;lr", 404],
    ["another user in To", [["To", "<sip:bob@ims.example>"]], undefined, 404],
    ["another package", [["Event", "reg"]], undefined, 489],
  ] as const)("%s is refused", async (_name, extra, uri, status) => {
    const on = await registered();
    const request = subscribe(on, extra);
    if (uri !== undefined) request.setUri(uri);
    on.scscf.send(request, CORE);
    on.lab.run();
    on.scscf.takeResponse(status);
    expect(on.lab.pcscf.notifier.size).toBe(0);
    expect(on.lab.pcscf.table.size).toBe(1);
  });

  test("from nobody but a trusted peer: 403, and Expires 0 ends nothing", async () => {
    const on = await registered();
    const stranger = await on.lab.peer({ host: "10.1.0.9", port: 6060 });
    stranger.send(subscribe(on, [["Expires", "0"]]).set("Via", on.lab.via(stranger.at)), CORE);
    on.lab.run();
    stranger.takeResponse(403);
    expect(on.lab.pcscf.table.size).toBe(1);
  });

  test.each(["a stranger", "a registered user"])(
    "%s cannot end a binding from the access side, not by way of the S-CSCF either",
    async (who) => {
      const on = await registered();
      const other = await on.lab.peer({ host: "192.0.2.2", port: 5060 });
      if (who === "a registered user") on.lab.registered(other, on.scscf, [["Call-ID", "own"]]);
      const before = on.lab.pcscf.table.size;
      const request = subscribe(on, [["Expires", "0"]]).set("From", `<${ALICE}>;tag=x`);
      other.send(request.set("Via", on.lab.via(other.at)), ACCESS);
      on.lab.run();
      other.takeResponse(404);
      expect(on.scscf.inbox).toEqual([]);
      expect(on.lab.pcscf.table.size).toBe(before);
    },
  );
});

describe("binding gone", () => {
  function expectGone({ lab, ue, path }: Registered): void {
    expect(lab.pcscf.table.size).toBe(0);
    ue.send(lab.request(ue, "MESSAGE", ALICE, [["Call-ID", "new"]]), ACCESS);
    lab.run();
    ue.takeResponse(403);
    const token = /sip:([^@]*)@/.exec(path)?.[1] ?? "";
    expect(lab.pcscf.table.find(token)).toBeDefined();
    lab.run(32_000);
    expect(lab.pcscf.table.find(token)).toBeUndefined();
  }

  test("the un-SUBSCRIBE says so", async () => {
    const on = await registered();
    const { to } = subscribed(on);
    on.scscf.send(
      subscribe(on, [
        ["To", to],
        ["Expires", "0"],
        ["CSeq", "2 SUBSCRIBE"],
      ]),
      CORE,
    );
    on.lab.run();
    on.scscf.takeResponse(200);
    expect(acknowledged(on).text("Subscription-State")).toContain("terminated");
    expectGone(on);
  });

  test("the last NOTIFY about a binding that has gone: terminated, expires 0", async () => {
    const on = await registered();
    subscribed(on);
    const leaving: Extra = [
      ["CSeq", "9 REGISTER"],
      ["Expires", "0"],
    ];
    on.ue.send(on.lab.register(on.ue, leaving), ACCESS);
    on.lab.run();
    on.scscf.reply(on.lab.accepted(on.scscf.takeRequest("REGISTER"), 0));
    on.lab.run(32_100);
    const notify = acknowledged(on);
    expect(notify.text("Subscription-State")).toContain("terminated");
    expect(contactOf(notify)).toMatchObject({ state: "terminated", expires: 0 });
  });

  test("an initial SUBSCRIBE with Expires 0 says so too", async () => {
    const on = await registered();
    on.scscf.send(subscribe(on, [["Expires", "0"]]), CORE);
    on.lab.run();
    expect(on.scscf.takeResponse(200).text("Expires")).toBe("0");
    acknowledged(on);
    expectGone(on);
  });

  test("an un-SUBSCRIBE of an earlier life leaves the new registration alone", async () => {
    const on = await registered();
    const { to } = subscribed(on);
    on.ue.send(
      on.lab.register(on.ue, [
        ["CSeq", "3 REGISTER"],
        ["Expires", "0"],
      ]),
      ACCESS,
    );
    on.lab.run();
    on.scscf.reply(on.lab.accepted(on.scscf.takeRequest("REGISTER"), 0));
    on.lab.run();
    on.ue.takeResponse(200);
    on.lab.registered(on.ue, on.scscf, [["Call-ID", "reg-2"]]);
    on.scscf.send(
      subscribe(on, [
        ["To", to],
        ["Expires", "0"],
        ["CSeq", "2 SUBSCRIBE"],
      ]),
      CORE,
    );
    on.lab.run();
    expect(on.lab.pcscf.table.size).toBe(1);
  });

  test("an un-SUBSCRIBE that the UE's new registration has overtaken leaves that alone", async () => {
    const on = await registered();
    const { to } = subscribed(on);
    on.ue.send(on.lab.register(on.ue, [["Call-ID", "reg-2"]]), ACCESS);
    on.lab.run();
    const register = on.scscf.takeRequest("REGISTER");
    const next = "<sip:orig-2@10.1.0.2:6060;lr>"; // unique per binding of our S-CSCF
    on.scscf.reply(on.lab.accepted(register, 600).set("Service-Route", next));
    on.lab.run();
    const leave = subscribe(on, [
      ["To", to],
      ["Expires", "0"],
      ["CSeq", "2 SUBSCRIBE"],
    ]);
    on.scscf.send(leave, CORE);
    on.lab.run();
    expect(on.lab.pcscf.table.size).toBe(1);
  });

  test("a lapsed subscription never drops context", async () => {
    const on = await registered("--profile=ts24229", "--subscribeReg=false");
    subscribed(on, [["Expires", "10"]]);
    on.lab.run(11_000);
    expect(acknowledged(on).text("Subscription-State")).toContain("timeout");
    expect(on.lab.pcscf.notifier.size).toBe(0);
    expect(on.lab.pcscf.table.size).toBe(1);
  });
});

describe("Figure 5", () => {
  test("asks by `shortened`, and shows `refreshed` after the re-authentication", async () => {
    const on = await registered();
    subscribed(on);
    expect(on.lab.pcscf.notifier.ask(ALICE).kind).toBe("asked");
    on.lab.run();
    const asking = contactOf(acknowledged(on));
    expect(asking).toMatchObject({ state: "active", event: "shortened", expires: 60, cseq: 2 });

    on.scscf.reply(on.lab.accepted(answered(on)));
    on.lab.run();
    expect(contactOf(acknowledged(on))).toMatchObject({ event: "refreshed", cseq: 4 });
  });

  test("the S-CSCF's renewal right behind the 200 is not told to ask again", async () => {
    const on = await registered();
    const { to } = subscribed(on);
    on.lab.pcscf.notifier.ask(ALICE);
    on.lab.run();
    acknowledged(on);
    const register = answered(on);
    on.scscf.reply(on.lab.accepted(register));
    const renewal: Extra = [
      ["To", to],
      ["CSeq", "2 SUBSCRIBE"],
    ];
    on.scscf.send(subscribe(on, renewal), CORE);
    on.lab.run();
    on.scscf.takeResponse(200);
    expect(contactOf(acknowledged(on))).toMatchObject({ event: "refreshed", cseq: 4 });
  });

  test("an unchallenged refresh does not end the asking", async () => {
    const on = await registered();
    subscribed(on);
    on.lab.pcscf.notifier.ask(ALICE);
    on.lab.run();
    acknowledged(on);
    on.ue.send(on.lab.register(on.ue, [["CSeq", "3 REGISTER"]]), ACCESS);
    on.lab.run();
    on.scscf.reply(on.lab.accepted(on.scscf.takeRequest("REGISTER")));
    on.lab.run();
    expect(on.scscf.inbox).toEqual([]);
  });

  test("unknown users and an S-CSCF that never subscribed are told apart", async () => {
    const on = await registered();
    expect(on.lab.pcscf.notifier.ask("sip:nobody@ims.example").kind).toBe("not-registered");
    expect(on.lab.pcscf.notifier.ask(ALICE).kind).toBe("not-subscribed");
  });
});
