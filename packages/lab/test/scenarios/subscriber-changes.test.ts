// Subscribers changed while their devices are registered. TS 24.229 §5.4.1.5, §5.4.2.1.2, §5.4.1.2.
import { parseReginfo } from "@ims-lab/common/ims/reginfo";
import { beforeEach, describe, expect, test } from "vitest";
import { parseSubscribers } from "../../../scscf/src/subscribers/load.ts";
import type { Subscriber } from "../../../scscf/src/subscribers/subscriber.ts";
import { DOMAIN, impuOf, Lab } from "./lab.ts";
import { K } from "./nodes.ts";
import { ScriptedUe } from "./scripted-ue.ts";

/** As an entry of the subscribers file. */
function subscriber(user: string, impus: readonly string[], auth: string): Subscriber {
  const entry = `{ impi: ${user}@${DOMAIN}, impus: [${impus.join(", ")}], auth: ${auth} }`;
  const read = parseSubscribers(`subscribers: [${entry}]`);
  if (read.kind !== "loaded") throw new Error(read.problems.join("\n"));
  const [first] = read.directory.list(0, 1);
  if (first === undefined) throw new Error("nobody");
  return first;
}

const BOB = impuOf("bob");
const ROBERT = impuOf("robert");
const ROB = impuOf("rob");
const bobWith = (impus: readonly string[], password = "pw"): Subscriber =>
  subscriber("bob", impus, `{ scheme: digest, password: ${password} }`);
const OTHER_K = `{ scheme: aka, k: ${"1".repeat(32)}, opc: ${"2".repeat(32)} }`;

let lab: Lab;
let bob: ScriptedUe;

/** Rows of every NOTIFY to bob's device since it was asked last: `user contact-event` of each. */
function told(): readonly (readonly string[])[] {
  return bob.news().map(({ notify }) => {
    const read = parseReginfo(notify.body, 16);
    if ("problem" in read) throw new Error(read.problem);
    const { registrations } = read.reginfo;
    return registrations.map(({ aor, state, contacts }) => {
      const name = aor.replace(/^sip:|@.*$/g, "");
      return `${name} ${state}: ${contacts.map((row) => `${row.state} ${row.event}`).join()}`;
    });
  });
}

