// A new P-CSCF over the store of the old one: flows, tokens, dialogs and askings go on; and a store that fails.
import { type AuthenticationPolicy, policyDocument } from "@ims-lab/common/ims/policy-document";
import { readPolicy } from "@ims-lab/common/ims/policy-reading";
import { parseReginfo, type Reginfo } from "@ims-lab/common/ims/reginfo";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { TextRows } from "@ims-lab/common/testing/text-rows";
import { describe, expect, test } from "vitest";
import { TABLES, type Tables } from "../src/rows.ts";
import { ACCESS, ALICE, CORE, credentials, Lab, type Peer, SCSCF, UE, uriOf } from "./lab.ts";

const PACKAGE = "network-initiated-reregistration";

interface Life {
  readonly lab: Lab;
  readonly ue: Peer;
  readonly scscf: Peer;
}

function newStore(): TextRows<Tables> {
  return new TextRows(TABLES);
}

function policyOf(rules: readonly object[]): AuthenticationPolicy {
  const read = readPolicy({ rules }, { node: "pcscf", freshMs: 0, pacePerSecond: 50 });
  if (read.kind === "refused") throw new Error(read.problems.join("; "));
  return read.policy;
}

async function peersOf(lab: Lab): Promise<Life> {
  return { lab, ue: await lab.peer(UE), scscf: await lab.peer(SCSCF) };
}

async function firstLife(store: TextRows<Tables>): Promise<Life & { readonly path: string }> {
  const life = await peersOf(await Lab.startWith(store));
  return { ...life, path: life.lab.registered(life.ue, life.scscf) };
}

function subscribe({ lab, scscf }: Life, path: string): void {
  const request = lab.request(scscf, "SUBSCRIBE", uriOf(path), [
    ["From", "<sip:10.1.0.2:6060>;tag=s"],
    ["Call-ID", "fig4"],
    ["Contact", "<sip:10.1.0.2:6060>"],
    ["P-Asserted-Identity", "<sip:10.1.0.2:6060>"],
    ["Event", PACKAGE],
    ["Expires", "660"],
    ["Accept", "application/reginfo+xml"],
  ]);
  scscf.send(request, CORE);
  lab.run();
  scscf.takeResponse(200);
}

function acknowledged({ lab, scscf }: Life): SipRequest {
  const notify = scscf.takeRequest("NOTIFY");
  scscf.reply(newResponse(notify, 200));
  lab.run();
  return notify;
}

function reginfoOf(notify: SipRequest): Reginfo {
  const read = parseReginfo(notify.body, 16);
  if ("problem" in read) throw new Error(read.problem);
  return read.reginfo;
}

function eventsOf(notify: SipRequest): readonly string[] {
  return reginfoOf(notify).registrations.flatMap(({ contacts }) =>
    contacts.map(({ event }) => event),
  );
}

