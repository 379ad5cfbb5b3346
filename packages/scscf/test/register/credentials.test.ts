// The user a REGISTER is of: credentials, Path tokens, nonces after the end. RFC 3261 §20.7, §22.3; TS 24.229 §5.4.1.2.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import type { Binding, RemovalCause } from "../../src/registration/binding.ts";
import { Device, DOMAIN, Lab, PCSCF, type Peer } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
let bob: Device;
let carol: Device;
async function start(...argv: readonly string[]): Promise<void> {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false", ...argv));
  bob = new Device(lab, pcscf, "bob");
  carol = new Device(lab, pcscf, "carol");
}
beforeEach(() => start());

const only = (): Binding => {
  const [binding, ...others] = lab.scscf.bindings.all();
  if (binding === undefined || others.length > 0) throw new Error("not one binding");
  return binding;
};

/** A REGISTER of bob's, at his Path, with these Authorization values. */
function register(values: readonly string[], more: readonly [string, string][] = []): SipRequest {
  const headers: [string, string][] = [["Path", bob.path ?? ""], ...more];
  const request = lab.request(pcscf, "REGISTER", `sip:${DOMAIN}`, bob.impu, headers);
  for (const value of values) request.append("Authorization", value);
  return request;
}
const send = (...given: Parameters<typeof register>): SipResponse =>
  lab.exchange(pcscf, register(...given));
const named = (user: string, realm = DOMAIN): string =>
  `Digest username="${user}@${DOMAIN}",realm="${realm}",nonce="",uri="sip:${DOMAIN}",response=""`;

describe("of several Authorization values one counts", () => {
  test.each([
    [[named("carol", "other.example"), named("bob")], 401],
    [[named("bob"), named("carol", "other.example")], 401],
    [[`Foo username="carol@${DOMAIN}"`, "", named("bob")], 401],
    [[named("carol", "other.example")], 403],
    [[named("carol", "other.example"), named("carol", "third.example")], 401],
  ])("%j: %i", (values, status) => {
    expect(send(values, [["Contact", bob.contact]]).status).toBe(status);
  });

  test.each([
    ["two users for one realm", [named("bob"), named("carol")]],
    ["a comma behind", [`${named("bob")},`]],
    ["a comma too many", [named("bob").replace(",", ",,")]],
    ["a parameter twice", [`${named("bob")},username="carol@${DOMAIN}"`]],
    ["both user names", [`${named("bob")},username*=UTF-8''carol`]],
  ])("%s: 400, and the log says why", (_what, values) => {
    expect(send(values, [["Contact", bob.contact]]).status).toBe(400);
    const [line] = lab.log.named("registration.refused");
    expect(line).toMatchObject({ status: 400, reason: "bad-authorization" });
    expect(line?.["why"]).toMatch(/^(Authorization|username\*):? ./);
  });

  test("integrity-protected counts in that value alone", () => {
    bob.register();
    const vouched = `${named("carol", "other.example")},integrity-protected="ip-assoc-yes"`;
    expect(send([vouched, named("bob")], [["Contact", bob.contact]]).status).toBe(401);
    const own = `${named("bob")},integrity-protected="ip-assoc-yes"`;
    expect(send([named("carol", "other.example"), own], [["Contact", bob.contact]]).status).toBe(
      200,
    );
  });
});

describe("RFC 3327 §5.1: a Path token that another IMPI holds", () => {
  test.each([
    ["as it is", (path: string) => path],
    ["behind another address", (path: string) => path.replace(PCSCF.host, "10.1.0.77")],
    ["with other parameters", (path: string) => path.replace(";lr", ";lr;ob")],
  ])("%s: 403, its holder keeps everything", (_what, spelled) => {
    bob.register();
    const before = only();
    carol.path = spelled(bob.path ?? "");
    for (const contact of [carol.contact, bob.contact])
      expect(carol.register({ contact }).status).toBe(403);
    expect(carol.register({ expires: 0 }).status).toBe(403);
    expect(only()).toBe(before);
    expect(lab.log.named("registration.refused")[0]).toMatchObject({ reason: "path-of-another" });
  });
  test("is free when its holder has gone or has another", () => {
    bob.register();
    carol.path = bob.path;
    bob.path = "<sip:elsewhere@10.1.0.1:4060;lr>";
    expect(bob.register().status).toBe(200);
    expect(carol.register().status).toBe(200);
  });
  test("below the topmost value it names nobody", () => {
    bob.register();
    carol.path = `<sip:tok-carol@10.1.0.1:4060;lr>, ${bob.path}`;
    expect(carol.register().status).toBe(200);
  });
  test.each([
    ["<sip:term@10.1.0.1:4060;lr>", undefined],
    ["<sip:inbound@10.1.0.1:4060;lr>", undefined],
    ["<sip:10.1.0.1:4060;lr>", undefined],
    ["<sip:flow7@10.1.0.1:4060;lr>", "flow7"],
    ["<sip:flow7@10.1.0.1:4060;lr>", "*"],
  ])("%s with pcscf.sharedPathUsers %s is every user's", async (path, shared) => {
    await start(...(shared === undefined ? [] : [`--pcscf.sharedPathUsers=${shared}`]));
    [bob.path, carol.path] = [path, path];
    expect([bob.register().status, carol.register().status]).toEqual([200, 200]);
  });
});

