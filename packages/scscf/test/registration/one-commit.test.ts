// One commit for what belongs together: binding, subscription, running re-authentication, SQN mark.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { seqOf } from "@ims-lab/common/ims/sqn";
import { WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import type { Change } from "../../src/rows.ts";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { Device, Lab, type Peer, reginfoOf } from "../lab.ts";

let store: TryingStore;
let lab: Lab;
let pcscf: Peer;
let bob: Device;

beforeEach(async () => {
  store = tryingStore();
  ({ lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false"));
  bob = new Device(lab, pcscf, "bob");
});

/** The commits that `act` asks for, each as what it says of its rows. */
function commitsOf(act: () => void): string[][] {
  const before = store.asked.length;
  act();
  return store.asked.slice(before).map((changes) => changes.map(saidOf));
}

function saidOf(change: Change): string {
  if (change.table === "bindings") {
    const { value } = change;
    const progress = value?.reauthentication?.progress;
    const duty = value === undefined ? "gone" : value.duty.state;
    return `binding ${duty}${progress === undefined ? "" : `, ${progress}`}`;
  }
  if (change.table === "subscriptions") {
    const { value } = change;
    return value === undefined
      ? "subscription gone"
      : `subscription ${value.state.name}, next NOTIFY ${value.version}`;
  }
  return `mark ${change.id}`;
}

function ask(): void {
  lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
}

describe("one commit", () => {
  test("a registration", () => {
    expect(commitsOf(() => bob.register())).toEqual([["binding owed"]]);
  });

  test("a SUBSCRIBE, and the duty that it fulfils", () => {
    bob.register();
    const [first] = commitsOf(() => bob.subscribe(OWN_PACKAGE, 3600));
    expect(first).toEqual(["binding fulfilled", "subscription active, next NOTIFY 1"]);
  });

  test("an unsubscription, and the duty that begins again", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const [dialog] = pcscf.take("NOTIFY");
    const [first] = commitsOf(() =>
      bob.subscribe(OWN_PACKAGE, 0, [
        ["To", dialog?.text("From") ?? ""],
        ["CSeq", "2 SUBSCRIBE"],
      ]),
    );
    expect(first).toEqual(["binding owed", "subscription ending, next NOTIFY 2"]);
  });

  test("a trigger, and the NOTIFY that carries it: not saved once more before it leaves", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run();
    pcscf.take("NOTIFY");
    const commits = commitsOf(() => {
      ask();
      expect(pcscf.take("NOTIFY")).toEqual([]); // it is on its way
    });
    expect(commits).toEqual([
      ["binding fulfilled, requested", "subscription active, next NOTIFY 2"],
      ["binding fulfilled, notified"],
    ]);
    lab.run();
    const [trigger] = pcscf.take("NOTIFY");
    expect(reginfoOf(trigger).version).toBe(1);
    expect(trigger?.cseq.number).toBe(2);
  });

  test("a trigger that waits behind a NOTIFY under way is durable as waiting", () => {
    bob.register();
    pcscf.answers = ({ method }) => (method === "NOTIFY" ? undefined : 200);
    bob.subscribe(OWN_PACKAGE, 3600);
    const [first] = commitsOf(ask);
    expect(first).toEqual(["binding fulfilled, requested", "subscription active, next NOTIFY 1"]);
    const row = store.asked.at(-1)?.find(({ table }) => table === "subscriptions");
    expect(row?.value).toMatchObject({ state: { sent: true, due: "change" } });
  });

  test("a challenge of one who was asked to authenticate again", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    ask();
    lab.run();
    const challenge = (): unknown => bob.register({ silent: true, integrity: "ip-assoc-yes" });
    expect(commitsOf(challenge)).toEqual([["binding fulfilled, challenged"]]);
  });

  test("the answer to a trigger: what the device has heard, and that no NOTIFY is under way", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run();
    ask();
    expect(commitsOf(() => lab.run())).toEqual([
      ["binding fulfilled, acknowledged", "subscription active, next NOTIFY 2"],
    ]);
    const row = store.asked.at(-1)?.find(({ table }) => table === "subscriptions");
    expect(row?.value).toMatchObject({ state: { sent: false } });
  });

  test("a REGISTER that authenticates again, and the NOTIFY that says so: not saved once more before it leaves", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run(6000);
    ask();
    lab.run();
    pcscf.take("NOTIFY");
    const commits = commitsOf(() => {
      bob.register({ integrity: "ip-assoc-yes" });
      lab.run();
    });
    expect(commits).toEqual([
      ["binding fulfilled, challenged"],
      ["binding fulfilled", "subscription active, next NOTIFY 3"],
      ["subscription active, next NOTIFY 3"],
    ]);
    const [told] = pcscf.take("NOTIFY");
    expect(reginfoOf(told).version).toBe(2);
    expect(told?.cseq.number).toBe(3);
  });

  test("news that has to wait for its turn takes no number before that", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run(6000);
    const authenticate = (): void => {
      ask();
      lab.run();
      bob.register({ integrity: "ip-assoc-yes" });
      lab.run();
    };
    authenticate();
    pcscf.take("NOTIFY");
    const success = store.asked.length;
    authenticate();
    const rows = store.asked.slice(success).map((changes) => changes.map(saidOf));
    expect(rows).toContainEqual(["binding fulfilled"]);
    expect(pcscf.take("NOTIFY").map((told) => reginfoOf(told).version)).toEqual([3]);
    lab.run(6000);
    expect(pcscf.take("NOTIFY").map((told) => reginfoOf(told).version)).toEqual([4]);
  });

  test("the end of a binding, and of the subscriptions that end with it", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run();
    const commits = commitsOf(() => bob.register({ expires: 0, integrity: "ip-assoc-yes" }));
    expect(commits[0]).toEqual(["binding gone", "subscription ending, next NOTIFY 2"]);
    expect(commits.slice(1)).toEqual([["subscription gone"]]);
  });

  test("of two devices one leaves: the other's subscription goes on", () => {
    const other = new Device(lab, pcscf, "bob", "2");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    other.register();
    other.subscribe(OWN_PACKAGE, 3600);
    lab.run(6000);
    const [first] = commitsOf(() => bob.register({ expires: 0, integrity: "ip-assoc-yes" }));
    expect(first).toEqual(["binding gone", "subscription ending, next NOTIFY 3"]);
    expect(lab.scscf.notifier.size).toBe(1);
  });
});

