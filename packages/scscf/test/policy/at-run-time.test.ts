// The authentication policy of the S-CSCF at run time: each rule's firing, whom it concerns, the pace, what a restart keeps.
import type { ReauthenticationView } from "@ims-lab/common/admin-api/views";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import type { RuleDocument } from "@ims-lab/common/ims/policy-document";
import { readPolicy } from "@ims-lab/common/ims/policy-reading";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { reauthenticationView } from "../../src/admin/reauthentication-view.ts";
import { keptStore } from "../contract/kept-store.ts";
import { tryingStore } from "../contract/trying-store.ts";
import { Device, DOMAIN, Lab, type Peer } from "../lab.ts";

const MANY = `  - template:
      from: 1
      to: 200
      impi: "load{n}@${DOMAIN}"
      impus: ["sip:load{n}@${DOMAIN}"]
      auth: { scheme: digest, password: "pw" }
      subscription: optional
  - impi: vip@${DOMAIN}
    impus: ["sip:vip@${DOMAIN}"]
    auth: { scheme: digest, password: pw }
    policy: [{ name: mine, maxAgeSeconds: 100 }, { onRefresh: never }]
`;

let lab: Lab;
let pcscf: Peer;

beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
});

async function put(rules: readonly RuleDocument[], pacePerSecond = 50): Promise<void> {
  const read = readPolicy({ pacePerSecond, rules }, lab.scscf.policy.reading);
  if (read.kind === "refused") throw new Error(read.problems.join());
  await lab.scscf.policy.put(read.policy);
}

function registered(user = "bob"): Device {
  const device = new Device(lab, pcscf, user);
  expect(device.register({ expires: 600_000 }).status).toBe(200);
  device.subscribe(OWN_PACKAGE, 600_000);
  pcscf.take("NOTIFY");
  return device;
}

function refresh(device: Device): SipResponse {
  return device.register({ integrity: "ip-assoc-yes", silent: true, expires: 600_000 });
}

function reauthentications(): readonly ReauthenticationView[] {
  return lab.scscf.reauthentications.list().map(reauthenticationView);
}

describe("onRefresh", () => {
  test("each second time: the challenge is a re-authentication by this rule, told in log and history", async () => {
    const bob = registered();
    await put([{ name: "now-and-then", onRefresh: "always", everyNth: 2 }]);
    expect(refresh(bob).status).toBe(200);
    expect(refresh(bob).status).toBe(401);
    expect(pcscf.take("NOTIFY")).toEqual([]); // the challenge tells it
    const cause = "policy:now-and-then";
    expect(reauthentications()).toMatchObject([{ cause, progress: "challenged", end: null }]);
    expect(bob.register({ integrity: "ip-assoc-yes", expires: 600_000 }).status).toBe(200);
    expect(reauthentications()).toMatchObject([{ cause, end: "reauthenticated" }]);
    expect(lab.log.named("policy.fired")).toMatchObject([
      { rule: "now-and-then", impi: `bob@${DOMAIN}`, contact: bob.contact.slice(1, -1) },
    ]);
    const history = lab.scscf.history.of(`bob@${DOMAIN}`).events.map(({ text }) => text);
    expect(history.join()).toContain(`re-authentication asked for: by ${cause}`);
    expect(lab.scscf.bindings.size).toBe(1);
  });

  test("once fired, the next REGISTER is no way round it: by chance it would pass", async () => {
    const bob = registered();
    await put([{ onRefresh: "always", sampleRatio: 0.5 }]);
    let passed = 0;
    while (refresh(bob).status === 200) passed += 1;
    expect(passed).toBeLessThan(50);
    for (let turn = 0; turn < 20; turn++) expect(refresh(bob).status).toBe(401);
    expect(reauthentications()).toHaveLength(1);
  });

  test("a share of the times: about that many", async () => {
    const bob = registered();
    await put([{ onRefresh: "always", sampleRatio: 0.25 }]);
    for (let turn = 0; turn < 80; turn++)
      if (refresh(bob).status === 401) bob.register({ integrity: "no", expires: 600_000 });
    const fired = lab.log.named("policy.fired").length;
    expect(fired).toBeGreaterThan(8);
    expect(fired).toBeLessThan(36);
  });

  test("what is never answered ends with the binding, as its expiry would", async () => {
    const bob = registered();
    await put([{ onRefresh: "always" }]);
    expect(refresh(bob).status).toBe(401);
    lab.run(600_001_000);
    expect(reauthentications()).toMatchObject([{ end: "unanswered" }]);
    expect(lab.scscf.bindings.size).toBe(0);
  });

  test("who only leaves, and who asks without a Contact: no re-authentication begins", async () => {
    const bob = registered();
    await put([{ onRefresh: "always" }]);
    const options = { integrity: "ip-assoc-yes", silent: true };
    expect(bob.register({ ...options, contact: "" }).status).toBe(401);
    expect(bob.register({ ...options, expires: 0 }).status).toBe(200);
    expect(reauthentications()).toEqual([]);
  });

  test("minAgeSeconds: not right after an authentication", async () => {
    const bob = registered();
    await put([{ onRefresh: "always", minAgeSeconds: 3600 }]);
    expect(refresh(bob).status).toBe(200);
    lab.run(3_600_000);
    expect(refresh(bob).status).toBe(401);
  });
});

