// `/campaigns` and the filters of `/reauthentications` over HTTP: orders, dry runs, confirmation, and what is refused.
import type { CampaignPlan, CampaignView } from "@ims-lab/common/admin-api/campaigns";
import type { Page, ProblemDetails, ReauthenticationView } from "@ims-lab/common/admin-api/views";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import type { FastifyInstance } from "fastify";
import { beforeEach, describe, expect, test } from "vitest";
import { keptStore } from "../contract/kept-store.ts";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { BOB, Device, DOMAIN, Lab, type Peer } from "../lab.ts";
import { adminOf } from "./admin-server.ts";

let lab: Lab;
let pcscf: Peer;
let app: FastifyInstance;
let store: TryingStore;
let bob: Device;
let carol: Device;

beforeEach(async () => {
  store = tryingStore(keptStore());
  ({ lab, pcscf } = await Lab.startWith(
    store,
    "--pcscf.subscribe=false",
    "--campaigns.maxPacePerSecond=20",
  ));
  app = await adminOf(lab);
  bob = new Device(lab, pcscf, "bob");
  carol = new Device(lab, pcscf, "carol");
  for (const [device, agent] of [
    [bob, "Phone/1"],
    [carol, "tablet"],
  ] as const) {
    device.register({ headers: [["User-Agent", agent]] });
    device.subscribe(OWN_PACKAGE, 3600);
  }
  lab.run(100);
});

async function ask<T>(
  method: "GET" | "POST" | "DELETE",
  url: string,
  body?: unknown,
): Promise<[status: number, answer: T]> {
  const headers = { host: "localhost" };
  const payload = body === undefined ? {} : { payload: body as object };
  const answer = await app.inject({ method, url, headers, ...payload });
  return [answer.statusCode, answer.json()];
}
type StartAnswer = Omit<CampaignView, "status"> &
  Omit<ProblemDetails, "status"> & { readonly status: string | number };
const start = (body: object): Promise<[number, StartAnswer]> => ask("POST", "/campaigns", body);

