// Diagnosis of a wrong response, in one line: the usual mistakes are tried one after the other.
import { Milenage } from "@ims-lab/common/ims/milenage";
import { type AkaKeys, akaPassword } from "@ims-lab/common/sip/auth/aka";
import { sameSecret } from "@ims-lab/common/sip/auth/challenge";
import {
  type DigestAlgorithm,
  type DigestInput,
  digestResponse,
  hashedA1,
  responseLength,
} from "@ims-lab/common/sip/auth/digest";
import type { AkaCredentials, PasswordCredentials } from "../subscribers/subscriber.ts";
import { mixupsOf } from "./mixups.ts";

/** A wrong response and what it should have been computed from. */
export interface WrongResponse {
  readonly response: string;
  readonly right: DigestInput;
  readonly requestUri: string;
}

interface Guess {
  readonly why: string;
  readonly change: Partial<DigestInput>;
}

/** RFC 7616: a password user's wrong response. */
export function diagnosePassword(wrong: WrongResponse, auth: PasswordCredentials): string {
  const password = auth.password.reveal();
  const ha1 = hashedA1(wrong.right);
  const guesses: Guess[] = [
    { why: "an empty password was used", change: { password: Buffer.alloc(0) } },
    { why: "H(A1) was used as password", change: { password: Buffer.from(ha1) } },
    ...[" ", "\n", "\r\n", "\0"].map((end) => ({
      why: `the password was used with ${JSON.stringify(end)} behind it`,
      change: { password: Buffer.concat([password, Buffer.from(end)]) },
    })),
  ];
  return matching(wrong, [...formulaGuesses(wrong), ...guesses]) ?? "the password differs";
}

/** RFC 3310, RFC 4169: an AKA user's wrong response. `keys`: what RAND gives with the right K and OPc. */
export function diagnoseAka(
  wrong: WrongResponse,
  auth: AkaCredentials,
  keys: AkaKeys,
  rand: Buffer,
): string {
  const guess = (why: string, password: Buffer): Guess => ({ why, change: { password } });
  const k = auth.k.reveal();
  const res = keys.res.toString("hex");
  const hexK = k.toString("hex");
  const guesses: Guess[] = [
    guess("RES was used as hexadecimal text, its octets are needed (RFC 3310 §3.3)", text(res)),
    guess("RES was used as hexadecimal text, its octets are needed", text(res.toUpperCase())),
    guess("RES was taken for UTF-8 text", text(keys.res.toString("utf8"))),
    guess("RES was taken for latin1 text", text(keys.res.toString("latin1"))),
    guess("an empty password was used without AUTS", Buffer.alloc(0)),
    guess("K was used as password, not RES", k),
    guess("K was used as password, not RES", text(hexK)),
    guess("K was used as password, not RES", text(hexK.toUpperCase())),
  ];
  const zero = keys.res.indexOf(0);
  if (zero >= 0) guesses.push(guess("RES was cut at its zero octet", keys.res.subarray(0, zero)));
  for (const algorithm of ["AKAv1-MD5", "AKAv2-MD5", "AKAv2-SHA-256"] as const) {
    const why = `the password is that of ${algorithm}, ${auth.algorithm} was asked for`;
    if (algorithm !== auth.algorithm) guesses.push(guess(why, akaPassword(algorithm, keys)));
  }
  for (const mixup of mixupsOf(auth)) {
    if (mixup.ahead > 0 || mixup.amf !== auth.amf) continue; // RES is that of the right keys
    const confused = new Milenage(mixup.k, mixup.opc).keys(rand);
    guesses.push(guess(mixup.why, akaPassword(auth.algorithm, confused)));
  }
  return (
    matching(wrong, [...formulaGuesses(wrong), ...guesses]) ??
    "RES differs: K differs, or OP/OPc is quite another one (no usual mix-up of them gives it), and the device did not check AUTN"
  );
}

function text(written: string): Buffer {
  return Buffer.from(written, "utf8");
}

/** The secret is right, something in the formula is not. */
function formulaGuesses({ right, requestUri }: WrongResponse): readonly Guess[] {
  const domain = right.username.slice(right.username.indexOf("@") + 1);
  const user = right.username.slice(0, right.username.indexOf("@"));
  const guesses: Guess[] = [
    { why: `uri: ${requestUri} went into the response`, change: { uri: requestUri } },
    { why: `realm: ${domain} went into the response`, change: { realm: domain } },
    { why: "realm: an empty one went into the response", change: { realm: "" } },
    { why: `username: ${user} went into the response`, change: { username: user } },
    { why: "method: INVITE went into the response", change: { method: "INVITE" } },
    {
      why: "method: lower case went into the response",
      change: { method: right.method.toLowerCase() },
    },
    ...algorithmGuesses(right.algorithm),
  ];
  if (right.qop === undefined) return guesses;
  const bare = Number.parseInt(right.nc ?? "", 16);
  return [
    ...guesses,
    { why: "nc: 1 went into the response", change: { nc: "1" } },
    { why: "nc: 00000001 went into the response", change: { nc: "00000001" } },
    { why: "nc went into the response as a bare number", change: { nc: String(bare) } },
    { why: "cnonce: none went into the response", change: { cnonce: "" } },
    {
      why: `qop: ${right.qop} is said, the other one was computed`,
      change: { qop: right.qop === "auth" ? "auth-int" : "auth" },
    },
  ];
}

/** Responses of the same length only: MD5 for SHA-256 shows in the length already. */
function algorithmGuesses(said: DigestAlgorithm): readonly Guess[] {
  const all = ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256"] as const;
  return all
    .filter((name) => name !== said && responseLength(name) === responseLength(said))
    .map((algorithm) => ({
      why: `algorithm: ${said} is said, ${algorithm} was computed`,
      change: { algorithm },
    }));
}

function matching(wrong: WrongResponse, guesses: readonly Guess[]): string | undefined {
  const { qop: _, ...plain } = wrong.right;
  if (wrong.right.qop !== undefined && sameSecret(digestResponse(plain), wrong.response))
    return `qop: ${wrong.right.qop} is said, the formula without qop was computed`;
  return guesses.find(({ change }) =>
    sameSecret(digestResponse({ ...wrong.right, ...change }), wrong.response),
  )?.why;
}
