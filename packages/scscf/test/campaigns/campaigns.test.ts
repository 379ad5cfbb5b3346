// Campaigns at an S-CSCF: who is chosen and asked, when, what is counted, and how they go on after a restart.
import type { ReauthenticationCause } from "@ims-lab/common/admin-api/views";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { nullLogger } from "@ims-lab/common/platform/logger";
import { StoreLog } from "@ims-lab/common/store/store-log";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { beforeEach, describe, expect, test } from "vitest";
import type { Campaign, CampaignOrder } from "../../src/campaigns/campaign.ts";
import { Campaigns } from "../../src/campaigns/campaigns.ts";
import type { BindingContext } from "../../src/registration/binding.ts";
import { bind } from "../../src/registration/binding-machine.ts";
import { Bindings } from "../../src/registration/bindings.ts";
import {
  type RegistrationEvent,
  RegistrationEvents,
  type RegistrationSubscriber,
} from "../../src/registration/events.ts";
import { Reauthentications } from "../../src/registration/reauthentications.ts";
import { Registrations } from "../../src/registration/registrations.ts";
import type { Store } from "../../src/store/store.ts";
import { keptStore } from "../contract/kept-store.ts";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { Device, DOMAIN, Lab, type Peer } from "../lab.ts";

const ORDER: CampaignOrder = {
  filter: {},
  percent: 100,
  pacePerSecond: 10,
  jitter: 0,
  seed: "s",
};

const context: BindingContext = {
  subscriptionDeadlineMs: 32_000,
  reauthentication: { deadlineMs: 60_000, awaitMs: 240_000, onRefused: "wait" },
};

/** Registrations without SIP: devices that authenticate when a test says so. */
class Site {
  readonly clock: FakeClock;
  readonly bindings = new Bindings();
  readonly registrations: Registrations;
  readonly reauthentications: Reauthentications;
  readonly campaigns: Campaigns;
  readonly asked: { at: number; token: string; cause: ReauthenticationCause }[] = [];
  readonly told: string[] = [];
  readonly problems: Error[] = [];
  isBehind = false;

  constructor(clock: FakeClock, store: Store) {
    this.clock = clock;
    const events = new RegistrationEvents();
    const random = seededRandom(clock.now() % 1000);
    const { bindings } = this;
    this.registrations = new Registrations({
      ...{ clock, store, bindings, events, context },
      onRemoved: () => undefined,
      storeLog: new StoreLog(nullLogger, clock),
    });
    const { registrations } = this;
    this.reauthentications = new Reauthentications({ clock, random, registrations });
    this.campaigns = new Campaigns({
      ...{ clock, random, store, events, bindings },
      maxPacePerSecond: 100,
      isBehind: () => this.isBehind,
      identitiesOf: (set) => [set, `tel:${set.length}`],
      ask: (binding, cause) => {
        this.asked.push({ at: clock.now(), token: binding.token, cause });
        this.reauthentications.ask([binding], cause);
      },
      onStoreProblem: (problem) => this.problems.push(problem),
    });
    const told: RegistrationSubscriber = {
      on: (event: RegistrationEvent) => {
        if (event.kind === "campaign-changed") this.told.push(event.change);
      },
    };
    const { reauthentications, campaigns } = this;
    events.deliverTo({ reauthentications, campaigns, told });
  }

  static async over(store: Store, clock: FakeClock = new FakeClock()): Promise<Site> {
    const site = new Site(clock, store);
    const { bindings, campaigns } = await store.load();
    for (const binding of bindings.values()) {
      site.registrations.restore(binding);
      site.reauthentications.restore(binding);
    }
    site.campaigns.restore(campaigns.values());
    return site;
  }

