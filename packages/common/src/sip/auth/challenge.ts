// Challenges and answers as header values, and which challenge to answer. RFC 7616 §3.3-3.4, RFC 8760 §2.
import { timingSafeEqual } from "node:crypto";
import { type AuthHeader, formatAuthHeader } from "../message/auth-header.ts";
import { trimLws } from "../message/scan.ts";
import { type AkaAlgorithm, akaAlgorithm, akaDigest } from "./aka.ts";
import { type DigestAlgorithm, digestAlgorithm, type Qop, responseLength } from "./digest.ts";

export type AuthAlgorithm = DigestAlgorithm | AkaAlgorithm;

/** One WWW-Authenticate value. */
export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: AuthAlgorithm;
  /** Empty: the older formula without nc and cnonce (RFC 2617 §3.2.1). */
  readonly qop: readonly Qop[];
  readonly opaque?: string;
  readonly stale?: boolean;
  /** Session keys for the P-CSCF, which takes them out (TS 24.229 §5.4.1.2.1), hexadecimal. */
  readonly ik?: string | undefined;
  readonly ck?: string | undefined;
}

/** One Authorization value that answers a challenge. */
export interface Answer {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  /** Lower-case hexadecimal digits; empty: the challenge itself was refused (RFC 3310 §3.2). */
  readonly response: string;
  readonly algorithm: AuthAlgorithm;
  readonly qop?: Qop | undefined;
  /** Eight hexadecimal digits; there when `qop` is. */
  readonly nc?: string | undefined;
  readonly cnonce?: string | undefined;
  readonly opaque?: string | undefined;
  /** base64, as received. RFC 3310 §3.4. */
  readonly auts?: string | undefined;
}

/** Undefined for an algorithm nobody here knows (RFC 7616 §3.3: ignore the challenge then). */
function authAlgorithm(token: string): AuthAlgorithm | undefined {
  return digestAlgorithm(token) ?? akaAlgorithm(token);
}

/** The digest behind an algorithm, for AKA too. */
export function digestOf(algorithm: AuthAlgorithm): DigestAlgorithm {
  return isAka(algorithm) ? akaDigest(algorithm) : algorithm;
}

export function isAka(algorithm: AuthAlgorithm): algorithm is AkaAlgorithm {
  return algorithm.startsWith("AKA");
}

export function formatChallenge(challenge: Challenge): string {
  const { realm, nonce, algorithm, qop, opaque, ik, ck } = challenge;
  const params: [string, string][] = [
    ["realm", realm],
    ["nonce", nonce],
    ["algorithm", algorithm],
  ];
  if (qop.length > 0) params.push(["qop", qop.join(",")]);
  if (opaque !== undefined) params.push(["opaque", opaque]);
  if (challenge.stale === true) params.push(["stale", "true"]);
  if (ik !== undefined) params.push(["ik", ik]);
  if (ck !== undefined) params.push(["ck", ck]);
  return formatAuthHeader("Digest", params, "challenge");
}

/** Undefined for what cannot be answered: another scheme, an unknown algorithm or only unknown qops. */
export function readChallenge(header: AuthHeader): Challenge | undefined {
  const { params } = header;
  const realm = params.get("realm");
  const nonce = params.get("nonce");
  const algorithm = authAlgorithm(params.get("algorithm") ?? "MD5");
  const qop = readQops(params.get("qop"));
  if (!isDigest(header) || realm === undefined || nonce === undefined) return undefined;
  if (algorithm === undefined || qop === undefined) return undefined;
  const opaque = params.get("opaque");
  const ik = params.get("ik");
  const ck = params.get("ck");
  return {
    realm,
    nonce,
    algorithm,
    qop,
    stale: params.get("stale")?.toLowerCase() === "true",
    ...(opaque !== undefined && { opaque }),
    ...(ik !== undefined && { ik }),
    ...(ck !== undefined && { ck }),
  };
}

function readQops(text: string | undefined): readonly Qop[] | undefined {
  if (text === undefined) return [];
  const known = text.split(",").flatMap((token) => readQop(trimLws(token)) ?? []);
  return known.length === 0 ? undefined : known;
}

function readQop(token: string): Qop | undefined {
  const name = token.toLowerCase();
  return name === "auth" || name === "auth-int" ? name : undefined;
}

function isDigest(header: AuthHeader): boolean {
  return header.scheme.toLowerCase() === "digest";
}

/**
 * RFC 8760 §2.4: the topmost that can be answered, whatever its realm; RFC 4169 §4: AKAv2
 * before AKAv1 when both are there.
 */
