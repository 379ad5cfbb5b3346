// TS 24.229 §5.4.1.2: challenges, answers, and what every wrong answer comes to.
import { SQN_DELTA, sqnOf } from "@ims-lab/common/ims/sqn";
import { unpackNonce } from "@ims-lab/common/sip/auth/aka";
import { formatAnswer, readAnswer } from "@ims-lab/common/sip/auth/challenge";
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { describe, expect, test } from "vitest";
import { answersChallenge } from "../../src/authentication/outcome.ts";
import {
  ALICE,
  attempt,
  autsFor,
  BOB,
  bench,
  challenges,
  claim,
  diagnosisOf,
  first,
  header,
  resOf,
  respond,
  sqnIn,
} from "./bench.ts";

const alice = attempt(ALICE);
const bob = attempt(BOB);

function unsaid(answer: AuthHeader): AuthHeader {
  const params = new Map(answer.params);
  params.delete("algorithm");
  return { ...answer, params };
}

describe("challenges", () => {
  test("AKA: realm, nonce = RAND||AUTN, ik and ck for the P-CSCF", () => {
    const { auth } = bench();
    const issued = auth.challenge(alice);
    const challenge = first(issued);
    expect(challenge).toMatchObject({ algorithm: "AKAv1-MD5", realm: "home", stale: false });
    expect(challenge.ik).toMatch(/^[0-9a-f]{32}$/);
    expect(challenge.ck).toMatch(/^[0-9a-f]{32}$/);
    expect(Buffer.from(challenge.nonce, "base64")).toHaveLength(32);
  });
  test("reg-await-auth ends 240 s later", () => {
    for (const [waited, kind] of [
      [239_999, "authenticated"],
      [240_000, "stale"],
    ] as const) {
      const { auth, clock } = bench();
      const challenge = first(auth.challenge(alice));
      clock.advance(waited);
      expect(auth.verify(claim(alice, respond(ALICE, challenge))).kind).toBe(kind);
    }
  });
  test("RFC 8760 §2.3: one per algorithm, most preferred first, one nonce", () => {
    const offered = challenges(bench().auth.challenge(attempt("dave@home")));
    expect(offered.map(({ algorithm }) => algorithm)).toEqual(["SHA-256", "MD5"]);
    expect(offered[0]?.nonce).toBe(offered[1]?.nonce);
  });
  test("a stranger gets none", () => {
    expect(bench().auth.challenge(attempt("mallory@home"))).toBeUndefined();
  });
  test("redrawZeroOctets: no RES has a zero octet", () => {
    const { auth } = bench();
    for (let turn = 0; turn < 300; turn++)
      expect(resOf(first(auth.challenge(alice)).nonce)).not.toContain(0);
  });
  test("fixed vectors and nonces make runs repeat", () => {
    const file = (rand: string): string =>
      `aka: { fixedVectors: [${rand}] }\ndigest: { fixedNonces: [n1, n2] }\nsubscribers:
  - { impi: alice@home, impus: [sip:a@home], auth: { scheme: aka, k: ${"11".repeat(16)}, opc: ${"22".repeat(16)} } }
  - { impi: bob@home, impus: [sip:b@home], auth: { scheme: digest, password: secret } }`;
    const rand = "23553cbe9637a89d218ae64dae47bf35";
    const { auth } = bench({ file: file(rand) });
    const issued = first(auth.challenge(alice)).nonce;
    expect(unpackNonce(issued)?.rand.toString("hex")).toBe(rand);
    expect(first(bench({ file: file(rand), seed: 9 }).auth.challenge(alice)).nonce).toBe(issued);
    const nonces = [1, 2, 3].map((n) => first(auth.challenge(attempt(BOB, `c${n}`))).nonce);
    expect(nonces).toEqual(["n1", "n2", "n1"]);
    const answer = respond(BOB, first(auth.challenge(bob)));
    expect(auth.verify(claim(bob, answer)).kind).toBe("authenticated");
  });
});

