// Observation of one user's messages: which are told, what of them, and that nothing is read while nobody watches.

import { observedMessageSchema } from "@ims-lab/common/admin-api/event-schemas";
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeEach, expect, test } from "vitest";
import { Device, Lab, type Peer } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
let seen: ObservedMessage[];

beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
  seen = [];
});

function watch(user: string): () => void {
  const names = new Set([`sip:${user}@ims.example`]);
  return lab.scscf.watches.begin({ names, saw: (message) => seen.push(message) });
}

/** `> REGISTER unanswered`, `< 401`. */
function ladder(): readonly string[] {
  return seen.map(({ direction, method, status, credentials, isRepeated }) => {
    const arrow = direction === "from-device" ? ">" : "<";
    const words = status === null ? [method, credentials] : [status, method];
    return [arrow, ...words, isRepeated ? "again" : null].filter((one) => one !== null).join(" ");
  });
}

test("a registration with its subscription, in order, as the schema has it", () => {
  watch("bob");
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  expect(ladder()).toEqual([
    "> REGISTER unanswered",
    "< 401 REGISTER",
    "> REGISTER answer",
    "< 200 REGISTER",
    "> SUBSCRIBE",
    "< 200 SUBSCRIBE",
    "< NOTIFY",
    "> 200 NOTIFY",
  ]);
  const [first, challenge, second, accepted, subscribe, , notify] = seen;
  expect(first?.contact).toBe(second?.contact);
  expect(challenge?.nonce).toMatch(/^[0-9a-f]{16}$/);
  expect(second?.nonce).toBe(challenge?.nonce);
  expect(accepted?.expires).toBeGreaterThan(0);
  expect([subscribe?.event, notify?.event, notify?.subscriptionState]).toEqual([
    OWN_PACKAGE,
    OWN_PACKAGE,
    "active",
  ]);
  expect(notify?.contacts[0]).toMatchObject({ state: "active", event: "registered" });
  const isValid = new Ajv2020({ strict: false }).compile(observedMessageSchema);
  for (const one of seen) expect(isValid(one), JSON.stringify(isValid.errors)).toBe(true);
});

test("no secret is in it: neither nonce, response nor keys", () => {
  watch("bob");
  new Device(lab, pcscf, "bob").register();
  const written = pcscf.responses.flatMap((response) => response.texts("WWW-Authenticate"));
  const nonce = /nonce="([^"]+)"/.exec(written.join(" "))?.[1] ?? "?";
  expect(JSON.stringify(seen)).not.toContain(nonce);
  expect(JSON.stringify(seen)).not.toContain("response");
});

test("another user's messages are not told, nor what passes between the two CSCFs alone", () => {
  watch("bob");
  new Device(lab, pcscf, "carol").register();
  expect(seen).toEqual([]);
});

test("a repetition is told as one", () => {
  watch("bob");
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  seen = [];
  pcscf.answers = () => undefined;
  lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
  lab.clock.advance(1600);
  expect(ladder()).toEqual(["< NOTIFY", "< NOTIFY again", "< NOTIFY again"]);
  expect(seen[0]?.contacts[0]?.event).toBe("shortened");
});

test("several watch at once; who leaves hears no more, and with the last one the wire is bare again", () => {
  const leave = watch("bob");
  const others: string[] = [];
  const leaveToo = lab.scscf.watches.begin({
    names: new Set(["sip:carol@ims.example"]),
    saw: ({ method }) => others.push(method),
  });
  expect(lab.scscf.watches.isOn).toBe(true);
  leave();
  leave();
  new Device(lab, pcscf, "bob").register();
  new Device(lab, pcscf, "carol").register();
  expect([seen.length, others.length]).toEqual([0, 4]);
  leaveToo();
  expect(lab.scscf.watches.isOn).toBe(false);
});

test("texts of a peer are bounded", () => {
  watch("bob");
  const contact = `<sip:${"x".repeat(2000)}@192.0.2.1>`;
  new Device(lab, pcscf, "bob").register({ contact });
  expect(seen.map(({ contact: told }) => told?.length ?? 0)).toEqual(seen.map(() => 301));
});

test.each([
  ["", "none"],
  [
    'Digest username="bob@ims.example",realm="ims.example",nonce="n",uri="sip:x",response=""',
    "rejection",
  ],
  [
    'Digest username="bob@ims.example",realm="ims.example",nonce="n",uri="sip:x",response="",auts="YQ=="',
    "auts",
  ],
  [
    'Digest username="bob@ims.example",username="x",realm="ims.example",nonce="n",uri="sip:x",response="0"',
    "malformed",
  ],
])("credentials are told by their kind: %s", (authorization, kind) => {
  watch("bob");
  const headers = [
    ["Call-ID", "c"],
    ["CSeq", "1 REGISTER"],
    ["Contact", "<sip:bob@192.0.2.1:5060>"],
    ...(authorization === "" ? [] : [["Authorization", authorization] as const]),
  ] as const;
  lab.exchange(
    pcscf,
    lab.request(pcscf, "REGISTER", "sip:ims.example", "sip:bob@ims.example", headers),
  );
  expect(seen[0]?.credentials).toBe(kind);
});
