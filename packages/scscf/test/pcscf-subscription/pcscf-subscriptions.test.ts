// The S-CSCF's subscriptions at other people's P-CSCFs: refused, ended, cut short. RFC 6665 §4.1.2, §4.1.3; docs/events.md.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { Device, DOMAIN, Lab, PCSCF, type Peer } from "../lab.ts";

const SECOND = 1000;

type Headers = readonly [string, string][];

let lab: Lab;
let pcscf: Peer;
let phone: Device;
/** Own SUBSCRIBEs in the dialogs that this P-CSCF has begun, by Call-ID: CSeq of its NOTIFYs. */
let counts: Map<string, number>;
const seen = new Set<string>();

async function start(...argv: readonly string[]): Promise<void> {
  ({ lab, pcscf } = await Lab.start(...argv));
  pcscf.answers = ({ method }) => (method === "SUBSCRIBE" ? undefined : 200);
  phone = new Device(lab, pcscf, "phone");
  counts = new Map();
  seen.clear();
}
beforeEach(() => start());

const protectedOne = { integrity: "ip-assoc-yes" } as const;
/** New ones: what is sent again while nobody answers counts once. */
function subscribes(): SipRequest[] {
  return pcscf.take("SUBSCRIBE").filter((request) => {
    const key = `${request.callId} ${request.text("CSeq")}`;
    return !seen.has(key) && seen.add(key);
  });
}

function answer(request: SipRequest, status: number, headers: Headers = []): void {
  const all: Headers = [["Contact", `<sip:${pcscf.at.host}:${pcscf.at.port}>`], ...headers];
  pcscf.send(newResponse(request, status, { toTag: "peer", headers: all }));
  lab.run();
}

function notify(subscribe: SipRequest, state: string, body = ""): void {
  const cseq = (counts.get(subscribe.callId) ?? 0) + 1;
  counts.set(subscribe.callId, cseq);
  const contact = `sip:${pcscf.at.host}:${pcscf.at.port}`;
  const request = lab.request(pcscf, "NOTIFY", "sip:10.1.0.2:6060", "", [
    ["From", `<${subscribe.to.uriText}>;tag=peer`],
    ["To", subscribe.text("From") ?? ""],
    ["Call-ID", subscribe.callId],
    ["CSeq", `${cseq} NOTIFY`],
    ["Contact", `<${contact}>`],
    ["Event", OWN_PACKAGE],
    ["Subscription-State", state],
  ]);
  if (body !== "") request.setBody(Buffer.from(body), "application/reginfo+xml");
  expect(lab.exchange(pcscf, request).status).toBe(200);
}

/** Asked, answered 200 with what was asked for or less, and notified. */
function granted(subscribe: SipRequest | undefined, seconds?: number): SipRequest {
  if (subscribe === undefined) throw new Error("the S-CSCF has not subscribed");
  const expires = String(seconds ?? subscribe.text("Expires"));
  answer(subscribe, 200, [["Expires", expires]]);
  notify(subscribe, `active;expires=${expires}`);
  return subscribe;
}

function registered(user = phone): SipRequest[] {
  expect(user.register().status).toBe(200);
  return subscribes();
}

function remove(): void {
  for (const { token } of [...lab.scscf.bindings.all()])
    lab.scscf.registrations.input(token, {
      kind: "removed",
      at: lab.clock.now(),
      cause: { kind: "deactivated" },
    });
  lab.run();
}

const over = (): readonly unknown[] => lab.log.named("pcscf.subscription-over");