  register(count: number, more: { userAgent?: string; pcscf?: string; from?: number } = {}): void {
    const { userAgent, pcscf = "10.1.0.1:4060", from = 1 } = more;
    for (let user = from; user < from + count; user++) {
      const binding = bind(
        context,
        { impi: `u${user}@x`, set: `sip:u${user}@x`, token: `t${user}` },
        {
          ...{ at: this.clock.now(), authenticated: true, newId: "i", mode: "optional", userAgent },
          address: { contact: `sip:u${user}@y`, params: "", path: [`<sip:p${user}@${pcscf};lr>`] },
          ...{ impu: `sip:u${user}@x`, callId: "c", cseq: 1 },
          expiresAt: this.clock.now() + 7_200_000,
        },
      );
      const changes = [{ kind: "new", binding }] as const;
      this.registrations.commit({ set: binding.set, changes }, () => undefined);
    }
  }

  authenticate(...tokens: readonly string[]): void {
    for (const token of tokens) {
      const binding = this.bindings.get(token);
      if (binding === undefined) throw new Error(`${token} has gone`);
      const { impu, address, callId, cseq, mode, expiresAt } = binding;
      this.registrations.input(token, {
        kind: "registered",
        ...{ at: this.clock.now(), authenticated: true, newId: "j", mode, expiresAt },
        ...{ impu, address, callId, cseq: cseq + 1 },
      });
    }
  }

  remove(token: string): void {
    const at = this.clock.now();
    this.registrations.input(token, { kind: "removed", at, cause: { kind: "deactivated" } });
  }

  async start(order: Partial<CampaignOrder> = {}): Promise<Campaign> {
    const whole = { ...ORDER, ...order };
    return this.campaigns.start(whole, await this.campaigns.select(whole));
  }

  get tokens(): string[] {
    return this.asked.map(({ token }) => token);
  }

  of({ id }: Campaign): Campaign {
    const found = this.campaigns.get(id);
    if (found === undefined) throw new Error(`${id} has gone`);
    return found;
  }
}

let store: Store;
let site: Site;
beforeEach(async () => {
  store = keptStore();
  site = await Site.over(store);
});

describe("selection", () => {
  const chosen = async (order: Partial<CampaignOrder>): Promise<readonly string[]> =>
    (await site.campaigns.select({ ...ORDER, ...order })).tokens;

  beforeEach(() => {
    site.register(3, { userAgent: "Phone/1.0", pcscf: "10.1.0.1:4060" });
    site.clock.advance(10_000);
    site.register(2, { from: 4, userAgent: "tablet/2", pcscf: "[2001:db8::1]" });
    site.register(1, { from: 6 });
  });

  test.each<[string, CampaignOrder["filter"], string[]]>([
    ["everybody", {}, ["t1", "t2", "t3", "t4", "t5", "t6"]],
    ["IMPU", { impu: "sip:u[2]@x" }, []],
    ["IMPU", { impu: "sip:u2@*" }, ["t2"]],
    ["another identity of the set", { impu: "tel:8" }, ["t1", "t2", "t3", "t4", "t5", "t6"]],
    ["IMPI", { impi: "u?@x" }, ["t1", "t2", "t3", "t4", "t5", "t6"]],
    ["IMPI", { impi: "u5@x" }, ["t5"]],
    ["P-CSCF by host", { pcscf: "10.1.0.1" }, ["t1", "t2", "t3", "t6"]],
    ["P-CSCF by host and port", { pcscf: "10.1.0.1:4061" }, []],
    ["P-CSCF by IPv6", { pcscf: "[2001:DB8::1]:5060" }, ["t4", "t5"]],
    ["User-Agent, whatever its case", { userAgent: "phone*" }, ["t1", "t2", "t3"]],
    ["no User-Agent", { userAgent: "" }, ["t6"]],
    ["age of authentication", { minAuthenticationAgeSeconds: 10 }, ["t1", "t2", "t3"]],
    ["age of authentication", { minAuthenticationAgeSeconds: 10.001 }, []],
    ["all of them", { pcscf: "10.1.0.1", userAgent: "*1.0", impi: "u3*" }, ["t3"]],
  ])("%s %j", async (_, filter, tokens) => {
    expect(await chosen({ filter })).toEqual(tokens);
  });

  test("each criterion is counted by itself", async () => {
    const filter = { impi: "u1@x", userAgent: "tablet*" };
    expect(await site.campaigns.select({ ...ORDER, filter })).toMatchObject({
      registered: 6,
      matched: 0,
      criteria: [
        { name: "impi", count: 1 },
        { name: "userAgent", count: 2 },
      ],
    });
  });

  test("a percentage is that of the matched, rounded up; the same seed chooses the same users", async () => {
    site.register(194, { from: 7 });
    for (const [percent, count] of [
      [50, 100],
      [12.5, 25],
      [0.1, 1],
      [100, 200],
    ] as const) {
      expect((await chosen({ percent })).length).toBe(count);
      expect(await chosen({ percent })).toEqual(await chosen({ percent }));
    }
    const half = await chosen({ percent: 50 });
    expect(await chosen({ percent: 50, seed: "another" })).not.toEqual(half);
    expect(half).toEqual(expect.arrayContaining([...(await chosen({ percent: 25 }))]));
  });
});

