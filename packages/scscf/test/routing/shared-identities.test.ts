// A public identity that several users have: each registers on his own, who calls it reaches all of them. TS 23.228 §5.2.1a.
import { REG_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import { registrationView } from "../../src/admin/views.ts";
import { Device, DOMAIN, Lab, type Peer, reginfoOf } from "../lab.ts";

const impuOf = (user: string): string => `sip:${user}@${DOMAIN}`;
const FAMILY = impuOf("family");

let lab: Lab;
let pcscf: Peer;
let mother: Device;
let father: Device;
let child: Device;
beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start());
  mother = new Device(lab, pcscf, "mother");
  father = new Device(lab, pcscf, "father");
  child = new Device(lab, pcscf, "child");
});

/** Whose devices a MESSAGE of bob's reaches. */
function reached(uri: string): readonly string[] {
  new Device(lab, pcscf, "bob").register();
  pcscf.take("MESSAGE");
  const asserted = [["P-Asserted-Identity", `<${impuOf("bob")}>`]] as const;
  lab.exchange(pcscf, lab.request(pcscf, "MESSAGE", uri, impuOf("bob"), asserted));
  const targets = pcscf.take("MESSAGE").map((message) => message.uri);
  return targets.map((target) => target.replace(/^sip:|@.*$/g, "")).sort();
}

describe("two users whose first identity is the same", () => {
  test("each 200 lists his own Contact alone", () => {
    expect(mother.register().texts("Contact")).toEqual([`${mother.contact};expires=3600`]);
    expect(father.register().texts("Contact")).toEqual([`${father.contact};expires=3600`]);
    expect(father.register({ contact: "*", expires: 0 }).status).toBe(200);
    expect([...lab.scscf.bindings.all()].map(({ impi }) => impi)).toEqual([`mother@${DOMAIN}`]);
  });

  test.each([
    ["mother", ["mother"]],
    ["father", ["father"]],
    ["family", ["father", "mother"]], // barred for the child
    ["child", ["child"]],
  ])("a MESSAGE to %s reaches %j", (user, expected) => {
    for (const device of [mother, father, child]) device.register();
    expect(reached(impuOf(user))).toEqual(expected);
  });

  test("whoever of them is registered is reached", () => {
    father.register();
    expect(reached(FAMILY)).toEqual(["father"]);
    expect(reached(impuOf("mother"))).toEqual([]);
  });

  test("without credentials the shared identity says not who it is: 403", () => {
    const headers = [
      ["Contact", father.contact],
      ["Path", father.path ?? ""],
    ] as const;
    const request = lab.request(pcscf, "REGISTER", `sip:${DOMAIN}`, FAMILY, headers);
    expect(lab.exchange(pcscf, request).status).toBe(403);
    expect(lab.log.named("registration.refused").at(-1)).toMatchObject({
      reason: "ambiguous-user",
    });
  });

  test("each watches his own registration, by whichever identity", () => {
    for (const device of [mother, father]) {
      device.register();
      Object.assign(device, { impu: FAMILY });
      expect(device.subscribe(REG_PACKAGE, 3600).status).toBe(200);
    }
    lab.run(10);
    const told = pcscf.take("NOTIFY").map((notify) => {
      const { registrations } = reginfoOf(notify);
      return registrations.map(({ aor, contacts }) => [aor, contacts.map(({ uri }) => uri)]);
    });
    const of = ({ contact }: Device, user: string): unknown => [
      [FAMILY, [contact.slice(1, -1)]],
      [impuOf(user), [contact.slice(1, -1)]],
    ];
    expect(told).toEqual([of(mother, "mother"), of(father, "father")]);
    for (const binding of lab.scscf.bindings.all()) expect(binding.duty.state).toBe("fulfilled");
  });

  test("the operator sees and asks all of them by it, and each by his own", () => {
    for (const device of [mother, father]) device.register();
    const contacts = (impu: string): readonly string[] =>
      lab.scscf
        .setsOf(impu)
        .flatMap((set) =>
          registrationView(lab.scscf, set, impu).bindings.map(({ contact }) => contact),
        );
    const [of, other] = [mother, father].map(({ contact }) => contact.slice(1, -1));
    expect(contacts(FAMILY)).toEqual([of, other]);
    expect(contacts(impuOf("father"))).toEqual([other]);
  });

  test("who calls asserts his own identities", () => {
    for (const device of [mother, father]) device.register();
    pcscf.take("MESSAGE");
    const headers = [
      ["Route", father.serviceRoute],
      ["P-Asserted-Identity", `<${FAMILY}>`],
    ] as const;
    lab.exchange(pcscf, lab.request(pcscf, "MESSAGE", impuOf("mother"), FAMILY, headers));
    const [message] = pcscf.take("MESSAGE");
    expect(message?.text("P-Asserted-Identity")).toBe(`<${FAMILY}>`);
    const foreign = [
      ["Route", father.serviceRoute],
      ["P-Asserted-Identity", `<${impuOf("mother")}>`],
    ] as const;
    const request = lab.request(pcscf, "MESSAGE", impuOf("father"), FAMILY, foreign);
    expect(lab.exchange(pcscf, request).status).toBe(403);
  });
});