export function chooseChallenge(
  challenges: readonly Challenge[],
  canAnswer: (algorithm: AuthAlgorithm) => boolean,
): Challenge | undefined {
  const usable = challenges.filter((challenge) => canAnswer(challenge.algorithm));
  const first = usable[0];
  if (first?.algorithm !== "AKAv1-MD5") return first;
  return usable.find((challenge) => challenge.algorithm.startsWith("AKAv2")) ?? first;
}

export function formatAnswer(answer: Answer): string {
  const params: [string, string][] = [
    ["username", answer.username],
    ["realm", answer.realm],
    ["nonce", answer.nonce],
    ["uri", answer.uri],
    ["response", answer.response],
    ["algorithm", answer.algorithm],
  ];
  for (const name of ["qop", "nc", "cnonce", "opaque", "auts"] as const) {
    const value = answer[name];
    if (value !== undefined) params.push([name, value]);
  }
  return formatAuthHeader("Digest", params, "answer");
}

export type AnswerProblem =
  | { readonly kind: "bad-parameters"; readonly why: string }
  | { readonly kind: "unknown-algorithm"; readonly token: string };

/**
 * A peer's Authorization value, or what is wrong with it.
 * @param offered where one alone was, an answer need not name it (RFC 3310 §3.3's own does not);
 * else the default is MD5 (RFC 7616 §3.4)
 */
export function readAnswer(
  header: AuthHeader,
  offered: readonly AuthAlgorithm[] = [],
): Answer | AnswerProblem {
  const { params } = header;
  if (!isDigest(header)) return bad(`scheme ${header.scheme}, Digest is needed`);
  const missing = ["username", "realm", "nonce", "uri", "response"].find((n) => !params.has(n));
  if (missing !== undefined) return bad(`${missing} is missing`);
  const response = (params.get("response") ?? "").toLowerCase();
  const token = params.get("algorithm") ?? unsaidAlgorithm(offered, response);
  const algorithm = authAlgorithm(token);
  if (algorithm === undefined) return { kind: "unknown-algorithm", token };
  const length = responseLength(digestOf(algorithm));
  if (response !== "" && !(response.length === length && isHex(response)))
    return bad(`response has ${response.length} characters, ${algorithm} has ${length} hex digits`);
  const freshness = readFreshness(params, response !== "");
  if ("kind" in freshness) return freshness;
  const { qop, nc, cnonce } = freshness;
  return {
    username: params.get("username") ?? "",
    realm: params.get("realm") ?? "",
    nonce: params.get("nonce") ?? "",
    uri: params.get("uri") ?? "",
    response,
    algorithm,
    qop,
    nc,
    cnonce,
    opaque: params.get("opaque"),
    auts: params.get("auts") || undefined, // an empty one asks for nothing
  };
}

function unsaidAlgorithm(offered: readonly AuthAlgorithm[], response: string): AuthAlgorithm {
  const [only, ...others] = offered;
  if (only === undefined || others.length > 0) return "MD5";
  return response === "" || response.length === responseLength(digestOf(only)) ? only : "MD5";
}

/** RFC 7616 §3.4: cnonce and nc are there exactly when qop is; -sess needs a cnonce without it too. */
function readFreshness(
  params: AuthHeader["params"],
  answers: boolean,
): Pick<Answer, "qop" | "nc" | "cnonce"> | AnswerProblem {
  const qopToken = params.get("qop");
  const cnonce = params.get("cnonce");
  if (qopToken === undefined || !answers) return { qop: undefined, nc: undefined, cnonce };
  const qop = readQop(qopToken);
  if (qop === undefined) return bad(`qop ${qopToken}, auth or auth-int is needed`);
  const nc = params.get("nc");
  if (cnonce === undefined) return bad("qop without cnonce");
  if (nc === undefined || nc.length !== 8 || !isHex(nc.toLowerCase()))
    return bad("qop without an nc of eight hex digits");
  return { qop, nc, cnonce };
}

function bad(why: string): AnswerProblem {
  return { kind: "bad-parameters", why };
}

function isHex(text: string): boolean {
  return /^[0-9a-f]+$/.test(text);
}

/** Equality in a time that tells nothing about where the two differ. */
export function sameSecret(a: string, b: string): boolean {
  const left = Buffer.from(a, "latin1");
  const right = Buffer.from(b, "latin1");
  return left.length === right.length && timingSafeEqual(left, right);
}