describe("asking", () => {
  test("everybody once, at the pace, and over with the last end", async () => {
    site.register(25);
    const campaign = await site.start();
    site.clock.advance(1_000);
    expect(site.asked.length).toBe(10);
    site.clock.advance(10_000);
    expect(site.asked.length).toBe(25);
    expect(new Set(site.tokens).size).toBe(25);
    expect(site.asked[0]?.cause).toBe(`campaign:${campaign.id}`);
    expect(site.of(campaign)).toMatchObject({ status: "running", asked: 25, joined: 0 });
    site.authenticate(...site.tokens);
    expect(site.of(campaign)).toMatchObject({
      status: "finished",
      ends: { reauthenticated: 25 },
      endedAt: site.clock.now(),
    });
    expect(site.told).toEqual(["started", "finished"]);
  });

  test("a pause stops it at once; a resume goes on without a burst", async () => {
    site.register(40);
    const campaign = await site.start();
    site.clock.advance(1_000);
    await site.campaigns.change(campaign.id, "paused");
    site.clock.advance(60_000);
    expect(site.asked.length).toBe(10);
    await site.campaigns.change(campaign.id, "resumed");
    site.clock.advance(1_000);
    expect(site.asked.length).toBeLessThanOrEqual(21);
    site.clock.advance(10_000);
    expect(new Set(site.tokens).size).toBe(40);
    expect(site.told).toEqual(["started", "paused", "resumed"]);
  });

  test("paused and resumed again and again, it is never above the pace", async () => {
    site.register(60);
    const campaign = await site.start();
    for (let turn = 0; turn < 200; turn++) {
      await site.campaigns.change(campaign.id, turn % 2 === 0 ? "paused" : "resumed");
      site.clock.advance(turn % 3 === 0 ? 30 : 70);
    }
    expect(site.asked.length).toBeGreaterThan(30);
    const times = site.asked.map(({ at }) => at);
    for (const [n, at] of times.entries())
      if (n >= 10) expect(at - (times[n - 10] ?? 0)).toBeGreaterThanOrEqual(999.99);
  });

  test("while the node is behind nobody is asked, and there is no burst when it is not", async () => {
    site.register(40);
    await site.start();
    site.clock.advance(1_000);
    site.isBehind = true;
    site.clock.advance(5_000);
    expect(site.asked.length).toBe(10);
    site.isBehind = false;
    site.clock.advance(1_000);
    expect(site.asked.length).toBeLessThanOrEqual(21);
    site.clock.advance(5_000);
    expect(site.asked.length).toBe(40);
  });

  test("a stop asks nobody more, and what was asked is counted", async () => {
    site.register(20);
    const campaign = await site.start();
    site.clock.advance(1_000);
    await site.campaigns.change(campaign.id, "stopped");
    site.clock.advance(5_000);
    expect(site.asked.length).toBe(10);
    site.authenticate(...site.tokens);
    expect(site.of(campaign)).toMatchObject({ status: "stopped", ends: { reauthenticated: 10 } });
    expect(site.campaigns.size).toBe(0);
    expect(await site.campaigns.change(campaign.id, "resumed")).toEqual({
      refused: site.of(campaign),
    });
    expect(await site.campaigns.change("nope", "stopped")).toBeUndefined();
  });

  test("who has gone, or has authenticated by himself, is passed over", async () => {
    site.register(12);
    const campaign = await site.start();
    site.clock.advance(500);
    site.remove("t11");
    site.authenticate("t12");
    site.clock.advance(5_000);
    expect(site.tokens).toEqual(["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10"]);
    expect(site.of(campaign)).toMatchObject({ asked: 10, skipped: 2 });
  });

  test("who registers later is not asked", async () => {
    site.register(3);
    await site.start();
    site.clock.advance(100);
    site.register(3, { from: 4 });
    site.clock.advance(5_000);
    expect(site.tokens).toEqual(["t1", "t2", "t3"]);
  });

  test("when all that are left have gone it is over", async () => {
    site.register(2);
    const campaign = await site.start();
    site.remove("t1");
    site.remove("t2");
    site.clock.advance(1_000);
    expect(site.of(campaign)).toMatchObject({ status: "finished", asked: 0, skipped: 2 });
    expect((await store.load()).campaigns.get(campaign.id)?.status).toBe("finished");
  });

  test("one that runs is joined, and counts once in each campaign", async () => {
    site.register(2);
    site.reauthentications.ask([...site.bindings.all()].slice(0, 1), "operator");
    site.clock.advance(300);
    const [a, b] = [await site.start(), await site.start({ seed: "b" })];
    site.clock.advance(1_000);
    expect(site.of(a)).toMatchObject({ asked: 2, joined: 1 });
    expect(site.of(b)).toMatchObject({ asked: 2, joined: 2 });
    site.authenticate("t1", "t2");
    for (const one of [a, b])
      expect(site.of(one)).toMatchObject({ status: "finished", ends: { reauthenticated: 2 } });
    // From the campaign's own asking, not from the operator's.
    expect(site.of(a).latency.max).toBeLessThanOrEqual(1_000);
  });

  test("other ends are counted as what they are", async () => {
    site.register(3);
    const campaign = await site.start();
    site.clock.advance(1_000);
    site.remove("t1");
    site.authenticate("t2");
    site.registrations.input("t3", { kind: "challenged", at: site.clock.now(), ownFlow: true });
    site.clock.advance(8_000_000);
    expect(site.of(campaign)).toMatchObject({
      status: "finished",
      ends: { withdrawn: 1, reauthenticated: 1, unanswered: 1 },
    });
  });

  test("as many are remembered as may be", async () => {
    site.register(1);
    const ids: string[] = [];
    for (let turn = 0; turn < 103; turn++) {
      const one = await site.start();
      site.clock.advance(200);
      site.authenticate("t1");
      ids.push(one.id);
      site.clock.advance(10);
    }
    expect(site.campaigns.list().length).toBe(100);
    expect(site.campaigns.list()[0]?.id).toBe(ids.at(-1));
    expect((await store.load()).campaigns.size).toBe(100);
  });
});

