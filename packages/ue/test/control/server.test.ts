// The UE's control interface.
import { adminOptions } from "@ims-lab/common/testing/admin-options";
import type { FastifyInstance } from "fastify";
import { describe, expect, test } from "vitest";
import { controlServer } from "../../src/control/server.ts";
import { Lab } from "../lab.ts";

async function control(lab: Lab): Promise<FastifyInstance> {
  const { ready: _, ...options } = adminOptions("UE");
  return await controlServer({ ...options, clock: lab.clock, node: lab.node });
}

describe("HTTP control of the UEs", () => {
  test("GET /transactions: what each UE waits for", async () => {
    const lab = await new Lab({}).start();
    const app = await control(lab);
    expect((await app.inject({ url: "/transactions?limit=2" })).json()).toMatchObject({
      items: [
        { kind: "server", method: "NOTIFY", state: "completed", endsInMs: expect.any(Number) },
        { kind: "client", method: "REGISTER", state: "completed", side: "ue" },
      ],
      total: 3,
    });
  });

  test("GET /state tells what a person wants to know", async () => {
    const lab = await new Lab({}).start();
    const answer = await (await control(lab)).inject({ url: "/state" });
    expect(answer.json()).toMatchObject({
      total: 1,
      items: [
        {
          impu: "sip:alice@example.org",
          registration: {
            state: "registered",
            serviceRoute: ["<sip:s1@scscf.example.org:6060;lr>"],
            lastFailure: null,
          },
          subscription: { state: "active", lastNotify: { subscriptionState: "active" } },
        },
      ],
    });
  });

  test("POST /deregister, then /register", async () => {
    const lab = await new Lab({}).start();
    const app = await control(lab);
    const gone = await app.inject({ method: "POST", url: "/deregister" });
    expect(gone.statusCode).toBe(202);
    expect(gone.json()).toMatchObject({ items: [{ registration: { state: "deregistering" } }] });
    await lab.pass(1);
    expect(lab.view.registration.state).toBe("deregistered");
    const identity = "sip:alice@example.org";
    await app.inject({ method: "POST", url: "/register", payload: { identity } });
    await lab.pass(1);
    expect(lab.view.registration.state).toBe("registered");
  });

  test.each([
    ["/call", { to: "sip:bob@example.org" }, 202],
    ["/call", { to: "bob" }, 400],
    ["/call", { to: "sip:bob@example.org?Subject=lunch" }, 400],
    ["/call", { to: "sip:bob@example.org;method=REFER" }, 400],
    ["/call", {}, 400],
    ["/call", { to: "sip:bob@example.org", identity: "sip:zoe@example.org" }, 404],
    ["/message", { to: "sip:bob@example.org" }, 400],
    ["/hangup", {}, 409],
    ["/answer", {}, 409],
    ["/hold", { on: false }, 409],
  ])("POST %s %j: %d", async (url, payload, status) => {
    const lab = await new Lab({}).start();
    const answer = await (await control(lab)).inject({ method: "POST", url, payload });
    expect(answer.statusCode).toBe(status);
  });

  test("who is not registered calls nobody: 409", async () => {
    const lab = await new Lab({}).start([403, []]);
    const payload = { to: "sip:bob@example.org" };
    const answer = await (await control(lab)).inject({ method: "POST", url: "/call", payload });
    expect(answer.json()).toMatchObject({ status: 409, title: "Not registered" });
  });

  test.each([
    ["the IMPI", "alice@example.org", "sip:alice@example.org"],
    ["its own IMPU", "sip:alice@example.org", "sip:alice@example.org"],
    ["one that the network has added", "tel:+1-555-0001", "tel:+15550001"],
  ])("calls in the name of %s", async (_what, identity, from) => {
    const lab = await new Lab({}).start();
    const app = await control(lab);
    const to = "sip:bob@example.org";
    await app.inject({ method: "POST", url: "/call", payload: { to, identity } });
    await lab.pass(1);
    const [invite] = lab.network.of("INVITE");
    expect([invite?.from.uriText, invite?.text("P-Preferred-Identity")]).toEqual([
      from,
      `<${from}>`,
    ]);
  });

  test("a call shows in the state until it is hung up", async () => {
    const lab = await new Lab({}).start();
    const app = await control(lab);
    const to = "sip:bob@example.org";
    await app.inject({ method: "POST", url: "/call", payload: { to } });
    expect(lab.view.calls).toMatchObject([{ direction: "outgoing", peer: to, state: "inviting" }]);
    await lab.pass(1);
    expect(lab.network.of("INVITE")[0]?.texts("Route")).toEqual([
      "<sip:192.0.2.1:5060;lr>",
      "<sip:s1@scscf.example.org:6060;lr>",
    ]);
  });

  test.each([
    [{ identity: "sip:bob@example.org" }, 404],
    [{ who: "alice" }, 400],
  ])("%o: %d as a problem", async (payload, status) => {
    const lab = await new Lab({}).start();
    const answer = await (await control(lab)).inject({ method: "POST", url: "/register", payload });
    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([
      status,
      expect.stringContaining("application/problem+json"),
    ]);
  });
});
