// A UE that asks whether its registration still stands. RFC 3261 §11; TS 24.229 §5.2.6, §5.4.3.2.
import { newResponse } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { Lab } from "../lab.ts";

async function checking(status: number, seconds = 30): Promise<Lab> {
  const lab = await new Lab({ event: "none", checkSeconds: seconds }).start();
  answer(lab, status);
  lab.clear();
  return lab;
}

function answer(lab: Lab, status: number): void {
  lab.network.serves.set("OPTIONS", (incoming) => {
    if (status === 0) incoming.drop();
    else incoming.respond(newResponse(incoming.request, status, { toTag: "n" }));
  });
}

test("an OPTIONS to the home domain along the Service-Route, as one of the registered identities", async () => {
  const lab = await checking(200);
  await lab.pass(31);
  const [request] = lab.network.of("OPTIONS");
  expect(request?.uri).toBe("sip:example.org");
  expect(request?.texts("Route")).toEqual([
    "<sip:192.0.2.1:5060;lr>",
    "<sip:s1@scscf.example.org:6060;lr>",
  ]);
  expect(request?.text("P-Preferred-Identity")).toBe("<sip:alice@example.org>");
});

test("0 seconds: never", async () => {
  const lab = await checking(200, 0);
  await lab.pass(3600);
  expect(lab.methods).toEqual([]);
});

test("at times drawn at random, and none while it is not registered", async () => {
  const lab = await checking(200);
  const times: number[] = [];
  lab.network.serves.set("OPTIONS", (incoming) => {
    times.push(lab.clock.now());
    incoming.respond(newResponse(incoming.request, 200, { toTag: "n" }));
  });
  await lab.pass(300);
  const gaps = times.slice(1).map((time, at) => Math.round(time - (times[at] ?? 0)));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(24_000);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(30_001);
  expect(new Set(gaps).size).toBeGreaterThan(3);
  lab.ue.deregister();
  await lab.pass(1);
  lab.clear();
  await lab.pass(300);
  expect(lab.methods).toEqual([]);
});

describe.each([200, 404, 405, 480, 486, 488])("answered %d", (status) => {
  test("the registration stands", async () => {
    const lab = await checking(status);
    await lab.pass(100);
    expect(lab.network.of("REGISTER")).toEqual([]);
    expect(lab.ue.isReady).toBe(true);
    expect(lab.view.registration.lastCheck).toMatchObject({ status, why: null });
  });
});

test.each([0, 408, 500, 503, 504])(
  "answered %d: nobody knows; the UE is not ready, and waits",
  async (status) => {
    const lab = await checking(status);
    await lab.pass(40);
    expect([lab.ue.isReady, lab.view.registration.state]).toEqual([false, "registered"]);
    expect(lab.network.of("REGISTER")).toEqual([]);
    answer(lab, 200);
    await lab.pass(31);
    expect(lab.ue.isReady).toBe(true);
  },
);

test("403: it is registered anew, and ready again", async () => {
  const lab = await checking(403);
  await lab.pass(31);
  expect(lab.network.of("REGISTER")[0]?.cseq.number).toBe(1);
  answer(lab, 200);
  await lab.pass(31);
  expect(lab.view.registration).toMatchObject({ state: "registered", lastFailure: null });
  expect(lab.ue.isReady).toBe(true);
});

test("a network that refuses OPTIONS for ever is registered at ever more seldom", async () => {
  const lab = await checking(403);
  await lab.pass(7200);
  expect(lab.network.of("REGISTER").length).toBeGreaterThan(3);
  expect(lab.network.of("REGISTER").length).toBeLessThan(15);
});

test("ready: who shall not be registered, and who is", async () => {
  const lab = new Lab({ event: "none" });
  await lab.network.listen();
  await lab.node.listen();
  expect(lab.node.isReady).toBe(true);
  lab.network.script = [[503, []]];
  lab.ue.register();
  await lab.pass(1);
  expect(lab.node.isReady).toBe(false);
  lab.network.script = [[200, []]];
  await lab.pass(70);
  expect(lab.node.isReady).toBe(true);
  lab.ue.deregister();
  await lab.pass(1);
  expect(lab.node.isReady).toBe(true);
});