describe("an order", () => {
  test("201, and it runs to its end", async () => {
    const [status, view] = await start({ name: "pilot", filter: { userAgent: "phone*" } });
    expect([status, view]).toEqual([201, expect.objectContaining({ status: "running", total: 1 })]);
    expect(view).toMatchObject({
      name: "pilot",
      filter: { userAgent: "phone*", impu: null, pcscf: null },
      percent: 100,
      pacePerSecond: 10,
      jitter: 0,
      left: 1,
      open: 0,
      latencySeconds: null,
    });
    lab.run(200);
    bob.register({ integrity: "ip-assoc-yes" });
    const [, over] = await ask<CampaignView>("GET", `/campaigns/${view.id}`);
    expect(over).toMatchObject({
      status: "finished",
      asked: 1,
      left: 0,
      open: 0,
      ends: { reauthenticated: 1, ignored: 0 },
      latencySeconds: { p50: expect.any(Number), max: expect.any(Number) },
    });
    expect(over.latencySeconds?.max).toBeLessThan(0.3);
    expect(await ask("GET", "/campaigns?limit=1")).toEqual([200, { items: [over], total: 1 }]);
  });

  test("a dry run lists who would be asked, and asks nobody", async () => {
    const body = { dryRun: true, pacePerSecond: 0.5, percent: 50 };
    const [status, plan] = await ask<CampaignPlan>("POST", "/campaigns", body);
    expect(status).toBe(200);
    expect(plan).toMatchObject({ registered: 2, matched: 2, total: 1, durationSeconds: 2 });
    expect(plan.concerns).toEqual(["no filter: 1 of 2 registered devices would be asked"]);
    lab.run(10_000);
    expect(lab.scscf.reauthentications.list()).toEqual([]);
    expect(lab.scscf.campaigns.list()).toEqual([]);
    // The same seed chooses the same users.
    const again = { ...body, dryRun: false, confirm: true, seed: plan.seed };
    expect((await start(again))[0]).toBe(201);
    lab.run(10_000);
    const impis = lab.scscf.reauthentications.list().map(({ impi }) => impi);
    expect(impis).toEqual(plan.items.map(({ impi }) => impi));
  });

  test("a dry run is paged, and each device is shown", async () => {
    const [, plan] = await ask<CampaignPlan>("POST", "/campaigns?limit=1&offset=1", {
      dryRun: true,
    });
    expect(plan.total).toBe(2);
    expect(plan.items).toEqual([
      {
        impi: `carol@${DOMAIN}`,
        impu: `sip:carol@${DOMAIN}`,
        contact: "sip:carol@192.0.2.1:5060",
        pcscf: "10.1.0.1:4060",
        userAgent: "tablet",
        authenticatedAt: expect.any(Number),
      },
    ]);
  });

  test("that matches nobody is refused with the reason", async () => {
    const filter = { impu: "sip:b*", userAgent: "tab*", impi: "x" };
    expect(await start({ filter, confirm: true })).toEqual([
      422,
      expect.objectContaining({
        title: "Matches nobody",
        detail:
          "registered devices: 2, none matches: impu matches 1, impi matches 0, userAgent matches 1",
        count: 0,
      }),
    ]);
    expect(lab.scscf.campaigns.list()).toEqual([]);
  });

  test("with nobody registered is refused", async () => {
    for (const device of [bob, carol]) device.register({ expires: 0 });
    expect((await start({ confirm: true }))[1].detail).toBe("nobody is registered");
  });

  test.each([
    ["no filter", {}, "no filter: 2 of 2 registered devices would be asked: confirm it.", 2],
    [
      "a filter that matches everybody",
      { filter: { impu: "sip:*" }, percent: 50 },
      "the filter matches everybody: 1 of 2 registered devices would be asked: confirm it.",
      1,
    ],
    [
      "a pace above the setting",
      { filter: { impi: "bob@*" }, pacePerSecond: 20.5 },
      "20.5 a second is above campaigns.maxPacePerSecond (20), devices: 1: confirm it.",
      1,
    ],
  ])("%s must be confirmed", async (_, body, detail, count) => {
    expect(await start(body)).toEqual([
      409,
      expect.objectContaining({ title: "Confirmation needed", detail, count }),
    ]);
    expect(lab.scscf.campaigns.list()).toEqual([]);
    expect((await start({ ...body, confirm: true }))[0]).toBe(201);
  });

  test("the pace of those that run already counts", async () => {
    const filter = { impi: "bob@*" };
    expect((await start({ filter, pacePerSecond: 15 }))[0]).toBe(201);
    const [status, { detail }] = await start({ filter, pacePerSecond: 6 });
    expect([status, detail]).toEqual([
      409,
      "6 a second with the 15 of others is above campaigns.maxPacePerSecond (20), devices: 1: confirm it.",
    ]);
  });

  test.each<[string, object, string]>([
    ["percent", { percent: 0 }, "body/percent must be > 0"],
    ["percent", { percent: 100.5 }, "body/percent must be <= 100"],
    ["pacePerSecond", { pacePerSecond: 0 }, "body/pacePerSecond must be >= 0.001"],
    ["pacePerSecond", { pacePerSecond: "fast" }, "body/pacePerSecond must be number"],
    ["jitter", { jitter: 1.1 }, "body/jitter must be <= 1"],
    ["name", { name: "" }, "body/name must NOT have fewer than 1 characters"],
    ["name", { name: "x".repeat(101) }, "body/name must NOT have more than 100 characters"],
    ["filter.impu", { filter: { impu: 7, extra: 1 } }, ""],
    ["filter.impu", { filter: { impu: "x".repeat(257) } }, "body/filter/impu must NOT have more"],
    ["filter.impus", { filter: { impus: "x" } }, "additional properties: impus"],
    [
      "filter.minAuthenticationAgeSeconds",
      { filter: { minAuthenticationAgeSeconds: -1 } },
      "must be >= 0",
    ],
    ["filter.pcscf", { filter: { pcscf: "a b" } }, "body/filter/pcscf must be HOST or HOST:PORT"],
    ["filter.pcscf", { filter: { pcscf: "[::1" } }, "body/filter/pcscf must be HOST or HOST:PORT"],
    ["pace", { pace: 3 }, "must NOT have additional properties: pace"],
  ])("with a wrong %s %j is refused by name", async (parameter, body, detail) => {
    const [status, problem] = await start({ confirm: true, ...body });
    expect(status).toBe(400);
    if (detail !== "") {
      expect(problem.detail).toContain(detail);
      expect(problem.parameter).toBe(parameter);
    }
    expect(lab.scscf.campaigns.list()).toEqual([]);
  });

  test("hostile text is kept as text, and matches in time", async () => {
    const filter = { impu: `${"*a".repeat(100)}*\u0000\u202e`, userAgent: "(a+)+$[" };
    expect((await start({ filter }))[0]).toBe(422);
    const [status, view] = await start({ name: "\u001b[2J'\"<>", confirm: true });
    expect([status, view.name]).toEqual([201, "\u001b[2J'\"<>"]);
  });

  test("as many as may be go on at once, one more is refused", async () => {
    const body = { filter: { impi: "bob@*" }, pacePerSecond: 0.001 };
    for (let turn = 0; turn < 16; turn++) expect((await start(body))[0]).toBe(201);
    expect(await start(body)).toEqual([
      409,
      expect.objectContaining({ title: "Too many campaigns" }),
    ]);
  });

  test("that the store does not take has not happened: 503", async () => {
    store.problem = new Error("disk full");
    expect((await start({ confirm: true }))[0]).toBe(503);
    store.problem = undefined;
    lab.run(5_000);
    expect(lab.scscf.campaigns.list()).toEqual([]);
    expect(lab.scscf.reauthentications.list()).toEqual([]);
  });
});

