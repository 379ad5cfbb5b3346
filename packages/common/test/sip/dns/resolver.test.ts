// Host names: asked once, kept for a while, failures not kept.
import { expect, test } from "vitest";
import { type Dns, systemResolver } from "../../../src/sip/dns/resolver.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";

const NOTHING: Dns = {
  addresses: () => Promise.resolve([]),
  srv: () => Promise.reject(new Error("ENODATA")),
  naptr: () => Promise.reject(new Error("ENODATA")),
};

test("an answer is kept for 30 s, also while it is awaited", async () => {
  const clock = new FakeClock();
  let asked = 0;
  const resolver = systemResolver(clock, {
    ...NOTHING,
    addresses: () => Promise.resolve([{ address: `10.0.0.${++asked}` }]),
  });
  const both = await Promise.all([resolver.resolve("a.example"), resolver.resolve("a.example")]);
  expect(both).toEqual([["10.0.0.1"], ["10.0.0.1"]]);
  clock.advance(29_999);
  expect(await resolver.resolve("a.example")).toEqual(["10.0.0.1"]);
  clock.advance(1);
  expect(await resolver.resolve("a.example")).toEqual(["10.0.0.2"]);
});

test("a failure is not kept", async () => {
  let asked = 0;
  const resolver = systemResolver(new FakeClock(), {
    ...NOTHING,
    addresses: () =>
      ++asked === 1
        ? Promise.reject(new Error("ENOTFOUND"))
        : Promise.resolve([{ address: "10.0.0.1" }]),
  });
  await expect(resolver.resolve("a.example")).rejects.toThrow("ENOTFOUND");
  expect(await resolver.resolve("a.example")).toEqual(["10.0.0.1"]);
});

test("the system knows localhost", async () => {
  expect(await systemResolver(new FakeClock()).resolve("localhost")).toContain("127.0.0.1");
});

test.each([
  [1, 4_999, 5_000],
  [120, 119_999, 120_000],
  [999_999, 3_599_999, 3_600_000],
])("a lifetime of %i s counts within bounds", async (ttlSeconds, kept, asked) => {
  const clock = new FakeClock();
  let count = 0;
  const resolver = systemResolver(clock, {
    ...NOTHING,
    addresses: () => Promise.resolve([{ address: `10.0.0.${++count}`, ttlSeconds }]),
  });
  await resolver.resolve("a.example");
  clock.advance(kept);
  expect(await resolver.resolve("a.example")).toEqual(["10.0.0.1"]);
  clock.advance(asked - kept);
  expect(await resolver.resolve("a.example")).toEqual(["10.0.0.2"]);
});

test("no SRV and no NAPTR record is an answer, and kept", async () => {
  const resolver = systemResolver(new FakeClock(), NOTHING);
  expect(await resolver.srv("_sip._udp.a.example")).toEqual([]);
  expect(await resolver.naptr("a.example")).toEqual([]);
});
