// The registration machine of the UE. TS 24.229 §5.1.1.
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { describe, expect, test } from "vitest";
import { step } from "../../src/registration/machine.ts";
import {
  initialState,
  nextDeadline,
  type RegistrationEffect,
  type RegistrationInput,
  type RegistrationState,
  type Trigger,
} from "../../src/registration/state.ts";

/** Drives the machine; remembers what it did last. */
class Run {
  now: number = FAKE_EPOCH;
  state: RegistrationState = initialState;
  effects: readonly RegistrationEffect[] = [];
  readonly #random = seededRandom(7);

  give(...inputs: readonly RegistrationInput[]): this {
    for (const input of inputs) {
      const context = { now: this.now, random: this.#random, expiresSeconds: 600_000 };
      ({ state: this.state, effects: this.effects } = step(context, this.state, input));
    }
    return this;
  }

  /** Lets time pass to the machine's own deadline. */
  untilDue(): this {
    this.now = nextDeadline(this.state) ?? Number.NaN;
    return this.give({ kind: "due" });
  }

  /** Seconds until the machine acts by itself. */
  get patience(): number | undefined {
    const deadline = nextDeadline(this.state);
    return deadline === undefined ? undefined : (deadline - this.now) / 1000;
  }

  get kinds(): readonly string[] {
    return this.effects.map((effect) => effect.kind);
  }

  get sent(): Extract<RegistrationEffect, { kind: "send" }> {
    const found = this.effects.find((effect) => effect.kind === "send");
    if (found === undefined) throw new Error("nothing was sent");
    return found;
  }
}

const valid: RegistrationInput = {
  kind: "challenged",
  answer: { verdict: "valid", authorization: "Digest right", why: "" },
};
const invalid: RegistrationInput = {
  kind: "challenged",
  answer: { verdict: "invalid", authorization: "Digest empty", why: "MAC differs" },
};
const unanswered: RegistrationInput = { kind: "unanswered", why: "timeout" };

function granted(expiresSeconds: number): RegistrationInput {
  const acceptance = { expiresSeconds, serviceRoute: ["<sip:s;lr>"], associatedUris: ["sip:a@b"] };
  return { kind: "accepted", acceptance };
}

function refused(status: number, retryAfterSeconds?: number): RegistrationInput {
  return { kind: "refused", status, reason: "No", retryAfterSeconds };
}

function registered(expiresSeconds = 600_000): Run {
  return new Run().give({ kind: "register" }, valid, granted(expiresSeconds));
}

function trigger(run: Run, change: Partial<Trigger> = {}): RegistrationInput {
  const order = "granted" in run.state ? run.state.granted.order : undefined;
  return {
    kind: "triggered",
    trigger: {
      urgency: "at-once",
      contactId: "c1",
      callId: order?.callId,
      cseq: order?.cseq,
      expiresSeconds: 60,
      ...change,
    },
  };
}

describe("TS 24.229 §5.1.1.2: initial registration", () => {
  test("the answer to the challenge keeps the Call-ID and counts CSeq up", () => {
    const run = new Run().give({ kind: "register" });
    const { order, authorization } = run.sent;
    expect({ cseq: order.cseq, authorization }).toEqual({ cseq: 1, authorization: undefined });
    run.give(valid);
    expect(run.sent.order).toEqual({ callId: order.callId, cseq: 2 });
    expect(run.sent.authorization).toBe("Digest right");
    run.give(granted(600_000));
    expect(run.state).toMatchObject({
      name: "registered",
      granted: { serviceRoute: ["<sip:s;lr>"] },
    });
    expect(run.effects).toMatchObject([{ kind: "registered", first: true }]);
  });

  test("no procedure starts while one runs", () => {
    const run = new Run().give({ kind: "register" }, { kind: "register" });
    expect(run.effects).toEqual([]);
    run.give({ kind: "deregister" });
    expect(run.effects).toEqual([]);
    run.give(granted(3600));
    expect(run.kinds).toEqual(["registered", "send"]);
    expect(run.sent.expiresSeconds).toBe(0);
  });

  test("RFC 3261 §10.2.8: 423 is answered with Min-Expires, but never with less than was asked", () => {
    const run = new Run().give({ kind: "register" });
    run.give({ kind: "too-brief", minExpiresSeconds: 700_000 });
    expect(run.sent).toMatchObject({ expiresSeconds: 700_000, order: { cseq: 2 } });
    run.give({ kind: "too-brief", minExpiresSeconds: 700_000 });
    expect(run.state.name).toBe("deregistered");
  });

  test("a 200 that does not list the own contact is a failure", () => {
    expect(new Run().give({ kind: "register" }, granted(0)).state.name).toBe("waiting");
  });
});

describe("TS 24.229 §5.1.1.5: challenges", () => {
  test("two invalid challenges in a row are answered, a third is not", () => {
    const run = new Run().give({ kind: "register" }, invalid);
    expect(run.sent.authorization).toBe("Digest empty");
    run.give(invalid);
    expect(run.sent.order.cseq).toBe(3);
    run.give(invalid);
    expect(run.effects).toEqual([{ kind: "failed", why: "MAC differs" }]);
    expect(run.state).toMatchObject({ name: "deregistered", why: "MAC differs" });
  });

  test("a valid challenge in between starts the count again", () => {
    const run = new Run().give({ kind: "register" }, invalid, invalid, valid, invalid, invalid);
    expect(run.state.name).toBe("registering");
  });

  test("challenges without end are given up", () => {
    const run = new Run().give({ kind: "register" }, valid, valid, valid);
    expect(run.kinds).toEqual(["send"]);
    run.give(valid);
    expect(run.state).toMatchObject({ name: "deregistered", why: "401 to every answer" });
  });

  test("one that cannot be answered ends the procedure", () => {
    const run = new Run().give({ kind: "register" });
    run.give({ kind: "challenged", answer: { verdict: "unusable", why: "no known algorithm" } });
    expect(run.state).toMatchObject({ name: "deregistered", why: "no known algorithm" });
  });
});

describe("failures of an initial registration", () => {
  test.each([
    [refused(403), "deregistered"],
    [refused(404), "deregistered"],
    [refused(420), "deregistered"],
    [refused(603), "deregistered"],
    [refused(480), "waiting"],
    [refused(500), "waiting"],
    [refused(503, 17), "waiting"],
    [unanswered, "waiting"],
  ] as const)("%o leads to %s", (outcome, name) => {
    expect(new Run().give({ kind: "register" }, outcome).state.name).toBe(name);
  });

  test("503: not before Retry-After, with a new Call-ID", () => {
    const run = new Run().give({ kind: "register" });
    const { callId } = run.sent.order;
    run.give(refused(503, 17));
    expect(run.patience).toBeGreaterThanOrEqual(17);
    expect(run.patience).toBeLessThanOrEqual(22);
    run.untilDue();
    expect(run.sent.order.cseq).toBe(1);
    expect(run.sent.order.callId).not.toBe(callId);
  });

  test.each([503, 500, 480, 404, 486, 600])(
    "%d with Retry-After 0 each time: ever longer pauses, and no two UEs alike",
    (status) => {
      const run = new Run().give({ kind: "register" });
      const waits: number[] = [];
      for (let times = 0; times < 6; times++) {
        waits.push(run.give(refused(status, 0)).patience ?? Number.NaN);
        run.untilDue();
      }
      for (const [at, least] of [5, 10, 20, 30, 30, 30].entries()) {
        expect(waits[at]).toBeGreaterThan(least);
        expect(waits[at]).toBeLessThan(1.25 * least + 0.01);
      }
      expect(new Set(waits).size).toBe(6);
    },
  );

  test("a Retry-After of years is half an hour", () => {
    const run = new Run().give({ kind: "register" }, refused(503, 2 ** 32 - 1));
    expect(run.patience).toBeLessThan(1806);
  });

  test("RFC 5626 §4.5: the wait doubles up to 1800 s, of which half is random", () => {
    const run = new Run().give({ kind: "register" });
    for (const most of [60, 120, 240, 480, 960, 1800, 1800]) {
      const { patience = Number.NaN } = run.give(unanswered);
      expect(patience).toBeGreaterThanOrEqual(most / 2);
      expect(patience).toBeLessThanOrEqual(most);
      run.untilDue();
    }
    run.give(granted(3600), { kind: "deregister" }, granted(0), { kind: "register" }, unanswered);
    expect(run.patience).toBeLessThanOrEqual(60);
  });
});

describe("TS 24.229 §5.1.1.4: re-registration", () => {
  test.each([
    [600_000, 599_400],
    [1201, 601],
    [1200, 600],
    [60, 30],
  ])("granted %d s: again after %d s", (seconds, after) => {
    const run = registered(seconds);
    const { order } = "granted" in run.state ? run.state.granted : { order: undefined };
    expect(run.patience).toBe(after);
    run.untilDue();
    expect(run.state.name).toBe("refreshing");
    expect(run.sent.order).toEqual({ callId: order?.callId, cseq: (order?.cseq ?? 0) + 1 });
    expect(run.give(granted(seconds)).effects).toMatchObject([
      { kind: "registered", first: false },
    ]);
  });

  test("a failed one leaves the registration and is tried again while that stands", () => {
    const run = registered(100).untilDue().give(unanswered);
    expect(run.state.name).toBe("registered");
    expect(run.patience).toBeLessThanOrEqual(25);
  });

  test("a 403 leaves the registration until its end, and nothing is tried again, where one was got back lately", () => {
    const run = registered(100).give({ kind: "lost", why: "403" }, granted(40));
    run.untilDue().give(refused(403));
    expect(run.patience).toBe(20);
    expect(run.untilDue().effects).toEqual([{ kind: "ended", why: "expired" }]);
    expect(run.state).toMatchObject({ name: "deregistered", why: "403 No" });
  });

  test.each([403, 404])("%d: from the beginning, once, and over when that fails too", (status) => {
    const run = registered(3600).untilDue();
    const { callId } = run.sent.order;
    run.give(refused(status));
    expect(run.kinds).toEqual(["failed", "send"]);
    expect(run.sent.order).toMatchObject({ cseq: 1 });
    expect(run.sent.order.callId).not.toBe(callId);
    run.give(refused(status));
    expect(run.effects).toEqual([
      { kind: "failed", why: `${status} No` },
      { kind: "ended", why: `${status} No` },
    ]);
    expect(run.state).toMatchObject({ name: "deregistered", why: `${status} No` });
  });

  test("Retry-After beyond the end is kept", () => {
    const run = registered(3600).untilDue().give(refused(503, 1700)).untilDue();
    expect(run.kinds).toEqual(["ended"]);
    expect(run.patience).toBeGreaterThanOrEqual(1100);
    expect(run.patience).toBeLessThanOrEqual(1105);
    expect(run.untilDue().kinds).toEqual(["send"]);
  });

  test("one that outlasts the registration goes on as an initial one", () => {
    const run = registered(100).untilDue().untilDue();
    expect(run.state.name).toBe("registering");
    expect(run.give(granted(100)).effects).toMatchObject([{ kind: "registered", first: true }]);
  });

  test("RFC 5626 §4.5: a lost flow is replaced at once", () => {
    expect(registered().give({ kind: "flow-lost" }).state.name).toBe("refreshing");
  });

  test("lost with a REGISTER under way, it starts over at once and keeps what waits", () => {
    const run = registered().give({ kind: "register" });
    const { cseq } = run.sent.order;
    run.give({ kind: "deregister" }, { kind: "flow-lost" });
    expect(run.sent).toMatchObject({ order: { cseq: cseq + 1 }, authorization: undefined });
    run.give({ kind: "flow-lost" });
    expect(run.kinds).toEqual(["failed", "send"]); // what was asked meanwhile comes next
  });

  test("lost again and again under its REGISTERs, it pauses twice as long each time, not half a minute", () => {
    const run = registered().give({ kind: "register" }, { kind: "flow-lost" });
    for (const longest of [2, 4, 8, 16]) {
      expect(run.give({ kind: "flow-lost" }).state.name).toBe("registered");
      expect(run.patience).toBeGreaterThanOrEqual(longest / 2);
      expect(run.patience).toBeLessThanOrEqual(longest);
      expect(run.untilDue().state.name).toBe("refreshing");
    }
    expect(run.give(valid, granted(3600)).state.memory.failures).toBe(0);
  });
});

describe("a trigger (docs/events.md, TS 24.229 §5.1.1.5.2)", () => {
  test("own package: at once, same Call-ID, expiry shortened", () => {
    const run = registered();
    run.give(trigger(run));
    expect(run.state).toMatchObject({ name: "refreshing" });
    expect(run.sent.order.cseq).toBe(3);
    expect(run.patience).toBe(60);
  });

  test.each([
    [600, 300],
    [2000, 1400],
  ])("reg: by the 600 s / half-time rule, %d s → %d s", (expiresSeconds, after) => {
    const run = registered();
    run.give(trigger(run, { urgency: "by-expiry", expiresSeconds }));
    expect({ effects: run.effects, patience: run.patience }).toEqual({
      effects: [],
      patience: after,
    });
    expect(run.untilDue().state.name).toBe("refreshing");
  });

  test("reg: a longer expiry changes nothing", () => {
    const run = registered(3600);
    run.give(trigger(run, { urgency: "by-expiry", expiresSeconds: 7200 }));
    expect(run.patience).toBe(3000);
  });

  test("obeyed once per contact id, callid and cseq", () => {
    const run = registered();
    const asked = trigger(run);
    run.give(asked, unanswered, asked);
    expect(run.effects).toEqual([]);
    expect(run.state.name).toBe("registered");
  });

  test("one that names an older REGISTER is out of date", () => {
    const run = registered();
    const asked = trigger(run, { contactId: "c2" });
    run.give(trigger(run), valid, granted(600_000), asked);
    expect(run.effects).toEqual([]);
  });

  test("a new one, after success, is obeyed again", () => {
    const run = registered();
    run.give(trigger(run), valid, granted(600_000));
    expect(run.give(trigger(run)).kinds).toEqual(["send"]);
  });

  test("never while the own REGISTER is pending; met by that REGISTER if it names an older one", () => {
    const run = registered(1200);
    const asked = trigger(run);
    run.untilDue().give(asked);
    expect(run.effects).toEqual([]);
    expect(run.give(valid, granted(1200)).kinds).toEqual(["registered"]);
  });

  test("crossing: it names the REGISTER whose 200 is still on its way, so it is obeyed after that", () => {
    const run = registered(1200).untilDue();
    const { callId, cseq } = run.sent.order;
    run.give(trigger(run, { callId, cseq }));
    expect(run.effects).toEqual([]);
    expect(run.give(granted(1200)).kinds).toEqual(["registered", "send"]);
    expect(run.sent.order.cseq).toBe(cseq + 1);
  });
});

describe("RFC 3680 §4.1.1: the contact ended", () => {
  const ended = (event: string, retryAfterSeconds?: number): RegistrationInput => ({
    kind: "contact-ended",
    event,
    retryAfterSeconds,
  });

  test("deactivated: a new initial registration at once", () => {
    const run = registered();
    const before = "granted" in run.state ? run.state.granted.order.callId : "";
    expect(run.give(ended("deactivated")).kinds).toEqual(["ended", "send"]);
    expect(run.sent.order.cseq).toBe(1);
    expect(run.sent.order.callId).not.toBe(before);
  });

  test("probation: after retry-after", () => {
    const run = registered().give(ended("probation", 300));
    expect(run.state.name).toBe("waiting");
    expect(run.patience).toBeGreaterThanOrEqual(300);
    expect(run.patience).toBeLessThanOrEqual(305);
    expect(run.untilDue().kinds).toEqual(["send"]);
  });

  test("deactivated again and again: at once, then after ever longer pauses", () => {
    const run = registered().give(ended("deactivated"), granted(3600), ended("deactivated"));
    expect(run.kinds).toEqual(["ended"]);
    expect(run.patience).toBeGreaterThan(2);
    expect(run.patience).toBeLessThanOrEqual(5);
    run.untilDue().give(granted(3600), ended("deactivated"));
    expect(run.patience).toBeGreaterThanOrEqual(5);
    run.untilDue().give(granted(600_000));
    run.now += 7_200_000;
    expect(run.give(ended("deactivated")).kinds).toEqual(["ended", "send"]);
  });

  test("probation with retry-after 0 is a pause all the same", () => {
    expect(registered().give(ended("probation", 0)).patience).toBeGreaterThan(5);
  });

  test("expired: it may come back, and does after the pause of a failed procedure", () => {
    const run = registered().give(ended("expired"));
    expect(run.kinds).toEqual(["ended"]);
    expect(run.state.name).toBe("waiting");
    expect(run.patience).toBeGreaterThanOrEqual(30);
    expect(run.patience).toBeLessThanOrEqual(60);
    expect(run.untilDue().sent.order.cseq).toBe(1);
  });

  test("expired after a refusal for good: it had given up before", () => {
    const run = registered().give({ kind: "register" }, refused(405), ended("expired"));
    expect(run.state.name).toBe("deregistered");
    expect(run.patience).toBeUndefined();
  });

  test.each(["rejected", "unregistered"])("%s: de-registered, no procedure", (event) => {
    const run = registered().give(ended(event));
    expect(run.effects).toEqual([{ kind: "ended", why: event }]);
    expect(run.state).toMatchObject({ name: "deregistered", why: event });
    expect(run.patience).toBeUndefined();
  });

  test("probation while a REGISTER is pending: after retry-after, whatever its answer", () => {
    const run = registered(1200).untilDue().give(ended("probation", 300));
    expect(run.state.name).toBe("waiting");
    expect(run.patience).toBeGreaterThanOrEqual(300);
    expect(run.give(valid).state.name).toBe("waiting");
  });

  test("while a REGISTER is pending: it goes on as an initial one, unless rejected", () => {
    const run = registered(1200).untilDue().give(ended("expired"));
    expect(run.state.name).toBe("registering");
    expect(registered(1200).untilDue().give(ended("rejected")).state.name).toBe("deregistered");
  });
});

test("RFC 3680 §5.3: shown as settled in between, a trigger without callid and cseq is another one", () => {
  const run = registered();
  const anonymous = { callId: undefined, cseq: undefined };
  for (let round = 0; round < 3; round++) {
    expect(run.give(trigger(run, anonymous)).kinds).toEqual(["send"]);
    run.give(granted(600_000));
    expect(run.give(trigger(run, anonymous)).effects).toEqual([]);
    run.give({ kind: "settled" });
  }
});

describe("a registration that the network has lost", () => {
  const lost: RegistrationInput = { kind: "lost", why: "OPTIONS answered 403" };

  test("is got back by an initial one; what stood stands until that has failed", () => {
    const run = registered();
    const before = "granted" in run.state ? run.state.granted.order.callId : "";
    run.give(lost);
    expect(run.kinds).toEqual(["failed", "send"]);
    expect(run.state.name).toBe("refreshing");
    expect(run.sent).toMatchObject({ order: { cseq: 1 }, authorization: undefined });
    expect(run.sent.order.callId).not.toBe(before);
    run.give(valid, granted(3600));
    expect(run.effects).toMatchObject([{ kind: "registered", first: true }]);
    expect(run.state.memory).toMatchObject({ lastFailure: undefined, isRecovering: false });
  });

  test.each([[unanswered], [refused(503)], [refused(504)], [refused(480)]])(
    "%o: it is over, and asked for again within half a minute, twenty times",
    (outcome) => {
      const run = registered().give(lost, outcome);
      expect(run.kinds).toEqual(["failed", "ended"]);
      for (let times = 1; times < 20; times++) {
        expect(run.state.name).toBe("waiting");
        expect(run.patience).toBeLessThanOrEqual(30);
        run.untilDue().give(outcome);
      }
      for (let times = 0; times < 6; times++) run.untilDue().give(outcome);
      expect(run.patience).toBeGreaterThan(300);
    },
  );

  test("a network that says so each time is asked ever more seldom", () => {
    const run = registered();
    let attempts = 0;
    for (let seconds = 0; seconds < 3600; seconds += 10) {
      run.now += 10_000;
      run.give(lost);
      if (run.state.name !== "refreshing") continue;
      attempts++;
      run.give(granted(600_000));
    }
    expect(attempts).toBeGreaterThan(3);
    expect(attempts).toBeLessThan(10);
  });

  test.each([
    ["deregistered", () => new Run()],
    ["waiting", () => new Run().give({ kind: "register" }, unanswered)],
    ["registering", () => new Run().give({ kind: "register" })],
    ["refreshing", () => registered(100).untilDue()],
    ["deregistering", () => registered().give({ kind: "deregister" })],
  ] as const)("says nothing new while %s", (name, start) => {
    const run = start().give(lost);
    expect([run.state.name, run.effects]).toEqual([name, []]);
  });

  test("de-registration asked meanwhile follows it", () => {
    const run = registered().give(lost, { kind: "deregister" }, granted(3600));
    expect(run.sent.expiresSeconds).toBe(0);
  });
});

describe("RFC 3261 §10.2.4: a 200 that does not list this UE", () => {
  test("of an initial registration: not registered, tried again later", () => {
    const run = new Run().give({ kind: "register" }, granted(0));
    expect([run.state.name, run.kinds]).toEqual(["waiting", ["failed"]]);
    expect(run.state.memory.lastFailure).toContain("does not list");
  });

  test("of a refresh: registered no more", () => {
    const run = registered(100).untilDue().give(granted(0));
    expect([run.state.name, run.kinds]).toEqual(["waiting", ["failed", "ended"]]);
    expect(run.patience).toBeGreaterThanOrEqual(30);
  });
});

describe("TS 24.229 §5.1.1.6: de-registration", () => {
  test("Expires 0, the challenge answered, then nothing is left", () => {
    const run = registered().give({ kind: "deregister" });
    expect(run.sent).toMatchObject({ expiresSeconds: 0, order: { cseq: 3 } });
    run.give(valid);
    expect(run.sent).toMatchObject({ expiresSeconds: 0, order: { cseq: 4 } });
    run.give(ended(), granted(0));
    expect(run.effects).toEqual([{ kind: "ended", why: "asked to" }]);
    expect(run.state.name).toBe("deregistered");
  });

  test.each([[unanswered], [refused(403)]])("%o: it considers itself de-registered", (outcome) => {
    expect(registered().give({ kind: "deregister" }, outcome).state.name).toBe("deregistered");
  });

  test("asked during a refresh: follows it, whatever its outcome", () => {
    for (const outcome of [granted(1200), unanswered]) {
      const run = registered(1200).untilDue().give({ kind: "deregister" }, outcome);
      expect(run.sent.expiresSeconds).toBe(0);
    }
  });

  test("register asked meanwhile: follows it", () => {
    const run = registered().give({ kind: "deregister" }, { kind: "register" }, granted(0));
    expect(run.kinds).toEqual(["ended", "send"]);
    expect(run.state.name).toBe("registering");
  });

  test("while waiting to try again: no more attempts", () => {
    const run = new Run().give({ kind: "register" }, unanswered, { kind: "deregister" });
    expect([run.state.name, run.patience]).toEqual(["deregistered", undefined]);
  });

  function ended(): RegistrationInput {
    return { kind: "contact-ended", event: "unregistered", retryAfterSeconds: undefined };
  }
});
