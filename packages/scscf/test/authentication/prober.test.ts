// authentication.probe: a device that rejects AUTN is asked what it has mixed up, and is never let in by its answer.
import { deriveOpc, Milenage, xor } from "@ims-lab/common/ims/milenage";
import {
  acceptSqn,
  newSqnWindow,
  seqOf,
  sqnFromOctets,
  sqnOf,
  sqnToOctets,
} from "@ims-lab/common/ims/sqn";
import { akaPassword, unpackNonce } from "@ims-lab/common/sip/auth/aka";
import type { Challenge } from "@ims-lab/common/sip/auth/challenge";
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { describe, expect, test } from "vitest";
import type { Authenticator } from "../../src/authentication/authenticator.ts";
import type { IssuedChallenge } from "../../src/authentication/outcome.ts";
import { ALICE, attempt, bench, claim, first, K, OP, OPC, respond } from "./bench.ts";

/** A card that checks AUTN with what it has been given. */
class Card {
  k: Buffer = K;
  opc: Buffer = OPC;
  /** What XMAC is computed with; undefined: the AMF of AUTN, as the standard has it. */
  amf: Buffer | undefined;
  /** An old card or script: no AUTS, however far off the number. */
  sendsAuts = true;
  window = newSqnWindow(0);

  answer(challenge: Challenge): AuthHeader {
    const { rand, autn } = unpackNonce(challenge.nonce) ?? { rand: K, autn: K };
    const milenage = new Milenage(this.k, this.opc);
    const keys = milenage.keys(rand);
    const sqn = xor(autn.subarray(0, 6), keys.ak);
    const { macA } = milenage.macs(rand, sqn, this.amf ?? autn.subarray(6, 8));
    const rejected = respond(ALICE, challenge, { change: { response: "" } });
    if (!macA.equals(autn.subarray(8))) return rejected;
    const window = acceptSqn(this.window, sqnFromOctets(sqn));
    if (window === undefined && !this.sendsAuts) return rejected;
    if (window === undefined) {
      const seen = sqnToOctets(this.window.highest);
      const auts = milenage.auts(rand, seen, keys.akStar).toString("base64");
      return respond(ALICE, challenge, { change: { response: "", auts } });
    }
    this.window = window;
    return respond(ALICE, challenge, { password: akaPassword("AKAv1-MD5", keys) });
  }
}

interface Course {
  readonly ends: readonly string[];
  readonly said: string;
  /** Challenges that the device got. */
  readonly challenges: number;
}

let calls = 0;

/** One registration as a device goes about it: it gives up at the second challenge it cannot take. */
function register(auth: Authenticator, card: Card): Course {
  const key = attempt(ALICE, `call-${++calls}`);
  let issued: IssuedChallenge | undefined = auth.challenge(key);
  const ends: string[] = [];
  let said = "";
  let challenges = 0;
  while (issued !== undefined && challenges < 5) {
    challenges += 1;
    const outcome = auth.verify(claim(key, card.answer(first(issued))));
    ends.push(outcome.kind);
    if (outcome.kind === "authenticated") break;
    said = outcome.diagnosis;
    issued =
      outcome.kind === "resync"
        ? outcome.challenge
        : outcome.kind === "network-rejected"
          ? outcome.next
          : undefined;
  }
  return { ends, said, challenges };
}

const asked = () => bench({ settings: { probe: true } }).auth;

describe("a device that checks AUTN", () => {
  test.each<[string, Partial<Card>, RegExp, number]>([
    ["OP as OPc", { opc: OP }, /^the device takes OP for OPc/, 1],
    ["OPc as OP", { opc: deriveOpc(K, OPC) }, /^the device takes OPc for OP/, 2],
    ["AMF 0000", { amf: Buffer.from("0000", "hex") }, /^AMF: the device has 0000/, 3],
    ["AMF b9b9", { amf: Buffer.from("b9b9", "hex") }, /^AMF: the device has b9b9/, 4],
    [
      "a number ahead, and no AUTS",
      { sendsAuts: false, window: newSqnWindow(sqnOf(5_000, 0)) },
      /^SQN: the network's number is behind/,
      5,
    ],
    [
      "a number far ahead, and no AUTS",
      { sendsAuts: false, window: newSqnWindow(sqnOf(2 ** 26, 0)) },
      /^SQN: the network's number is behind/,
      6,
    ],
    ["K and OPc swapped", { k: OPC, opc: K }, /^the device has K and OPc swapped/, 7],
    ["OP of zeros", { opc: deriveOpc(K, Buffer.alloc(16)) }, /^the device has an OP of zeros/, 8],
    ["OPc of zeros", { opc: Buffer.alloc(16) }, /^the device has an OPc of zeros/, 9],
  ])("%s: named, one probe an attempt, and never let in", (_what, wrong, why, attempts) => {
    const auth = asked();
    const card = Object.assign(new Card(), wrong);
    for (let turn = 1; turn < attempts; turn++) {
      const { ends, said, challenges } = register(auth, card);
      expect([ends, challenges]).toEqual([["network-rejected", "network-rejected"], 2]);
      expect(said).toMatch(/^AUTN rejected: .* not this: .*its next attempt goes on/);
    }
    expect(register(auth, card)).toMatchObject({
      ends: ["network-rejected", "wrong-response"],
      said: expect.stringMatching(why),
    });
  });

  test("whose K is wrong: all are asked about, then it is K, again and again", () => {
    const auth = asked();
    const card = Object.assign(new Card(), { k: Buffer.alloc(16, 7) });
    for (let turn = 0; turn < 9; turn++) register(auth, card);
    for (let turn = 0; turn < 3; turn++)
      expect(register(auth, card).said).toMatch(
        /^AUTN rejected, with every usual mix-up .*: K differs/,
      );
  });

  test("that is put right registers at once, whatever was asked before", () => {
    const auth = asked();
    const card = Object.assign(new Card(), { opc: deriveOpc(K, OPC) });
    for (let turn = 0; turn < 3; turn++) register(auth, card);
    card.opc = OPC;
    expect(register(auth, card)).toMatchObject({ ends: ["authenticated"], challenges: 1 });
    card.opc = OP;
    expect(register(auth, card).said).toMatch(/^the device takes OP for OPc/);
  });

  test("that has the mix-up and another idea of the number says AUTS: the keys are named all the same", () => {
    const auth = asked();
    const card = Object.assign(new Card(), { opc: OP, window: newSqnWindow(sqnOf(9_999, 0)) });
    expect(register(auth, card).said).toMatch(/^the device takes OP for OPc/);
  });

  test("the numbers stay in step: a far one that was taken is passed by, one that was not is forgotten", () => {
    const { auth, marks } = bench({ settings: { probe: true } });
    const stranger = Object.assign(new Card(), { k: Buffer.alloc(16, 7) });
    for (let turn = 0; turn < 9; turn++) register(auth, stranger);
    expect(seqOf(marks.get(ALICE) ?? 0)).toBeLessThan(1_000);
    const ahead = Object.assign(new Card(), {
      sendsAuts: false,
      window: newSqnWindow(sqnOf(5_000, 0)),
    });
    const again = bench({ settings: { probe: true } }).auth;
    for (let turn = 0; turn < 5; turn++) register(again, ahead);
    expect(register(again, ahead)).toMatchObject({ ends: ["authenticated"], challenges: 1 });
  });
});

