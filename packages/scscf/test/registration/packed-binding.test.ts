// A binding is the same after it was at rest, whatever stands in it.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Binding, Duty } from "../../src/registration/binding.ts";
import { packBinding, unpackBinding } from "../../src/registration/packed-binding.ts";

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
  },
  { requiredKeys: REQUIRED(), noNullPrototype: true },
);

function REQUIRED(): Exclude<keyof Binding, "leavingBy" | "reauthentication" | "hadGrace">[] {
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
  fc.assert(
    fc.property(binding, (one) => {
      const packed = packBinding(one);
      expect(packed).toBeTypeOf("string");
      expect(unpackBinding(packed ?? "", one.token)).toStrictEqual(one);
    }),
  );
});

test("one whose re-authentication is due, or that had grace after a restart, is in use", () => {
  const [one] = fc.sample(binding, 1);
  const reauthentication = {} as NonNullable<Binding["reauthentication"]>;
  if (one === undefined) throw new Error("no sample");
  expect(packBinding({ ...one, reauthentication })).toBeUndefined();
  expect(packBinding({ ...one, hadGrace: true })).toBeUndefined();
});