describe("right answers", () => {
  test.each([
    [ALICE, "AKAv1-MD5"],
    ["carol@home", "AKAv2-SHA-256"],
    [BOB, "MD5"],
    ["dave@home", "SHA-256"],
    ["dave@home", "MD5"],
  ])("%s with %s", (impi, algorithm) => {
    const { auth } = bench();
    const key = attempt(impi);
    const chosen = challenges(auth.challenge(key)).filter((one) => one.algorithm === algorithm);
    expect(chosen).toHaveLength(1);
    for (const challenge of chosen) {
      const outcome = auth.verify(claim(key, respond(impi, challenge)));
      expect(outcome).toMatchObject({ kind: "authenticated", how: "challenge" });
    }
  });
  test("RFC 2617: without qop, as older devices answer", () => {
    const { auth } = bench();
    const answer = respond(BOB, first(auth.challenge(bob)), { withoutQop: true });
    expect(auth.verify(claim(bob, answer)).kind).toBe("authenticated");
    expect(auth.verify(claim(bob, answer)).kind).toBe("stale");
  });
  test("a pre-emptive answer with a higher nc counts, where the caller allows it", () => {
    const { auth } = bench();
    const challenge = first(auth.challenge(bob));
    auth.verify(claim(bob, respond(BOB, challenge)));
    const again = respond(BOB, challenge, { nc: "00000002" });
    expect(auth.verify(claim(bob, again, false)).kind).toBe("stale");
    expect(auth.verify(claim(bob, again))).toMatchObject({ how: "preemptive" });
    expect(auth.verify(claim(bob, again)).kind).toBe("stale");
  });
  test("an AKA vector counts once, whatever the nc", () => {
    const { auth } = bench();
    const challenge = first(auth.challenge(alice));
    expect(auth.verify(claim(alice, respond(ALICE, challenge))).kind).toBe("authenticated");
    for (const nc of ["00000001", "00000002"])
      expect(auth.verify(claim(alice, respond(ALICE, challenge, { nc }))).kind).toBe("stale");
  });
});