describe("a device that falls silent", () => {
  /** Says nothing when it does not like AUTN. */
  function attemptOf(auth: Authenticator, card: Card): string | undefined {
    const key = attempt(ALICE, `call-${++calls}`);
    const answer = card.answer(first(auth.challenge(key)));
    if (answer.params.get("response") === "") return auth.silent(ALICE);
    const outcome = auth.verify(claim(key, answer));
    return outcome.kind === "authenticated" ? outcome.kind : outcome.diagnosis;
  }

  test("is asked every other time, so that one put right is in by its second attempt", () => {
    const auth = asked();
    const card = Object.assign(new Card(), { opc: deriveOpc(K, OPC) });
    const said = Array.from({ length: 4 }, () => attemptOf(auth, card));
    expect(said).toEqual([
      undefined,
      expect.stringMatching(/not this: the device takes OP for OPc/),
      undefined,
      expect.stringMatching(/^the device takes OPc for OP/),
    ]);
    card.opc = OPC;
    const later = [attemptOf(auth, card), attemptOf(auth, card), attemptOf(auth, card)];
    expect(later).toContain("authenticated");
  });

  test("a healthy one whose answer got lost: the probe it then gets is followed by a real challenge", () => {
    const auth = asked();
    auth.challenge(attempt(ALICE, "lost"));
    expect(auth.silent(ALICE)).toBeUndefined();
    expect(register(auth, new Card())).toMatchObject({
      ends: ["network-rejected", "authenticated"],
    });
  });
});

describe("nobody else is asked", () => {
  test("off, which is the default: a rejection ends the attempt", () => {
    const { auth } = bench();
    expect(register(auth, Object.assign(new Card(), { opc: OP }))).toMatchObject({
      ends: ["network-rejected"],
      said: "UE rejected AUTN: K, OP/OPc or AMF differ",
    });
    expect(auth.silent(ALICE)).toBeUndefined();
  });

  test("one who answers wrongly, a password user, somebody unknown", () => {
    const auth = asked();
    const key = attempt(ALICE, "wrong");
    const challenge = first(auth.challenge(key));
    const wrong = auth.verify(claim(key, respond(ALICE, challenge, { password: K })));
    expect(wrong).not.toHaveProperty("next");
    const bob = attempt("bob@home", "bob");
    const empty = respond("bob@home", first(auth.challenge(bob)), { change: { response: "" } });
    expect(auth.verify(claim(bob, empty))).not.toHaveProperty("next");
    expect([auth.silent("bob@home"), auth.silent("nobody")]).toEqual([undefined, undefined]);
    expect(register(auth, new Card())).toMatchObject({ ends: ["authenticated"], challenges: 1 });
  });

  test("a probe's answer from another attempt, or once more, is none", () => {
    const auth = asked();
    const card = Object.assign(new Card(), { opc: OP });
    const key = attempt(ALICE, "one");
    const rejected = auth.verify(claim(key, card.answer(first(auth.challenge(key)))));
    if (rejected.kind !== "network-rejected") throw new Error(rejected.kind);
    const probe = first(rejected.next);
    const answer = card.answer(probe);
    const elsewhere = auth.verify(claim(attempt(ALICE, "two"), answer));
    expect(elsewhere.kind).not.toBe("authenticated");
    expect(auth.verify(claim(key, answer)).kind).toBe("wrong-response");
    expect(auth.verify(claim(key, answer)).kind).not.toBe("authenticated");
  });
});
