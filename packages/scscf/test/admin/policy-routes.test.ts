// `GET /policy` and `PUT /policy`: whole or not at all, confirmed where many must authenticate at once.
import { setImmediate as requestsRead } from "node:timers/promises";
import type { PolicyAnswer, PolicyView } from "@ims-lab/common/admin-api/policy-views";
import type { ProblemDetails } from "@ims-lab/common/admin-api/views";
import type { FastifyInstance } from "fastify";
import { beforeEach, describe, expect, test } from "vitest";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { Device, DOMAIN, Lab, type Peer } from "../lab.ts";
import { adminOf } from "./admin-server.ts";

const MANY = `  - template:
      from: 1
      to: 60
      impi: "load{n}@${DOMAIN}"
      impus: ["sip:load{n}@${DOMAIN}"]
      auth: { scheme: digest, password: "pw" }
      subscription: optional
`;

let lab: Lab;
let pcscf: Peer;
let store: TryingStore;
let app: FastifyInstance;

beforeEach(async () => {
  store = tryingStore();
  ({ lab, pcscf } = await Lab.startMore(MANY, store, "--pcscf.subscribe=false"));
  app = await adminOf(lab, { maxBodyBytes: 20_000 });
});

async function ask<T>(method: "GET" | "PUT", url: string, body?: unknown): Promise<[number, T]> {
  const headers = { host: "localhost", "content-type": "application/json" };
  const payload = body === undefined ? {} : { payload: JSON.stringify(body) };
  const response = await app.inject({ method, url, headers, ...payload });
  return [response.statusCode, response.json()];
}
const put = (body: unknown, query = ""): Promise<[number, PolicyAnswer & ProblemDetails]> =>
  ask("PUT", `/policy${query}`, body);
const inForce = async (): Promise<PolicyView> => (await ask<PolicyView>("GET", "/policy"))[1];

function registered(count: number): void {
  for (let n = 1; n <= count; n++) new Device(lab, pcscf, `load${n}`).register();
}

test("what is in force: the settings' to begin with, then what was put", async () => {
  registered(3);
  expect(await inForce()).toEqual({
    policy: { pacePerSecond: 50, rules: [] },
    source: "settings",
    changedAt: null,
    registered: 3,
    rules: [],
    waiting: 0,
  });
  const rules = [{ name: "ones", users: "load1@*", maxAgeSeconds: 3600 }, { onRefresh: "always" }];
  const policy = { pacePerSecond: 5, rules };
  const [status, answer] = await put(policy);
  expect([status, answer.inForce, answer.dueAtOnce, answer.needsConfirmation]).toEqual([
    ...[200, true, 0, null],
  ]);
  expect(answer.changes).toEqual([
    "new ones: asks load1@* 3600 s after the last authentication",
    "new onRefresh: asks everybody at a refresh over a protected association",
    "pacePerSecond: 5 (before: 50)",
  ]);
  const now = await inForce();
  expect(now).toMatchObject({ policy, source: "operator", changedAt: lab.clock.now() });
  expect(now.rules.map(({ name, registered: count }) => [name, count])).toEqual([
    ["ones", 1],
    ["onRefresh", 3],
  ]);
  expect((await put(now.policy))[1].changes).toEqual([]);
});

test("checked only: nothing changes, nothing is kept", async () => {
  const before = store.asked.length;
  const [status, answer] = await put({ rules: [{ onRefresh: "always" }] }, "?check=true");
  expect([status, answer.inForce, answer.changes.length]).toEqual([200, false, 1]);
  expect([(await inForce()).policy.rules, store.asked.length]).toEqual([[], before]);
});

