// REGISTERs that were challenged and not yet answered.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { credentialsOf, isMalformed } from "@ims-lab/common/ims/credentials";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf } from "@ims-lab/common/sip/message/uri";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { expect, test } from "vitest";
import { answers, challengeKey, PendingChallenges } from "../../src/register/pending-challenges.ts";

function register(callId: string, authorization = ""): SipRequest {
  return newRequest("REGISTER", "sip:x", [
    ["To", "<sip:a@x>"],
    ["Call-ID", callId],
    ...(authorization === "" ? [] : [["Authorization", authorization] as const]),
  ]);
}

function from(host: string): Flow {
  const remote = { host, port: 5060 };
  return { id: host, transport: "udp", local: { host: "10.0.0.1", port: 5060 }, remote };
}

function keyOf(request: SipRequest, flow: Flow, device: string): string {
  return challengeKey(request, flow, aorOf(request.to.uri), device);
}

const attempt = { token: "t", scscf: "sip:s", nonces: ["n1"], isAka: false };

test("one attempt: same address, Call-ID, identity and device, for reg-await-auth", () => {
  const clock = new FakeClock();
  const attempts = new PendingChallenges(clock, 240_000);
  attempts.challenged(keyOf(register("c"), from("192.0.2.1"), "d"), attempt);
  expect(attempts.find(keyOf(register("c"), from("192.0.2.1"), "d"))?.token).toBe("t");
  expect(attempts.find(keyOf(register("c2"), from("192.0.2.1"), "d"))).toBeUndefined();
  expect(attempts.find(keyOf(register("c"), from("192.0.2.2"), "d"))).toBeUndefined();
  expect(attempts.find(keyOf(register("c"), from("192.0.2.1"), "e"))).toBeUndefined();
  clock.advance(240_000);
  expect(attempts.find(keyOf(register("c"), from("192.0.2.1"), "d"))).toBeUndefined();
});

test("the table is bounded: the oldest go", () => {
  const attempts = new PendingChallenges(new FakeClock(), 240_000, 3);
  for (let at = 0; at < 5; at++)
    attempts.challenged(keyOf(register(`c${at}`), from("192.0.2.1"), "d"), attempt);
  expect(attempts.size).toBe(3);
  expect(attempts.find(keyOf(register("c1"), from("192.0.2.1"), "d"))).toBeUndefined();
  expect(attempts.find(keyOf(register("c4"), from("192.0.2.1"), "d"))).toBeDefined();
});

/** Octets in use once the garbage is gone. */
function octetsInUse(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external; // long strings are kept outside the heap
}

test("what a stranger writes is not kept, however long", () => {
  const attempts = new PendingChallenges(new FakeClock(), 240_000);
  const long = (callId: string): void =>
    attempts.challenged(keyOf(register(callId.repeat(2 ** 20)), from("192.0.2.1"), "d"), attempt);
  long("c");
  const before = octetsInUse();
  for (let at = 0; at < 40; at++) long(String.fromCharCode(48 + at));
  expect(attempts.size).toBe(41);
  expect(octetsInUse() - before).toBeLessThan(20 * 2 ** 20);
});

test("a challenge without a nonce is answered by nothing", () => {
  const read = credentialsOf(register("c", 'Digest nonce="",response="r"'), "x");
  if (isMalformed(read)) throw new Error(read.malformed);
  expect(answers(read, { ...attempt, nonces: [""], until: 0 })).toBe(false);
});

test.each([
  ['Digest nonce="n1",response="r"', true],
  ['Digest nonce="n2",response="r"', false],
  ['Digest nonce="n1",response=""', false],
])("%s answers the challenge: %s", (authorization, expected) => {
  const read = credentialsOf(register("c", authorization), "x");
  if (isMalformed(read)) throw new Error(read.malformed);
  expect(answers(read, { ...attempt, until: 0 })).toBe(expected);
});