describe.each(["seed", "ts24229"] as const)("profile %s", (profile) => {
  const event = profile === "seed" ? "network-initiated-reregistration" : "reg";

  describe("of bob, who has registered and subscribed", () => {
    beforeEach(async () => {
      lab = await Lab.start({ profile });
      bob = await ScriptedUe.subscribed(lab, "bob", { event });
      lab.forget();
    });

    test("removed: his device is told rejected, for all his identities; both nodes have him no more", async () => {
      const { provisioning } = lab.scscf;
      expect(await provisioning.remove(bob.impi)).toEqual([bob.contactUri]);
      expect(lab.atScscf("bob")).toEqual([]);
      lab.pass(1);
      const [last, ...others] = bob.news();
      expect(others).toEqual([]);
      expect(last).toMatchObject({ state: "terminated rejected", registration: "terminated" });
      const read = parseReginfo(last?.notify.body ?? Buffer.alloc(0), 16);
      const aors = "problem" in read ? [] : read.reginfo.registrations.map(({ aor }) => aor);
      expect(aors).toEqual([BOB, ROBERT]);
      expect(lab.atPcscf("bob")).toEqual([]);
      expect(bob.message()).toBe(403);
      expect(bob.register().status).toBe(403);
      expect(lab.logs.scscf.named("registration.removed")).toMatchObject([{ cause: "rejected" }]);
      expect(await provisioning.remove(bob.impi)).toBeUndefined();
    });

    test("removed and added again: he registers with the new password, and with it alone", async () => {
      const { provisioning } = lab.scscf;
      await provisioning.remove(bob.impi);
      await provisioning.put(bobWith([BOB], "other"));
      lab.pass(1);
      expect(bob.register().status).toBe(403);
      await provisioning.put(bobWith([BOB]));
      expect(bob.register().status).toBe(200);
      expect(lab.scscf.setOf(ROBERT)).toBeUndefined();
    });

    test("another password: he stays, his nonces end, and his next challenge wants it", async () => {
      await lab.scscf.provisioning.put(bobWith([BOB, ROBERT], "other"));
      lab.pass(1);
      expect(told()).toEqual([]);
      expect(lab.atScscf("bob")).toHaveLength(1);
      expect(bob.ask().status).toBe(200); // a refresh over the association that he has proven
      const contact = "<sip:new@192.0.2.9>";
      const first = bob.ask({ contact, authorization: bob.preemptive() });
      expect(first.status).toBe(401);
      expect(bob.ask({ contact, authorization: bob.answerTo(first) }).status).toBe(403);
      const second = bob.ask({ contact });
      const password = Buffer.from("other");
      const right = bob.answerTo(second, { scheme: "digest", impi: bob.impi, password });
      expect(bob.ask({ contact, authorization: right }).status).toBe(200);
    });

    test("a challenge that is out when the password changes: its answer is no failure, but challenged anew", async () => {
      const contact = "<sip:new@192.0.2.9>";
      const first = bob.ask({ contact });
      expect(first.status).toBe(401);
      await lab.scscf.provisioning.put(bobWith([BOB, ROBERT], "other"));
      const second = bob.ask({ contact, authorization: bob.answerTo(first) });
      expect(second.status).toBe(401);
      expect(lab.logs.scscf.named("authentication.challenged-again")).toMatchObject([
        { why: "the credentials were changed since this challenge" },
      ]);
      expect(bob.ask({ contact, authorization: bob.answerTo(second) }).status).toBe(403);
    });

    test("another identity beside his: who watches hears of it at once, with the whole state", async () => {
      await lab.scscf.provisioning.put(bobWith([BOB, ROBERT, ROB]));
      lab.pass(1);
      expect(told()).toEqual([
        [
          "bob active: active registered",
          "robert active: active created",
          "rob active: active created",
        ],
      ]);
      const called = lab.exchange(bob.peer, bob.request("MESSAGE", ROB));
      expect(called.status).toBe(200);
    });

    test("one identity less: terminated rejected once, and gone afterwards", async () => {
      await lab.scscf.provisioning.put(bobWith([BOB]));
      lab.pass(1);
      expect(told()).toEqual([
        ["bob active: active registered", "robert terminated: terminated rejected"],
      ]);
      expect(lab.atScscf("bob")).toHaveLength(1);
      expect(lab.atPcscf("bob")).toHaveLength(1);
      expect(lab.exchange(bob.peer, bob.request("MESSAGE", ROBERT)).status).toBe(404);
      expect(bob.message()).toBe(200);
      bob.subscribe(event);
      lab.pass(1);
      expect(told()).toEqual([["bob active: active registered"]]);
    });

    test("an identity that is barred now: not shown, neither calls nor is called", async () => {
      await lab.scscf.provisioning.put(bobWith([BOB, `{ uri: "${ROBERT}", barred: true }`]));
      lab.pass(1);
      expect(told()).toEqual([
        ["bob active: active registered", "robert terminated: terminated rejected"],
      ]);
      expect(lab.exchange(bob.peer, bob.request("MESSAGE", ROBERT)).status).toBe(404);
    });

    test("the identity that he has registered is his no more: that registration ends", async () => {
      await lab.scscf.provisioning.put(bobWith([ROBERT]));
      lab.pass(1);
      expect(told()).toEqual([
        ["bob terminated: terminated rejected", "robert terminated: terminated rejected"],
      ]);
      expect(lab.atScscf("robert")).toEqual([]);
      expect(lab.atPcscf("bob")).toEqual([]);
      expect(bob.register().status).toBe(403);
    });

    test("another default identity: the registration stays, and is found by either", async () => {
      await lab.scscf.provisioning.put(bobWith([ROBERT, BOB]));
      lab.pass(1);
      expect(lab.atScscf("robert")).toHaveLength(1);
      expect(lab.scscf.setOf(BOB)?.impus.map(({ uri }) => uri)).toEqual([ROBERT, BOB]);
      expect(bob.register().status).toBe(200);
      expect(lab.atScscf("bob")).toHaveLength(1);
    });

    test("somebody else gets his identity, too: his registration is untouched", async () => {
      const eve = subscriber("eve", [BOB], "{ scheme: digest, password: pw }");
      await lab.scscf.provisioning.put(eve);
      lab.pass(1);
      expect(told()).toEqual([]);
      expect(lab.scscf.setsOf(BOB).map(({ name }) => name)).toEqual([bob.impi, eve.impi]);
      expect(bob.register().status).toBe(200);
      await lab.scscf.provisioning.remove(eve.impi);
      expect(lab.atScscf("bob")).toHaveLength(1);
    });

    test("a re-authentication that runs ends withdrawn when he is removed", async () => {
      lab.askByScscf("bob");
      lab.pass(0.1);
      await lab.scscf.provisioning.remove(bob.impi);
      expect(lab.onlyEnd).toBe("withdrawn");
    });

    test("the same once more changes nothing and tells nobody", async () => {
      expect(await lab.scscf.provisioning.put(bobWith([BOB, ROBERT]))).toBe("unchanged");
      lab.pass(1);
      expect([told(), lab.logs.scscf.named("subscriber.changed")]).toEqual([[], []]);
    });
  });

  test("alice's K is another one: the lab's UE finds the next AUTN wrong", async () => {
    const { lab: whole, alice } = await Lab.withAlice({ profile });
    await whole.scscf.provisioning.put(
      subscriber("alice", [impuOf("alice"), '"tel:+15550001"'], OTHER_K),
    );
    whole.pass(1);
    expect(alice.state).toBe("registered");
    whole.askByScscf("alice");
    whole.pass(1000);
    expect(whole.onlyEnd).toBe("refused");
    expect(whole.logs.scscf.named("authentication.failed").length).toBeGreaterThan(0);
    const right = `{ scheme: aka, k: ${K}, opc: cd63cb71954a9f4e48a5994e37a02baf }`;
    await whole.scscf.provisioning.put(
      subscriber("alice", [impuOf("alice"), '"tel:+15550001"'], right),
    );
    alice.register();
    whole.pass(5);
    expect(whole.atScscf("alice")).toHaveLength(1);
  });

  test("removed with two devices: each is told of its own end", async () => {
    lab = await Lab.start({ profile });
    const devices = [
      await ScriptedUe.subscribed(lab, "carol", { event }),
      await ScriptedUe.subscribed(lab, "carol", { event }),
    ];
    await lab.scscf.provisioning.remove(`carol@${DOMAIN}`);
    lab.pass(1);
    for (const device of devices)
      expect(device.news().at(-1)).toMatchObject({
        state: "terminated rejected",
        event: "rejected",
      });
    expect(lab.atPcscf("carol")).toEqual([]);
  });
});