describe("onContactChange", () => {
  const moved = '<sip:bob@192.0.2.77:5060>;+sip.instance="<urn:x>"';

  function registeredWithInstance(): Device {
    const bob = new Device(lab, pcscf, "bob");
    bob.contact = '<sip:bob@192.0.2.1:5060>;+sip.instance="<urn:x>"';
    bob.register();
    return bob;
  }

  test("a nonce used on is enough for a new address without the rule, and not with it", async () => {
    const bob = registeredWithInstance();
    bob.contact = moved;
    expect(bob.register({ reuse: "00000002" }).status).toBe(200);
    await put([{ onContactChange: "always" }]);
    expect(bob.register({ reuse: "00000003" }).status).toBe(200); // it has not moved
    bob.contact = moved.replace("77", "78");
    expect(bob.register({ reuse: "00000004" }).status).toBe(401);
    const cause = "policy:onContactChange";
    expect(reauthentications()).toMatchObject([{ cause, progress: "challenged" }]);
    expect(bob.register().status).toBe(200);
    expect(reauthentications()).toMatchObject([{ cause, end: "reauthenticated" }]);
  });

  test("one more Contact of the user", async () => {
    const bob = registeredWithInstance();
    await put([{ onContactChange: "always" }]);
    const contact = "<sip:bob@192.0.2.99:5060>";
    expect(bob.register({ reuse: "00000002", contact }).status).toBe(401);
    expect(lab.scscf.bindings.size).toBe(1);
  });

  test("a peer that has authenticated the user itself is believed without the rule alone", async () => {
    ({ lab, pcscf } = await Lab.start("--mayAssert=10.1.0.1:4060"));
    const bob = registeredWithInstance();
    const options = { integrity: "auth-done", silent: true };
    bob.contact = moved;
    expect(bob.register(options).status).toBe(200);
    await put([{ onContactChange: "always" }]);
    expect(bob.register(options).status).toBe(200);
    bob.contact = moved.replace("77", "78");
    expect(bob.register(options).status).toBe(401);
    expect(bob.register(options).status).toBe(401); // now it is due
    expect(bob.register({ integrity: "auth-done" }).status).toBe(200);
    expect(reauthentications()).toMatchObject([{ end: "reauthenticated" }]);
  });

  test("what nobody vouches for begins no re-authentication", async () => {
    const bob = registeredWithInstance();
    await put([{ onContactChange: "always" }]);
    const stranger = new Device(lab, pcscf, "bob");
    stranger.contact = moved;
    stranger.callId = "another";
    expect(stranger.register({ silent: true }).status).toBe(401);
    expect(stranger.register({ password: "wrong" }).status).toBe(403);
    expect(reauthentications()).toEqual([]);
    expect(bob.register({ reuse: "00000002" }).status).toBe(200);
  });
});