describe("after a restart", () => {
  /** The process ends at once; another begins a second later. */
  async function restart(afterMs = 1_000): Promise<void> {
    site.campaigns.close();
    site.registrations.close();
    site = await Site.over(store, new FakeClock(site.clock.now() + afterMs));
  }

  test("who was asked, and whose time was over before the next process began, counts with its end", async () => {
    site.register(3);
    const campaign = await site.start();
    site.clock.advance(1_000);
    await restart(10_000_000);
    site.clock.advance(1_000);
    const { asked, ends } = site.of(campaign);
    expect([asked, Object.values(ends).reduce((sum, count) => sum + count, 0)]).toEqual([3, 3]);
  });

  test("it goes on where it was, asks nobody twice, and misses nobody", async () => {
    site.register(60);
    const campaign = await site.start({ percent: 50 });
    const tokens: string[] = [];
    for (let life = 0; life < 6; life++) {
      site.clock.advance(600);
      const [one, other, ...open] = site.tokens;
      tokens.push(...site.tokens);
      expect(site.of(campaign).asked).toBe(tokens.length);
      if (one !== undefined) site.authenticate(one);
      if (other !== undefined) site.remove(other);
      expect(open.length).toBeGreaterThanOrEqual(0);
      await restart();
    }
    site.clock.advance(60_000);
    tokens.push(...site.tokens);
    expect(tokens.length).toBe(30);
    expect(new Set(tokens).size).toBe(30);
    const left = [...site.bindings.all()].filter((one) => one.reauthentication !== undefined);
    site.authenticate(...left.map(({ token }) => token));
    const { ends, ...over } = site.of(campaign);
    expect(over).toMatchObject({ status: "finished", asked: 30, skipped: 0, total: 30 });
    expect((ends.reauthenticated ?? 0) + (ends.withdrawn ?? 0)).toBe(30);
  });

  test("never above the pace over it", async () => {
    site.register(40);
    await site.start();
    site.clock.advance(1_000);
    const before = site.asked.length;
    await restart();
    site.clock.advance(950);
    expect(site.asked.length).toBe(0);
    site.clock.advance(1_100);
    expect([before, site.asked.length]).toEqual([10, 12 - 1]);
  });

  test("a paused one stays paused, and can be resumed", async () => {
    site.register(20);
    const campaign = await site.start();
    site.clock.advance(1_000);
    await site.campaigns.change(campaign.id, "paused");
    await restart();
    site.clock.advance(10_000);
    expect(site.asked).toEqual([]);
    expect(site.of(campaign)).toMatchObject({ status: "paused", asked: 10 });
    await site.campaigns.change(campaign.id, "resumed");
    site.clock.advance(10_000);
    expect(site.asked.length).toBe(10);
  });

  test("those that are over are still told of, and ask nobody", async () => {
    site.register(20);
    const stopped = await site.start();
    site.clock.advance(500);
    await site.campaigns.change(stopped.id, "stopped");
    await restart();
    expect(site.of(stopped)).toMatchObject({ status: "stopped", asked: 5 });
    site.authenticate("t1");
    expect(site.of(stopped).ends).toEqual({ reauthenticated: 1 });
    site.clock.advance(5_000);
    expect(site.asked).toEqual([]);
    await restart();
    expect(site.of(stopped).ends).toEqual({ reauthenticated: 1 });
  });

  test("the age of the authentication is that at the start", async () => {
    site.register(2);
    site.clock.advance(5_000);
    site.register(2, { from: 3 });
    const campaign = await site.start({
      filter: { minAuthenticationAgeSeconds: 5 },
      pacePerSecond: 0.1,
    });
    await restart();
    site.clock.advance(100_000);
    expect(site.tokens).toEqual(["t1", "t2"]);
    expect(site.of(campaign).total).toBe(2);
  });
});

