// The P-CSCF's own `reg` subscription is ended, refused or cut short by the S-CSCF. RFC 6665 §4.1.2.2, §4.1.3.
import { formatReginfo } from "@ims-lab/common/ims/reginfo";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { ACCESS, ALICE, CORE, Lab, type Peer, SCSCF, UE } from "../lab.ts";

const SECOND = 1000;
type Headers = [string, string][];

let lab: Lab;
let ue: Peer;
let scscf: Peer;
const counts = new Map<string, number>();
const seen = new Set<string>();

beforeEach(async () => {
  lab = await Lab.start("--subscribeReg=true");
  ue = await lab.peer(UE);
  scscf = await lab.peer(SCSCF);
  counts.clear();
  seen.clear();
});

/** New ones: what is sent again while nobody answers counts once. */
function subscribes(): SipRequest[] {
  const all = scscf.inbox.splice(0, scscf.inbox.length);
  return all.flatMap((message) => {
    if (message.kind !== "request" || message.method !== "SUBSCRIBE") return [];
    const key = `${message.callId} ${message.text("CSeq")}`;
    return seen.has(key) || !seen.add(key) ? [] : [message];
  });
}

/** The user registers (again); the SUBSCRIBE that follows, if one does. */
function registered(callId = "reg-1"): SipRequest | undefined {
  lab.registered(ue, scscf, [["Call-ID", callId]], 3600);
  return subscribes()[0];
}

function answer(
  request: SipRequest | undefined,
  status: number,
  headers: Headers = [],
): SipRequest {
  if (request === undefined) throw new Error("the P-CSCF has not subscribed");
  const contact: Headers = [["Contact", "<sip:10.1.0.2:6060>"]];
  const all = [...contact, ...headers];
  scscf.reply(newResponse(request, status, { toTag: "s", headers: all }));
  lab.run();
  return request;
}

function notify(subscribe: SipRequest, state: string): void {
  const cseq = (counts.get(subscribe.callId) ?? 0) + 1;
  counts.set(subscribe.callId, cseq);
  const uri = "sip:alice@192.0.2.1:5060";
  const contact = { id: "c", state: "active", event: "registered", uri } as const;
  const registration = { aor: ALICE, id: "r", state: "active", contacts: [contact] } as const;
  const body = formatReginfo({ version: cseq - 1, state: "full", registrations: [registration] });
  const request = lab.request(scscf, "NOTIFY", "sip:10.1.0.1:4060", [
    ["From", `<${ALICE}>;tag=s`],
    ["To", subscribe.text("From") ?? ""],
    ["Call-ID", subscribe.callId],
    ["CSeq", `${cseq} NOTIFY`],
    ["Contact", "<sip:10.1.0.2:6060>"],
    ["Event", "reg"],
    ["Subscription-State", state],
  ]);
  scscf.send(request.setBody(Buffer.from(body), "application/reginfo+xml"), CORE);
  lab.run();
  expect(scscf.inbox.shift()).toMatchObject({ kind: "response", status: 200 });
}

function granted(subscribe: SipRequest | undefined, seconds = 600_000): SipRequest {
  const asked = answer(subscribe, 200, [["Expires", String(seconds)]]);
  notify(asked, `active;expires=${seconds}`);
  return asked;
}

test("an S-CSCF that knows the device anew is asked whether it knows the subscription: 481, and a new one at once", () => {
  const first = granted(registered());
  ue.send(lab.register(ue, [["CSeq", "3 REGISTER"]]), ACCESS);
  lab.run();
  const refresh = scscf.takeRequest("REGISTER");
  scscf.reply(lab.accepted(refresh, 3600, [["Service-Route", "<sip:anew@10.1.0.2:6060;lr>"]]));
  lab.run();
  const [asked, ...more] = subscribes();
  expect(more).toEqual([]);
  expect(asked?.callId).toBe(first.callId);
  answer(asked, 481);
  const [again] = subscribes();
  expect(again?.callId).not.toBe(first.callId);
  expect(again?.to.params.has("tag")).toBe(false);
});

test("RFC 3261 §21.4.18: the user is not registered there; the next 200 to REGISTER asks again at once", () => {
  answer(registered(), 480);
  lab.run(SECOND);
  expect(subscribes()).toEqual([]);
  const again = registered("reg-2");
  expect(again).toBeDefined();
  answer(again, 480, [["Retry-After", "500"]]);
  expect(registered("reg-3"), "put off by the S-CSCF itself").toBeUndefined();
});

describe("RFC 6665 §4.1.3: the S-CSCF ends it, the user stays registered", () => {
  test.each([
    ["deactivated", 0],
    ["deactivated;retry-after=50", 0],
    ["timeout", 0],
    ["probation", 60],
    ["probation;retry-after=50", 50],
    ["giveup", 0],
    ["giveup;retry-after=50", 50],
    [undefined, 0],
  ] as const)("%s: a new one after %i s", (reason, seconds) => {
    const first = granted(registered());
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
    expect(lab.pcscf.table.size).toBe(1);
  });
  test.each([
    ["rejected", 0],
    ["invariant", 0],
    ["noresource", 1],
  ])("%s: none by itself; when the user registers once more: %i", (reason, count) => {
    notify(granted(registered()), `terminated;reason=${reason}`);
    lab.run(300 * SECOND);
    expect(subscribes()).toEqual([]);
    expect(registered() === undefined ? 0 : 1).toBe(count);
  });
  test("deactivated again and again: ever more seldom", () => {
    let asked = registered();
    let count = 0;
    for (let second = 0; second < 120; second++) {
      if (asked !== undefined) {
        notify(granted(asked), "terminated;reason=deactivated");
        count++;
      }
      lab.run(SECOND);
      [asked] = subscribes();
    }
    expect(count).toBeGreaterThan(3);
    expect(count).toBeLessThan(9);
  });
});

describe("the S-CSCF refuses it", () => {
  test.each([405, 489, 501])("%i, it lacks the package: asked once", (status) => {
    answer(registered(), status);
    expect(registered("reg-2")).toBeUndefined();
    lab.run(300 * SECOND);
    expect(subscribes()).toEqual([]);
    expect(lab.log.named("scscf.subscription-over")).toMatchObject([
      { scscf: "sip:10.1.0.2:6060", why: `SUBSCRIBE answered ${status}` },
    ]);
  });
  test.each([403, 404])("%i, it means this user: not before the next 200", (status) => {
    answer(registered(), status);
    lab.run(300 * SECOND);
    expect(subscribes()).toEqual([]);
    expect(registered("reg-2")).toBeDefined();
  });
  test("503 with Retry-After: by then", () => {
    answer(registered(), 503, [["Retry-After", "20"]]);
    lab.run(19 * SECOND);
    expect(subscribes()).toEqual([]);
    lab.run(SECOND);
    expect(subscribes()).toHaveLength(1);
  });
});

test("RFC 6665 §4.1.2.2: granted 5 s: renewed in its dialog, in time", () => {
  const first = granted(registered(), 5);
  for (let round = 0; round < 3; round++) {
    lab.run(2600);
    const [renewal] = subscribes();
    expect(renewal?.callId).toBe(first.callId);
    expect(renewal?.text("Expires")).toBe("600000");
    granted(renewal, 5);
  }
});