describe("maxAgeSeconds", () => {
  test("counts for those who are registered; again after each authentication; with no timer left without the rule", async () => {
    const bob = registered();
    lab.run(50_000);
    await put([{ name: "daily", maxAgeSeconds: 100 }]);
    lab.run(49_000);
    expect(pcscf.take("NOTIFY")).toEqual([]);
    lab.run(1_500);
    expect(pcscf.take("NOTIFY")).toHaveLength(1);
    expect(reauthentications()).toMatchObject([{ cause: "policy:daily", end: null }]);
    bob.register({ expires: 600_000 });
    lab.run(99_000);
    expect(reauthentications()).toHaveLength(1);
    lab.run(2_000);
    expect(reauthentications()).toHaveLength(2);
    bob.register({ expires: 600_000 });
    await put([]);
    const { pending } = lab.clock;
    await put([{ name: "daily", maxAgeSeconds: 100 }]);
    expect(lab.clock.pending).toBe(pending + 1); // one for all
    await put([]);
    expect(lab.clock.pending).toBe(pending);
  });

  test("an authentication by other means moves it", async () => {
    const bob = registered();
    await put([{ maxAgeSeconds: 100 }]);
    lab.run(90_000);
    const [binding] = lab.scscf.bindings.all();
    if (binding === undefined) throw new Error("no binding");
    lab.scscf.reauthentications.ask([binding], "operator");
    lab.run(15_000); // it is due meanwhile: nobody asks twice
    expect(reauthentications()).toMatchObject([{ askers: ["operator"] }]);
    bob.register({ expires: 600_000 });
    lab.run(99_000);
    expect(reauthentications()).toHaveLength(1);
    lab.run(2_000);
    expect(reauthentications()).toMatchObject([{ cause: "policy:maxAgeSeconds" }, {}]);
  });

  test("many at once are asked at the pace", async () => {
    ({ lab, pcscf } = await Lab.startMore(MANY, keptStore(), "--pcscf.subscribe=false"));
    for (let n = 1; n <= 60; n++) new Device(lab, pcscf, `load${n}`).register();
    lab.run(100_000);
    await put([{ maxAgeSeconds: 60 }], 5);
    let asked = 0;
    for (let second = 1; second <= 11; second++) {
      lab.run(1_000);
      const now = reauthentications().length;
      expect(now - asked).toBeLessThanOrEqual(6);
      asked = now;
    }
    expect(lab.scscf.policy.waiting).toBe(60 - asked);
    lab.run(5_000);
    expect(reauthentications()).toHaveLength(60);
    expect(lab.scscf.policy.waiting).toBe(0);
  });
});

describe("whom a rule concerns", () => {
  beforeEach(async () => {
    ({ lab, pcscf } = await Lab.startMore(MANY, keptStore(), "--pcscf.subscribe=false"));
  });

  test("a pattern of private or public identities", async () => {
    const [bob, carol] = [registered("bob"), registered("carol")];
    await put([{ users: `sip:robert@${DOMAIN}`, onRefresh: "always" }]);
    expect([refresh(bob).status, refresh(carol).status]).toEqual([401, 200]);
    await put([{ name: "spared", users: "bob@*", onRefresh: "never" }, { onRefresh: "always" }]);
    lab.run(1);
    expect(bob.register({ expires: 600_000 }).status).toBe(200);
    expect([refresh(bob).status, refresh(carol).status]).toEqual([200, 401]);
  });

  test("a subscriber's own rules come first", async () => {
    const vip = registered("vip");
    const carol = registered("carol");
    await put([{ onRefresh: "always" }]);
    expect([refresh(vip).status, refresh(carol).status]).toEqual([200, 401]);
    lab.run(101_000);
    expect(reauthentications()).toMatchObject([
      { impi: `carol@${DOMAIN}`, cause: "policy:onRefresh" },
      { impi: `vip@${DOMAIN}`, cause: "policy:mine" },
    ]);
  });

  test("how many, and how many at once", async () => {
    for (let n = 1; n <= 30; n++) new Device(lab, pcscf, `load${n}`).register();
    registered("vip");
    lab.run(90_000);
    const rules = [
      { name: "some", users: "load2*", onRefresh: "always" as const },
      { name: "spared", users: "load1*", maxAgeSeconds: "never" as const },
      { maxAgeSeconds: 60 },
    ];
    const read = readPolicy({ rules }, lab.scscf.policy.reading);
    if (read.kind === "refused") throw new Error(read.problems.join());
    const survey = await lab.scscf.policy.survey(read.policy);
    expect(survey).toMatchObject({ registered: 31, byRule: [11, 11, 31] });
    expect(survey.dueAtOnce).toBe(31 - 11); // the vip's own 100 s are no exemption from the shorter age
    expect(survey.askedPerSecond).toBeCloseTo(20 / 60);
  });

  test("patterns that are no subscriber's", async () => {
    const globs = ["load7@*", "load201@*", "*:vip@*", "nobody", "sip:load200@ims.example", "x*"];
    const rules = globs.map((users, at) => ({
      name: `r${at}`,
      users,
      onRefresh: "always" as const,
    }));
    const read = readPolicy({ rules }, lab.scscf.policy.reading);
    if (read.kind === "refused") throw new Error(read.problems.join());
    const misfits = await lab.scscf.policy.misfits(read.policy);
    expect(misfits.map((line) => line.split(" is no")[0])).toEqual([
      'rules[1].users: "load201@*"',
      'rules[3].users: "nobody"',
      'rules[5].users: "x*"',
    ]);
  });
});

