// The P-CSCF's table follows the S-CSCF's 200 Contact by Contact, however that one writes them. RFC 3261 §10.3 step 8.
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { contactsOf } from "../../src/bindings/binding.ts";
import {
  ACCESS,
  ALICE,
  CORE,
  credentials,
  Lab,
  type Peer,
  SCSCF,
  SERVICE_ROUTE,
  UE,
} from "../lab.ts";

let lab: Lab;
let ue: Peer;
let scscf: Peer;
let cseq: number;
beforeEach(async () => {
  lab = await Lab.start();
  ue = await lab.peer(UE);
  scscf = await lab.peer(SCSCF);
  cseq = 1;
});

/** What arrives at the S-CSCF. */
function sent(from: Peer, contacts: readonly string[], callId = "reg-1"): SipRequest {
  const headers: [string, string][] = contacts.map((value) => ["Contact", value]);
  const others: [string, string][] = [
    ["Call-ID", callId],
    ["CSeq", `${cseq++} REGISTER`],
    ["Authorization", credentials("n1", "r")],
  ];
  from.send(lab.register(from, [...headers, ...others]), ACCESS);
  lab.run();
  return scscf.takeRequest("REGISTER");
}

function accept(
  register: SipRequest,
  listed: readonly string[],
  more: [string, string][] = [],
): void {
  const headers: [string, string][] = listed.map((value) => ["Contact", value]);
  const associated: [string, string][] = [
    ["Service-Route", SERVICE_ROUTE],
    ["P-Associated-URI", `<${ALICE}>`],
  ];
  scscf.reply(
    newResponse(register, 200, { toTag: "s", headers: [...headers, ...associated, ...more] }),
  );
  lab.run();
}

function exchange(
  contacts: readonly string[],
  listed: readonly string[],
  from: Peer = ue,
): SipRequest {
  const register = sent(from, contacts);
  accept(register, listed);
  return register;
}

function bound(): readonly string[] {
  return [...lab.pcscf.table.all()].flatMap(contactsOf).map(({ contact }) => contact);
}

const A = "<sip:a@192.0.2.1:5060>";
const B = "<sip:b@192.0.2.1:5060>";
const C = "<sip:c@192.0.2.1:5060>";
const inside = (values: readonly string[]): readonly string[] =>
  values.map((value) => /<(.*)>/.exec(value)?.[1] ?? value);
const granted = (value: string): string => `${value};expires=600`;

