// The Contacts of REGISTERs and the bindings they leave. RFC 3261 §10.3 steps 6 to 8, RFC 5626 §6.
import { beforeEach, describe, expect, test } from "vitest";
import { Device, Lab, type Peer, type RegisterOptions, rowsOf } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
let bob: Device;
beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start());
  bob = new Device(lab, pcscf, "bob");
});

/** `a` is the Contact `<sip:a@192.0.2.1>`, `-a` the same with expires=0, `a/i` with the instance i. */
function contact(text: string): string {
  const [, leaves, user, device] = /^(-?)([^/]*)(?:\/(.*))?$/.exec(text) ?? [];
  const instance = device === undefined ? "" : `;+sip.instance="<urn:x:${device}>"`;
  return `<sip:${user}@192.0.2.1>${instance}${leaves === "-" ? ";expires=0" : ""}`;
}
const contacts = (text: string): string => text.split(" ").map(contact).join(", ");

function bound(): string {
  const users = [...lab.scscf.bindings.all()].map(({ address }) => address.contact);
  return users.map((uri) => uri.replace(/^sip:|@.*$/g, "")).join(" ");
}

function register(text: string, options: RegisterOptions = {}): number {
  return bob.register({ contact: contacts(text), ...options }).status;
}

describe("one REGISTER after another", () => {
  test.each<[string, readonly string[], string]>([
    ["each Contact is added", ["a", "b c"], "a b c"],
    ["to all that are there", ["a b", "d"], "a b d"],
    ["one takes the place of itself alone", ["a b", "b"], "a b"],
    ["written otherwise too", ["a", "%61"], "%61"],
    ["the old one goes, the new one comes", ["a", "-a b"], "b"],
    ["in any order", ["a", "b -a"], "b"],
    ["several go and come", ["a b", "-a c -b d"], "c d"],
    ["one that was not there goes nowhere", ["-a b"], "b"],
    ["twice in one REGISTER", ["a a"], "a"],
    ["twice, with and without instance", ["a/i a"], "a"],
    ["the last of equal ones counts", ["a -%61"], ""],
    ["bound after it was ended", ["a", "-a %61"], "%61"],
    ["a device moves", ["a/i", "b/i"], "b"],
    ["a device gives up where it was", ["a/i", "b/i -a/i"], "b"],
    ["in any order", ["a/i", "-a/i b/i"], "b"],
    ["then without instance", ["a/i", "a", "a"], "a"],
    ["two devices", ["a/i", "b/j"], "a b"],
    ["the place of another", ["a/i b/j", "b/i"], "b"],
    ["it leaves from elsewhere", ["a/i", "-b/i"], ""],
    ["an instance of nothing", ["a/", "b/"], "a b"],
  ])("%s: %j leaves %s", (_what, registers, left) => {
    for (const text of registers) expect(register(text)).toBe(200);
    expect(bound()).toBe(left);
  });

  test("whatever the Call-ID", () => {
    register("a b");
    bob.callId = "another";
    register("c -a");
    expect(bound()).toBe("b c");
  });

  test("reg-id without outbound means nothing (RFC 5626 §6)", () => {
    const of = (user: string, regId: number): string => `${contact(`${user}/i`)};reg-id=${regId}`;
    const headers = [["Supported", "path, outbound"]] as const;
    const first = bob.register({ contact: of("a", 1), headers });
    expect([first.status, first.has("Require")]).toEqual([200, false]);
    bob.register({ contact: of("b", 2), headers });
    expect(bound()).toBe("b");
  });

  test("Require: outbound: 420", () => {
    const response = bob.register({ headers: [["Require", "outbound"]] });
    expect([response.status, response.text("Unsupported")]).toEqual([420, "outbound"]);
  });
});

describe("step 7: the CSeq is compared with that of the binding which this Contact has", () => {
  const restart = (): void => {
    bob.cseq = 0;
  };
  test.each<[string, string, string, number]>([
    ["the same Contact", "a", "a", 500],
    ["written otherwise", "a", "%61", 500],
    ["another Contact", "a", "b", 200],
    ["the device at another Contact", "a/i", "b/i", 200],
    ["gives up the old one of its device", "a/i", "b/i -a/i", 200],
    ["takes the same away", "a", "-a", 500],
    ["another one beside the same", "a", "b a", 500],
    ["another one, the same taken away", "a", "b -a", 500],
  ])("%s", (_what, before, after, status) => {
    register(before);
    const known = bound();
    restart();
    expect(register(after)).toBe(status);
    if (status === 500) expect(bound()).toBe(known); // all or nothing
  });
  test("of `*` with each of that Call-ID", () => {
    register("a");
    restart();
    expect(bob.register({ contact: "*", expires: 0 }).status).toBe(500);
    expect(bound()).toBe("a");
  });
  test("one interval too brief: nothing of the REGISTER happens", () => {
    register("a");
    const mixed = `${contact("b")}, ${contact("-a")}, ${contact("c")};expires=59`;
    expect(bob.register({ contact: mixed }).status).toBe(423);
    expect(bound()).toBe("a");
  });
});

