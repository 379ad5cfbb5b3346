// The webhook: batches, repetition with pauses, a bounded queue, and signalling that never waits for it.
import { setImmediate as eventsHandled } from "node:timers/promises";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { Secret } from "@ims-lab/common/platform/secret";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { type MemoryLogger, memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { beforeEach, describe, expect, test } from "vitest";
import type { RegistrationEvent } from "../../src/registration/events.ts";
import type { Ended } from "../../src/registration/reauthentication.ts";
import {
  MOST_IN_BATCH,
  pauseAfter,
  Webhook,
  type WebhookOutcome,
} from "../../src/webhook/webhook.ts";
import { Device, Lab } from "../lab.ts";

type Fetch = typeof globalThis.fetch;

interface Told {
  readonly at: number;
  readonly id: string;
  readonly texts: readonly string[];
  readonly signature: string;
}

let clock: FakeClock;
let log: MemoryLogger;
let told: Told[];
let counts: Record<WebhookOutcome, number>;
/** How the target answers; undefined: not at all. */
let status: (turn: number) => number | undefined;
let hook: Webhook;

const fetch: Fetch = (_, init) => {
  const headers = new Headers(init?.headers);
  const body = JSON.parse(String(init?.body)) as { id: string; items: { text: string }[] };
  const texts = body.items.map(({ text }) => text);
  told.push({
    at: clock.now(),
    id: body.id,
    texts,
    signature: headers.get("x-ims-lab-signature") ?? "",
  });
  expect(headers.get("x-ims-lab-delivery")).toBe(body.id);
  const code = status(told.length);
  if (code !== undefined) return Promise.resolve(new Response(null, { status: code }));
  return new Promise((_, reject) => {
    init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
  });
};

function start(more: { maxQueued?: number; maxAttempts?: number } = {}): void {
  hook = new Webhook({
    target: {
      url: "https://user.example/secret-path?token=1",
      secret: new Secret("0123456789abcdef"),
      timeoutSeconds: 5,
    },
    maxQueued: 1000,
    maxAttempts: 4,
    ...more,
    ...{ clock, random: seededRandom(), log, fetch },
    contentOf: (event) =>
      event.kind === "reauthentication-ended" ? { text: event.reauthentication.id } : undefined,
    counter: {
      countWebhook: (outcome, events) => {
        counts[outcome] += events;
      },
    },
  });
}

beforeEach(() => {
  clock = new FakeClock();
  log = memoryLogger();
  told = [];
  counts = { delivered: 0, "given-up": 0, dropped: 0 };
  status = () => 200;
  start();
});

function happen(...ids: readonly string[]): void {
  for (const id of ids)
    hook.on({ kind: "reauthentication-ended", reauthentication: { id } as Ended });
}
async function pass(milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= 100) {
    await clock.advanceAsync(Math.min(100, left));
    await eventsHandled();
  }
}
const texts = (): string[][] => told.map((one) => [...one.texts]);

test("ends that come together go together; nothing else is told", async () => {
  hook.on({ kind: "answered", impi: "a", callId: "c" } satisfies RegistrationEvent);
  await pass(1_000);
  expect([told.length, clock.pending]).toEqual([0, 0]);
  happen("a", "b");
  await pass(200);
  happen("c");
  await pass(200);
  expect(texts()).toEqual([["a", "b"], ["c"]]);
  expect(counts).toEqual({ delivered: 3, "given-up": 0, dropped: 0 });
  expect([hook.size, clock.pending]).toEqual([0, 0]);
});

test("a batch has a bounded size, and the next follows at once", async () => {
  const ids = Array.from({ length: 2 * MOST_IN_BATCH + 1 }, (_, n) => `e${n}`);
  happen(...ids);
  await pass(300);
  expect(texts().map(({ length }) => length)).toEqual([MOST_IN_BATCH, MOST_IN_BATCH, 1]);
  expect(texts().flat()).toEqual(ids);
});

test("what fails is repeated, the same under the same id, after longer and longer pauses", async () => {
  status = (turn) => (turn < 4 ? 500 : 200);
  happen("a");
  await pass(20_000);
  expect(texts()).toEqual([["a"], ["a"], ["a"], ["a"]]);
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect(new Set(told.map(({ signature }) => signature)).size).toBe(4);
  const pauses = told.slice(1).map(({ at }, n) => (at - (told[n]?.at ?? 0)) / 1000);
  for (const [n, pause] of pauses.entries()) {
    expect(pause).toBeGreaterThan(0.79 * 2 ** n);
    expect(pause).toBeLessThan(1.35 * 2 ** n);
  }
  expect(counts).toEqual({ delivered: 1, "given-up": 0, dropped: 0 });
  expect(log.named("webhook.delivered-again")).toEqual([{ url: "https://user.example", after: 3 }]);
});

