// A subscription is the same after it was at rest, whatever stands in it.
import {
  packSubscription,
  unpackSubscription,
} from "@ims-lab/common/sip/event/packed-subscription";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import fc from "fast-check";
import { expect, test } from "vitest";

const text = fc.oneof(fc.string(), fc.constantFrom("", "0", "sip:bob@ims.test"));
const subscription: fc.Arbitrary<NotifierSubscription> = fc
  .record({
    id: text,
    package: text,
    eventId: fc.option(text),
    subject: text,
    memo: text,
    contact: text,
    version: fc.nat(),
    dialog: fc.record({
      callId: text,
      localTag: text,
      remoteTag: text,
      localUri: text,
      remoteUri: text,
      remoteTarget: text,
      routeSet: fc.array(text, { maxLength: 3 }),
      localCseq: fc.nat(),
      remoteCseq: fc.option(fc.nat()),
    }),
    name: fc.constantFrom("active" as const, "pending" as const),
    expiresAt: fc.integer({ min: 0, max: 2 ** 53 - 1 }),
  })
  .map(({ name, expiresAt, ...rest }) => ({
    ...rest,
    dialog: { ...rest.dialog, localTag: rest.id },
    state: { name, expiresAt, sent: false, due: "nothing" as const },
  }));

test("packed and unpacked it is equal", () => {
  fc.assert(
    fc.property(subscription, (one) => {
      expect(unpackSubscription(packSubscription(one) ?? "", one.id)).toStrictEqual(one);
    }),
  );
});

test("with a NOTIFY under way or due, or on its way out, it is in use", () => {
  const [one] = fc.sample(subscription, 1);
  if (one === undefined) throw new Error("no sample");
  const expiresAt = 1;
  const states: NotifierSubscription["state"][] = [
    { name: "active", expiresAt, sent: true, due: "nothing" },
    { name: "active", expiresAt, sent: false, due: "change" },
    { name: "ending", reason: "timeout", lastSent: true },
    { name: "init" },
    { name: "terminated" },
  ];
  for (const state of states) expect(packSubscription({ ...one, state })).toBeUndefined();
});