test("pause, resume, stop; where it cannot be, 409 says how it stands", async () => {
  const [, { id }] = await start({ confirm: true, pacePerSecond: 1 });
  const act = (method: "POST" | "DELETE", path: string): Promise<[number, CampaignView]> =>
    ask(method, `/campaigns/${id}${path}`);
  expect(await act("POST", "/resume")).toEqual([
    409,
    expect.objectContaining({ detail: `Campaign ${id} is running: it cannot be resumed.` }),
  ]);
  expect((await act("POST", "/pause"))[1].status).toBe("paused");
  lab.run(10_000);
  expect(lab.scscf.reauthentications.list()).toEqual([]);
  expect((await act("POST", "/pause"))[0]).toBe(409);
  expect((await act("POST", "/resume"))[1].status).toBe("running");
  lab.run(100);
  expect((await act("DELETE", ""))[1]).toMatchObject({ status: "stopped", left: 0 });
  expect((await act("DELETE", ""))[0]).toBe(409);
  for (const [method, path] of [
    ["GET", "/campaigns/nope"],
    ["DELETE", "/campaigns/nope"],
    ["POST", "/campaigns/nope/pause"],
  ] as const)
    expect(await ask(method, path)).toEqual([
      404,
      expect.objectContaining({ title: "No such campaign" }),
    ]);
});

