// Two S-CSCFs that share users: registered at one, served by the other, whoever of them dies, sleeps or is cut off.
import { parseReginfo } from "@ims-lab/common/ims/reginfo";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { afterEach, expect, test } from "vitest";
import { type ClusterDevice, ClusterLab, DOMAIN, NAME, type Node, sqnIn } from "./cluster-lab.ts";

const BOB = `bob@${DOMAIN}`;

let lab: ClusterLab;
afterEach(() => lab.stop());

async function registeredAt(node: Node, user = "bob"): Promise<ClusterDevice> {
  const device = lab.device(user);
  expect((await device.register(node)).status).toBe(200);
  expect((await device.subscribe(node)).status).toBe(200);
  await lab.pass(100);
  return device;
}

function bindingsAt(node: Node, impi = BOB): number {
  return node.scscf.bindings.ofSet(impi).length;
}

function versionOf(notify: SipRequest): number {
  const read = parseReginfo(notify.body, 16);
  if ("problem" in read) throw new Error(read.problem);
  return read.reginfo.version;
}

/** Of one dialog, whoever sent them: no number twice, none lower than one before. */
function expectRising({ notifies }: ClusterDevice): void {
  // The same branch is the same NOTIFY, sent again (RFC 3261 §17.1.2.2).
  const sent = [...new Map(notifies.map((notify) => [notify.text("Via"), notify])).values()];
  const numbers = sent.map(({ cseq }) => cseq.number);
  const versions = sent.map(versionOf);
  for (const found of [numbers, versions])
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
  expect(new Set(notifies.map(({ from }) => from.params.get("tag"))).size).toBe(1);
}

/** `event` of each NOTIFY's contact. */
function eventsOf({ notifies }: ClusterDevice): readonly string[] {
  return notifies.map(({ body }) => /<contact[^>]* event="(\w+)"/.exec(String(body))?.[1] ?? "");
}

async function ask(node: Node): Promise<string> {
  const bindings = node.scscf.bindings.ofSet(BOB);
  const [asked] = node.scscf.reauthentications.ask(bindings, "operator");
  await lab.pass(100);
  return asked?.id ?? "";
}

test("registered at one, refreshed at the other, which takes the user over without a word", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  expect([bindingsAt(a), bindingsAt(b)]).toEqual([1, 0]);
  const before = a.sent.length;
  expect((await bob.register(b)).status).toBe(200);
  await lab.pass(6000);
  expect([bindingsAt(a), bindingsAt(b)]).toEqual([0, 1]);
  expect(a.sent.length).toBe(before);
  await ask(b);
  expect(b.sent.map(({ method }) => method)).toEqual(["NOTIFY"]);
  expect(bob.notifies.length).toBeGreaterThan(1);
  expectRising(bob);
  expect([a.scscf.notifier.size, b.scscf.notifier.size]).toEqual([0, 1]);
  // And back.
  expect((await bob.register(a)).status).toBe(200);
  await lab.pass(6000);
  expect([bindingsAt(a), bindingsAt(b)]).toEqual([1, 0]);
  expectRising(bob);
});

test("a NOTIFY that nobody answers is repeated no more once the user is at the other node", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  const { answers } = lab;
  lab.answers = (request) => (request.method === "NOTIFY" ? undefined : answers(request));
  await ask(a);
  await lab.pass(2000);
  const before = a.sent.length;
  expect(
    a.sent.filter(({ cseq }) => cseq.number === a.sent.at(-1)?.cseq.number).length,
  ).toBeGreaterThan(1);
  expect((await bob.register(b)).status).toBe(200);
  expect(bindingsAt(b)).toBe(1);
  lab.answers = answers;
  await lab.pass(10_000);
  expect(a.sent.length).toBe(before);
  expectRising(bob);
});

test("the cluster's name is in Service-Route and Contact, and either node serves who comes by it", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  expect(bob.serviceRoute).toMatch(new RegExp(`^<sip:[^@]+@${NAME}:6060;lr>`));
  const carol = await registeredAt(b, "carol");
  expect((await carol.message(b, bob.impu)).status).toBe(200);
  expect(b.sent.filter(({ method }) => method === "MESSAGE")).toHaveLength(1);
  expect((await bob.message(b, carol.impu)).status).toBe(200);
  const answered = await bob.subscribe(b);
  expect(answered.text("Contact")).toBe(`<sip:${NAME}:6060>`);
});

