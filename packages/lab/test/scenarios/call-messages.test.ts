// Requests between users other than calls: MESSAGE, OPTIONS, PUBLISH, foreign event packages. TS 24.229 §5.4.3; RFC 3428.
import { dialogAsUas, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import { describe, expect, test } from "vitest";
import { ACCESS, impuOf, Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { registered, twoUes } from "./two-ues.ts";

describe("MESSAGE", () => {
  test("arrives with the sender's asserted identity; the 200 comes back", async () => {
    const { lab, alice, bob } = await twoUes();
    const sent = alice.equipment.messages.send("sip:robert@ims.example", "Grüße");
    lab.pass(1);
    await expect(sent).resolves.toMatchObject({ status: 200, why: null });
    expect(bob.view.messages).toMatchObject([
      { direction: "received", peer: impuOf("alice"), text: "Grüße" },
    ]);
  });

  test("in the name of another identity of the sender", async () => {
    const { lab, alice, bob } = await twoUes();
    void alice.equipment.messages.send(impuOf("bob"), "hello", "tel:+15550001");
    lab.pass(1);
    const [came] = lab.passed("MESSAGE", "P-CSCF", "UE");
    expect(came?.from.uriText).toBe("tel:+15550001");
    expect(came?.texts("P-Asserted-Identity")).toContain("<tel:+15550001>");
    expect(bob.view.messages).toHaveLength(1);
  });

  test.each([
    ["not registered", impuOf("carol"), 480],
    ["nobody", impuOf("nobody"), 404],
  ])("to a user who is %s: %s gets %d", async (_why, to, status) => {
    const { lab, alice } = await twoUes();
    const sent = alice.equipment.messages.send(to, "hello");
    lab.pass(1);
    await expect(sent).resolves.toMatchObject({ status });
  });

  test("RFC 4320: a device that is silent is not answered for; the sender's own timer ends it", async () => {
    const { lab, alice, bob } = await twoUes();
    lab.network.cut({ to: { host: bob.host } });
    const sent = alice.equipment.messages.send(impuOf("bob"), "hello");
    lab.pass(60);
    await expect(sent).resolves.toMatchObject({ status: null, why: "timeout" });
  });
});

describe("between scripted users", () => {
  async function carolAndBob(): Promise<{ lab: Lab; carol: ScriptedUe; bob: ScriptedUe }> {
    const lab = await Lab.start();
    const carol = await ScriptedUe.subscribed(lab, "carol");
    const bob = await ScriptedUe.subscribed(lab, "bob");
    return { lab, carol, bob };
  }

  test.each(["OPTIONS", "PUBLISH", "INFO", "REFER", "MESSAGE", "NOTIFY", "BREW"])(
    "%s reaches the other user's device",
    async (method) => {
      const { lab, carol, bob } = await carolAndBob();
      const request = carol.request(method, impuOf("bob"));
      expect(lab.exchange(carol.peer, request).status).toBe(200);
      expect(bob.peer.requests.at(-1)).toMatchObject({ method, uri: bob.contactUri });
    },
  );

  test("SUBSCRIBE to a foreign package of another user, and its NOTIFY back", async () => {
    const { lab, carol, bob } = await carolAndBob();
    const headers = [
      ["Event", "presence"],
      ["Contact", `<${carol.contactUri}>`],
      ["To", `<${impuOf("bob")}>`],
    ] as const;
    const request = carol.request("SUBSCRIBE", impuOf("bob"), headers);
    expect(lab.exchange(carol.peer, request).status).toBe(200);
    const subscribe = bob.peer.requests.at(-1);
    const dialog = subscribe && dialogAsUas(subscribe, "peer");
    if (dialog === undefined) throw new Error("no SUBSCRIBE came");
    const notify = nextRequest(dialog, "NOTIFY", [
      ["Event", "presence"],
      ["Subscription-State", "active;expires=60"],
      ["Contact", `<${bob.contactUri}>`],
    ]).request;
    notify.push("Via", bob.peer.request("NOTIFY", "sip:x", "sip:x").text("Via") ?? "");
    expect(lab.exchange(bob.peer, notify, ACCESS).status).toBe(200);
    expect(carol.peer.requests.at(-1)?.text("Event")).toBe("presence");
  });

  test.each([
    ["one's own identity", "sip:carol@ims.example", "presence"],
    ["the same, its domain written otherwise", "sip:carol@IMS.Example:5060", "presence"],
    ["a package that is served to subscribers", "sip:carol@ims.example", "reg"],
    ["no package", "sip:carol@ims.example", ""],
  ])("PUBLISH for %s: 489, and no device hears of it (RFC 3903 §6)", async (_what, uri, event) => {
    const { lab, carol, bob } = await carolAndBob();
    const headers = event === "" ? [] : [["Event", event] as const];
    const before = carol.peer.requests.length;
    const refused = lab.exchange(carol.peer, carol.request("PUBLISH", uri, headers));
    expect(refused.status).toBe(489);
    expect(refused.text("Allow-Events")).toContain("reg");
    expect(carol.peer.requests).toHaveLength(before);
    expect(bob.peer.requests.filter(({ method }) => method === "PUBLISH")).toEqual([]);
  });

  test.each([
    "sip:bob@ims.example:5060",
    "sip:bob@IMS.EXAMPLE",
    "SIP:%62ob@Ims.Example:5060;transport=udp",
  ])("%s is reached", async (uri) => {
    const { lab, carol, bob } = await carolAndBob();
    expect(lab.exchange(carol.peer, carol.request("MESSAGE", uri)).status).toBe(200);
    expect(bob.peer.requests.at(-1)?.uri).toBe(bob.contactUri);
  });

  test.each([
    ["a SUBSCRIBE to one's registration", "SUBSCRIBE"],
    ["a REGISTER", "REGISTER"],
  ])("%s may name the domain's port", async (_what, method) => {
    const { lab, carol } = await carolAndBob();
    const uri = "sip:carol@IMS.example:5060";
    const headers = [
      ["Event", "reg"],
      ["Contact", carol.contact],
      ["Expires", "600"],
    ] as const;
    const to = [["To", `<${uri}>`]] as const;
    const status =
      method === "REGISTER"
        ? carol.register({ headers: to }).status
        : lab.exchange(carol.peer, carol.request(method, uri, [...headers, ...to])).status;
    expect(status).toBe(200);
  });

  test("a Contact that names `;sos`: 403 that says why, and nothing is bound (decision 0021)", async () => {
    const { lab, carol } = await carolAndBob();
    const before = structuredClone(lab.atScscf("carol"));
    for (const contact of [
      "<sip:carol@192.0.2.1:5062;sos>",
      `${carol.contact}, <sip:c@192.0.2.1;SOS>`,
    ]) {
      const refused = carol.register({ contact });
      expect([refused.status, refused.text("Warning")]).toEqual([
        403,
        '399 ims-lab "no emergency registration here"',
      ]);
    }
    expect(lab.atScscf("carol")).toEqual(before);
    expect(lab.logs.scscf.named("registration.refused").at(-1)).toMatchObject({
      reason: "emergency",
    });
  });

  test("SUBSCRIBE for oneself to a package that nobody serves: 489", async () => {
    const { lab, carol } = await carolAndBob();
    const request = carol.request("SUBSCRIBE", impuOf("carol"), [
      ["Event", "presence"],
      ["Contact", `<${carol.contactUri}>`],
    ]);
    expect(lab.exchange(carol.peer, request).status).toBe(489);
  });
});

test("routes: the domain of others is reached by its next hop, and may call back", async () => {
  const other = { host: "203.0.113.9", port: 5080 };
  const lab = await Lab.start({
    scscf: { routes: `other.example=sip:${other.host}:${other.port}` },
  });
  const alice = await registered(lab, "alice");
  const peer = await lab.peer({ at: other });
  const sent = alice.equipment.messages.send("sip:zoe@other.example", "over there");
  lab.pass(1);
  await expect(sent).resolves.toMatchObject({ status: 200 });
  expect(peer.requests.at(-1)).toMatchObject({ uri: "sip:zoe@other.example", method: "MESSAGE" });
  const back = peer.request("MESSAGE", impuOf("alice"), "sip:zoe@other.example", [
    ["P-Asserted-Identity", `<${impuOf("bob")}>`],
  ]);
  expect(lab.exchange(peer, back, { host: "10.1.0.2", port: 6060 }).status).toBe(200);
  // Nobody has vouched for whom it asserted.
  expect(alice.view.messages.at(-1)?.peer).toBe("sip:zoe@other.example");
});