describe("what a 200 leaves", () => {
  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ["what it lists", [A], [granted(A)], [A]],
    ["each Contact of the REGISTER", [A, B], [granted(B), granted(A)], [A, B]],
    ["only those that it lists", [A, B], [granted(B)], [B]],
    ["none with expires=0", [A, B], [granted(A), `${B};expires=0`], [A]],
    ["the new one, in front or behind", [`${C};expires=0`, A], [granted(A)], [A]],
    ["no Contacts of others", [A], [granted(A), granted(C)], [A]],
    [
      "an equal URI",
      ["<sip:a@192.0.2.1:5060;transport=UDP;ob>"],
      ["<sip:%61@192.0.2.1:5060;x;transport=udp>;expires=9"],
      ["<sip:a@192.0.2.1:5060;transport=UDP;ob>"],
    ],
    [
      "one that alone has this user, host and port",
      ["<sip:a@192.0.2.1;transport=tcp>"],
      ["<sip:a@192.0.2.1:5060>;expires=9"],
      ["<sip:a@192.0.2.1;transport=tcp>"],
    ],
    ["with Expires for all", [A], [A], [A]],
    ["nothing where it lists nothing", [A], [], []],
    ["nothing where it lists another port", [A], ["<sip:a@192.0.2.1:5061>;expires=9"], []],
    ["nothing where it lists another user", [A], [granted(B)], []],
    [
      "nothing where two might be meant",
      ["<sip:a@192.0.2.1;transport=tcp>"],
      ["<sip:a@192.0.2.1>", "<sip:a@192.0.2.1:5060>"],
      [],
    ],
  ])("%s", (_what, contacts, listed, left) => {
    exchange(contacts, listed);
    expect(bound()).toEqual(inside(left));
  });

  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ["a refresh", [A], [granted(A), granted(B)], [A, B]],
    [
      "written otherwise",
      ["<sip:%61@192.0.2.1:5060>"],
      [granted(A), granted(B)],
      ["<sip:%61@192.0.2.1:5060>", B],
    ],
    ["a third", [C], [granted(A), granted(B), granted(C)], [A, B, C]],
    ["one that goes", [`${B};expires=0`], [granted(A)], [A]],
    ["the last ones go", [`${A};expires=0`, `${B};expires=0`], [], []],
    ["in words", [`${A};expires=0`, `${B};expires=0`], [`${A};expires=0`, `${B};expires=0`], []],
    ["one comes, one goes", [C, `${A};expires=0`], [granted(B), granted(C)], [B, C]],
    ["what the S-CSCF dropped meanwhile", [A], [granted(A)], [A]],
    ["what it does not take", [C], [granted(A), granted(B)], [A, B]],
    ["all but the new one", [C], [granted(C)], [C]],
  ])("A and B are bound; %s", (_what, contacts, listed, left) => {
    exchange([A, B], [granted(A), granted(B)]);
    exchange(contacts, listed);
    expect([...bound()].sort()).toEqual([...inside(left)].sort());
  });

  test("another identity's list says nothing of this one", () => {
    exchange([A], [granted(A)]);
    const register = lab.register(ue, [
      ["To", "<sip:carol@ims.example>"],
      ["Contact", B],
    ]);
    ue.send(register, ACCESS);
    lab.run();
    const arrived = scscf.takeRequest("REGISTER");
    scscf.reply(newResponse(arrived, 200, { toTag: "s", headers: [["Contact", granted(B)]] }));
    lab.run();
    expect(bound()).toEqual(inside([A, B]));
  });

  test("a device that counts anew after a reboot has moved all the same", () => {
    const instance = ';+sip.instance="<urn:x:i>"';
    cseq = 5;
    exchange([A + instance], [granted(A)]);
    cseq = 1;
    exchange([B + instance, `${A}${instance};expires=0`], [granted(B)]);
    expect(bound()).toEqual(inside([B]));
  });

  test("a 200 that proves nothing ends nothing that came over another association", async () => {
    const other = await lab.peer({ host: "192.0.2.2", port: 5060 });
    exchange([A], [granted(A)]);
    const nobody: [string, string][] = [
      ["Call-ID", "reg-2"],
      ["Contact", C],
      ["Authorization", credentials()],
    ];
    other.send(lab.register(other, nobody), ACCESS);
    lab.run();
    accept(scscf.takeRequest("REGISTER"), [granted(C)]);
    expect([...bound()].sort()).toEqual(inside([A, C]));
  });

  test("a 200 that was overtaken ends nothing that came after it", async () => {
    const other = await lab.peer({ host: "192.0.2.2", port: 5060 });
    const first = sent(ue, [A]);
    const second = sent(other, [C], "reg-2");
    accept(second, [granted(A), granted(C)]);
    accept(first, [granted(A)]);
    expect([...bound()].sort()).toEqual(inside([A, C]));
  });
});

