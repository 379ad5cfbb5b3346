// Host names: asked once, kept for a while, failures not kept.
import { expect, test } from "vitest";
import { systemResolver } from "../../src/sip/resolver.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

test("an answer is kept for 30 s, also while it is awaited", async () => {
  const clock = new FakeClock();
  let asked = 0;
  const resolver = systemResolver(clock, () => Promise.resolve([`10.0.0.${++asked}`]));
  const both = await Promise.all([resolver.resolve("a.example"), resolver.resolve("a.example")]);
  expect(both).toEqual([["10.0.0.1"], ["10.0.0.1"]]);
  clock.advance(29_999);
  expect(await resolver.resolve("a.example")).toEqual(["10.0.0.1"]);
  clock.advance(1);
  expect(await resolver.resolve("a.example")).toEqual(["10.0.0.2"]);
});

test("a failure is not kept", async () => {
  let asked = 0;
  const resolver = systemResolver(new FakeClock(), () =>
    ++asked === 1 ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(["10.0.0.1"]),
  );
  await expect(resolver.resolve("a.example")).rejects.toThrow("ENOTFOUND");
  expect(await resolver.resolve("a.example")).toEqual(["10.0.0.1"]);
});

test("the system knows localhost", async () => {
  expect(await systemResolver(new FakeClock()).resolve("localhost")).toContain("127.0.0.1");
});