describe("RFC 3608 §5: the 200 to a query", () => {
  test("has the Service-Route and the Path of the binding that asks", () => {
    const route = bob.register().text("Service-Route");
    const second = new Device(lab, pcscf, "bob", "2");
    second.register();
    const answer = send([`${named("bob")},integrity-protected="ip-assoc-yes"`]);
    expect(answer.status).toBe(200);
    expect(answer.texts("Contact")).toHaveLength(2);
    expect(answer.texts("Service-Route")).toEqual([route]);
    expect(answer.texts("Path")).toEqual([bob.path]);
  });
});

describe("who is the own flow", () => {
  test.each([
    { cseq: 1, own: true },
    { cseq: 0, own: false },
    { cseq: -1, own: false },
  ])("without credentials: the binding's Call-ID and its CSeq $cseq: $own", ({ cseq, own }) => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const [one] = lab.scscf.reauthentications.ask([only()], "operator");
    lab.run();
    const headers: [string, string][] = [
      ["Contact", bob.contact],
      ["Call-ID", bob.callId],
      ["CSeq", `${only().cseq + cseq} REGISTER`],
    ];
    expect(send([], headers).status).toBe(401);
    const progress = lab.scscf.reauthentications.get(one?.id ?? "")?.progress;
    expect(progress).toBe(own ? "challenged" : "acknowledged");
  });
});

describe("TS 24.229 §5.4.1.2.1: who is registered no more is challenged, whatever nonces he holds", () => {
  const CAUSES: readonly RemovalCause[] = [
    { kind: "deadline" },
    { kind: "expired" },
    { kind: "deactivated" },
    { kind: "rejected" },
    { kind: "probation", retryAfterSeconds: 1 },
    { kind: "unregistered" },
  ];
  function remove(cause: RemovalCause): void {
    lab.scscf.registrations.input(only().token, { kind: "removed", at: lab.clock.now(), cause });
  }
  test.each(CAUSES)("removed: $kind", (cause) => {
    bob.register();
    remove(cause);
    expect(bob.register({ reuse: "00000002" }).status).toBe(401);
    expect(lab.scscf.bindings.size).toBe(0);
    expect(bob.register().status).toBe(200);
  });
  test("from anywhere: another Call-ID, another Path, another Contact", () => {
    bob.register();
    remove({ kind: "rejected" });
    bob.callId = "new";
    bob.path = "<sip:elsewhere@10.1.0.1:4060;lr>";
    bob.contact = "<sip:bob@192.0.2.77>";
    expect(bob.register({ reuse: "00000002" }).status).toBe(401);
  });
  test("by the deadline of a re-authentication", () => {
    bob.register({ expires: 600_000 });
    bob.subscribe(OWN_PACKAGE, 600_000);
    lab.scscf.reauthentications.ask([only()], "operator");
    lab.run(61_000);
    expect(lab.scscf.bindings.size).toBe(0);
    expect(bob.register({ reuse: "00000002" }).status).toBe(401);
  });
  test("a challenge from before, unanswered until then: another one", () => {
    bob.register();
    const answer = new Device(lab, pcscf, "bob");
    answer.path = "<sip:elsewhere@10.1.0.1:4060;lr>";
    expect(answer.register({ silent: true }).status).toBe(401);
    remove({ kind: "rejected" });
    expect(answer.register().status).toBe(200);
  });
  test("displaced by contacts.maxPerImpi", async () => {
    await start("--contacts.maxPerImpi=1");
    bob.register();
    const second = new Device(lab, pcscf, "bob", "2");
    expect(second.register().status).toBe(200);
    expect(bob.register({ reuse: "00000002" }).status).toBe(401);
  });
  test("another user's nonces live on", () => {
    carol.register();
    lab.scscf.registrations.input(only().token, { kind: "subscribed", at: lab.clock.now() });
    bob.register();
    const [, bobs] = [...lab.scscf.bindings.all()];
    lab.scscf.registrations.input(bobs?.token ?? "", {
      kind: "removed",
      at: lab.clock.now(),
      cause: { kind: "rejected" },
    });
    expect(carol.register({ reuse: "00000002" }).status).toBe(200);
    expect(bob.register({ reuse: "00000002" }).status).toBe(401);
  });
});

describe("a de-registration of a device that comes directly", () => {
  test("over UDP is challenged; while a re-authentication is due the deadline decides", async () => {
    await start("--allowDirect=true");
    const peer = await lab.peer({ host: "192.0.2.9", port: 5060 });
    const direct = new Device(lab, peer, "bob");
    direct.register({ expires: 600_000 });
    expect(direct.register({ expires: 0, silent: true }).status).toBe(401);
    expect(direct.subscribe(OWN_PACKAGE, 600_000).status).toBe(200);
    lab.scscf.reauthentications.ask([only()], "operator");
    lab.run();
    expect(direct.register({ expires: 0, silent: true }).status).toBe(401);
    expect(only().leavingBy).toBeUndefined();
    expect(direct.register({ expires: 0, password: "wrong" }).status).toBe(403);
    expect(only().reauthentication).toBeDefined();
    expect(direct.register({ expires: 0 }).status).toBe(200);
    expect(lab.scscf.bindings.size).toBe(0);
  });
});
