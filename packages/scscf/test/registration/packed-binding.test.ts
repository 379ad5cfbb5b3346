// A binding is the same after it was at rest, whatever stands in it.
import { SharedTexts } from "@ims-lab/common/platform/shared-texts";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Binding, BindingContext, Duty } from "../../src/registration/binding.ts";
import { dueAt, isOver, step } from "../../src/registration/binding-machine.ts";
import { dueAtRest, packBinding, unpackBinding } from "../../src/registration/packed-binding.ts";

const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", "0", '"\\\n\u0000'));
const time = fc.integer({ min: 1, max: 4_000_000_000_000 });
const duty: fc.Arbitrary<Duty> = fc.oneof(
  fc.constantFrom<Duty>({ state: "fulfilled" }, { state: "overdue" }, { state: "none" }),
  time.map((by): Duty => ({ state: "owed", by })),
);
const binding: fc.Arbitrary<Binding> = fc.record(
  {
    id: text,
    token: text,
    impi: text,
    set: text,
    impu: text,
    address: fc.record(
      {
        contact: text,
        displayName: text,
        params: text,
        instance: text,
        path: fc.array(text, { maxLength: 3 }),
        source: text,
      },
      { requiredKeys: ["contact", "params", "path"], noNullPrototype: true },
    ),
    callId: text,
    cseq: fc.nat(2 ** 31 - 1),
    registeredAt: time,
    authenticatedAt: time,
    expiresAt: time,
    event: fc.constantFrom("registered" as const, "refreshed" as const),
    mode: fc.constantFrom("enforce" as const, "warn" as const, "optional" as const),
    duty,
    leavingBy: time,
    userAgent: text,
  },
  { requiredKeys: REQUIRED(), noNullPrototype: true },
);

function REQUIRED(): Exclude<
  keyof Binding,
  "leavingBy" | "userAgent" | "reauthentication" | "hadGrace"
>[] {
  return [
    "id",
    "token",
    "impi",
    "set",
    "impu",
    "address",
    "callId",
    "cseq",
    "registeredAt",
    "authenticatedAt",
    "expiresAt",
    "event",
    "mode",
    "duty",
  ];
}

test("packed and unpacked it is equal, with what is optional absent or there", () => {
  const agents = new SharedTexts(20); // some of them are shared, some are not
  fc.assert(
    fc.property(binding, (one) => {
      const packed = packBinding(one, agents);
      expect(packed).toBeTypeOf("string");
      expect(unpackBinding(packed ?? "", one.token, agents)).toStrictEqual(one);
    }),
  );
});

test("a User-Agent that many have takes a few octets each", () => {
  const agents = new SharedTexts();
  const [one] = fc.sample(binding, 1);
  if (one === undefined) throw new Error("no sample");
  const packed = (userAgent: string): string => packBinding({ ...one, userAgent }, agents) ?? "";
  const { userAgent: _, ...without } = one;
  const name = "a telephone with a name of usual length/1.0.17";
  packed(name);
  expect(packed(name).length).toBeLessThanOrEqual((packBinding(without, agents) ?? "").length + 4);
});

test("one whose re-authentication is due, or that had grace after a restart, is in use", () => {
  const [one] = fc.sample(binding, 1);
  const reauthentication = {} as NonNullable<Binding["reauthentication"]>;
  if (one === undefined) throw new Error("no sample");
  expect(packBinding({ ...one, reauthentication }, new SharedTexts())).toBeUndefined();
  expect(packBinding({ ...one, hadGrace: true }, new SharedTexts())).toBeUndefined();
});

test("its deadline is read from its text as it is from its object, or the text is taken apart", () => {
  const agents = new SharedTexts(20);
  let read = 0;
  fc.assert(
    fc.property(binding, (one) => {
      const packed = packBinding(one, agents) ?? "";
      const due = dueAtRest(packed);
      read += Number(due !== undefined);
      expect(due ?? dueAt(one)).toBe(dueAt(one));
    }),
  );
  expect(read).toBeGreaterThan(0);
});

test("whether its time is over is what its deadline would make of it", () => {
  const context: BindingContext = {
    subscriptionDeadlineMs: 32_000,
    reauthentication: { deadlineMs: 60_000, awaitMs: 240_000, onRefused: "wait" },
  };
  fc.assert(
    fc.property(binding, fc.integer({ min: -1, max: 1 }), (one, off) => {
      const times = [dueAt(one), one.expiresAt, one.leavingBy ?? one.expiresAt];
      for (const at of times.map((time) => time + off)) {
        const { state } = step(context, one, { kind: "due", at });
        expect(isOver(one, at)).toBe(state === undefined);
      }
    }),
  );
});
