// Rates per source: what is within, over and far over; a table that does not grow.
import { expect, test } from "vitest";
import { rateLimitSettings, SourceRates } from "../../../src/sip/admission/rates.ts";
import { TokenBuckets } from "../../../src/sip/admission/token-buckets.ts";

test("a burst passes, then as many per second as come back", () => {
  const buckets = new TokenBuckets({ perSecond: 2, burst: 4, maxSources: 10 });
  const take = (now: number): string => buckets.take("a", now);
  expect([1, 2, 3, 4, 5].map(() => take(0))).toEqual([...Array(4).fill("within"), "over"]);
  expect(take(499)).toBe("over");
  expect(take(500)).toBe("within");
  expect(take(500)).toBe("over");
  expect(buckets.take("b", 500)).toBe("within");
});

test("far over after two bursts in vain, until a token is there again", () => {
  const buckets = new TokenBuckets({ perSecond: 1, burst: 2, maxSources: 10 });
  const taken = Array.from({ length: 7 }, () => buckets.take("a", 0));
  expect(taken.slice(2)).toEqual(["over", "over", "over", "over", "far-over"]);
  expect(buckets.take("a", 1000)).toBe("within");
  expect(buckets.take("a", 1000)).toBe("over");
});

test("at the limit of sources the one quiet longest is forgotten", () => {
  const buckets = new TokenBuckets({ perSecond: 1, burst: 1, maxSources: 2 });
  for (const source of ["a", "b", "a"]) buckets.take(source, 0);
  expect(buckets.size).toBe(2);
  buckets.take("c", 0); // b goes
  expect(buckets.size).toBe(2);
  expect(buckets.take("a", 0)).not.toBe("within");
  expect(buckets.take("b", 0)).toBe("within");
});

test("responses and ACKs leave no trace; REGISTERs and others count apart; loopback is free", () => {
  const rates = new SourceRates({
    registersPerSecondPerSource: 1,
    requestsPerSecondPerSource: 1,
    burstSeconds: 1,
    maxSources: 10,
    unlimitedSources: rateLimitSettings.unlimitedSources.default as string[],
  });
  const take = (text: string, host = "192.0.2.1"): string => rates.take(Buffer.from(text), host, 0);
  for (let n = 0; n < 3; n++) {
    expect(take("SIP/2.0 200 OK\r\n")).toBe("within");
    expect(take("ACK sip:a@b SIP/2.0\r\n")).toBe("within");
  }
  expect(rates.size).toBe(0);
  expect(
    ["REGISTER", "OPTIONS", "REGISTER", "INVITE"].map((word) => take(`${word} sip:x`)),
  ).toEqual(["within", "within", "over", "over"]);
  expect(take("SIPHON sip:x")).toBe("over"); // a method that begins as a response does
  for (const host of ["127.0.0.1", "127.9.9.9", "::1"])
    expect([1, 2, 3].map(() => take("REGISTER sip:x", host))).not.toContain("over");
});

test("an IPv6 host is one source with all of its /64; a mapped IPv4 address is that address", () => {
  const rates = new SourceRates({
    registersPerSecondPerSource: 1,
    requestsPerSecondPerSource: 1,
    burstSeconds: 1,
    maxSources: 10,
    unlimitedSources: [],
  });
  const take = (host: string): string => rates.take(Buffer.from("OPTIONS sip:x"), host, 0);
  expect(["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(take)).toEqual([
    "within",
    "over",
    "within",
  ]);
  expect(["::ffff:192.0.2.1", "192.0.2.1"].map(take)).toEqual(["within", "over"]);
  expect(rates.size).toBe(3);
});
