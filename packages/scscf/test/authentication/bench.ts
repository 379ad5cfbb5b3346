// A workbench for authentication tests: a small directory, a fake clock, and devices that answer challenges.
import { deriveOpc, Milenage, xor } from "@ims-lab/common/ims/milenage";
import { type Sqn, sqnFromOctets, sqnToOctets } from "@ims-lab/common/ims/sqn";
import { type AkaAlgorithm, akaPassword, unpackNonce } from "@ims-lab/common/sip/auth/aka";
import {
  type Answer,
  type Challenge,
  digestOf,
  formatAnswer,
  isAka,
  readChallenge,
} from "@ims-lab/common/sip/auth/challenge";
import { digestResponse } from "@ims-lab/common/sip/auth/digest";
import { type AuthHeader, parseAuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import {
  AUTHENTICATION_DEFAULTS,
  Authenticator,
  type AuthenticatorSettings,
} from "../../src/authentication/authenticator.ts";
import type {
  AuthenticationOutcome,
  ChallengeKey,
  Claim,
  IssuedChallenge,
} from "../../src/authentication/outcome.ts";
import { parseSubscribers } from "../../src/subscribers/load.ts";
import { memorySqnMarks, type SqnMarks } from "../../src/subscribers/sqn-marks.ts";

export const K: Buffer = Buffer.from("562514f1cf3ad1c0bf96a51d395e58ff", "hex");
export const OP: Buffer = Buffer.from("8d2a3d68595159fd7ad763c6ba6b0caa", "hex");
export const OPC: Buffer = deriveOpc(K, OP);
export const ALICE = "alice@home";
export const BOB = "bob@home";
const REALM = "home";

const FILE = `
aka: { redrawZeroOctets: true }
subscribers:
  - { impi: alice@home, impus: [sip:alice@home], auth: { scheme: aka, k: ${K.toString("hex")}, op: ${OP.toString("hex")} } }
  - { impi: carol@home, impus: [sip:carol@home], auth: { scheme: aka, algorithm: AKAv2-SHA-256, k: ${K.toString("hex")}, op: ${OP.toString("hex")} } }
  - { impi: erin@home, impus: [sip:erin@home], auth: { scheme: aka, k: ${"12".repeat(16)}, opc: ${OP.toString("hex")} } }
  - { impi: bob@home, impus: [sip:bob@home], auth: { scheme: digest, password: secret } }
  - { impi: dave@home, impus: [sip:dave@home], auth: { scheme: digest, algorithms: [SHA-256, MD5], password: secret } }
`;

export interface Bench {
  readonly clock: FakeClock;
  readonly marks: SqnMarks;
  readonly auth: Authenticator;
}

export interface BenchOptions {
  readonly settings?: Partial<AuthenticatorSettings>;
  readonly file?: string;
  readonly marks?: SqnMarks;
  readonly secret?: Buffer;
  readonly seed?: number;
  readonly clock?: FakeClock;
}

export function bench(options: BenchOptions = {}): Bench {
  const { settings = {}, marks = memorySqnMarks(), secret, seed = 1 } = options;
  const clock = options.clock ?? new FakeClock();
  const users = parseSubscribers(options.file ?? FILE);
  if (users.kind === "refused") throw new Error(users.problems.join("\n"));
  const auth = new Authenticator(
    { ...AUTHENTICATION_DEFAULTS, realm: REALM, vectors: users.options, ...settings },
    {
      clock,
      random: seededRandom(seed),
      directory: users.directory,
      marks,
      ...(secret !== undefined && { secret }),
    },
  );
  return { clock, marks, auth };
}

export function attempt(impi: string, callId = "call-1", pathToken = "path-1"): ChallengeKey {
  return { impi, callId, pathToken };
}

export function header(text: string): AuthHeader {
  const parsed = parseAuthHeader(text);
  if (parsed === undefined) throw new Error(`malformed: ${text}`);
  return parsed;
}

export function challenges(issued: IssuedChallenge | undefined): readonly Challenge[] {
  return (issued?.values ?? []).flatMap((value) => readChallenge(header(value)) ?? []);
}

export function first(issued: IssuedChallenge | undefined): Challenge {
  const [challenge] = challenges(issued);
  if (challenge === undefined) throw new Error("no challenge");
  return challenge;
}

export interface DeviceFaults {
  readonly password?: Buffer;
  readonly nc?: string;
  /** Goes into the header. */
  readonly change?: Partial<Answer>;
  /** Goes into the hash alone. */
  readonly hashed?: { readonly uri?: string; readonly realm?: string; readonly nc?: string };
  readonly withoutQop?: boolean;
}

const URI = "sip:home";

/** RES, CK, IK as a device with this OPc computes them. */
export function resOf(nonce: string, opc: Buffer = OPC): Buffer {
  const { rand } = unpackNonce(nonce) ?? { rand: Buffer.alloc(16) };
  return new Milenage(K, opc).keys(rand).res;
}

function secretFor(challenge: Challenge): Buffer {
  if (!isAka(challenge.algorithm)) return Buffer.from("secret");
  const { rand } = unpackNonce(challenge.nonce) ?? { rand: Buffer.alloc(16) };
  return akaPassword(challenge.algorithm as AkaAlgorithm, new Milenage(K, OPC).keys(rand));
}

/** An Authorization value that is right unless a fault is asked for. */
export function respond(impi: string, challenge: Challenge, faults: DeviceFaults = {}): AuthHeader {
  const { realm, nonce, algorithm, qop } = challenge;
  const isPlain = faults.withoutQop === true || qop.length === 0;
  const fresh = isPlain
    ? {}
    : { qop: "auth" as const, nc: faults.nc ?? "00000001", cnonce: "c0ffee" };
  const said: Answer = {
    ...{ username: impi, realm, nonce, uri: URI, response: "", algorithm },
    ...fresh,
    ...faults.change,
  };
  const response = digestResponse({
    ...said,
    ...faults.hashed,
    algorithm: digestOf(said.algorithm),
    method: "REGISTER",
    password: faults.password ?? secretFor(challenge),
  });
  return header(formatAnswer({ ...said, response: faults.change?.response ?? response }));
}

export function claim(key: ChallengeKey, authorization: AuthHeader, allowPreemptive = true): Claim {
  return { ...key, method: "REGISTER", uri: URI, authorization, allowPreemptive };
}

/** An AUTS for this challenge from a device that has seen `sqnMs`. */
export function autsFor(challenge: Challenge, sqnMs: Sqn, opc: Buffer = OPC): string {
  const { rand } = unpackNonce(challenge.nonce) ?? { rand: Buffer.alloc(16) };
  const milenage = new Milenage(K, opc);
  return milenage.auts(rand, sqnToOctets(sqnMs), milenage.keys(rand).akStar).toString("base64");
}

export function sqnIn(challenge: Challenge): Sqn {
  const { rand, autn } = unpackNonce(challenge.nonce) ?? {
    rand: Buffer.alloc(16),
    autn: Buffer.alloc(16),
  };
  return sqnFromOctets(xor(autn.subarray(0, 6), new Milenage(K, OPC).keys(rand).ak));
}

export function diagnosisOf(outcome: AuthenticationOutcome): string {
  return outcome.kind === "authenticated" ? "" : outcome.diagnosis;
}
