// Contacts of a REGISTER that are the same, and those of one device. RFC 3261 §10.3 step 7, RFC 5626 §4.1.
import {
  findListed,
  instanceOf,
  type KnownContact,
  matchContacts,
  type NamedContact,
  namedContacts,
} from "@ims-lab/common/ims/registered-contacts";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { Params } from "@ims-lab/common/sip/message/params";
import { parseUri } from "@ims-lab/common/sip/message/uri";
import { describe, expect, test } from "vitest";

function register(contacts: readonly string[], expires?: string): SipRequest {
  const headers: [string, string][] = contacts.map((value) => ["Contact", value]);
  if (expires !== undefined) headers.push(["Expires", expires]);
  return newRequest("REGISTER", "sip:home", headers);
}

function named(...contacts: readonly string[]): readonly NamedContact[] {
  const read = namedContacts(register(contacts, "600"));
  if (read.kind !== "bind") throw new Error(read.kind);
  return read.contacts;
}

describe("the Contacts of a REGISTER", () => {
  test.each<[readonly string[], string | undefined, string]>([
    [[], undefined, "query"],
    [["*"], "0", "remove-all"],
    [["*"], "1", "unreadable"],
    [["*"], undefined, "unreadable"],
    [["*", "<sip:a@h>"], "0", "unreadable"],
    [["<sip:a@h>, *"], "0", "unreadable"],
    [["<sip:a@h>"], undefined, "bind"],
    [["<sip:a@h"], undefined, "unreadable"],
    [["<sip:a@h>", "<sip:b@"], undefined, "unreadable"],
    [["<tel:+1>"], undefined, "unreadable"],
  ])("%j with Expires %s: %s", (contacts, expires, kind) => {
    expect(namedContacts(register(contacts, expires)).kind).toBe(kind);
  });

  test("expires of each, else the header's; what is no number counts as absent (§10.2.1.1)", () => {
    const values = ["<sip:a@h>;expires=0", "<sip:b@h>", "<sip:c@h>;expires=soon"];
    const read = namedContacts(register(values, "60"));
    expect(read.kind === "bind" && read.contacts.map(({ expires }) => expires)).toEqual([
      0, 60, 60,
    ]);
  });
});

describe("+sip.instance", () => {
  const UUID = "00000000-0000-1000-8000-000a95a0e128";
  test.each<[string, string | undefined]>([
    [`"<urn:uuid:${UUID}>"`, `urn:uuid:${UUID}`],
    [`"<URN:UUID:${UUID.toUpperCase()}>"`, `urn:uuid:${UUID}`],
    [`"urn:uuid:${UUID}"`, `urn:uuid:${UUID}`],
    [`" < urn:uuid:${UUID} > "`, `urn:uuid:${UUID}`],
    ['"<urn:gsma:IMEI:35245510-420381-0>"', "urn:gsma:imei:35245510-420381-0"],
    ['"<urn:Example:a%2fB>"', "urn:example:a%2FB"],
    ['"<something>"', "something"],
    ['"<>"', undefined],
    ['"< >"', undefined],
    ['""', undefined],
    ['"<urn:uuid:>"', undefined],
    ['"<urn:uuid:00000000-0000-0000-0000-000000000000>"', undefined],
  ])("%s is %s", (value, instance) => {
    const params = Params.parse(`;+sip.instance=${value}`);
    expect(params && instanceOf(params)).toBe(instance);
  });

  test("absent or without value", () => {
    expect(instanceOf(Params.none)).toBeUndefined();
    const params = Params.parse(";+sip.instance;reg-id=1");
    expect(params && instanceOf(params)).toBeUndefined();
  });

  test("the namespace-specific part of other URNs is compared as it is (RFC 8141 §3.1)", () => {
    const of = (text: string): string | undefined =>
      instanceOf(Params.parse(`;+sip.instance="<urn:x:${text}>"`) ?? Params.none);
    expect(of("a")).not.toBe(of("A"));
  });
});

const I = ';+sip.instance="<urn:x:i>"';
const J = ';+sip.instance="<urn:x:j>"';

/** `a` is bound at sip:a@h, `a/i` with the instance i, and so on. */
function bound(names: string): readonly KnownContact[] {
  return names
    .split(" ")
    .filter((name) => name !== "")
    .map((name) => {
      const [user, device] = name.split("/");
      return {
        contact: `sip:${user}@h`,
        ...(device !== undefined && { instance: `urn:x:${device}` }),
      };
    });
}

function user(one: KnownContact | undefined): string {
  return one === undefined ? "-" : (/:(.*)@/.exec(one.contact)?.[1] ?? "");
}

