// Timers in one sentence: TS 24.229 §5.1.1.4, 600 s before the end or at half time of 1200 s and less.
import type { StreamEvent } from "@ims-lab/common/admin-api/events";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { describe, expect, test } from "vitest";
import { grantsOf } from "../../src/verify/grants.ts";
import { explainRenewal, spaced, triggerDueSeconds } from "../../src/verify/timers.ts";

describe("a renewal", () => {
  test.each([
    [
      7200,
      6600,
      6480,
      "granted 7 200 s, refresh due after 6 600 s, came after 6 480 s: early, allowed",
    ],
    [7200, 6600, 6598, "granted 7 200 s, refresh due after 6 600 s, came after 6 598 s: in time"],
    [
      40,
      20,
      26,
      "granted 40 s, refresh due after 20 s, came after 26 s: late, though not expired yet",
    ],
    [40, 20, 41, "granted 40 s, refresh due after 20 s, came after 41 s: too late: it had expired"],
    [40, 20, undefined, "granted 40 s, refresh due after 20 s, not come in 50 s: missing"],
    [600, 300, undefined, "granted 600 s, refresh due after 300 s, not come in 50 s: not due yet"],
    [60, 0, 0.02, "granted 60 s, refresh due at once, came after 0.02 s: in time"],
  ])("of %s s", (granted, dueAfter, cameAfter, expected) => {
    expect(explainRenewal({ granted, dueAfter, cameAfter, watched: 50 })).toBe(expected);
  });

  test("a trigger of the own package is due at once, one of reg as after any grant", () => {
    expect(triggerDueSeconds(OWN_PACKAGE, 60)).toBe(0);
    expect([60, 1200, 1202].map((granted) => triggerDueSeconds("reg", granted))).toEqual([
      30, 600, 602,
    ]);
  });

  test("figures have their thousands apart", () => {
    expect([0.1234, 9.999, 12.7, 600_000, 4_294_967_295].map(spaced)).toEqual([
      "0.12",
      "10",
      "13",
      "600 000",
      "4 294 967 295",
    ]);
  });
});

describe("grants out of the event stream", () => {
  const common = {
    id: 1,
    impi: "a",
    impu: "sip:a@x",
    callId: "c",
    text: "",
    bindingId: "b",
    contact: "sip:a@192.0.2.1",
    cause: null,
  };
  const registration = (
    event: "registered" | "refreshed" | "removed",
    at: number,
    granted: number,
    more = {},
  ): StreamEvent => ({
    ...common,
    type: "registration",
    event,
    at: at * 1000,
    expiresAt: (at + granted) * 1000,
    ...more,
  });
  const triggered = (at: number): StreamEvent => ({
    ...common,
    type: "reauthentication",
    event: "triggered",
    at: at * 1000,
    reauthenticationId: "r",
    progress: null,
    end: null,
  });

  test("each 200 with what followed; the last one with when it is due", () => {
    const events = [
      registration("registered", 0, 7200),
      registration("refreshed", 6480, 7200),
      triggered(6500),
      registration("refreshed", 6500.5, 7200),
    ];
    const grants = grantsOf(events, 7_000_000);
    expect(grants.map(({ text }) => text)).toEqual([
      "granted 7 200 s, refresh due after 6 600 s, came after 6 480 s: early, allowed",
      "granted 7 200 s, asked to authenticate after 20 s, registered 0.5 s later",
      "granted 7 200 s, refresh due after 6 600 s, not come in 500 s: not due yet",
    ]);
    expect(grants[2]).toMatchObject({ dueAt: 13_100_500, outcome: "not due yet" });
  });

  test("a registration that ended, and another device's beside it", () => {
    const events = [
      registration("registered", 0, 60),
      registration("registered", 5, 600, { bindingId: "other" }),
      registration("removed", 60, 0, { cause: "expired" }),
    ];
    expect(grantsOf(events, 61_000).map(({ text }) => text)).toEqual([
      "granted 60 s, ended after 60 s: expired",
      "granted 600 s, refresh due after 300 s, not come in 56 s: not due yet",
    ]);
  });

  test("nothing is remembered", () => {
    expect(grantsOf([triggered(3)], 61_000)).toEqual([]);
  });
});
