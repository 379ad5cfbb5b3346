// Several S-CSCFs: who serves whom, who is asked next, who is up.
import { newResponse } from "@ims-lab/common/sip/message/message";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { expect, test } from "vitest";
import { byRendezvous, ScscfPool } from "../../src/scscfs/scscf-pool.ts";
import { ACCESS, ALICE, challenge, credentials, Lab, type Peer, SCSCF, UE } from "../lab.ts";

const SECOND = { host: "10.1.0.3", port: 6060 };
const URIS = [`sip:${SCSCF.host}:${SCSCF.port}`, `sip:${SECOND.host}:${SECOND.port}`];

/** The two S-CSCFs in the order in which Alice's REGISTERs try them. */
async function start(): Promise<{ lab: Lab; ue: Peer; first: Peer; second: Peer }> {
  const lab = await Lab.start(`--scscf=${URIS.join(",")}`);
  const [ue, one, two] = [await lab.peer(UE), await lab.peer(SCSCF), await lab.peer(SECOND)];
  const swapped = byRendezvous(ALICE, URIS)[0] !== URIS[0];
  return { lab, ue, first: swapped ? two : one, second: swapped ? one : two };
}

function dropOptions(peer: Peer): void {
  const others = peer.inbox.filter((each) => each.kind !== "request" || each.method !== "OPTIONS");
  peer.inbox.splice(0, peer.inbox.length, ...others);
}

test("a user's S-CSCF follows from the AoR; when one goes, only its users move", () => {
  const three = [...URIS, "sip:10.1.0.4:6060"];
  const users = Array.from({ length: 300 }, (_, at) => `sip:u${at}@ims.example`);
  const before = users.map((user) => byRendezvous(user, three)[0]);
  for (const scscf of three) {
    const share = before.filter((each) => each === scscf).length;
    expect(share).toBeGreaterThan(60);
  }
  const [gone] = three;
  const left = three.slice(1);
  for (const [at, user] of users.entries())
    if (before[at] !== gone) expect(byRendezvous(user, left)[0]).toBe(before[at]);
});

test("a REGISTER unanswered for 3 s goes to the next, whose challenge binds the attempt to it", async () => {
  const { lab, ue, first, second } = await start();
  ue.send(lab.register(ue), ACCESS);
  lab.run(2_900);
  const lost = first.takeRequest("REGISTER");
  expect(second.inbox).toHaveLength(0);
  lab.run(200);
  second.reply(challenge(second.takeRequest("REGISTER")));
  lab.run();
  ue.takeResponse(401);
  first.reply(challenge(lost)); // too late: nobody is confused
  lab.run();
  expect(ue.inbox.filter((each) => each.kind === "response")).toHaveLength(0);
  const answer = [
    ["CSeq", "2 REGISTER"],
    ["Authorization", credentials("n1", "r")],
  ] as const;
  ue.send(lab.register(ue, answer), ACCESS);
  lab.run();
  second.reply(lab.accepted(second.takeRequest("REGISTER")));
  lab.run();
  ue.takeResponse(200);
  ue.send(lab.register(ue, [["CSeq", "3 REGISTER"]]), ACCESS);
  lab.run();
  second.takeRequest("REGISTER"); // the binding's own
  expect(lab.log.named("scscf.down")).toHaveLength(1);
});

test("a REGISTER that grows too large on its way is answered 513, and nobody is taken for dead", async () => {
  const { lab, ue, first, second } = await start();
  const filler = [1, 2, 3, 4].map((at) => [`X-${at}`, "x".repeat(16_200)] as const);
  ue.send(lab.register(ue, filler), ACCESS);
  lab.run();
  ue.takeResponse(513);
  expect([...first.inbox, ...second.inbox]).toEqual([]);
  expect(lab.log.named("scscf.down")).toEqual([]);
});

test("a 503 goes to the next; the last one's 503 is a 500 with Retry-After", async () => {
  const { lab, ue, first, second } = await start();
  ue.send(lab.register(ue), ACCESS);
  lab.run();
  for (const peer of [first, second]) {
    peer.reply(newResponse(peer.takeRequest("REGISTER"), 503, { toTag: "s" }));
    lab.run();
  }
  expect(ue.takeResponse(500).text("Retry-After")).toBe("5");
});

test("OPTIONS every 5 s tell who is up; said once per change; new users go to the others", async () => {
  const { lab, ue, first, second } = await start();
  const alive = (peer: Peer): void => {
    peer.reply(newResponse(peer.takeRequest("OPTIONS"), 200, { toTag: "s" }));
    dropOptions(peer);
  };
  lab.run(5_010);
  alive(second);
  lab.run(3_100);
  expect(lab.log.named("scscf.down")).toHaveLength(1);
  dropOptions(first);
  ue.send(lab.register(ue), ACCESS);
  lab.run();
  second.reply(challenge(second.takeRequest("REGISTER")));
  lab.run(2_000);
  alive(second);
  lab.run(3_000);
  alive(first);
  lab.run(100);
  expect(lab.log.named("scscf.up")).toHaveLength(1);
  expect(await lab.metrics.text()).toMatch(/scscf_up{.*} 1/);
});

test("one that answers OPTIONS but no REGISTER stays down, longer each time; a REGISTER answered ends that", () => {
  const clock = new FakeClock();
  const [scscf = "", other = ""] = URIS;
  const pool = new ScscfPool({
    scscfs: [scscf, other],
    clock,
    log: memoryLogger(),
    probe: (_scscf, done) => {
      clock.after(1, () => done(true));
      return { abandon: () => undefined };
    },
  });
  pool.start();
  /** Seconds until OPTIONS bring it back. */
  const downFor = (): number => {
    pool.unanswered(scscf, clock.now());
    pool.unanswered(scscf, clock.now()); // another REGISTER of the same moment
    let seconds = 0;
    for (; !pool.isUp(scscf); seconds++) clock.advance(1_000);
    return seconds;
  };
  expect([downFor(), downFor(), downFor()].map((seconds) => Math.floor(seconds / 10))).toEqual([
    1, 2, 4,
  ]);
  for (let times = 0; times < 10; times++) expect(downFor()).toBeLessThan(610);
  pool.answered(scscf);
  clock.advance(1);
  expect(Math.floor(downFor() / 10)).toBe(1);
  pool.answered(scscf);
  pool.unanswered(scscf, clock.now() - 3_000);
  expect(pool.isUp(scscf)).toBe(true); // it has answered others meanwhile
  expect(pool.isUp(other)).toBe(true);
  pool.close();
});

test("one S-CSCF is not asked for signs of life", async () => {
  const lab = await Lab.start();
  const scscf = await lab.peer(SCSCF);
  lab.run(60_000);
  expect(scscf.inbox).toHaveLength(0);
});