describe("contacts.maxPerImpi", () => {
  const many = (count: number): string =>
    Array.from({ length: count }, (_, at) => `u${at}`).join(" ");

  test.each([5, 64, 65, 200, 300])("%i new Contacts at once: 403, nothing bound", (count) => {
    register("a");
    const refused = bob.register({ contact: contacts(many(count)), silent: true });
    expect([refused.status, refused.text("Warning")]).toEqual([
      403,
      '399 ims-lab "too many Contacts"',
    ]);
    expect(bound()).toBe("a");
    const [line] = lab.log.named("registration.refused");
    expect(line).toMatchObject({ reason: "too-many-contacts" });
    expect(line?.["why"]).toContain("contacts.maxPerImpi is 4");
  });
  test("as many as there may be push out all others; repeated ones count once", () => {
    register("a b c d");
    expect(register("e f g h %65 %66")).toBe(200);
    expect(bound().split(" ")).toHaveLength(4);
    expect(bound()).not.toContain("d");
  });
  test("those of this REGISTER count: the oldest of the others go", () => {
    for (const one of ["a", "b", "c", "d"]) {
      register(one);
      lab.run(1000);
    }
    register("e f a");
    expect(bound()).toBe("a d e f");
    expect(lab.log.named("registration.removed").map(({ cause }) => cause)).toEqual([
      "displaced",
      "displaced",
    ]);
  });
  test("a REGISTER that takes many away is none too many", () => {
    register("a b c d");
    expect(register("-a -b -c -d -e -f")).toBe(200);
    expect(bound()).toBe("");
  });
});

describe("step 8: the 200", () => {
  const rows = (text: string, options: RegisterOptions = {}): readonly string[] => {
    const response = bob.register({ contact: contacts(text), ...options });
    return [...response.texts("Contact"), `Expires ${response.text("Expires")}`];
  };
  test("lists what is bound; Expires 0 where it only takes away", () => {
    expect(rows("a b")).toEqual([
      `${contact("a")};expires=3600`,
      `${contact("b")};expires=3600`,
      "Expires undefined",
    ]);
    expect(rows("-a c")).toEqual([
      `${contact("b")};expires=3600`,
      `${contact("c")};expires=3600`,
      "Expires undefined",
    ]);
    expect(rows("-b")).toEqual([`${contact("c")};expires=3600`, "Expires 0"]);
  });
  test("a device that has nothing left is listed with expires=0, once", () => {
    register("a/i b");
    expect(rows("-a/i -b")).toEqual([contact("-a/i"), contact("-b"), "Expires 0"]);
    expect(rows("-a/i -b")).toEqual(["Expires 0"]);
    expect(lab.log.named("registration.not-bound")).toMatchObject([
      { impi: "bob@ims.example", bound: [] },
    ]);
  });
  test("beside those of other devices", () => {
    register("a");
    const second = new Device(lab, pcscf, "bob", "2");
    second.register();
    expect(rows("-a")).toEqual([`${second.contact};expires=3600`, contact("-a"), "Expires 0"]);
  });
  test("RFC 3608: one Service-Route for all that a device registers over one Path", () => {
    register("a");
    const first = bob.serviceRoute;
    for (const text of ["b a", "c", "b"]) {
      register(text);
      expect(bob.serviceRoute).toBe(first);
    }
    register("-a b");
    expect(bob.serviceRoute).not.toBe(first);
  });
  test("after `*` all of them", () => {
    register("a b");
    expect(rows("*", { contact: "*", expires: 0 })).toEqual([
      contact("-a"),
      contact("-b"),
      "Expires 0",
    ]);
  });
});

test("an equal Contact written otherwise is refreshed, and has not moved", () => {
  register("a");
  bob.contact = contact("a");
  bob.subscribe("reg", 3600);
  lab.run(6000);
  expect(pcscf.take("NOTIFY").flatMap(rowsOf)).toContain("bob registered");
  const [before] = [...lab.scscf.bindings.all()];
  register("%61");
  lab.run(6000);
  const [after] = [...lab.scscf.bindings.all()];
  expect([after?.id, after?.event]).toEqual([before?.id, "refreshed"]);
  expect(pcscf.take("NOTIFY").flatMap(rowsOf)).toEqual([]);
});
