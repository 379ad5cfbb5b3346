// REGISTER through the S-CSCF: RFC 3261 §10.3, TS 24.229 §5.4.1.2, trust.
import { beforeEach, describe, expect, test } from "vitest";
import { Device, DOMAIN, Lab, type Peer, SCSCF } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start());
});
const device = (user = "bob", suffix = ""): Device => new Device(lab, pcscf, user, suffix);

describe("a first registration", () => {
  test("401, then 200 with all that TS 24.229 §5.4.1.2.2F wants", () => {
    const bob = device();
    const charging = 'icid-value="abc";icid-generated-at=10.1.0.1';
    const response = bob.register({ headers: [["P-Charging-Vector", charging]] });
    expect(response.status).toBe(200);
    expect(response.texts("Contact")).toEqual([`${bob.contact};expires=3600`]);
    expect(response.text("Path")).toBe(bob.path);
    expect(response.text("Service-Route")).toMatch(/^<sip:[0-9a-f]{24}@10\.1\.0\.2:6060;lr>$/);
    expect(response.texts("P-Associated-URI")).toEqual([
      `<sip:bob@${DOMAIN}>`,
      `<sip:robert@${DOMAIN}>`,
    ]);
    expect(response.text("P-Charging-Vector")).toBe(charging);
  });
  test("the Service-Route is unique per binding and stays with it", () => {
    const one = device("bob");
    const two = device("bob", "2");
    one.register();
    two.register();
    expect(one.serviceRoute).not.toBe(two.serviceRoute);
    const before = one.serviceRoute;
    one.register({ integrity: "ip-assoc-yes" });
    expect(one.serviceRoute).toBe(before);
  });
  test("the 401 of AKA carries ik and ck to the P-CSCF, never to a device", async () => {
    const sim = new Device(lab, pcscf, "sim");
    expect(sim.register({ silent: true }).text("WWW-Authenticate")).toMatch(/ik="[0-9a-f]{32}"/);
    const direct = await Lab.start("--allowDirect=true");
    const stranger = await direct.lab.peer({ host: "192.0.2.9", port: 5060 });
    const alone = new Device(direct.lab, stranger, "sim");
    const challenge = alone.register({ silent: true }).text("WWW-Authenticate");
    expect(challenge).toContain("AKAv1-MD5");
    expect(challenge).not.toMatch(/[ic]k=/);
  });
});

describe("who is challenged", () => {
  test("a refresh over the protected association is not", () => {
    const bob = device();
    bob.register();
    expect(bob.register({ integrity: "ip-assoc-yes", silent: true }).status).toBe(200);
  });
  test.each(["no", "ip-assoc-pending", "tls-pending", "yes", "auth-done"])(
    "a refresh with integrity-protected=%s is",
    (integrity) => {
      const bob = device();
      bob.register();
      expect(bob.register({ integrity, silent: true }).status).toBe(401);
    },
  );
  test("`yes` counts from a peer that may assert it", async () => {
    ({ lab, pcscf } = await Lab.start("--mayAssert=10.1.0.1:4060"));
    const bob = device();
    bob.register();
    expect(bob.register({ integrity: "yes", silent: true }).status).toBe(200);
  });
  test("a first REGISTER is, whatever the association says", () => {
    expect(device().register({ integrity: "ip-assoc-yes", silent: true }).status).toBe(401);
  });
  test("a moved Contact or Path is", () => {
    const bob = device();
    bob.register();
    const contact = "<sip:bob@192.0.2.77:5060>";
    expect(bob.register({ integrity: "ip-assoc-yes", silent: true, contact }).status).toBe(401);
    bob.path = "<sip:other@10.1.0.1:4060;lr>";
    expect(bob.register({ integrity: "ip-assoc-yes", silent: true }).status).toBe(401);
  });
  test.each([
    ["never", "a refresh", {}, 200],
    ["never", "a REGISTER without Contact", { contact: "" }, 200],
    ["never", "a removal", { expires: 0 }, 200],
    ["always", "a refresh", {}, 401],
    ["always", "a REGISTER without Contact", { contact: "" }, 401],
    ["always", "a removal", { expires: 0 }, 200],
  ])("authentication.onRefresh=%s, %s: %j: %d", async (onRefresh, _what, asked, status) => {
    ({ lab, pcscf } = await Lab.start(`--authentication.onRefresh=${onRefresh}`));
    const bob = device();
    bob.register();
    const response = bob.register({ integrity: "ip-assoc-yes", silent: true, ...asked });
    expect(response.status).toBe(status);
  });
});