describe("what is kept", () => {
  test("a policy that was put counts after a restart, and its ages go on", async () => {
    const store = keptStore();
    ({ lab, pcscf } = await Lab.startWith(store));
    registered();
    await put([{ name: "daily", maxAgeSeconds: 100 }], 7);
    ({ lab, pcscf } = await Lab.startWith(store, "--authentication.onRefresh=always"));
    expect(lab.scscf.policy.current).toMatchObject({
      pacePerSecond: 7,
      rules: [{ name: "daily" }],
    });
    expect(lab.scscf.policy.changedAt).toBeDefined();
    expect(lab.log.named("policy.restored")).toMatchObject([{ rules: "daily" }]);
    lab.run(101_000);
    expect(reauthentications()).toMatchObject([{ cause: "policy:daily" }]);
  });

  test("one that cannot be read any more leaves the settings' in force, and says so", async () => {
    const store = keptStore();
    const value = { document: { rules: [{ onWeekdays: "always" }] } as never, changedAt: 1 };
    await new Promise<void>((done) =>
      store.commit([{ table: "policy", id: "in-force", value }], () => done()),
    );
    ({ lab, pcscf } = await Lab.startWith(store, "--authentication.onRefresh=always"));
    expect(lab.scscf.policy.current.rules).toMatchObject([{ name: "onRefresh" }]);
    expect(lab.log.named("policy.not-restored")[0]?.["why"]).toContain("onWeekdays");
  });

  test.each([false, true])(
    "one that cannot be kept is not in force (the store throws: %s)",
    async (throws) => {
      const store = tryingStore();
      ({ lab, pcscf } = await Lab.startWith(store));
      const bob = registered();
      store.problem = new Error("disk full");
      store.throws = throws;
      await expect(put([{ onRefresh: "always" }])).rejects.toThrow("disk full");
      store.problem = undefined;
      store.throws = false;
      expect(lab.scscf.policy.current.rules).toEqual([]);
      expect(lab.scscf.policy.changedAt).toBeUndefined();
      expect(refresh(bob).status).toBe(200);
    },
  );
});

test("the settings' rules", async () => {
  ({ lab, pcscf } = await Lab.start(
    "--authentication.onRefresh=always",
    "--policy.onMethods=INVITE,MESSAGE",
    "--policy.outcome=reject",
    "--policy.maxAgeSeconds=3600",
    "--policy.pacePerSecond=9",
  ));
  expect(lab.scscf.policy.current).toEqual({
    pacePerSecond: 9,
    rules: [
      { name: "maxAgeSeconds", kind: "max-age", ageMs: 3_600_000 },
      { name: "onRefresh", kind: "refresh" },
      {
        name: "onMethods",
        kind: "methods",
        methods: ["INVITE", "MESSAGE"],
        outcome: "reject",
        freshMs: 60_000,
      },
    ],
  });
});