describe("nonces", () => {
  test.each([ALICE, BOB])("old (%s): right answer stale, wrong answer wrong", (impi) => {
    const { auth, clock } = bench();
    const key = attempt(impi);
    const challenge = first(auth.challenge(key));
    clock.advance(240_000);
    expect(auth.verify(claim(key, respond(impi, challenge))).kind).toBe("stale");
    const wrong = respond(impi, challenge, { password: Buffer.from("x") });
    expect(auth.verify(claim(key, wrong)).kind).toBe("wrong-response");
  });
  test.each([ALICE, BOB])("not a millisecond before (%s)", (impi) => {
    const { auth, clock } = bench();
    const key = attempt(impi);
    const challenge = first(auth.challenge(key));
    clock.advance(239_999);
    expect(auth.verify(claim(key, respond(impi, challenge))).kind).toBe("authenticated");
  });
  test("a used one lives for nonceSeconds", () => {
    const { auth, clock } = bench({ settings: { nonceSeconds: 600 } });
    const challenge = first(auth.challenge(bob));
    auth.verify(claim(bob, respond(BOB, challenge)));
    clock.advance(599_000);
    const later = respond(BOB, challenge, { nc: "00000002" });
    expect(auth.verify(claim(bob, later)).kind).toBe("authenticated");
    clock.advance(1000);
    const tooLate = respond(BOB, challenge, { nc: "00000003" });
    expect(auth.verify(claim(bob, tooLate)).kind).toBe("stale");
  });
  test("superseded by a new challenge of the same attempt", () => {
    const { auth, clock } = bench();
    for (const impi of [ALICE, BOB]) {
      const key = attempt(impi);
      const old = first(auth.challenge(key));
      clock.advance(10);
      const fresh = first(auth.challenge(key));
      expect(auth.verify(claim(key, respond(impi, old))).kind).toBe("stale");
      expect(auth.verify(claim(key, respond(impi, fresh))).kind).toBe("authenticated");
    }
  });
  test("TS 24.229 §5.4.1.2.2: under another Call-ID an AKA answer does not count", () => {
    const { auth } = bench();
    const answer = respond(ALICE, first(auth.challenge(alice)));
    const elsewhere = auth.verify(claim(attempt(ALICE, "call-2"), answer));
    expect(elsewhere).toMatchObject({ kind: "stale" });
    expect(diagnosisOf(elsewhere)).toContain("another Call-ID");
    expect(auth.verify(claim(alice, answer)).kind).toBe("authenticated");
  });
  test.each([
    ["digest", BOB, "dave@home"],
    ["AKA", ALICE, "erin@home"],
  ])("%s nonce of another user", (_scheme, owner, thief) => {
    const { auth } = bench();
    const challenge = first(auth.challenge(attempt(owner)));
    const key = attempt(thief);
    const stolen = auth.verify(claim(key, respond(thief, challenge)));
    expect(stolen.kind).toBe("nonce-of-another-user");
    expect(auth.verify(claim(attempt(owner), respond(owner, challenge))).kind).toBe(
      "authenticated",
    );
  });
  test("one that nobody issued, one with a changed character", () => {
    const { auth } = bench();
    const challenge = first(auth.challenge(bob));
    const changed = challenge.nonce.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    for (const nonce of ["made-up", changed, `${challenge.nonce}=`]) {
      const wrong = respond(BOB, { ...challenge, nonce }, { password: Buffer.from("x") });
      expect(auth.verify(claim(bob, wrong)).kind).toBe("unknown-nonce");
      // The right password over it gets another challenge, not a 200.
      expect(auth.verify(claim(bob, respond(BOB, { ...challenge, nonce }))).kind).toBe("stale");
    }
    const garbage = respond(ALICE, { ...first(auth.challenge(alice)), nonce: "AAAA" });
    expect(auth.verify(claim(alice, garbage)).kind).toBe("unknown-nonce");
  });
  test("a restart with the same secret keeps challenges answerable, replay refused", () => {
    const secret = Buffer.alloc(32, 7);
    const before = bench({ secret });
    const answers = [ALICE, BOB].map(
      (impi) => [impi, respond(impi, first(before.auth.challenge(attempt(impi))))] as const,
    );
    const after = bench({ secret, seed: 2, clock: before.clock, marks: before.marks });
    const forgotten = bench({ seed: 3, clock: before.clock, marks: before.marks });
    for (const [impi, answer] of answers) {
      expect(forgotten.auth.verify(claim(attempt(impi), answer)).kind).toBe("stale");
      expect(after.auth.verify(claim(attempt(impi), answer)).kind).toBe("authenticated");
      expect(after.auth.verify(claim(attempt(impi), answer)).kind).toBe("stale");
    }
  });
});

