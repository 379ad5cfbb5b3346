// RFC 6665: both agents against each other, over encoded messages and the fake clock.
import { beforeEach, describe, expect, it } from "vitest";
import {
  createNotifierAgent,
  type NotifierAgent,
  type NotifierSubscription,
  type NotifyOutcome,
  type Rendering,
  rowOf,
  type SubscribeVerdict,
  type SubscriptionEnd,
} from "../../../src/sip/event/notifier-agent.ts";
import {
  createSubscriberAgent,
  type SubscriberAgent,
  type Subscription,
  type SubscriptionRequest,
} from "../../../src/sip/event/subscriber-agent.ts";
import type { Ending } from "../../../src/sip/event/subscriber-state.ts";
import { Expires } from "../../../src/sip/message/fields.ts";
import { newRequest, type SipRequest, type SipResponse } from "../../../src/sip/message/message.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";
import { EventWire } from "./event-wire.ts";

const REQUEST: SubscriptionRequest = {
  target: "sip:alice@home.test",
  from: "sip:alice@home.test;x=Y",
  to: "sip:Alice@home.test",
  contact: "<sip:alice@192.0.2.1:5062>",
  event: "reg",
  expires: 600,
  accept: ["application/reginfo+xml"],
  route: ["<sip:p.test;lr>"],
  headers: [["P-Preferred-Identity", "<sip:alice@home.test>"]],
};

let clock: FakeClock;
let wire: EventWire;
let notifier: NotifierAgent;
let subscriber: SubscriberAgent;
let verdict: (asked: number) => SubscribeVerdict;
let told: { state: string; body: string }[];
let endings: Ending[];
let granted: number[];
let ends: SubscriptionEnd[];
let saved: (string | undefined)[];

function makeNotifier(): NotifierAgent {
  return createNotifierAgent({
    clock,
    random: seededRandom(2),
    send: wire.to((incoming) => subscriber.handle(incoming)),
    packages: new Map([["reg", "application/reginfo+xml"]]),
    contact: "<sip:scscf.test:6060>",
    decide: (request) => verdict(request.get(Expires) ?? 3761),
    render: (_subscription, rendering) => body("state", rendering),
    onEnded: (_subscription, end) => ends.push(end),
    save: ({ subscription }, proceed) => {
      saved.push(rowOf(subscription)?.id);
      proceed();
    },
  });
}

function body(word: string, { version, full }: Rendering): { contentType: string; body: Buffer } {
  const text = `${word} ${version} ${full ? "full" : "partial"}`;
  return { contentType: "application/reginfo+xml", body: Buffer.from(text) };
}

beforeEach(() => {
  clock = new FakeClock();
  wire = new EventWire(clock);
  told = [];
  endings = [];
  granted = [];
  ends = [];
  saved = [];
  verdict = (expires) => ({ kind: "grant", expires, subject: "alice", memo: "binding-1" });
  notifier = makeNotifier();
  subscriber = createSubscriberAgent({
    clock,
    random: seededRandom(1),
    send: wire.to((incoming) => notifier.handle(incoming)),
    packages: ["reg"],
  });
});

function subscribe(request: Partial<SubscriptionRequest> = {}): Subscription {
  const subscription = subscriber.subscribe(
    { ...REQUEST, ...request },
    {
      onNotify: (notify) =>
        told.push({
          state: notify.text("Subscription-State") ?? "",
          body: notify.body.toString(),
        }),
      onEnded: (ending) => endings.push(ending),
      onGranted: (seconds) => granted.push(seconds),
    },
  );
  clock.advance(100);
  return subscription;
}

function theOne(): NotifierSubscription {
  const [one] = notifier.export();
  if (one === undefined) throw new Error("nobody is subscribed");
  return one;
}