test("a re-authentication goes on at the other node: its id, its deadline, its end", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  const id = await ask(a);
  const deadline = a.scscf.bindings.ofSet(BOB)[0]?.reauthentication?.deadline;
  expect(deadline).toBeGreaterThan(lab.clock.now() + 50_000);
  const challenged = await bob.attempt(b);
  expect(challenged.status).toBe(401);
  const [there] = b.scscf.bindings.ofSet(BOB);
  expect(there?.reauthentication).toMatchObject({ id, deadline });
  expect(a.scscf.reauthentications.runningCount).toBe(0);
  expect((await bob.attempt(b, challenged)).status).toBe(200);
  expect(b.scscf.reauthentications.get(id)).toMatchObject({
    progress: "ended",
    end: "reauthenticated",
  });
  await lab.pass(70_000);
  expect(bindingsAt(b)).toBe(1);
  expectRising(bob);
});

test("a node dies: the other serves its users, and the deadline comes once", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  await ask(a);
  const before = a.sent.length;
  a.cut();
  await lab.pass(8000);
  expect(bindingsAt(b)).toBe(1);
  expect(b.log.named("cluster.taken-over")).toHaveLength(1);
  await lab.pass(60_000);
  expect(bindingsAt(b)).toBe(0);
  const ends = bob.notifies.filter((notify) =>
    notify.text("Subscription-State")?.startsWith("terminated"),
  );
  expect(ends).toHaveLength(1);
  expect(b.sent).toContain(ends[0]);
  // It runs on, cut off, and knows of its deadline: it tells nobody.
  expect(a.sent.length).toBe(before);
  expectRising(bob);
  a.mended();
  await lab.pass(3000);
  expect(bindingsAt(a)).toBe(0);
  expect(a.sent.length).toBe(before);
  expect(a.log.named("cluster.lost")).toHaveLength(1);
});

test("what was due while the dead node's users waited gets its grace, and triggers go out again", async () => {
  lab = await ClusterLab.start("--reauthentication.deadlineSeconds=3", "--restart.graceSeconds=10");
  const { a, b } = lab;
  lab.answers = ({ method }) => (method === "NOTIFY" ? undefined : 200);
  const bob = lab.device("bob");
  await bob.register(a);
  await bob.subscribe(a);
  lab.answers = () => 200;
  await lab.pass(600);
  lab.answers = ({ method }) => (method === "NOTIFY" ? undefined : 200);
  await ask(a);
  a.cut();
  a.isAsleep = true;
  lab.answers = () => 200;
  await lab.pass(6500);
  expect(bindingsAt(b)).toBe(1);
  expect(b.sent.filter(({ method }) => method === "NOTIFY").length).toBeGreaterThan(0);
  await lab.pass(5000);
  expect(bindingsAt(b)).toBe(1);
  await lab.pass(5000);
  expect(bindingsAt(b)).toBe(0);
  expectRising(bob);
});

test("an owner that slept, and whose users were taken, changes nothing and sends nothing when it wakes", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  await ask(a);
  a.isAsleep = true;
  const before = a.sent.length;
  expect((await bob.register(b)).status).toBe(200);
  await lab.pass(70_000);
  const rows = new Map(lab.redis.rowsOf(BOB));
  a.isAsleep = false;
  await lab.pass(3000);
  expect(a.sent.length).toBe(before);
  expect(lab.redis.rowsOf(BOB)).toEqual(rows);
  expect([bindingsAt(a), bindingsAt(b)]).toEqual([0, 1]);
  expectRising(bob);
  expect((await bob.register(a)).status).toBe(200);
  expect([bindingsAt(a), bindingsAt(b)]).toEqual([1, 0]);
});

test("sequence numbers rise from node to node, and when one forgets", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const sim = lab.device("sim");
  const numbers: number[] = [];
  for (const node of [a, b, a, a, b]) numbers.push(sqnIn(await sim.attempt(node)));
  b.cut();
  b.isAsleep = true;
  await lab.pass(7000);
  numbers.push(sqnIn(await sim.attempt(a)));
  expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
});

test("while Redis is away: whom nobody has here is answered 503, whom this node has 500 and served again after", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  lab.redis.isAway = true;
  await lab.pass(10);
  const turnedAway = await bob.register(b);
  expect([turnedAway.status, turnedAway.text("Retry-After")]).toEqual([503, "2"]);
  const challenged = await bob.attempt(a);
  expect(challenged.status).toBe(401);
  expect((await bob.attempt(a, challenged)).status).toBe(500);
  await lab.pass(30_000);
  lab.redis.isAway = false;
  await lab.pass(2000);
  expect((await bob.register(a)).status).toBe(200);
  // Nobody has taken the other for dead meanwhile.
  await lab.pass(6000);
  expect([bindingsAt(a), bindingsAt(b)]).toEqual([1, 0]);
});