describe("after the end of a P-CSCF", () => {
  test("its user goes on: what it sends, and what is sent to its Path", async () => {
    const store = newStore();
    const first = await firstLife(store);
    const { lab, ue, scscf } = await peersOf(await first.lab.restarted(1000, store.reopened()));
    expect(lab.log.named("store.loaded")).toMatchObject([{ bindings: 1, overdue: 0 }]);

    ue.send(lab.request(ue, "MESSAGE", "sip:bob@ims.example", []), ACCESS);
    lab.run();
    expect(scscf.takeRequest("MESSAGE").text("P-Asserted-Identity")).toBe(`<${ALICE}>`);

    const incoming = lab.request(scscf, "MESSAGE", "sip:alice@192.0.2.1:5060", [
      ["Route", first.path],
      ["Call-ID", "in-1"],
    ]);
    scscf.send(incoming, CORE);
    lab.run();
    expect(ue.takeRequest("MESSAGE").callId).toBe("in-1");
  });

  test("the next REGISTER of a device gets the same Path, and `ip-assoc-yes`", async () => {
    const store = newStore();
    const first = await firstLife(store);
    const { lab, ue, scscf } = await peersOf(await first.lab.restarted(1000, store.reopened()));
    ue.send(lab.register(ue, [["CSeq", "3 REGISTER"]]), ACCESS);
    lab.run();
    const refresh = scscf.takeRequest("REGISTER");
    expect(refresh.text("Path")).toBe(first.path);
    expect(refresh.text("Authorization")).toContain('integrity-protected="ip-assoc-yes"');
  });

  test("nothing reaches a device whose connection ended with it, until it registers anew", async () => {
    const store = newStore();
    const lab = await Lab.startWith(store);
    const ue = await lab.peer(UE, "tcp");
    const scscf = await lab.peer(SCSCF);
    ue.send(lab.register(ue, [["Authorization", credentials("n0", "r")]], "tcp"), ACCESS);
    lab.run();
    const register = scscf.takeRequest("REGISTER");
    scscf.reply(lab.accepted(register));
    lab.run();
    ue.takeResponse(200);

    const next = await peersOf(await lab.restarted(1000, store.reopened()));
    const [binding] = next.lab.pcscf.table.all();
    expect(binding).toMatchObject({ flowLost: true });
    const incoming = next.lab.request(next.scscf, "MESSAGE", "sip:alice@192.0.2.1:5060", [
      ["Route", register.text("Path") ?? ""],
    ]);
    next.scscf.send(incoming, CORE);
    next.lab.run();
    next.scscf.takeResponse(430);
  });

  test("a registration ends when it would have ended", async () => {
    const store = newStore();
    const first = await firstLife(store);
    const { lab } = await peersOf(await first.lab.restarted(500_000, store.reopened()));
    lab.run(90_000);
    expect(lab.pcscf.table.size).toBe(1);
    lab.run(11_000);
    expect(lab.pcscf.table.size).toBe(0);
  });

  test("the age of its authentication goes on", async () => {
    const store = newStore();
    const first = await firstLife(store);
    const rule = "--reauthentication.maxAgeSeconds=300";
    const { lab } = await peersOf(await first.lab.restarted(200_000, store.reopened(), rule));
    const asked = (): readonly unknown[] => lab.log.named("rule.cannot-ask");
    lab.run(95_000);
    expect(asked()).toEqual([]);
    lab.run(10_000);
    expect(asked()).toMatchObject([{ rule: "max-age" }]);
  });

  test("the policy that an operator put counts more than the settings, for who is bound already", async () => {
    const store = newStore();
    const first = await firstLife(store);
    const put = first.lab.clock.now();
    await first.lab.pcscf.policy.put(policyOf([{ maxAgeSeconds: 250 }]));
    const rule = "--reauthentication.maxAgeSeconds=100";
    const { lab } = await peersOf(await first.lab.restarted(200_000, store.reopened(), rule));
    expect(policyDocument(lab.pcscf.policy.current).rules).toEqual([{ maxAgeSeconds: 250 }]);
    expect(lab.pcscf.policy.changedAt).toBe(put);
    expect(lab.log.named("policy.restored")).toEqual([{ rules: "maxAgeSeconds" }]);
    lab.run(45_000);
    expect(lab.log.named("rule.cannot-ask")).toEqual([]);
    lab.run(10_000);
    expect(lab.log.named("rule.cannot-ask")).toMatchObject([{ rule: "maxAgeSeconds" }]);
  });

  test("a policy that cannot be read any more is named, and the settings' counts", async () => {
    const store = newStore();
    await firstLife(store);
    const document = { pacePerSecond: 50, rules: [{ onMethods: ["INVITE"] }] };
    const value = { document, changedAt: 1 } as const;
    store.commit([{ table: "policy", id: "in-force", value }], () => undefined);
    const lab = await Lab.startWith(store, "--reauthentication.maxAgeSeconds=300");
    expect(lab.log.named("policy.not-restored")).toMatchObject([
      { why: expect.stringContaining('rules[0]: the key "onMethods"') },
    ]);
    expect(lab.pcscf.policy.changedAt).toBeUndefined();
    expect(policyDocument(lab.pcscf.policy.current).rules).toContainEqual(
      expect.objectContaining({ maxAgeSeconds: 300 }),
    );
  });

  test("one that ran out meanwhile has `restart.graceSeconds`", async () => {
    const store = newStore();
    const first = await firstLife(store);
    const next = await first.lab.restarted(700_000, store.reopened(), "--restart.graceSeconds=20");
    next.run(19_000);
    expect(next.pcscf.table.size).toBe(1);
    next.run(1_100);
    expect(next.pcscf.table.size).toBe(0);
  });

  test("what had ended does not come back", async () => {
    const store = newStore();
    const { lab, ue, scscf } = await firstLife(store);
    ue.send(
      lab.register(ue, [
        ["CSeq", "3 REGISTER"],
        ["Expires", "0"],
      ]),
      ACCESS,
    );
    lab.run();
    scscf.reply(lab.accepted(scscf.takeRequest("REGISTER"), 0));
    lab.run();
    ue.takeResponse(200);
    const next = await lab.restarted(1000, store.reopened());
    expect(next.pcscf.table.size).toBe(0);
  });

  test("a subscription to what ended right before ends, too", async () => {
    const store = newStore();
    const first = await firstLife(store);
    subscribe(first, first.path);
    acknowledged(first);
    const [binding] = first.lab.pcscf.table.all();
    first.lab.pcscf.table.end(binding?.token ?? "", "core");
    first.lab.run();
    const next = await peersOf(await first.lab.restarted(1000, store.reopened()));
    next.lab.run();
    expect(acknowledged(next).text("Subscription-State")).toBe("terminated;reason=noresource");
    expect(next.lab.pcscf.notifier.size).toBe(0);
  });

  test("the S-CSCF's dialog goes on, and an asking that nobody answered is said again", async () => {
    const store = newStore();
    const first = await firstLife(store);
    subscribe(first, first.path);
    const initial = acknowledged(first);
    expect(first.lab.pcscf.notifier.ask(ALICE).kind).toBe("asked");
    first.lab.run();
    const lost = first.scscf.takeRequest("NOTIFY");
    expect(eventsOf(lost)).toContain("shortened");

    const next = await peersOf(await first.lab.restarted(1000, store.reopened()));
    next.lab.run();
    const again = acknowledged(next);
    expect(again.callId).toBe(initial.callId);
    expect(again.cseq.number).toBe(lost.cseq.number + 1);
    expect(reginfoOf(again).version).toBe(reginfoOf(lost).version + 1);
    expect(eventsOf(again)).toEqual(eventsOf(lost));
    next.lab.run(40_000);
    expect(next.scscf.inbox).toEqual([]);
  });

  test("one of profile ts24229 watches its users' registrations again", async () => {
    const store = newStore();
    const { lab } = await firstLife(store);
    const next = await peersOf(await lab.restarted(1000, store.reopened(), "--subscribeReg=true"));
    next.lab.run(4900);
    expect(next.scscf.inbox).toEqual([]);
    next.lab.run(200);
    const watching = next.scscf.takeRequest("SUBSCRIBE");
    expect([watching.text("Event"), watching.uri]).toEqual(["reg", ALICE]);
  });
});