describe("failures", () => {
  test("wrong answers count within their attempt; the right one in time still counts", () => {
    for (const impi of [ALICE, BOB]) {
      const { auth } = bench();
      const key = attempt(impi);
      const challenge = first(auth.challenge(key));
      const wrong = respond(impi, challenge, { password: Buffer.from("x") });
      const once = auth.verify(claim(key, wrong));
      expect(once).toMatchObject({ kind: "wrong-response" });
      expect(auth.verify(claim(key, respond(impi, challenge))).kind).toBe("authenticated");
    }
  });
  test("after maxFailures not even the right answer", () => {
    for (const impi of [ALICE, BOB]) {
      const { auth } = bench();
      const key = attempt(impi);
      const challenge = first(auth.challenge(key));
      const wrong = claim(key, respond(impi, challenge, { password: Buffer.from("x") }));
      auth.verify(wrong);
      expect(auth.verify(wrong)).toMatchObject({ kind: "wrong-response" });
      expect(auth.verify(claim(key, respond(impi, challenge)))).toMatchObject({
        kind: "wrong-response",
        diagnosis: "no further answer counts after 2 failures",
      });
      const next = first(auth.challenge(key));
      expect(auth.verify(claim(key, respond(impi, next))).kind).toBe("authenticated");
    }
  });
  test("a stranger's challenges and wrong answers change nothing for the victim", () => {
    for (const impi of [ALICE, BOB]) {
      const { auth, clock } = bench();
      const victim = attempt(impi, "victim");
      const challenge = first(auth.challenge(victim));
      for (let n = 0; n < 50; n++) {
        const stranger = attempt(impi, `stranger-${n}`, `path-${n}`);
        const theirs = first(auth.challenge(stranger));
        for (const nonce of [theirs, challenge]) {
          const wrong = respond(impi, nonce, { password: Buffer.from("guess") });
          auth.verify(claim(stranger, wrong));
        }
        clock.advance(1);
      }
      expect(auth.verify(claim(victim, respond(impi, challenge))).kind).toBe("authenticated");
    }
  });
  test("nor do they keep a victim out that comes later", () => {
    for (const impi of [ALICE, BOB]) {
      const { auth, clock } = bench();
      for (let n = 0; n < 50; n++) auth.challenge(attempt(impi, `stranger-${n}`));
      const victim = attempt(impi, "victim");
      const challenge = first(auth.challenge(victim));
      const answer = claim(victim, respond(impi, challenge));
      clock.advance(5);
      expect(auth.verify(answer).kind).toBe("authenticated");
      expect(auth.verify(answer).kind).toBe("stale");
    }
  });
  test("nonces that are no longer remembered cannot be replayed", () => {
    const { auth, clock } = bench();
    const answers = Array.from({ length: 6 }, (_, n) => {
      clock.advance(1);
      const key = attempt(BOB, `c${n}`);
      return claim(key, respond(BOB, first(auth.challenge(key))));
    });
    for (const answer of answers.slice(0, 4))
      expect(auth.verify(answer).kind).toBe("authenticated");
    for (const answer of answers.slice(0, 4)) expect(auth.verify(answer).kind).toBe("stale");
  });
  test("what is remembered goes when it has expired", () => {
    const { auth, clock } = bench();
    for (const impi of [ALICE, BOB, "dave@home"]) auth.challenge(attempt(impi));
    expect(auth.remembered).toBe(3);
    clock.advance(300_000);
    auth.challenge(attempt("carol@home"));
    auth.challenge(attempt("carol@home", "call-2"));
    expect(auth.remembered).toBe(1);
  });
});

