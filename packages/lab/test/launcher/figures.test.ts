// The figures' messages: taken in their order only, dashed ones as the run's options say.
import { decode } from "@ims-lab/common/sip/message/decode";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import { describe, expect, it } from "vitest";
import { type Figure, FigureProgress, figurePlan } from "../../src/launcher/figures.ts";
import type { LadderMessage, Participant } from "../../src/launcher/message-correlator.ts";

const seed = { profile: "seed", expires: "registration" } as const;

function parsed(
  startLine: string,
  method: string,
  extra: readonly string[] = [],
  body = "",
): SipMessage {
  const lines = [
    startLine,
    "Via: SIP/2.0/UDP a;branch=z9hG4bK1",
    "From: <sip:a@b>;tag=1",
    "To: <sip:a@b>",
    "Call-ID: c",
    `CSeq: 1 ${method}`,
    ...extra,
  ];
  const { message } = decode(Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`));
  if (message === undefined) throw new Error("malformed");
  return message;
}

const ask = (method: string, extra: readonly string[] = [], body = ""): SipMessage =>
  parsed(`${method} sip:b SIP/2.0`, method, extra, body);
const answer = (status: number, method: string): SipMessage =>
  parsed(`SIP/2.0 ${status} x`, method);

const hops: Record<string, readonly [Participant, Participant]> = {
  up: ["UE", "P-CSCF"],
  down: ["P-CSCF", "UE"],
  toS: ["P-CSCF", "S-CSCF"],
  toP: ["S-CSCF", "P-CSCF"],
};

function seen(hop: string, message: SipMessage): LadderMessage {
  const [from, to] = hops[hop] ?? ["stranger", "stranger"];
  return { at: 0, from, to, message };
}

const withAnswer = ask("REGISTER", ['Authorization: Digest username="a",response="00"']);
const registration = [
  seen("up", ask("REGISTER")),
  seen("toS", ask("REGISTER")),
  seen("toP", answer(401, "REGISTER")),
  seen("down", answer(401, "REGISTER")),
  seen("up", withAnswer),
  seen("toS", withAnswer),
  seen("toP", answer(200, "REGISTER")),
  seen("down", answer(200, "REGISTER")),
];
const subscription = [
  seen("up", ask("SUBSCRIBE")),
  seen("toS", ask("SUBSCRIBE")),
  seen("toP", answer(200, "SUBSCRIBE")),
  seen("down", answer(200, "SUBSCRIBE")),
];

function watchOf(figure: Figure | undefined): FigureProgress {
  if (figure === undefined) throw new Error("no such figure");
  return new FigureProgress(figure);
}

describe("Figure 1", () => {
  it("passes with its eight messages, whatever else passes between", () => {
    const watch = watchOf(figurePlan(seed).registration[0]);
    for (const message of registration) {
      watch.take(message);
      watch.take(seen("down", answer(180, "INVITE")));
    }
    expect(watch.missing).toEqual([]);
  });

  it("does not take a message before the one it must follow", () => {
    const watch = watchOf(figurePlan(seed).registration[0]);
    expect(watch.take(seen("down", answer(200, "REGISTER")))).toBeUndefined();
    expect(watch.take(registration[0] ?? seen("up", withAnswer))).toBe(1);
    expect(watch.missing.map(({ number }) => number)).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  it("does not take a REGISTER without answer for message 5", () => {
    const watch = watchOf(figurePlan(seed).registration[0]);
    for (const message of registration.slice(0, 4)) watch.take(message);
    expect(watch.take(seen("up", ask("REGISTER")))).toBeUndefined();
    expect(watch.missing[0]?.name).toBe("REGISTER with the answer");
  });
});

describe("Figure 4", () => {
  it("lets the S-CSCF's SUBSCRIBE overtake the UE's 200", () => {
    const watch = watchOf(figurePlan(seed).registration[2]);
    const overtaking = [
      ...registration,
      ...subscription.slice(0, 3),
      seen("toP", ask("SUBSCRIBE")),
      seen("toS", answer(200, "SUBSCRIBE")),
      ...subscription.slice(3),
    ];
    for (const message of overtaking) watch.take(message);
    expect(watch.missing).toEqual([]);
  });

  it("is the P-CSCF's subscription to reg in TS 24.229", () => {
    const watch = watchOf(figurePlan({ ...seed, profile: "ts24229" }).registration[2]);
    expect(watch.take(seen("toS", ask("SUBSCRIBE", ["Event: presence"])))).toBeUndefined();
    watch.take(seen("toS", ask("SUBSCRIBE", ["Event: reg"])));
    watch.take(seen("toP", answer(200, "SUBSCRIBE")));
    expect(watch.missing).toEqual([]);
  });
});

describe("Figures 3 and 5", () => {
  const trigger = ask("NOTIFY", [], '<contact state="active" event="shortened"/>');

  it("need a NOTIFY that asks for it, not any NOTIFY", () => {
    const watch = watchOf(figurePlan(seed).byServing);
    expect(
      watch.take(seen("toP", ask("NOTIFY", [], '<contact event="registered"/>'))),
    ).toBeUndefined();
    expect(watch.take(seen("toP", trigger))).toBe(1);
  });

  it.each([
    ["registration", 16, 20],
    ["unlimited", 12, 14],
  ] as const)("expires %s: %d and %d messages", (expires, three, five) => {
    const plan = figurePlan({ profile: "seed", expires });
    expect(plan.byServing.steps).toHaveLength(three);
    expect(plan.byProxy?.steps).toHaveLength(five);
  });

  it("5 does not exist in TS 24.229", () => {
    expect(figurePlan({ ...seed, profile: "ts24229" }).byProxy).toBeUndefined();
  });

  it.each([1, 2])("5 takes the two renewals in either order (%d)", (order) => {
    const watch = watchOf(figurePlan(seed).byProxy);
    const served = [seen("toP", ask("SUBSCRIBE")), seen("toS", answer(200, "SUBSCRIBE"))];
    const renewals = order === 1 ? [...subscription, ...served] : [...served, ...subscription];
    const flow = [
      seen("toS", trigger),
      seen("toP", answer(200, "NOTIFY")),
      seen("toP", trigger),
      seen("down", trigger),
      seen("up", answer(200, "NOTIFY")),
      seen("toS", answer(200, "NOTIFY")),
      ...registration,
      ...renewals,
    ];
    for (const message of flow) watch.take(message);
    expect(watch.missing).toEqual([]);
  });
});