describe("refused, and the policy before is untouched", () => {
  test.each<[string, unknown, string]>([
    ["unknown key", { rules: [{ maxAge: 5 }] }, 'rules[0]: the key "maxAge"'],
    ["wrong type", { rules: [{ maxAgeSeconds: "5" }] }, "rules[0].maxAgeSeconds"],
    ["nothing", null, "the policy: null"],
    ["a list", [], "the policy: a list of 0"],
    [
      "shadowed",
      { rules: [{ onRefresh: "always" }, { name: "b", onRefresh: "never" }] },
      "never fires",
    ],
    ["nobody", { rules: [{ users: "lod*", onRefresh: "always" }] }, '"lod*" is no subscriber'],
  ])("%s: 400", async (_what, body, why) => {
    await put({ rules: [{ onContactChange: "always" }] });
    const before = store.asked.length;
    const [status, refused] = await put(body);
    expect([status, refused.title]).toEqual([400, "Bad policy"]);
    expect(refused.detail).toContain(why);
    expect((await inForce()).policy.rules).toEqual([{ onContactChange: "always" }]);
    expect(store.asked.length).toBe(before);
  });

  test.each(["?confirm=yes", "?check=1", "?force=true", "?confirm=true&confirm=true"])(
    "%s: 400",
    async (query) => {
      expect((await put({ rules: [] }, query))[0]).toBe(400);
    },
  );

  test("the store fails: 503, and why", async () => {
    store.problem = new Error("disk full");
    const [status, refused] = await put({ rules: [{ onRefresh: "always" }] });
    expect([status, refused.title]).toEqual([503, "Not stored"]);
    expect(refused.detail).toContain("disk full");
    store.problem = undefined;
    expect(await inForce()).toMatchObject({ source: "settings", policy: { rules: [] } });
  });

  test("while another one is under way: 409", async () => {
    store.holds = true;
    const first = put({ rules: [{ onRefresh: "always" }] });
    await lab.clock.advanceAsync(1);
    while (store.waiting === 0) await requestsRead();
    const [status, refused] = await put({ rules: [] });
    expect([status, refused.title]).toEqual([409, "Policy is changing"]);
    store.letGo();
    store.holds = false;
    expect((await first)[0]).toBe(200);
    expect((await put({ rules: [] }))[0]).toBe(200);
  });
});

describe("many at once", () => {
  beforeEach(() => {
    registered(60);
    lab.run(120_000);
  });

  test("more than the pace: 409 with the count; confirmed, they are asked at the pace", async () => {
    const policy = { pacePerSecond: 10, rules: [{ maxAgeSeconds: 100 }] };
    const [status, refused] = await put(policy);
    expect([status, refused.title]).toEqual([409, "Confirm this policy"]);
    expect(refused.detail).toBe(
      "60 of 60 registered devices would have to authenticate at once, which takes 6 s at 10 a second (pacePerSecond): repeat with confirm=true.",
    );
    expect((await inForce()).policy.rules).toEqual([]);
    const [, checked] = await put(policy, "?check=true");
    expect(checked).toMatchObject({ inForce: false, dueAtOnce: 60 });
    expect(checked.needsConfirmation).toContain("60 of 60");
    expect((await put(policy, "?confirm=true"))[0]).toBe(200);
    lab.run(1_000);
    const asked = lab.scscf.reauthentications.runningCount;
    expect(asked).toBeGreaterThanOrEqual(9);
    expect(asked).toBeLessThanOrEqual(11);
    expect((await inForce()).waiting).toBe(60 - asked);
  });

  test("no more than the pace, or than those whom it concerns: no confirmation", async () => {
    expect((await put({ pacePerSecond: 60, rules: [{ maxAgeSeconds: 100 }] }))[0]).toBe(200);
    const few = { pacePerSecond: 11, rules: [{ users: "load1*", maxAgeSeconds: 100 }] };
    expect((await put(few))[0]).toBe(200);
  });

  test("in the long run more than the pace: 409", async () => {
    const [status, refused] = await put({ pacePerSecond: 0.1, rules: [{ maxAgeSeconds: 300 }] });
    expect(status).toBe(409);
    expect(refused.detail).toContain("maxAgeSeconds would ask for 0.2 a second of 60");
  });
});
