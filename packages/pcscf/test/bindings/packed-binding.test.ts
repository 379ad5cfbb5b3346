// A P-CSCF's binding is the same after it was stored, but for what holds in one process only.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Binding, BoundContact } from "../../src/bindings/binding.ts";
import { packBinding, unpackBinding } from "../../src/bindings/packed-binding.ts";

const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", '"\\\n\u0000'));
const time = fc.integer({ min: 1, max: 4_000_000_000_000 });
const contact: fc.Arbitrary<BoundContact> = fc.record(
  {
    contact: text,
    listed: fc.option(text, { nil: undefined }),
    instance: fc.option(text, { nil: undefined }),
    callId: text,
    cseq: fc.nat(2 ** 31 - 1),
    expiresAt: time,
    heard: fc.constant(0),
  },
  { noNullPrototype: true },
);
const place = fc.record({ host: text, port: fc.nat(65_535) }, { noNullPrototype: true });

function binding(transport: "udp" | "tcp" | "wss"): fc.Arbitrary<Binding> {
  const path = fc.record(
    {
      token: text,
      impi: text,
      aor: text,
      impus: fc.array(text, { minLength: 1, maxLength: 3 }),
      flow: fc.record({ local: place, remote: place }, { noNullPrototype: true }).map((at) => ({
        id: `udp ${shown(at.local)} ${shown(at.remote)}`,
        transport,
        ...at,
      })),
      flowLost: fc.constant(false),
      source: fc.option(text, { nil: undefined }),
      natted: fc.boolean(),
      serviceRoute: fc.array(text, { maxLength: 2 }),
      scscf: text,
      registeredAt: time,
      authenticatedAt: fc.option(time, { nil: undefined }),
      others: fc.option(fc.array(contact, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    },
    { noNullPrototype: true },
  );
  return fc.tuple(path, contact).map(([one, first]) => ({ ...one, ...first }));
}

function shown({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

test("over UDP it is the same again, flow and all", () => {
  fc.assert(
    fc.property(binding("udp"), (one) => {
      expect(unpackBinding(packBinding(one), one.token)).toStrictEqual(one);
    }),
  );
});

test("what had been heard was heard by another process", () => {
  fc.assert(
    fc.property(binding("udp"), (one) => {
      expect(unpackBinding(packBinding({ ...one, heard: 77 }), one.token).heard).toBe(0);
    }),
  );
});

test.each(["tcp", "wss"] as const)(
  "over %s its flow is lost, and no later connection's",
  (transport) => {
    fc.assert(
      fc.property(binding(transport), (one) => {
        const again = unpackBinding(packBinding(one), one.token);
        const { id, ...addresses } = again.flow;
        expect(again.flowLost).toBe(true);
        expect(id).toMatch(/^before the restart: /);
        const { id: _, ...before } = one.flow;
        expect(addresses).toStrictEqual(before);
        expect({ ...again, flow: one.flow, flowLost: false }).toStrictEqual(one);
      }),
    );
  },
);

test("a text that is none of ours is refused", () => {
  expect(() => unpackBinding("{", "t")).toThrow();
  const [one] = fc.sample(binding("udp"), 1);
  if (one === undefined) throw new Error("no sample");
  const packed = JSON.parse(packBinding(one)) as unknown[];
  packed[14] = [];
  expect(() => unpackBinding(JSON.stringify(packed), "t")).toThrow(/without a Contact/);
});