describe("which binding each Contact means", () => {
  test.each<[string, string, readonly string[], readonly string[], string]>([
    // what, bound, REGISTER, `Contact binding` in its order, superseded
    ["a refresh", "a b", ["<sip:a@h>"], ["a a"], ""],
    ["an equal URI", "a", ["<sip:%61@H>"], ["%61 a"], ""],
    ["another URI", "a", ["<sip:b@h>"], ["b -"], ""],
    ["several, each for itself", "a", ["<sip:b@h>", "<sip:c@h>"], ["b -", "c -"], ""],
    ["position means nothing", "a", ["<sip:a@h>;expires=0", "<sip:b@h>"], ["a a", "b -"], ""],
    ["nor on the other side", "a", ["<sip:b@h>", "<sip:a@h>;expires=0"], ["b -", "a a"], ""],
    ["twice: the last counts", "a", ["<sip:a@h>", "<sip:%61@h>;expires=0"], ["%61 a"], ""],
    ["a moved device", "a/i", [`<sip:b@h>${I}`], ["b a"], ""],
    ["another device", "a/i", [`<sip:b@h>${J}`], ["b -"], ""],
    ["no device", "a", [`<sip:b@h>;+sip.instance="<>"`], ["b -"], ""],
    ["with, then without instance", "a/i", ["<sip:a@h>"], ["a a"], ""],
    ["without, then with", "a", [`<sip:a@h>${I}`], ["a a"], ""],
    ["reg-id says nothing", "a/i", [`<sip:b@h>;reg-id=2${I}`], ["b a"], ""],
    [
      "moved, the old given up",
      "a/i",
      [`<sip:b@h>${I}`, `<sip:a@h>${I};expires=0`],
      ["b a", "a -"],
      "",
    ],
    ["in the other order", "a/i", [`<sip:a@h>${I};expires=0`, `<sip:b@h>${I}`], ["a -", "b a"], ""],
    [
      "given up without its instance",
      "a/i",
      [`<sip:b@h>${I}`, "<sip:a@h>;expires=0"],
      ["b a", "a -"],
      "",
    ],
    [
      "moved, one that never was given up",
      "b/i",
      [`<sip:b@h>${I}`, `<sip:a@h>${I};expires=0`],
      ["b b", "a -"],
      "",
    ],
    ["moved to where another was", "a/i b/j", [`<sip:b@h>${I}`], ["b b"], "a"],
    ["moved where two were", "a/i b/i", [`<sip:c@h>${I}`], ["c a"], "b"],
    [
      "two Contacts of one device in one REGISTER",
      "",
      [`<sip:a@h>${I}`, `<sip:b@h>${I}`],
      ["a -", "b -"],
      "",
    ],
    ["both refreshed", "a/i b/i", [`<sip:b@h>${I}`, `<sip:a@h>${I}`], ["b b", "a a"], ""],
    ["one of them refreshed", "a/i b/i", [`<sip:a@h>${I}`], ["a a"], ""],
    ["a third beside them", "a/i b/i", [`<sip:a@h>${I}`, `<sip:c@h>${I}`], ["a a", "c b"], ""],
    ["a device leaves from elsewhere", "a/i", [`<sip:b@h>${I};expires=0`], ["b a"], ""],
    ["not another's", "a/i", [`<sip:b@h>${J};expires=0`], ["b -"], ""],
    ["it leaves where it is, alone", "a/i b/i", [`<sip:a@h>${I};expires=0`], ["a a"], ""],
  ])("%s", (_what, there, contacts, expected, superseded) => {
    const found = matchContacts(named(...contacts), bound(there));
    const meant = found.matches.map(
      ({ named: one, binding }) => `${user({ contact: one.value.uriText })} ${user(binding)}`,
    );
    expect(meant).toEqual(expected);
    expect(found.superseded.map(user).join(" ")).toBe(superseded);
  });

  test("a binding of the URI itself, not of the device elsewhere", () => {
    const [own] = matchContacts(named(`<sip:a@h>${I}`), bound("a/i")).matches;
    const [moved] = matchContacts(named(`<sip:b@h>${I}`), bound("a/i")).matches;
    expect([own?.isSameUri, moved?.isSameUri]).toEqual([true, false]);
  });

  test("§19.1.4 is not transitive: what is equal to two bindings takes both", () => {
    const known = [{ contact: "sip:a@h;x=1" }, { contact: "sip:a@h;x=2" }];
    const { matches, superseded } = matchContacts(named("<sip:a@h>"), known);
    expect([matches[0]?.binding, superseded]).toEqual([known[0], [known[1]]]);
    const exact = matchContacts(named("<sip:a@h;x=2>"), known);
    expect([exact.matches[0]?.binding, exact.superseded]).toEqual([known[1], []]);
  });
});

describe("which Contact of a 200 is ours", () => {
  test.each<[readonly string[], readonly string[], readonly (string | undefined)[]]>([
    [["sip:a@h"], ["sip:a@h"], ["sip:a@h"]],
    [
      ["sip:a@h;transport=UDP"],
      ["sip:b@h", "sip:%61@H;transport=udp"],
      ["sip:%61@H;transport=udp"],
    ],
    [["sip:a@h"], ["sip:a@h:5060"], ["sip:a@h:5060"]],
    [["sip:a@h;transport=tcp"], ["sip:a@h"], ["sip:a@h"]],
    [["sips:a@h"], ["sips:a@h:5061;x"], ["sips:a@h:5061;x"]],
    [["sip:a@h"], ["sip:a@h:5062"], [undefined]],
    [["sip:a@h"], ["sip:a@h2"], [undefined]],
    [["sip:a@h"], ["sip:a@h:5060", "sip:a@h;transport=tcp"], [undefined]], // no telling which
    [["sip:a@h;transport=tcp", "sip:a@h;transport=udp"], ["sip:a@h"], [undefined, undefined]],
    [["sip:a@h", "sip:a@h:5060"], ["sip:a@h:5060"], [undefined, "sip:a@h:5060"]],
    [["sip:a@h"], [], [undefined]],
  ])("%j in %j: %j", (ours, listed, expected) => {
    const rows = listed.flatMap((uriText) => {
      const uri = parseUri(uriText);
      return uri === undefined ? [] : [{ uriText, uri }];
    });
    const known = ours.map((contact) => ({ contact }));
    const found = findListed(known, rows);
    expect(known.map((one) => found.get(one)?.uriText)).toEqual(expected);
  });
});