/** Commits wait until `catchUp`. */
class SlowRows extends TextRows<Tables> {
  readonly #waiting: (() => void)[] = [];

  override commit(...commit: Parameters<TextRows<Tables>["commit"]>): void {
    this.#waiting.push(() => super.commit(...commit));
  }

  catchUp(): void {
    for (const commit of this.#waiting.splice(0)) commit();
  }
}

test("what comes for a device while its 200 waits for the commit leaves behind that 200", async () => {
  const store = new SlowRows(TABLES);
  const lab = await Lab.startWith(store);
  store.catchUp();
  const { ue, scscf } = await peersOf(lab);
  ue.send(lab.register(ue, [["Authorization", credentials("n0", "r")]]), ACCESS);
  lab.run();
  const register = scscf.takeRequest("REGISTER");
  scscf.reply(lab.accepted(register));
  lab.run();
  const notify = lab.request(scscf, "NOTIFY", "sip:alice@192.0.2.1:5060", [
    ["Route", register.text("Path") ?? ""],
    ["Call-ID", "sub-1"],
  ]);
  scscf.send(notify, CORE);
  lab.run();
  expect(ue.inbox).toEqual([]);
  const call = [
    ["Route", register.text("Path") ?? ""],
    ["Call-ID", "call-2"],
  ] as const;
  scscf.send(lab.request(scscf, "INVITE", "sip:alice@192.0.2.1:5060", call), CORE);
  lab.run();
  expect(ue.takeRequest("INVITE").callId).toBe("call-2"); // its CANCEL has to find it
  store.catchUp();
  lab.run();
  ue.takeResponse(200);
  expect(ue.takeRequest("NOTIFY").callId).toBe("sub-1");
});

describe("a store that fails", () => {
  test("the device's 200 is a 500, and the next REGISTER heals it", async () => {
    const store = newStore();
    const lab = await Lab.startWith(store);
    const { ue, scscf } = await peersOf(lab);
    const answer = (cseq: number, status: number): void => {
      const given = [
        ["CSeq", `${cseq} REGISTER`],
        ["Authorization", credentials("n0", "r")],
      ] as const;
      ue.send(lab.register(ue, given), ACCESS);
      lab.run();
      scscf.reply(lab.accepted(scscf.takeRequest("REGISTER")));
      lab.run();
      expect(ue.takeResponse(status).get).toBeDefined();
    };
    store.isFailing = true;
    answer(1, 500);
    lab.run(3000);
    store.isFailing = false;
    lab.run(1000);
    expect(lab.log.named("store.failed")).toHaveLength(1);
    expect(lab.log.named("store.resumed")).toHaveLength(1);
    expect((await store.load()).bindings.size).toBe(1);
    answer(2, 200);
  });

  test("a policy that cannot be kept is not in force", async () => {
    const store = newStore();
    const { lab } = await firstLife(store);
    const before = lab.pcscf.policy.current;
    store.isFailing = true;
    const put = lab.pcscf.policy.put(policyOf([{ maxAgeSeconds: 250 }]));
    await expect(put).rejects.toThrow("the store is made to fail");
    expect([lab.pcscf.policy.changedAt, lab.pcscf.policy.current]).toEqual([undefined, before]);
    expect(lab.log.named("policy.changed")).toEqual([]);
  });

  test("a SUBSCRIBE gets 500 and is none", async () => {
    const store = newStore();
    const { lab, scscf, path } = await firstLife(store);
    store.isFailing = true;
    const request = lab.request(scscf, "SUBSCRIBE", uriOf(path), [
      ["From", "<sip:10.1.0.2:6060>;tag=s"],
      ["Call-ID", "fig4"],
      ["Contact", "<sip:10.1.0.2:6060>"],
      ["P-Asserted-Identity", "<sip:10.1.0.2:6060>"],
      ["Event", PACKAGE],
      ["Expires", "660"],
    ]);
    scscf.send(request, CORE);
    lab.run();
    scscf.takeResponse(500);
    expect(lab.pcscf.notifier.size).toBe(0);
    lab.run(2000);
    expect(scscf.inbox).toEqual([]);
  });

  test("RFC 3261 §12.2.1.1: a NOTIFY leaves when its number is durable", async () => {
    const store = newStore();
    const life = await firstLife(store);
    const { lab, scscf } = life;
    subscribe(life, life.path);
    acknowledged(life);
    store.isFailing = true;
    lab.pcscf.notifier.ask(ALICE);
    lab.run(5000);
    expect(scscf.inbox).toEqual([]);
    store.isFailing = false;
    lab.run(1100);
    const notify = acknowledged(life);
    expect(eventsOf(notify)).toContain("shortened");
    const [row] = (await store.load()).subscriptions.values();
    expect(row?.dialog.localCseq).toBeGreaterThanOrEqual(notify.cseq.number);
  });
});