describe("GET /reauthentications", () => {
  let campaign: string;
  let since: number;

  /** Bob's is over; carol's, which an operator asked for and the campaign joined, waits for her. */
  beforeEach(async () => {
    const { reauthentications, bindings } = lab.scscf;
    reauthentications.ask([...bindings.all()].slice(0, 1), "operator");
    lab.run();
    bob.register({ integrity: "ip-assoc-yes" });
    lab.run(1_000);
    since = lab.clock.now();
    reauthentications.ask([...bindings.all()].slice(1), "policy:maxAge");
    const order = { filter: { impi: "carol@*" } };
    [, { id: campaign }] = await start(order);
    lab.run(500);
  });

  const listed = async (query: string): Promise<string[]> => {
    const [status, page] = await ask<Page<ReauthenticationView>>(
      "GET",
      `/reauthentications?${query}`,
    );
    expect([query, status, page.total]).toEqual([query, 200, page.items?.length]);
    return page.items.map(({ impi }) => impi.split("@")[0] ?? "");
  };

  test.each<[string, string[]]>([
    ["", ["carol", "bob"]],
    [`impu=${encodeURIComponent(BOB)}`, ["bob"]],
    [`impi=carol@${DOMAIN}`, ["carol"]],
    ["cause=operator", ["bob"]],
    ["cause=policy", ["carol"]],
    ["cause=policy:maxAge", ["carol"]],
    ["cause=policy:max", []],
    ["cause=pcscf", []],
    ["cause=campaign", []],
    ["end=reauthenticated", ["bob"]],
    ["end=ignored", []],
    ["progress=acknowledged", ["carol"]],
    ["progress=challenged", []],
    [`impi=bob@${DOMAIN}&end=reauthenticated&cause=operator`, ["bob"]],
    [`impi=bob@${DOMAIN}&progress=acknowledged`, []],
  ])("%s", async (query, users) => {
    expect(await listed(query)).toEqual(users);
  });

  test("campaign: those that it joined, too; since", async () => {
    expect(await listed(`campaign=${campaign}`)).toEqual(["carol"]);
    expect(await listed(`since=${since}`)).toEqual(["carol"]);
    expect(await listed(`since=${since + 1}`)).toEqual([]);
    expect(await listed("since=0")).toEqual(["carol", "bob"]);
  });

  test.each<[number, string, string, string]>([
    [400, "cause=boredom", "cause", 'querystring/cause must match pattern "^(operator|pcscf|'],
    [
      400,
      "end=dead",
      "end",
      "querystring/end must be equal to one of the allowed values: reauthenticated, refused",
    ],
    [400, "progress=ended", "progress", "requested, notified, acknowledged, challenged"],
    [400, "progress=requested&end=ignored", "progress", "give one of them"],
    [400, "since=yesterday", "since", "querystring/since must be integer"],
    [400, "since=99999999999999", "since", "is in the future: milliseconds since 1970"],
    [400, "since=-1", "since", "must be >= 0"],
    [400, "impi=", "impi", "must NOT have fewer than 1 characters"],
    [400, "ende=ignored", "ende", "must NOT have additional properties: ende"],
    [404, "impi=ghost", "impi", "ghost is unknown"],
    [404, "impu=sip:ghost@x", "", "sip:ghost@x is unknown"],
    [404, "campaign=nope", "", "nope is unknown"],
  ])("%d to %s", async (status, query, parameter, detail) => {
    const [found, problem] = await ask<ProblemDetails>("GET", `/reauthentications?${query}`);
    expect(found).toBe(status);
    expect(problem.detail).toContain(detail);
    if (parameter !== "") expect(problem.parameter).toBe(parameter);
  });
});

test("the event stream tells of campaigns", async () => {
  const [, { id }] = await start({ confirm: true });
  const answer = await app.inject({
    url: "/events?follow=false",
    headers: { host: "localhost", "last-event-id": "0" },
  });
  const [data = ""] = /^event: campaign\ndata: .*$/m.exec(answer.body) ?? [];
  expect(JSON.parse(data.split("data: ")[1] ?? "")).toMatchObject({
    type: "campaign",
    event: "started",
    campaignId: id,
    total: 2,
    asked: 0,
    ended: 0,
    reauthenticated: 0,
    impi: null,
    text: `campaign ${id} started: 0 of 2 devices asked, 0 of them authenticated again`,
  });
});