describe("subscribing", () => {
  it("SUBSCRIBE, 200, NOTIFY, 200; the first body is full and numbered 0", () => {
    const subscription = subscribe();
    expect(wire.log).toEqual(["SUBSCRIBE", "200 SUBSCRIBE", "NOTIFY", "200 NOTIFY"]);
    expect(told).toEqual([{ state: "active;expires=600", body: "state 0 full" }]);
    expect(granted).toEqual([600]);
    expect(subscription.state).toBe("active");
    expect(notifier.ofSubject("alice")).toMatchObject([{ memo: "binding-1", version: 1 }]);
  });

  it("NOTIFY: URIs byte-equal to the SUBSCRIBE's To and From, Request-URI its Contact", () => {
    subscribe();
    const [first, notify] = wire.requests;
    expect(first?.texts("Route")).toEqual(["<sip:p.test;lr>"]);
    expect(first?.text("P-Preferred-Identity")).toBe("<sip:alice@home.test>");
    expect(notify?.uri).toBe("sip:alice@192.0.2.1:5062");
    expect(notify?.from.uriText).toBe("sip:Alice@home.test");
    expect(notify?.to.uriText).toBe("sip:alice@home.test;x=Y");
    expect(notify?.text("Event")).toBe("reg");
  });

  it("an Event id comes back in the NOTIFY", () => {
    expect(subscribe({ event: "reg;id=7" }).state).toBe("active");
    expect(wire.last("NOTIFY").text("Event")).toBe("reg;id=7");
  });

  it("a refused re-SUBSCRIBE changes nothing: neither the target nor the order", () => {
    subscribe();
    const before = theOne();
    verdict = () => ({ kind: "refuse", status: 403 });
    const forged = newRequest("SUBSCRIBE", "sip:scscf.test:6060", [
      ["From", `<${before.dialog.remoteUri}>;tag=${before.dialog.remoteTag}`],
      ["To", `<${before.dialog.localUri}>;tag=${before.dialog.localTag}`],
      ["Call-ID", before.dialog.callId],
      ["CSeq", "99 SUBSCRIBE"],
      ["Contact", "<sip:mallory@192.0.2.66>"],
      ["Event", "reg"],
      ["Expires", "0"],
    ]);
    const statuses: number[] = [];
    notifier.handle({ request: forged, respond: ({ status }) => statuses.push(status) });
    expect(statuses).toEqual([403]);
    expect(theOne()).toEqual(before);
  });

  it("refusals: 489 package, 406 type, 403 policy", () => {
    subscribe({ event: "presence" });
    subscribe({ accept: ["text/plain"] });
    verdict = () => ({ kind: "refuse", status: 403, headers: [["Warning", '399 a "no"']] });
    subscribe();
    const statuses = endings.map(({ why }) => (why.kind === "refused" ? why.status : why.kind));
    expect(statuses).toEqual([489, 406, 403]);
    expect(notifier.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("423 and a longer second try", () => {
    verdict = (expires) =>
      expires < 60
        ? { kind: "refuse", status: 423, headers: [["Min-Expires", "60"]] }
        : { kind: "grant", expires, subject: "alice" };
    expect(subscribe({ expires: 10 }).state).toBe("active");
    expect(granted).toEqual([60]);
    expect(wire.requests[1]?.text("CSeq")).toBe("2 SUBSCRIBE");
  });

  it("no NOTIFY within Timer N: over, and a late one gets 481", () => {
    wire.loses = (request) => request.method === "NOTIFY";
    const subscription = subscribe();
    clock.advance(32_000);
    expect(subscription.state).toBe("terminated");
    expect(endings).toMatchObject([{ why: { kind: "no-notify" } }]);
    expect(ends).toEqual([{ kind: "timeout" }]);
    expect(answerTo(wire.last("NOTIFY")).status).toBe(481);
    expect(clock.pending).toBe(0);
  });

  it("a fetch leaves nothing behind", () => {
    subscribe({ expires: 0 });
    expect(told).toEqual([{ state: "terminated;reason=timeout", body: "state 0 full" }]);
    expect(endings).toMatchObject([{ why: { kind: "left" } }]);
    expect([notifier.size, clock.pending]).toEqual([0, 0]);
    expect(ends).toEqual([]);
  });
});

/** What the subscriber answers to a NOTIFY that arrives from anywhere. */
function answerTo(notify: SipRequest): SipResponse {
  const responses: SipResponse[] = [];
  const request = notify.clone().push("Via", "SIP/2.0/UDP z.test;branch=z9hG4bKz");
  subscriber.handle({ request, respond: (response) => responses.push(response) });
  const [response] = responses;
  if (response === undefined || responses.length > 1) throw new Error("not one answer");
  return response;
}

describe("NOTIFYs that do not fit", () => {
  it.each([
    ["another Call-ID", "Call-ID", "stranger", 481],
    ["another dialog (a fork's)", "From", "<sip:Alice@home.test>;tag=fork", 481],
    ["a tag of nobody", "To", "<sip:alice@home.test>;tag=nobody", 481],
    ["another id", "Event", "reg;id=9", 481],
    ["another package", "Event", "presence", 489],
    ["a lower CSeq", "CSeq", "0 NOTIFY", 500],
    ["another body type", "Content-Type", "text/html", 415],
  ])("%s: %s is %s", (_name, header, value, status) => {
    subscribe();
    const before = told.length;
    const notify = wire.last("NOTIFY").clone().set("CSeq", "9 NOTIFY").set(header, value);
    expect(answerTo(notify).status).toBe(status);
    expect(told).toHaveLength(before);
  });

  it("without Subscription-State: 400; without Event: 489", () => {
    subscribe();
    const notify = wire.last("NOTIFY");
    expect(answerTo(notify.clone().remove("Subscription-State")).status).toBe(400);
    expect(answerTo(notify.clone().remove("Event")).status).toBe(489);
  });
});

describe("SUBSCRIBEs that do not fit", () => {
  function answer(subscribe: SipRequest): number | undefined {
    let status: number | undefined;
    const request = subscribe.clone().push("Via", "SIP/2.0/UDP z.test;branch=z9hG4bKz");
    notifier.handle({ request, respond: (response) => (status = response.status) });
    return status;
  }

  it("an unknown dialog: 481; out of order: 500; no Contact: 400", () => {
    const subscription = subscribe();
    subscription.refresh();
    clock.advance(100);
    const refresh = wire.last("SUBSCRIBE");
    expect(notifier.owns(refresh)).toBe(true);
    expect(answer(refresh.clone().set("To", "<sip:a@b.test>;tag=nobody"))).toBe(481);
    expect(answer(refresh.clone().set("From", "<sip:a@b.test>;tag=thief"))).toBe(481);
    expect(answer(refresh.clone().set("CSeq", "1 SUBSCRIBE"))).toBe(500);
    const initial = newRequest("SUBSCRIBE", "sip:alice@home.test", [
      ["From", "<sip:a@b.test>;tag=x"],
      ["To", "<sip:alice@home.test>"],
      ["Call-ID", "no-contact"],
      ["CSeq", "1 SUBSCRIBE"],
      ["Event", "reg"],
    ]);
    expect(answer(initial)).toBe(400);
    expect(notifier.size).toBe(1);
  });
});

describe("refreshing", () => {
  it("by itself, at half time, in the same dialog", () => {
    subscribe();
    clock.advance(300_000);
    expect(wire.log.slice(4)).toEqual(["SUBSCRIBE", "200 SUBSCRIBE", "NOTIFY", "200 NOTIFY"]);
    const refresh = wire.last("SUBSCRIBE");
    expect(refresh.to.params.get("tag")).toBe(theOne().id);
    expect(refresh.text("CSeq")).toBe("2 SUBSCRIBE");
    expect(refresh.uri).toBe("sip:scscf.test:6060");
    expect(told.at(-1)).toEqual({ state: "active;expires=600", body: "state 1 full" });
  });

  it("a day of refreshes keeps one subscription and three timers at most", () => {
    const subscription = subscribe();
    clock.advance(86_400_000);
    expect(subscription.state).toBe("active");
    expect(notifier.size).toBe(1);
    expect(clock.pending).toBeLessThanOrEqual(3);
  });

  it("2^32-1 seconds stay quiet for a year", () => {
    subscribe({ expires: 2 ** 32 - 1 });
    clock.advance(365 * 86_400_000);
    expect(wire.log).toHaveLength(4);
    expect(told[0]?.state).toBe("active;expires=4294967295");
  });

  it("a subscription the notifier has forgotten: 481, subscribe anew", () => {
    const subscription = subscribe();
    notifier.forget(theOne().id);
    subscription.refresh();
    clock.advance(100);
    expect(endings).toEqual([
      { why: { kind: "refused", status: 481 }, resubscribe: { kind: "now" } },
    ]);
    expect(ends).toEqual([{ kind: "forgotten" }]);
  });

  it("nobody refreshes: NOTIFY terminated;reason=timeout at the expiry", () => {
    const subscription = subscribe();
    wire.loses = (request) => request.method === "SUBSCRIBE";
    subscription.forget();
    expect(wire.log).not.toContain("SUBSCRIBE given up");
    clock.advance(600_000);
    expect(wire.last("NOTIFY").text("Subscription-State")).toBe("terminated;reason=timeout");
    expect(ends).toEqual([{ kind: "notified", reason: "timeout" }]);
    expect(notifier.size).toBe(0);
  });

  it("leaving: 200 with Expires 0, last NOTIFY, both sides empty", () => {
    subscribe().unsubscribe();
    clock.advance(100);
    expect(told.at(-1)?.state).toBe("terminated;reason=timeout");
    expect(endings).toMatchObject([{ why: { kind: "left" }, resubscribe: { kind: "never" } }]);
    expect([notifier.size, clock.pending]).toEqual([0, 0]);
  });
});

describe("notifying", () => {
  function ask(): { outcomes: NotifyOutcome[]; sentAt: number[] } {
    const outcomes: NotifyOutcome[] = [];
    const sentAt: number[] = [];
    notifier.notify(theOne().id, {
      render: (_subscription, rendering) => body("trigger", rendering),
      onSent: (at) => sentAt.push(at),
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    return { outcomes, sentAt };
  }

  it("tells when it left and that it was acknowledged", () => {
    subscribe();
    const at = clock.now();
    const { outcomes, sentAt } = ask();
    expect(sentAt).toEqual([at]);
    clock.advance(100);
    expect(outcomes).toEqual([{ kind: "acknowledged", status: 200 }]);
    expect(told.at(-1)).toEqual({ state: "active;expires=599", body: "trigger 1 partial" });
  });

  it("waits for the NOTIFY under way and then starts its own clock", () => {
    subscribe();
    ask();
    const later = clock.now() + 20;
    const { outcomes, sentAt } = ask();
    expect(sentAt).toEqual([]);
    clock.advance(100);
    expect(sentAt).toEqual([later]);
    expect(outcomes).toHaveLength(1);
  });

  it("two that wait share one NOTIFY, which is full", () => {
    subscribe();
    ask();
    const second = ask();
    const third = ask();
    clock.advance(100);
    expect(wire.log.filter((line) => line === "NOTIFY")).toHaveLength(3);
    expect(told.at(-1)?.body).toBe("trigger 2 full");
    expect(second.sentAt).toEqual(third.sentAt);
    expect(third.outcomes).toEqual([{ kind: "acknowledged", status: 200 }]);
  });

  it("not answered: timeout after Timer F, the subscription is gone", () => {
    subscribe();
    wire.loses = () => true;
    const { outcomes } = ask();
    const waiting = ask();
    clock.advance(32_000);
    expect(outcomes).toEqual([{ kind: "timeout" }]);
    expect(waiting.outcomes).toEqual([{ kind: "unsent", why: "ended" }]);
    expect(ends).toEqual([{ kind: "timeout" }]);
    expect(notifier.notify("nobody")).toBe(false);
  });

  it("answered 481: failed, the subscription is gone", () => {
    const subscription = subscribe();
    subscription.forget();
    const { outcomes } = ask();
    clock.advance(100);
    expect(outcomes).toEqual([{ kind: "failed", status: 481 }]);
    expect(ends).toEqual([{ kind: "failed", status: 481 }]);
    expect(clock.pending).toBe(0);
  });

  it("ends with a reason and retry-after; the subscriber hears the advice", () => {
    subscribe();
    expect(notifier.terminate(theOne().id, "probation", { retryAfter: 120 })).toBe(true);
    expect(ends).toEqual([{ kind: "notified", reason: "probation" }]);
    clock.advance(100);
    expect(endings).toEqual([
      {
        why: { kind: "terminated", reason: "probation" },
        resubscribe: { kind: "later", seconds: 120 },
      },
    ]);
    expect([notifier.size, clock.pending]).toEqual([0, 0]);
    expect(saved.at(-1)).toBeUndefined();
  });

  it("goes to the latest Contact of the SUBSCRIBE, along its Record-Route", () => {
    subscribe();
    const refresh = wire.last("SUBSCRIBE").clone();
    refresh.set("To", `<sip:Alice@home.test>;tag=${theOne().id}`).set("CSeq", "5 SUBSCRIBE");
    refresh
      .set("Contact", "<sip:alice@192.0.2.99:5099>")
      .push("Via", "SIP/2.0/UDP a;branch=z9hG4bK3");
    notifier.handle({ request: refresh, respond: () => undefined });
    expect(wire.last("NOTIFY").uri).toBe("sip:alice@192.0.2.99:5099");
  });
});

describe("after a restart", () => {
  it("the notifier goes on with rising CSeq and version", () => {
    subscribe();
    const kept = JSON.parse(JSON.stringify(theOne())) as NotifierSubscription;
    notifier.close();
    notifier = makeNotifier();
    expect(notifier.restore(kept)).toBe(false);
    notifier.notify(kept.id);
    clock.advance(100);
    expect(wire.last("NOTIFY").text("CSeq")).toBe("2 NOTIFY");
    expect(told.at(-1)?.body).toBe("state 1 partial");
    clock.advance(300_000);
    expect(wire.log.at(-1)).toBe("200 NOTIFY");
    expect(notifier.size).toBe(1);
  });

  it("says whether the last NOTIFY was acknowledged", () => {
    subscribe();
    wire.loses = () => true;
    notifier.notify(theOne().id);
    const kept = theOne();
    notifier.close();
    notifier = makeNotifier();
    expect(notifier.restore(kept)).toBe(true);
  });

  it("one that was ending ends now", () => {
    subscribe();
    wire.loses = () => true;
    notifier.terminate(theOne().id, "rejected");
    const kept = theOne();
    notifier.close();
    wire.loses = () => false;
    notifier = makeNotifier();
    notifier.restore(kept);
    clock.advance(100);
    expect(told.at(-1)?.state).toBe("terminated;reason=rejected");
    expect(notifier.size).toBe(0);
  });

  it("the subscriber goes on refreshing", () => {
    const { record } = subscribe();
    const kept = JSON.parse(JSON.stringify(record)) as typeof record;
    subscriber.close();
    subscriber.restore(kept, { onNotify: () => told.push({ state: "", body: "" }) });
    clock.advance(300_000);
    expect(wire.last("SUBSCRIBE").text("CSeq")).toBe("2 SUBSCRIBE");
    expect(told).toHaveLength(2);
  });
});

describe("a subscription dropped while its request waits for an answer: the request is repeated no more", () => {
  it("a SUBSCRIBE", () => {
    const subscription = subscribe();
    wire.loses = () => true;
    subscription.refresh();
    subscription.forget();
    expect(wire.log.at(-1)).toBe("SUBSCRIBE given up");
  });

  it("a NOTIFY, but not one that was answered", () => {
    subscribe();
    notifier.drop("alice");
    expect(wire.log).not.toContain("NOTIFY given up");
    subscribe();
    wire.loses = () => true;
    notifier.notify(theOne().id);
    notifier.drop("alice");
    expect(wire.log.at(-1)).toBe("NOTIFY given up");
  });
});