describe("the store", () => {
  let trying: TryingStore;
  beforeEach(async () => {
    store = trying = tryingStore();
    site = await Site.over(store);
    site.register(20);
  });

  test("counts are durable with the change that makes them", async () => {
    const campaign = await site.start();
    trying.asked.length = 0;
    site.clock.advance(200);
    for (const rows of trying.asked) {
      const tables = rows.map(({ table }) => table).sort();
      expect(tables).toEqual(["bindings", "campaigns"]);
    }
    const stored = (await trying.load()).campaigns.get(campaign.id);
    expect(stored?.asked).toBe(2);
    expect(trying.asked.length).toBe(2);
  });

  test("a start that cannot be made durable has not happened", async () => {
    trying.problem = new Error("disk full");
    await expect(site.start()).rejects.toThrow("disk full");
    expect(site.campaigns.list()).toEqual([]);
    site.clock.advance(5_000);
    expect([site.asked, site.told]).toEqual([[], []]);
  });

  test("a pause that cannot be made durable has not happened", async () => {
    const campaign = await site.start();
    trying.problem = new Error("disk full");
    await expect(site.campaigns.change(campaign.id, "paused")).rejects.toThrow("disk full");
    trying.problem = undefined;
    expect(site.of(campaign).status).toBe("running");
    site.clock.advance(1_000);
    expect(site.asked.length).toBe(10);
  });

  test("while it fails nobody is counted as asked, and no more than a few are asked", async () => {
    const campaign = await site.start({ pacePerSecond: 100 });
    trying.problem = new Error("disk full");
    site.clock.advance(500);
    expect(site.of(campaign).asked).toBe(0);
    trying.problem = undefined;
    site.clock.advance(3_000);
    expect(new Set(site.tokens).size).toBe(20);
    expect(site.of(campaign)).toMatchObject({ asked: 20 });
    site.authenticate(...site.tokens);
    expect(site.of(campaign)).toMatchObject({ status: "finished", ends: { reauthenticated: 20 } });
    expect((await trying.load()).campaigns.get(campaign.id)).toEqual(site.of(campaign));
  });

  test("while its answers are outstanding, asking waits", async () => {
    site.register(100, { from: 21 });
    const campaign = await site.start({ pacePerSecond: 20 });
    trying.holds = true;
    site.clock.advance(60_000);
    expect(site.asked.length).toBe(20);
    expect(site.of(campaign).asked).toBe(0);
    trying.holds = false;
    trying.letGo();
    expect(site.of(campaign).asked).toBe(20);
    site.clock.advance(60_000);
    expect(site.of(campaign).asked).toBe(120);
  });
});