describe("a P-CSCF that serves no such thing is asked once", () => {
  /** Everything that would ask again: refreshes, a SUBSCRIBE of the UE, another user, ends. */
  function life(): void {
    phone.register(protectedOne);
    phone.subscribe(OWN_PACKAGE, 3600);
    lab.run(400 * SECOND);
    phone.register(protectedOne);
    const bob = new Device(lab, pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    new Device(lab, pcscf, "carol").register(); // misses its duty to subscribe
    lab.run(40 * SECOND);
    remove();
    lab.run(40 * SECOND);
  }
  test.each([
    400, 401, 403, 404, 405, 406, 407, 410, 420, 481, 482, 483, 488, 489, 501, 505, 513, 600, 603,
    604, 606, 302,
  ])("%i", (status) => {
    const [first] = registered();
    if (first === undefined) throw new Error("not asked at all");
    answer(first, status);
    life();
    expect(subscribes()).toEqual([]);
    expect(over()).toMatchObject([
      { pcscf: "10.1.0.1:4060", why: `SUBSCRIBE answered ${status}`, next: expect.any(String) },
    ]);
    expect(lab.scscf.pcscfSubscriptions.size).toBe(0);
  });
  test("no answer at all", () => {
    const [first] = registered();
    expect(first).toBeDefined();
    lab.run(33 * SECOND);
    life();
    expect(subscribes()).toEqual([]);
    expect(over()).toMatchObject([{ why: "SUBSCRIBE not answered: timeout" }]);
  });
  test("200, and no NOTIFY ever", () => {
    const [first] = registered();
    if (first !== undefined) answer(first, 200, [["Expires", "3600"]]);
    lab.run(33 * SECOND);
    life();
    expect(subscribes()).toEqual([]);
    expect(over()).toMatchObject([{ why: "no NOTIFY within 32 s of SUBSCRIBE" }]);
  });
  test("users that come before it has answered wait for it", () => {
    const [first] = registered();
    const bob = new Device(lab, pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    expect(subscribes()).toEqual([]);
    if (first !== undefined) answer(first, 489);
    lab.run(SECOND);
    expect(subscribes()).toEqual([]);
  });
  test("… and are subscribed for when it serves the first", () => {
    const [first] = registered();
    const bob = new Device(lab, pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    granted(first);
    expect(subscribes().map(({ uri }) => uri)).toEqual(["sip:tok-bob@10.1.0.1:4060;lr"]);
  });
  test("… or when the first has gone meanwhile", () => {
    const [first] = registered();
    const bob = new Device(lab, pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    phone.register({ ...protectedOne, expires: 0 });
    if (first !== undefined) answer(first, 503);
    lab.run(SECOND);
    expect(subscribes().map(({ uri }) => uri)).toEqual(["sip:tok-bob@10.1.0.1:4060;lr"]);
  });
  test("the Expires 0 of a user that never had one counts, too", () => {
    const bob = new Device(lab, pcscf, "bob");
    bob.register();
    lab.run(33 * SECOND);
    const [last, ...more] = subscribes();
    expect([last?.text("Expires"), more.length]).toEqual(["0", 0]);
    if (last !== undefined) answer(last, 489);
    life();
    expect(subscribes()).toEqual([]);
    expect(over()).toHaveLength(1);
  });
  test("another P-CSCF is another matter", () => {
    const [first] = registered();
    if (first !== undefined) answer(first, 489);
    const bob = new Device(lab, pcscf, "bob");
    bob.path = `<sip:edge@${PCSCF.host}:${PCSCF.port};lr>,<sip:tok@10.1.0.11:4060;lr>`;
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    expect(subscribes()).toHaveLength(1);
  });
  test.each([405, 489, 501])("it lacks the package now (%i) that it had", (status) => {
    granted(registered()[0]);
    phone.register(protectedOne);
    const [renewal] = subscribes();
    if (renewal !== undefined) answer(renewal, status);
    lab.run(SECOND);
    life();
    expect(subscribes()).toEqual([]);
  });
  test("a restart asks anew", async () => {
    const [first] = registered();
    if (first !== undefined) answer(first, 489);
    await start();
    expect(registered()).toHaveLength(1);
  });
});

test("a device that comes by another Path and has not subscribed there yet: the former Path's subscription ends", () => {
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  pcscf.answers = ({ method }) => (method === "SUBSCRIBE" ? undefined : 481); // ends its subscription
  bob.subscribe(OWN_PACKAGE, 3600);
  const [first] = subscribes();
  granted(first);
  bob.path = `<sip:another@${PCSCF.host}:${PCSCF.port};lr>`;
  expect(bob.register().status).toBe(200);
  const left = subscribes();
  expect(left.map((request) => [request.callId, request.text("Expires")])).toEqual([
    [first?.callId, "0"],
  ]);
  expect(lab.scscf.pcscfSubscriptions.size).toBe(0);
});

describe("a refusal that is about one user or about the moment", () => {
  test.each([
    ["it has served another", [] as Headers, true],
    [
      "it lists the package in Allow-Events",
      [["Allow-Events", `presence, ${OWN_PACKAGE}`]] as Headers,
      false,
    ],
  ])("404, and %s: that user alone, until its next 200", (_, headers, hasServed) => {
    if (hasServed) granted(registered()[0]);
    const bob = new Device(lab, pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const [asked] = subscribes();
    if (asked === undefined) throw new Error("not asked");
    answer(asked, 404, headers);
    bob.subscribe(OWN_PACKAGE, 3600, [["Call-ID", "again"]]);
    lab.run(100 * SECOND);
    expect(subscribes()).toEqual([]);
    bob.register(protectedOne);
    expect(subscribes()).toHaveLength(1);
  });
  test.each([
    [408, [] as Headers, 60],
    [480, [] as Headers, 60],
    [500, [] as Headers, 60],
    [502, [] as Headers, 60],
    [503, [] as Headers, 60],
    [503, [["Retry-After", "7"]] as Headers, 7],
    [500, [["Retry-After", "200 (maintenance);duration=60"]] as Headers, 200],
    [404, [["Retry-After", "9"]] as Headers, 9],
  ])(
    "%i %j: again by itself after %i s, not before, whatever comes",
    (status, headers, seconds) => {
      const [first] = registered();
      if (first === undefined) throw new Error("not asked");
      answer(first, status, headers);
      phone.register(protectedOne);
      phone.subscribe(OWN_PACKAGE, 3600);
      lab.run((seconds - 1) * SECOND);
      expect(subscribes()).toEqual([]);
      lab.run(SECOND);
      const [again, ...more] = subscribes();
      expect(more).toEqual([]);
      expect(again?.callId).not.toBe(first.callId);
      granted(again);
      expect(lab.scscf.pcscfSubscriptions.size).toBe(1);
    },
  );
  test("503 with Retry-After 0 for ever: ever more seldom", () => {
    const [first] = registered();
    let asked = first === undefined ? [] : [first];
    let count = 0;
    for (let second = 0; second < 120; second++) {
      for (const one of asked) answer(one, 503, [["Retry-After", "0"]]);
      count += asked.length;
      lab.run(SECOND);
      asked = subscribes();
    }
    expect(count).toBeLessThan(9);
    expect(count).toBeGreaterThan(3);
  });
});

describe("RFC 6665 §4.1.3: it ends the subscription", () => {
  test.each([
    ["deactivated", 0],
    ["deactivated;retry-after=50", 0],
    ["timeout", 0],
    ["timeout;retry-after=50", 0],
    ["DEACTIVATED", 0],
    ["probation", 60],
    ["probation;retry-after=50", 50],
    ["giveup", 0],
    ["giveup;retry-after=50", 50],
    ["something-new", 0],
    ["something-new;retry-after=50", 50],
    [undefined, 0],
  ] as const)("%s: a new one after %i s", (reason, seconds) => {
    const first = granted(registered()[0]);
    notify(first, reason === undefined ? "terminated" : `terminated;reason=${reason}`);
    if (seconds > 0) {
      lab.run((seconds - 1) * SECOND);
      expect(subscribes()).toEqual([]);
    }
    lab.run(SECOND);
    const [again, ...more] = subscribes();
    expect(more).toEqual([]);
    expect(again?.callId).not.toBe(first.callId);
    expect(again?.to.params.has("tag")).toBe(false);
    const left = Number(again?.text("Expires"));
    expect(left).toBeGreaterThanOrEqual(300);
    expect(left).toBeLessThanOrEqual(360);
  });
  test.each(["rejected", "noresource", "invariant", "Rejected"])(
    "%s: none, and no Expires 0 at the end",
    (reason) => {
      notify(granted(registered()[0]), `terminated;reason=${reason}`);
      phone.subscribe(OWN_PACKAGE, 3600);
      lab.run(200 * SECOND);
      remove();
      expect(subscribes()).toEqual([]);
    },
  );
  test.each([
    ["noresource", 1],
    ["rejected", 0],
    ["invariant", 0],
  ])("%s, and the user registers once more: %i", (reason, count) => {
    notify(granted(registered()[0]), `terminated;reason=${reason}`);
    phone.register(protectedOne);
    expect(subscribes()).toHaveLength(count);
  });
  test("deactivated again and again: ever more seldom", () => {
    let [asked] = registered();
    let count = 0;
    for (let second = 0; second < 120; second++) {
      if (asked !== undefined) {
        notify(granted(asked), "terminated;reason=deactivated");
        count++;
      }
      lab.run(SECOND);
      [asked] = subscribes();
    }
    expect(count).toBeLessThan(9);
  });
  test("the user has gone meanwhile: nobody is subscribed for", () => {
    notify(granted(registered()[0]), "terminated;reason=probation;retry-after=20");
    phone.register({ ...protectedOne, expires: 0 });
    lab.run(60 * SECOND);
    expect(subscribes().filter((one) => one.text("Expires") !== "0")).toEqual([]);
  });
  test("it has forgotten the dialog (481): a new one at once", () => {
    granted(registered()[0]);
    phone.register(protectedOne);
    const [renewal] = subscribes();
    if (renewal !== undefined) answer(renewal, 481);
    lab.run(10);
    const [again] = subscribes();
    expect(again?.to.params.has("tag")).toBe(false);
  });
});

describe("RFC 6665 §4.1.2.2: it grants less than was asked", () => {
  test.each([
    [5, 2.5],
    [20, 10],
    [100, 50],
  ])("%i s: renewed in its dialog after %f s, again and again", (seconds, after) => {
    const first = granted(registered()[0], seconds);
    for (let round = 0; round < 2; round++) {
      lab.run(after * SECOND - 100);
      expect(subscribes()).toEqual([]);
      lab.run(200);
      const [renewal] = subscribes();
      expect(renewal?.callId).toBe(first.callId);
      expect(renewal?.to.params.get("tag")).toBe("peer");
      const left = Number(renewal?.text("Expires"));
      expect(left).toBeGreaterThan(60);
      expect(left).toBeLessThanOrEqual(Math.ceil(360 - after));
      granted(renewal, seconds);
    }
    expect(lab.scscf.pcscfSubscriptions.size).toBe(1);
  });
  test("the NOTIFY cuts it short: the same", () => {
    const [first] = registered();
    if (first === undefined) throw new Error("not asked");
    answer(first, 200, [["Expires", "360"]]);
    notify(first, "active;expires=5");
    lab.run(3 * SECOND);
    expect(subscribes().map(({ callId }) => callId)).toEqual([first.callId]);
  });
  test("it is granted for as long as the registration lives: the 200 to the next REGISTER renews it", () => {
    granted(registered()[0]);
    lab.run(299 * SECOND);
    expect(subscribes()).toEqual([]);
    phone.register(protectedOne);
    expect(subscribes()).toHaveLength(1);
  });
  test("subscription.expires unlimited, and it grants 60 s: renewed", async () => {
    await start("--subscription.expires=unlimited");
    granted(registered()[0], 60);
    lab.run(31 * SECOND);
    expect(subscribes().map((one) => one.text("Expires"))).toEqual(["4294967295"]);
  });
  test("it does not answer the renewal, and the subscription lapses: a new one", () => {
    const first = granted(registered()[0], 20);
    lab.run(45 * SECOND);
    const asked = subscribes().filter(({ callId }) => callId !== first.callId);
    expect(asked.length).toBeGreaterThan(0);
  });
});

describe("Figure 5: which contact the P-CSCF asks for", () => {
  const NAMESPACE = 'xmlns="urn:ietf:params:xml:ns:reginfo"';
  const own = { uri: "sip:phone@192.0.2.1:5060", event: "shortened", state: "active" };
  interface Row {
    uri?: string;
    event?: string;
    state?: string;
    id?: string;
    more?: string;
    aor?: string;
    registration?: string;
  }
  let version = 0;
  function registrationOf(row: Row): string {
    const { uri, event, state, id = "c", more = 'expires="60"' } = { ...own, ...row };
    const { aor = `sip:phone@${DOMAIN}`, registration = "active" } = row;
    const contact = `<contact id="${id}" state="${state}" event="${event}" ${more}><uri>${uri}</uri></contact>`;
    return `<registration aor="${aor}" id="r-${aor}" state="${registration}">${contact}</registration>`;
  }
  const documentOf = (registrations: string, state = "full"): string =>
    `<?xml version="1.0"?><reginfo ${NAMESPACE} version="${version++}" state="${state}">${registrations}</reginfo>`;
  const isAsked = (): boolean => lab.scscf.reauthentications.runningCount === 1;
  let subscription: SipRequest;
  beforeEach(() => {
    version = 0;
    subscription = granted(registered()[0]);
  });
  const tell = (body: string): void => notify(subscription, "active;expires=300", body);

  test.each<[string, Row, boolean]>([
    ["its Contact, no Call-ID", {}, true],
    ["its Contact and Call-ID", { more: 'expires="60" callid="reg-phone" cseq="2"' }, true],
    ["whatever the id", { id: "something-else" }, true],
    ["§19.1.4: a parameter that the other may lack", { uri: "sip:phone@192.0.2.1:5060;x=y" }, true],
    [
      "§19.1.4: transport in one of the two",
      { uri: "sip:phone@192.0.2.1:5060;transport=udp" },
      false,
    ],
    ["§19.1.4: an escaped letter", { uri: "sip:%70hone@192.0.2.1:5060" }, true],
    ["another user part", { uri: "sip:alice@192.0.2.1:5060" }, false],
    ["another host", { uri: "sip:phone@192.0.2.2:5060" }, false],
    ["another port", { uri: "sip:phone@192.0.2.1:5061" }, false],
    ["no port", { uri: "sip:phone@192.0.2.1" }, false],
    ["another scheme", { uri: "sips:phone@192.0.2.1:5060" }, false],
    ["another transport", { uri: "sip:phone@192.0.2.1:5060;transport=tcp" }, false],
    ["no SIP URI", { uri: "tel:+15550001" }, false],
    ["another Call-ID", { more: 'expires="60" callid="another" cseq="2"' }, false],
    [
      "another URI, id and Call-ID",
      { uri: "sip:x@192.0.2.9", id: "x", more: 'expires="60" callid="x"' },
      false,
    ],
    ["another user's registration", { aor: `sip:bob@${DOMAIN}` }, false],
    ["aor as the domain's case may be", { aor: `sip:phone@${DOMAIN.toUpperCase()}` }, true],
    ["a registration that has ended", { registration: "terminated" }, false],
    ["a registration that has not begun", { registration: "init" }, false],
    ["refreshed", { event: "refreshed" }, false],
    ["registered", { event: "registered" }, false],
    ["created", { event: "created" }, false],
    ["terminated, unregistered", { event: "unregistered", state: "terminated" }, false],
    ["terminated, deactivated", { event: "deactivated", state: "terminated" }, false],
    ["terminated, expired", { event: "expired", state: "terminated" }, false],
  ])("%s: %j: %s", (_, row, isMeant) => {
    for (const state of ["full", "partial"]) {
      tell(
        documentOf(
          registrationOf({ ...row, ...(row.uri === undefined && { uri: own.uri }) }),
          state,
        ),
      );
      expect(isAsked()).toBe(isMeant);
    }
  });
  test("one of several registrations, after others", () => {
    const others = registrationOf({ aor: "sip:x@elsewhere.example", event: "registered" });
    tell(documentOf(others + registrationOf({ uri: "sip:x@192.0.2.9" }) + registrationOf({})));
    expect(isAsked()).toBe(true);
  });
  test("a row of another contact beside the own that is not asked", () => {
    tell(
      documentOf(
        registrationOf({ event: "registered" }) + registrationOf({ uri: "sip:x@192.0.2.9" }),
      ),
    );
    expect(isAsked()).toBe(false);
  });
  test("with a prefix, and other people's elements within", () => {
    const [head, tail] = ['<r:reginfo xmlns:r="urn:ietf:params:xml:ns:reginfo"', "</r:reginfo>"];
    const contact = `<r:contact id="c" state="active" event="shortened" expires="60"><r:uri>${own.uri}</r:uri><x:y xmlns:x="urn:x"><x:contact/></x:y></r:contact>`;
    tell(
      `${head} version="0" state="full"><r:registration aor="sip:phone@${DOMAIN}" id="r" state="active">${contact}</r:registration>${tail}`,
    );
    expect(isAsked()).toBe(true);
  });
  test("a row in another namespace is none of ours", () => {
    const foreign = registrationOf({}).replace("<registration", '<registration xmlns="urn:x"');
    tell(documentOf(foreign));
    expect(isAsked()).toBe(false);
  });
  test("without callid and cseq it asks again once the user has registered anew, and not before", () => {
    tell(documentOf(registrationOf({})));
    tell(documentOf(registrationOf({})));
    phone.register(protectedOne);
    expect(lab.scscf.reauthentications.list().map(({ progress }) => progress)).toHaveLength(1);
    expect(isAsked()).toBe(false);
    lab.run(SECOND);
    tell(documentOf(registrationOf({})));
    expect(isAsked()).toBe(true);
  });
});