describe("refused, logged by name, nothing changed", () => {
  const bindings = (): number => lab.scscf.bindings.size;
  const reasons = (): unknown[] =>
    ["registration.refused", "authentication.failed"].flatMap((name) =>
      lab.log.named(name).map(({ reason }) => reason),
    );

  test("unknown user, unknown IMPU: 403", () => {
    expect(device("mallory").register().status).toBe(403);
    expect(reasons()).toContain("unknown-user");
    expect(bindings()).toBe(0);
  });
  test("another's IMPU: 403", () => {
    const thief = device("bob");
    Object.assign(thief, { impu: `sip:carol@${DOMAIN}` });
    expect(thief.register().status).toBe(403);
    expect(reasons()).toContain("foreign-impu");
  });
  test("a wrong password: 403, and one line says why", () => {
    expect(device().register({ password: "wrong" }).status).toBe(403);
    expect(lab.log.named("authentication.failed")[0]).toMatchObject({ impi: `bob@${DOMAIN}` });
    expect(lab.scscf.failures.of(`bob@${DOMAIN}`)?.why).toMatch(/./);
    expect(bindings()).toBe(0);
  });
  test("a REGISTER straight to the S-CSCF: 403, also with a forged Path and integrity", async () => {
    const stranger = await lab.peer({ host: "192.0.2.9", port: 5060 });
    const bob = new Device(lab, stranger, "bob");
    expect(bob.register({ integrity: "ip-assoc-yes" }).status).toBe(403);
    expect(reasons()).toContain("untrusted-peer");
  });
  test("the P-CSCF's address with another port is a stranger's", async () => {
    const stranger = await lab.peer({ host: "10.1.0.1", port: 4061 });
    expect(new Device(lab, stranger, "bob").register().status).toBe(403);
  });
  test("allowDirect takes it, but its Path and integrity-protected are not looked at", async () => {
    ({ lab, pcscf } = await Lab.start("--allowDirect=true"));
    const victim = device();
    victim.register();
    const stranger = await lab.peer({ host: "192.0.2.9", port: 5060 });
    const forger = new Device(lab, stranger, "bob");
    expect(forger.register({ integrity: "ip-assoc-yes", silent: true }).status).toBe(401);
    expect(forger.register({ integrity: "ip-assoc-yes", silent: true, expires: 0 }).status).toBe(
      401,
    );
    expect(lab.scscf.bindings.size).toBe(1);
  });
  test("an unknown extension: 420 with Unsupported", () => {
    const response = device().register({ headers: [["Require", "path, sec-agree"]] });
    expect(response.status).toBe(420);
    expect(response.text("Unsupported")).toBe("sec-agree");
  });
  // Figure 4's SUBSCRIBE and every call would have to go there.
  test.each(["<sip:tok@192.0.2.1", "<tel:+1>", "sip"])(
    "a Path that leads nowhere, %s: 400",
    (path) => {
      const bob = device();
      bob.path = path;
      expect(bob.register().status).toBe(400);
      expect(lab.scscf.bindings.size).toBe(0);
    },
  );
  test("another domain: 403", () => {
    const request = lab.request(
      pcscf,
      "REGISTER",
      "sip:elsewhere.example",
      `sip:bob@${DOMAIN}`,
      [],
    );
    expect(lab.exchange(pcscf, request).status).toBe(403);
  });
});

describe("Expires", () => {
  test("shorter than the minimum: 423 with Min-Expires", () => {
    const response = device().register({ expires: 59 });
    expect(response.status).toBe(423);
    expect(response.text("Min-Expires")).toBe("60");
  });
  test("longer than the maximum is cut", () => {
    expect(device().register({ expires: 4_000_000 }).text("Contact")).toContain("expires=600000");
  });
  test("an optional device without subscription gets optionalMaxExpiresSeconds at most", () => {
    expect(device("phone").register().text("Contact")).toContain("expires=300");
  });
});