describe("the Path", () => {
  const pathOf = (register: SipRequest): string | undefined => register.text("Path");
  const RFC3680_A = `${A};+sip.instance="<urn:x:i>"`;

  test("one for all Contacts of a REGISTER; requests to each come over its flow", () => {
    const path = pathOf(exchange([A, B], [granted(A), granted(B)])) ?? "";
    expect(lab.pcscf.table.size).toBe(1);
    ue.inbox.length = 0;
    for (const [at, uri] of inside([A, B]).entries()) {
      const headers: [string, string][] = [
        ["Route", path],
        ["Call-ID", `m${at}`],
      ];
      scscf.send(lab.request(scscf, "MESSAGE", uri, headers), CORE);
      lab.run();
      expect(ue.takeRequest("MESSAGE").uri).toBe(uri);
    }
  });
  test("the same for an equal Contact, for another of its device, and for one of several", () => {
    const path = pathOf(exchange([RFC3680_A, B], [granted(A), granted(B)]));
    for (const again of [
      "<sip:%61@192.0.2.1:5060>",
      `${C};+sip.instance="<URN:x:i>"`,
      B,
      `${A};expires=0`,
    ])
      expect(pathOf(sent(ue, [again]))).toBe(path);
  });
  test("another for another device, also where the first one's Contact was there before", () => {
    const path = pathOf(exchange([A], [granted(A)]));
    exchange([A, B], [granted(A), granted(B)]);
    exchange([`${A};expires=0`], [granted(B)]);
    expect(bound()).toEqual(inside([B]));
    expect(pathOf(sent(ue, [A]))).not.toBe(path);
  });
  test("a Contact that comes to another Path leaves its own, which ends with the last", async () => {
    const other = await lab.peer({ host: "192.0.2.2", port: 5060 });
    exchange([A], [granted(A)]);
    exchange([B], [granted(A), granted(B)], other);
    expect(lab.pcscf.table.size).toBe(2);
    exchange([A, B], [granted(A), granted(B)]);
    expect(lab.pcscf.table.size).toBe(1);
    expect(lab.log.named("binding.gone")).toMatchObject([{ cause: "moved" }]);
  });
});

describe("integrity-protected", () => {
  const wordOn = (contacts: readonly string[]): string | undefined =>
    /integrity-protected="(.*?)"/.exec(sent(ue, contacts).text("Authorization") ?? "")?.[1];
  test.each<[readonly string[], string]>([
    [[A], "ip-assoc-yes"],
    [[A, B], "ip-assoc-yes"],
    [[B], "ip-assoc-yes"],
    [["<sip:%61@192.0.2.1:5060;ob>"], "ip-assoc-yes"],
    [[`${A};expires=0`], "ip-assoc-pending"], // over UDP (decision 0017)
    [[A, `${B};expires=0`], "ip-assoc-pending"],
    [[A, C], "ip-assoc-pending"],
    [[C], "ip-assoc-pending"],
    [[C, `${A};expires=0`], "ip-assoc-pending"],
  ])("%j where A and B are bound: %s", (contacts, expected) => {
    exchange([A, B], [granted(A), granted(B)]);
    expect(wordOn(contacts)).toBe(expected);
  });
});

test("each Contact ends at its own time", () => {
  exchange([A, B], [`${A};expires=60`, `${B};expires=120`]);
  lab.run(61_000);
  expect(bound()).toEqual(inside([B]));
  expect(lab.log.named("binding.contact-gone")).toMatchObject([
    { contact: "sip:a@192.0.2.1:5060", cause: "expired" },
  ]);
  expect(lab.log.named("binding.gone")).toEqual([]);
  lab.run(60_000);
  expect(lab.log.named("binding.gone")).toMatchObject([{ cause: "expired" }]);
});

describe("a 200 without what was registered: one line says so", () => {
  test.each<[readonly string[], string]>([
    [[], ""],
    [["<sip:a@192.0.2.1:5061>;expires=9"], "<sip:a@192.0.2.1:5061>;expires=9"],
    [[`${A};expires=0`], `${A};expires=0`],
  ])("%j", (listed, shown) => {
    exchange([A], listed);
    expect(lab.log.named("register.not-bound")).toMatchObject([
      { impu: ALICE, expected: "sip:a@192.0.2.1:5060", listed: shown },
    ]);
    exchange([A], listed);
    expect(lab.log.named("register.not-bound")).toHaveLength(1); // once a minute
  });
  test("none for what was bound, and for what was to go", () => {
    exchange([A], [granted(A)]);
    exchange([`${A};expires=0`], []);
    expect(lab.log.named("register.not-bound")).toEqual([]);
  });
});