describe("a store that fails", () => {
  test("the end of a subscription that nobody waits for is tried until it is durable, with its duty", () => {
    bob.register({ expires: 600_000 });
    bob.subscribe("reg", 60);
    lab.run();
    const [subscription] = lab.scscf.notifier.subscriptionsOf(only());
    const state = subscription?.state;
    const until = state?.name === "active" ? state.expiresAt - lab.clock.now() : 0;
    lab.run(until - 100);
    pcscf.take("NOTIFY");
    store.problem = new Error("disk full");
    lab.run(3000);
    expect(only().duty.state).toBe("fulfilled");
    expect(pcscf.take("NOTIFY")).toEqual([]);
    store.problem = undefined;
    lab.run(1100);
    expect(only().duty.state).toBe("owed");
    expect(pcscf.take("NOTIFY")[0]?.text("Subscription-State")).toContain("terminated");
  });

  test("a removal that fails leaves the subscription as it was, and a NOTIFY has its number", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run();
    pcscf.take("NOTIFY");
    store.problem = new Error("disk full");
    expect(bob.register({ expires: 0, integrity: "ip-assoc-yes" }).status).toBe(500);
    store.problem = undefined;
    expect(pcscf.take("NOTIFY")).toEqual([]);
    ask();
    lab.run();
    expect(reginfoOf(pcscf.take("NOTIFY")[0]).version).toBe(1);
  });
});

describe("sequence numbers", () => {
  const NO_KEY = Buffer.alloc(0);

  /** RAND and AUTN of a 401. */
  function challengeOf(response: SipResponse): Buffer {
    const nonce = response.get(WwwAuthenticate)?.params.get("nonce");
    return nonce === undefined ? NO_KEY : Buffer.from(nonce, "base64");
  }

  test("the mark that covers a challenge's number is durable before its 401 leaves", () => {
    store.holds = true;
    const sim = new Device(lab, pcscf, "sim");
    expect(() => sim.register({ silent: true })).toThrow("no response");
    expect(store.asked.map((changes) => changes.map(saidOf))).toEqual([[`mark ${SIM}`]]);
    store.letGo();
    lab.run();
    expect(pcscf.responses.at(-1)?.status).toBe(401);
  });

  test("one mark covers many challenges", () => {
    const sim = new Device(lab, pcscf, "sim");
    const commits = commitsOf(() => {
      for (let turn = 0; turn < 40; turn++) {
        sim.callId = `turn-${turn}`;
        expect(sim.register({ silent: true }).status).toBe(401);
      }
    });
    expect(commits).toEqual([[`mark ${SIM}`], [`mark ${SIM}`]]);
  });

  test("where it cannot be kept nobody is challenged: 500, and the next one brings it along", async () => {
    const sim = new Device(lab, pcscf, "sim");
    store.problem = new Error("disk full");
    expect(sim.register({ silent: true }).status).toBe(500);
    expect(sim.register({ silent: true }).status).toBe(500);
    expect((await store.load()).sqnMarks.size).toBe(0);
    store.problem = undefined;
    expect(sim.register({ silent: true }).status).toBe(401);
    expect((await store.load()).sqnMarks.has(SIM)).toBe(true);
  });

  test("after a restart the numbers go on behind everything that may have been used", async () => {
    const sim = new Device(lab, pcscf, "sim");
    for (let turn = 0; turn < 5; turn++) sim.register({ silent: true });
    const mark = (await store.load()).sqnMarks.get(SIM) ?? 0;
    const next = await Lab.startWith(store, "--pcscf.subscribe=false");
    const again = new Device(next.lab, next.pcscf, "sim").register({ silent: true });
    expect(challengeOf(again)).toHaveLength(32);
    const after = (await store.load()).sqnMarks.get(SIM) ?? 0;
    expect(seqOf(after)).toBeGreaterThan(seqOf(mark));
  });
});

const SIM = "sim@ims.example";

function only(): ReturnType<Lab["scscf"]["bindings"]["ofSet"]>[number] {
  const [binding] = lab.scscf.bindings.all();
  if (binding === undefined) throw new Error("no binding");
  return binding;
}