test("pauses do not grow for ever", () => {
  expect(pauseAfter(60, seededRandom())).toBeLessThanOrEqual(72_000);
});

test("after so many attempts it is given up, and what came meanwhile is told", async () => {
  status = (turn) => (turn <= 4 ? 503 : 200);
  happen("a");
  await pass(500);
  happen("b");
  await pass(30_000);
  expect(texts()).toEqual([["a"], ["a"], ["a"], ["a"], ["b"]]);
  expect(counts).toEqual({ delivered: 1, "given-up": 1, dropped: 0 });
});

test("a target that hangs is left after the time limit, and asked again", async () => {
  status = (turn) => (turn === 1 ? undefined : 200);
  happen("a");
  await pass(4_900);
  expect(told.length).toBe(1);
  await pass(2_000);
  expect(texts()).toEqual([["a"], ["a"]]);
  expect(log.named("webhook.failed")[0]).toMatchObject({
    url: "https://user.example",
    why: "no answer within 5 s; attempt 1 of 4, it is tried again",
  });
});

test("the queue is bounded: the oldest are dropped, counted, and said once a period", async () => {
  start({ maxQueued: 10, maxAttempts: 100 });
  status = () => undefined;
  happen("first");
  await pass(200);
  happen(...Array.from({ length: 5_000 }, (_, n) => `e${n}`));
  expect(hook.size).toBe(11);
  expect(counts.dropped).toBe(4_990);
  expect(log.named("webhook.dropped").length).toBe(1);
  await pass(61_000);
  expect(log.named("webhook.dropped")).toEqual([
    expect.objectContaining({ why: "1 not delivered: more than 10 events wait for it" }),
    expect.objectContaining({ more: 4_989, why: expect.stringContaining("4989 more") }),
  ]);
  expect(log.named("webhook.failed").length).toBeLessThanOrEqual(3);
  status = () => 200;
  await pass(120_000);
  expect(texts().at(-1)).toEqual(Array.from({ length: 10 }, (_, n) => `e${4_990 + n}`));
});

test("neither log nor counters have the secret, or the path of the target", async () => {
  status = () => 500;
  happen("a");
  await pass(30_000);
  hook.close();
  expect(JSON.stringify(log.events)).not.toMatch(/0123456789abcdef|secret-path|token/);
});

test("at the end what was not delivered is counted, and nothing goes on", async () => {
  status = () => undefined;
  happen("a", "b");
  await pass(200);
  happen("c");
  hook.close();
  await pass(60_000);
  expect([told.length, counts.dropped, clock.pending]).toEqual([1, 3, 0]);
  happen("d");
  expect(hook.size).toBe(0);
});

describe("at an S-CSCF", () => {
  const SETTINGS = [
    "--pcscf.subscribe=false",
    "--webhook.url=http://192.0.2.99/hook",
    "--webhook.secret=0123456789abcdef",
  ];

  async function withBob(target: Fetch): Promise<{ lab: Lab; bob: Device }> {
    const { lab, pcscf } = await Lab.startTelling(target, ...SETTINGS);
    const bob = new Device(lab, pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run(100);
    return { lab, bob };
  }

  test("tells of a re-authentication and of its campaign, as the admin interface shows them", async () => {
    const bodies: { items: Record<string, unknown>[] }[] = [];
    const { lab, bob } = await withBob((_, init) => {
      bodies.push(JSON.parse(String(init?.body)) as (typeof bodies)[number]);
      return Promise.resolve(new Response());
    });
    const order = { filter: {}, percent: 100, pacePerSecond: 10, jitter: 0, seed: "s" };
    const { campaigns } = lab.scscf;
    const { id } = await campaigns.start(order, await campaigns.select(order));
    lab.run(200);
    bob.register({ integrity: "ip-assoc-yes" });
    lab.run(200);
    expect(bodies.flatMap(({ items }) => items)).toMatchObject([
      {
        type: "reauthentication.ended",
        at: expect.any(Number),
        reauthentication: { end: "reauthenticated", cause: `campaign:${id}` },
      },
      {
        type: "campaign.ended",
        campaign: { id, status: "finished", ends: { reauthenticated: 1 } },
      },
    ]);
  });

  test("a target that never answers slows nothing: the next re-authentication is as fast", async () => {
    let requests = 0;
    const { lab, bob } = await withBob(() => {
      requests += 1;
      return new Promise(() => undefined);
    });
    for (let turn = 0; turn < 50; turn++) {
      lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
      lab.run(20);
      expect(bob.register({ integrity: "ip-assoc-yes" }).status).toBe(200);
    }
    lab.run(1_000);
    expect(requests).toBe(1);
    const ends = lab.scscf.reauthentications.list();
    expect(ends.map((one) => one.progress === "ended" && one.end)).toEqual(
      Array<string>(50).fill("reauthenticated"),
    );
  });
});
