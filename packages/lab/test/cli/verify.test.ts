// `imslab verify` and `imslab explain`: usage, list, what cannot be judged, exit codes; a whole run is in the scenarios.
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";
import { describe, expect, test } from "vitest";
import { PROCEDURES } from "../../src/verify/procedures.ts";
import { type Answer, ok, run } from "./run-imslab.ts";

const ALICE = "sip:alice@ims.example";
const PATH = "/registrations/sip%3Aalice%40ims.example";

describe("usage", () => {
  test.each([
    [["verify"], "say whom: imslab verify sip:alice@DOMAIN"],
    [["verify", "alice"], '"alice" is no IMPU'],
    [
      ["verify", ALICE, "--only", "reauthentication,nonsense"],
      '--only: "nonsense" is none of subscription, ',
    ],
    [["verify", ALICE, "--within", "0"], '--within: "0" is no whole number from 1 to 86400'],
    [["verify", ALICE, "--within", "1.5"], '--within: "1.5" is no whole number'],
    [["verify", ALICE, "--timeout", "soon"], '--timeout: "soon" is no number of seconds'],
    [["verify", ALICE, "--caller", "bob"], '"bob" is no IMPU'],
    [["explain"], "say whom: imslab explain sip:alice@DOMAIN"],
  ])("%j", async (argv, expected) => {
    const { code, err, requests } = await run(argv);
    expect([code, requests]).toEqual([2, []]);
    expect(err).toContain(expected);
  });
});

test("--list names every procedure with its clause and what it expects, and asks nobody", async () => {
  const { code, out, requests } = await run(["verify", "--list"]);
  expect([code, requests]).toEqual([0, []]);
  for (const { name, title, clause } of PROCEDURES)
    expect(out).toContain(`${name}: ${title} (${clause})\n`);
  const json = await run(["verify", "--list", "--json", "--only", "rejected"]);
  expect(JSON.parse(json.out)).toMatchObject({
    total: 1,
    items: [{ name: "rejected", clause: "TS 34.229-1 clause 11.1" }],
  });
});

const binding = {
  id: "b1",
  contact: "sip:alice@192.0.2.1:5070",
  callId: "1@ue",
  cseq: 2,
  path: [],
  expiresAt: FAKE_EPOCH + 3_600_000,
  registeredAt: FAKE_EPOCH,
  authenticatedAt: FAKE_EPOCH,
  subscription: { package: "reg", callId: "2@ue", expiresAt: FAKE_EPOCH + 60_000, version: 3 },
  subscriptionDeadlineAt: null,
  reauthentication: null,
};
const registered = (bindings: readonly object[]): Answer =>
  ok({ impu: ALICE, impi: "alice@x", implicitSet: [ALICE], state: "registered", bindings });
const nodes = (more: Readonly<Record<string, readonly Answer[]>>) => ({
  [`GET ${PATH}`]: [registered([binding])],
  "GET /subscribers/alice%40x": [ok({ scheme: "aka" })],
  "GET /faults?limit=1000&offset=0": [ok({ items: [], total: 0 })],
  ...more,
});

test("not registered: 3", async () => {
  const { code, err } = await run(["verify", ALICE], nodes({ [`GET ${PATH}`]: [registered([])] }));
  expect([code, err]).toEqual([3, `imslab: not registered: ${ALICE}\n`]);
});

test("two devices: 1, and how to go on; their names cannot steer the terminal", async () => {
  const hostile = { ...binding, contact: "sip:\u001b[2J@192.0.2.2" };
  const both = { [`GET ${PATH}`]: [registered([binding, hostile])] };
  const { code, err } = await run(["verify", ALICE], nodes(both));
  expect(code).toBe(1);
  expect(err).toContain("has 2 devices, and one is judged at a time: de-register the others");
  expect(err).not.toContain("\u001b");
});

test("an S-CSCF with faults for this user: 1", async () => {
  const faults = { items: [{ name: "bad-autn", active: [{ impu: ALICE }] }], total: 1 };
  const { code, err } = await run(
    ["verify", ALICE],
    nodes({ "GET /faults?limit=1000&offset=0": [ok(faults)] }),
  );
  expect([code, err]).toEqual([
    1,
    `imslab: the S-CSCF has faults for ${ALICE}: switch off bad-autn\n`,
  ]);
});

test("the stream of messages ends: 1, and the fault is off again", async () => {
  const { code, err, requests, bodies } = await run(
    ["verify", ALICE, "--only", "without-callid"],
    nodes({
      [`GET ${PATH}/messages`]: [{ status: 200, body: null, text: ": begun\n\n" }],
      "PUT /faults/trigger-without-callid": [ok({ items: [], total: 0 })],
      "DELETE /faults/trigger-without-callid?impu=sip%3Aalice%40ims.example": [ok({})],
      [`POST ${PATH}/reauthenticate`]: [{ status: 201, body: { items: [] } }],
    }),
  );
  expect([code, err]).toEqual([1, "imslab: the S-CSCF has ended the stream of messages\n"]);
  // Whatever was switched on by then is off.
  const switched = (method: string): number =>
    requests.filter((line) => line.startsWith(`${method} `) && line.includes("/faults/")).length;
  expect(switched("DELETE")).toBeGreaterThanOrEqual(switched("PUT"));
  expect(bodies).toEqual(bodies.length === 0 ? [] : [{ impu: ALICE, parameters: {}, times: 4 }]);
});

test("explain: each grant in a sentence, with its time; JSON has the figures", async () => {
  const event = (id: number, at: number, granted: number) => ({
    ...{ id, at, type: "registration", event: id === 1 ? "registered" : "refreshed" },
    ...{ impi: "a", impu: ALICE, callId: "c", text: "", bindingId: "b", cause: null },
    ...{ contact: "sip:\u001b@192.0.2.1", expiresAt: at + granted * 1000 },
  });
  const first = event(1, FAKE_EPOCH - 6_480_000, 7200);
  const stream = [first, event(2, FAKE_EPOCH, 600)]
    .map((one) => `event: registration\ndata: ${JSON.stringify(one)}\n\n`)
    .join("");
  const served = {
    "GET /events?impu=sip%3Aalice%40ims.example&follow=false": [
      { status: 200, body: null, text: stream },
    ],
  };
  const { code, out } = await run(["explain", ALICE], served);
  expect(code).toBe(0);
  expect(out).toContain(
    "sip:\\x1b@192.0.2.1: granted 7 200 s, refresh due after 6 600 s, came after 6 480 s: early, allowed\n",
  );
  expect(out).toContain("granted 600 s, refresh due after 300 s, not come in 0 s: not due yet\n");
});