describe("with devices that speak SIP", () => {
  let lab: Lab;
  let pcscf: Peer;
  beforeEach(async () => {
    ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
  });

  test("the User-Agent of the latest REGISTER counts", async () => {
    const bob = new Device(lab, pcscf, "bob");
    const agents = (): (string | undefined)[] =>
      [...lab.scscf.bindings.all()].map(({ userAgent }) => userAgent);
    bob.register({ headers: [["User-Agent", "Phone/1"]] });
    expect(agents()).toEqual(["Phone/1"]);
    bob.register({ headers: [["User-Agent", "x".repeat(500)]] });
    expect(agents()).toEqual(["x".repeat(200)]);
    bob.register();
    expect(agents()).toEqual([undefined]);
  });

  test("NOTIFY, challenge, success: the campaign is over, the cause is its name", async () => {
    const bob = new Device(lab, pcscf, "bob");
    bob.register({ headers: [["User-Agent", "Phone/1"]] });
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run(100);
    const order = { ...ORDER, filter: { impu: `sip:robert@${DOMAIN}`, userAgent: "phone*" } };
    const { campaigns, reauthentications } = lab.scscf;
    const started = await campaigns.start(order, await campaigns.select(order));
    lab.run(200);
    bob.register({ integrity: "ip-assoc-yes" });
    expect(reauthentications.list()).toMatchObject([
      { end: "reauthenticated", cause: `campaign:${started.id}` },
    ]);
    expect(campaigns.get(started.id)).toMatchObject({
      status: "finished",
      ends: { reauthenticated: 1 },
    });
    expect(lab.log.named("campaign.changed").map(({ change }) => change)).toEqual([
      "started",
      "finished",
    ]);
  });
});