test("strangers move nobody: only trusted peers, and only for subscribers", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  await registeredAt(a);
  const nobody = lab.device("nobody");
  expect((await nobody.register(b)).status).toBe(403);
  expect(lab.redis.ownerOf(`nobody@${DOMAIN}`)).toBeUndefined();
  expect(bindingsAt(a)).toBe(1);
  expect(b.scscf.cluster?.users.size).toBe(0);
});

test("a subscriber removed at one node is de-registered at the other", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  const carol = await registeredAt(a, "carol");
  const [subscriber] = b.scscf.directory.ownersOf(carol.impu);
  if (subscriber === undefined) throw new Error("no carol");
  const removing = b.scscf.provisioning.putAll(
    [
      {
        subscriber: {
          ...subscriber,
          impus: [
            { ...subscriber.impus[0], aor: "sip:c@ims.example", uri: "sip:c@ims.example" } as never,
          ],
        },
      },
    ],
    { replace: true },
  );
  await lab.pass(1000);
  await removing;
  await lab.pass(1000);
  expect(a.scscf.directory.ownersOf(carol.impu)).toEqual([]);
  expect([bindingsAt(a, carol.impi), bindingsAt(b, carol.impi)]).toEqual([0, 0]);
  expect(eventsOf(carol).at(-1)).toBe("rejected");
  const gone = a.scscf.provisioning.remove(BOB);
  await lab.pass(1000);
  expect(await gone).toEqual(["sip:bob@192.0.2.1:5060"]);
  await lab.pass(1000);
  expect(b.scscf.directory.byImpi(BOB)).toBeUndefined();
  expect((await bob.register(b)).status).toBe(403);
});

test("a policy put at one node is in force at the other, and in one that was away meanwhile", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  b.cut();
  await lab.pass(1500);
  const rules = [{ ...a.scscf.policy.current, pacePerSecond: 7 }];
  const putting = a.scscf.policy.put(rules[0] as (typeof rules)[0]);
  await lab.pass(100);
  await putting;
  expect(b.scscf.policy.current.pacePerSecond).toBe(50);
  b.mended();
  await lab.pass(1500);
  expect(b.scscf.policy.current.pacePerSecond).toBe(7);
  const again = b.scscf.policy.put({ ...b.scscf.policy.current, pacePerSecond: 8 });
  await lab.pass(100);
  await again;
  expect(a.scscf.policy.current.pacePerSecond).toBe(8);
});

test("a dead node's campaign goes on at the other with the users that came with it", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  for (const user of ["bob", "carol", "dave"]) await registeredAt(a, user);
  const order = { name: "all", filter: {}, percent: 100, pacePerSecond: 0.2, jitter: 0, seed: "s" };
  const started = a.scscf.campaigns
    .select(order)
    .then((found) => a.scscf.campaigns.start(order, found));
  await lab.pass(6000);
  const { id } = await started;
  const asked = a.scscf.campaigns.get(id)?.asked ?? 0;
  expect(asked).toBeGreaterThan(0);
  a.cut();
  a.isAsleep = true;
  await lab.pass(8000);
  expect(b.scscf.campaigns.get(id)).toMatchObject({ status: "running", total: 3 });
  await lab.pass(80_000);
  expect(b.scscf.campaigns.get(id)).toMatchObject({ status: "finished", total: 3, asked: 3 });
});

test("a campaign does not wait for the end of whom another node has taken", async () => {
  lab = await ClusterLab.start();
  const { a, b } = lab;
  const bob = await registeredAt(a);
  const order = { name: "all", filter: {}, percent: 100, pacePerSecond: 1, jitter: 0, seed: "s" };
  const started = a.scscf.campaigns
    .select(order)
    .then((found) => a.scscf.campaigns.start(order, found));
  await lab.pass(3000);
  const { id } = await started;
  expect(a.scscf.campaigns.get(id)).toMatchObject({ status: "running", asked: 1 });
  await bob.attempt(b);
  expect(a.scscf.campaigns.get(id)).toMatchObject({ status: "finished", asked: 0, skipped: 1 });
});