describe("AKA: the device refuses the network", () => {
  test("an empty response without AUTS", () => {
    const { auth } = bench();
    const challenge = first(auth.challenge(alice));
    const empty = respond(ALICE, challenge, { change: { response: "" }, withoutQop: true });
    const outcome = auth.verify(claim(alice, empty));
    expect(outcome).toMatchObject({ kind: "network-rejected" });
    expect(diagnosisOf(outcome)).toBe("UE rejected AUTN: K, OP/OPc or AMF differ");
    auth.verify(claim(alice, empty));
    expect(diagnosisOf(auth.verify(claim(alice, respond(ALICE, challenge))))).toBe(
      "no further answer counts after 2 failures",
    );
  });
  test("TS 33.102 §6.3.5: AUTS sets the SQN, the next vector is behind it", () => {
    const { auth } = bench();
    const auts = autsFor(first(auth.challenge(alice)), sqnOf(5000, 3));
    const challenge = first(auth.challenge(alice));
    const stale = auth.verify(
      claim(alice, respond(ALICE, challenge, { change: { auts }, password: Buffer.alloc(0) })),
    );
    expect(stale.kind).toBe("resync-invalid"); // of another RAND
    const right = autsFor(challenge, sqnOf(5000, 3));
    const answer = respond(ALICE, challenge, { change: { auts: right } });
    const outcome = auth.verify(claim(alice, answer));
    expect(outcome).toMatchObject({ kind: "resync", challenge: undefined });
  });
  test("a first AUTS gets a new challenge, which the right answer still passes", () => {
    const { auth, marks } = bench();
    const challenge = first(auth.challenge(alice));
    const auts = autsFor(challenge, sqnOf(5000, 3));
    const answer = claim(alice, respond(ALICE, challenge, { change: { auts } }));
    const outcome = auth.verify(answer);
    if (outcome.kind !== "resync") throw new Error(outcome.kind);
    expect(outcome.diagnosis).toContain("stale SQN");
    expect(sqnIn(first(outcome.challenge))).toBe(sqnOf(5001, 4));
    expect(marks.get(ALICE)).toBeGreaterThan(sqnOf(5001, 4));
    // Replayed, it would turn the numbers back.
    expect(auth.verify(answer).kind).toBe("stale");
    expect(auth.verify(claim(alice, respond(ALICE, first(outcome.challenge)))).kind).toBe(
      "authenticated",
    );
  });
  test("two AUTS in a row end the attempt", () => {
    const { auth } = bench();
    const answer = (challenge: ReturnType<typeof first>): ReturnType<typeof auth.verify> => {
      const auts = autsFor(challenge, sqnOf(9000, 1));
      return auth.verify(claim(alice, respond(ALICE, challenge, { change: { auts } })));
    };
    const once = answer(first(auth.challenge(alice)));
    if (once.kind !== "resync") throw new Error(once.kind);
    const second = first(once.challenge);
    expect(answer(second)).toMatchObject({ kind: "resync", challenge: undefined });
    expect(answer(second).kind).toBe("stale");
  });
  test.each(["AAAA", "not base64", Buffer.alloc(14).toString("base64")])(
    "AUTS garbage %j is a value",
    (auts) => {
      const { auth } = bench();
      const before = sqnIn(first(auth.challenge(alice)));
      const challenge = first(auth.challenge(alice));
      const answer = respond(ALICE, challenge, { change: { auts } });
      expect(auth.verify(claim(alice, answer)).kind).toBe("resync-invalid");
      expect(sqnIn(first(auth.challenge(alice)))).toBeLessThan(before + 32 * 40);
    },
  );
  test("an SQN at the very end does not bring the network down", () => {
    const { auth } = bench();
    const challenge = first(auth.challenge(alice));
    const auts = autsFor(challenge, 2 ** 48 - 1);
    expect(auth.verify(claim(alice, respond(ALICE, challenge, { change: { auts } }))).kind).toBe(
      "resync",
    );
    expect(first(auth.challenge(alice)).nonce).toHaveLength(44);
  });
});

describe("SQN", () => {
  test("rises with each vector, and behind the durable mark after a crash", () => {
    const before = bench();
    const used = Array.from({ length: 70 }, () => sqnIn(first(before.auth.challenge(alice))));
    expect(used).toEqual([...used].sort((a, b) => a - b));
    expect(new Set(used).size).toBe(70);
    const after = bench({ marks: before.marks });
    const next = sqnIn(first(after.auth.challenge(alice)));
    expect(next).toBeGreaterThan(Math.max(...used));
    expect(next).toBeLessThan(Math.max(...used) + SQN_DELTA);
  });
});