describe("bindings", () => {
  test("one per device, all in the 200", () => {
    device("bob").register();
    expect(device("bob", "2").register().texts("Contact")).toHaveLength(2);
  });
  test("contacts.maxPerImpi: the oldest goes", () => {
    for (const suffix of ["1", "2", "3", "4", "5"]) {
      device("bob", suffix).register();
      lab.run(1000);
    }
    const left = [...lab.scscf.bindings.all()].map(({ address }) => address.contact);
    expect(left).toHaveLength(4);
    expect(left[0]).toContain("bob2@");
    expect(lab.log.named("registration.removed")[0]).toMatchObject({ cause: "displaced" });
  });
  test("+sip.instance names the device: a new Contact replaces the old", () => {
    const bob = device();
    const instance = ';+sip.instance="<urn:uuid:1>"';
    bob.register({ contact: `<sip:bob@192.0.2.1:5060>${instance}` });
    const moved = bob.register({ contact: `<sip:bob@192.0.2.2:5060>${instance}` });
    expect(moved.texts("Contact")).toEqual([`<sip:bob@192.0.2.2:5060>${instance};expires=3600`]);
  });
  test("RFC 3261 §10.3: without instance a Contact replaces itself alone, whatever its Call-ID", () => {
    const bob = device();
    bob.register();
    const response = bob.register({ contact: "<sip:bob@192.0.2.2:5060>" });
    expect(response.texts("Contact")).toHaveLength(2);
  });
  test("Expires 0 over the own association removes it at once", () => {
    const bob = device();
    bob.register();
    expect(bob.register({ expires: 0, integrity: "ip-assoc-yes", silent: true }).status).toBe(200);
    expect(lab.scscf.bindings.size).toBe(0);
  });
  test("Expires 0 over another association is challenged", () => {
    const bob = device();
    bob.register();
    expect(bob.register({ expires: 0, silent: true }).status).toBe(401);
    expect(lab.scscf.bindings.size).toBe(1);
  });
  test("* removes all of the IMPI; with Expires other than 0: 400", () => {
    const bob = device();
    bob.register();
    device("bob", "2").register();
    expect(bob.register({ contact: "*", expires: 10 }).status).toBe(400);
    expect(bob.register({ contact: "*", expires: 0 }).status).toBe(200);
    expect(lab.scscf.bindings.size).toBe(0);
  });
  test("same Call-ID and a lower CSeq: 500, nothing changed", () => {
    const bob = device();
    bob.register();
    bob.cseq = 0;
    expect(bob.register({ integrity: "ip-assoc-yes", silent: true }).status).toBe(500);
  });
  test("a binding that nobody refreshes expires", () => {
    device("phone").register();
    lab.run(299_000);
    expect(lab.scscf.bindings.size).toBe(1);
    lab.run(1000);
    expect(lab.scscf.bindings.size).toBe(0);
    expect(lab.log.named("deregistration.nobody-subscribed")).toHaveLength(1);
  });
});

describe("other requests", () => {
  const status = (method: string, uri = `sip:carol@${DOMAIN}`): number =>
    lab.exchange(
      pcscf,
      lab.request(pcscf, method, uri, `sip:bob@${DOMAIN}`, [
        ["P-Asserted-Identity", `<sip:bob@${DOMAIN}>`],
      ]),
    ).status;
  test("of somebody who is not registered: 403", () => {
    expect(status("MESSAGE")).toBe(403);
  });
  test("of a registered user: routed, whatever the method", () => {
    device().register();
    expect(status("MESSAGE")).toBe(480);
    expect(status("BREW", `sip:nobody@${DOMAIN}`)).toBe(404);
  });
  test("OPTIONS to itself: 200", () => {
    expect(status("OPTIONS", `sip:${SCSCF.host}:${SCSCF.port}`)).toBe(200);
  });
  test("NOTIFY out of dialog: 481", () => {
    const event: readonly [string, string][] = [
      ["Event", "network-initiated-reregistration"],
      ["Subscription-State", "active"],
    ];
    const notify = lab.request(pcscf, "NOTIFY", `sip:${SCSCF.host}`, `sip:bob@${DOMAIN}`, event);
    expect(lab.exchange(pcscf, notify).status).toBe(481);
  });
});