describe("parameters", () => {
  const good = (): ReturnType<typeof bench> & { text: string } => {
    const made = bench();
    const answer = readAnswer(respond(BOB, first(made.auth.challenge(bob))));
    if ("kind" in answer) throw new Error(answer.kind);
    return { ...made, text: formatAnswer(answer) };
  };
  test.each<[string, (text: string) => string, string, string]>([
    [
      "algorithm nobody knows",
      (t) => t.replace("=MD5", "=SHA-1"),
      "unknown-algorithm",
      "SHA-1, MD5 was offered",
    ],
    [
      "algorithm not offered",
      (t) => t.replace("=MD5", "=MD5-sess"),
      "unknown-algorithm",
      "MD5-sess, MD5 was offered",
    ],
    [
      "AKA for a password user",
      (t) => t.replace("=MD5", "=AKAv1-MD5"),
      "unknown-algorithm",
      "AKAv1-MD5",
    ],
    [
      "SHA-256 said, MD5 sent",
      (t) => t.replace("=MD5", "=SHA-256"),
      "unknown-algorithm",
      "algorithm SHA-256, MD5 was offered",
    ],
    ["another's username", (t) => t.replace(BOB, ALICE), "bad-parameters", "username alice@home"],
    [
      "another realm",
      (t) => t.replace('realm="home"', 'realm="away"'),
      "bad-parameters",
      "realm away, home was asked for",
    ],
    [
      "auth-int not offered",
      (t) => t.replace("qop=auth", "qop=auth-int"),
      "bad-parameters",
      "qop auth-int, auth was offered",
    ],
    ["no cnonce", (t) => t.replace(/,cnonce="[^"]*"/, ""), "bad-parameters", "qop without cnonce"],
    [
      "no response",
      (t) => t.replace(/,response="[^"]*"/, ""),
      "bad-parameters",
      "response is missing",
    ],
    [
      "empty response",
      (t) => t.replace(/response="[^"]*"/, 'response=""'),
      "network-rejected",
      "the response is empty",
    ],
  ])("%s", (_name, change, kind, why) => {
    const { auth, text } = good();
    const outcome = auth.verify(claim(bob, header(change(text))));
    expect(outcome.kind).toBe(kind);
    expect(diagnosisOf(outcome)).toContain(why);
    expect(auth.verify(claim(bob, header(text))).kind).toBe("authenticated");
  });
  test.each([ALICE, "carol@home", BOB])(
    "RFC 3310 §3.3: %s was offered one algorithm and need not name it",
    (impi) => {
      const { auth } = bench();
      const challenge = first(auth.challenge(attempt(impi)));
      const answer = unsaid(respond(impi, challenge));
      expect(auth.verify(claim(attempt(impi), answer)).kind).toBe("authenticated");
    },
  );
  test("RFC 3310 §3.4: nor with a right AUTS", () => {
    const { auth } = bench();
    const challenge = first(auth.challenge(alice));
    const auts = autsFor(challenge, sqnIn(challenge) + 32 * 1000);
    const answer = unsaid(respond(ALICE, challenge, { change: { auts, response: "" } }));
    expect(auth.verify(claim(alice, answer)).kind).toBe("resync");
  });
  test("RFC 7616 §3.4: where several were offered, none named is MD5", () => {
    const { auth } = bench();
    const dave = attempt("dave@home");
    const [sha, md5] = challenges(auth.challenge(dave));
    if (sha === undefined || md5 === undefined) throw new Error("two were offered");
    const wrong = auth.verify(claim(dave, unsaid(respond("dave@home", sha))));
    expect(diagnosisOf(wrong)).toBe("response has 64 characters, MD5 has 32 hex digits");
    expect(auth.verify(claim(dave, unsaid(respond("dave@home", md5)))).kind).toBe("authenticated");
  });
  test("who computes MD5 where it was not offered is told so", () => {
    const file = `subscribers:
  - { impi: eve@home, impus: [sip:eve@home], auth: { scheme: digest, algorithms: [SHA-256], password: secret } }`;
    const { auth } = bench({ file });
    const eve = attempt("eve@home");
    const challenge = { ...first(auth.challenge(eve)), algorithm: "MD5" as const };
    const outcome = auth.verify(claim(eve, unsaid(respond("eve@home", challenge))));
    expect(diagnosisOf(outcome)).toBe("algorithm none (MD5), SHA-256 was offered");
  });
  test('an empty auts="" asks for nothing: the response beside it counts', () => {
    const { auth } = bench();
    const answer = respond(ALICE, first(auth.challenge(alice)), { change: { auts: "" } });
    expect(answer.params.get("auts")).toBe("");
    expect(auth.verify(claim(alice, answer)).kind).toBe("authenticated");
  });
  test("TS 24.229 §5.1.1.2: empty nonce and response answer nothing", () => {
    const initial = 'Digest username="a@home",realm="home",nonce="",uri="sip:home",response=""';
    expect(answersChallenge(header(initial))).toBe(false);
    expect(answersChallenge(respond(BOB, first(bench().auth.challenge(bob))))).toBe(true);
  });
});
