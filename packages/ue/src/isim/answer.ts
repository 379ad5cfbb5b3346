// Answer to a 401: one Authorization value from its challenges. RFC 8760 §2.4, RFC 3310 §3, TS 24.229 §5.1.1.5.
import { akaPassword, unpackNonce } from "@ims-lab/common/sip/auth/aka";
import {
  type Answer,
  type Challenge,
  chooseChallenge,
  digestOf,
  formatAnswer,
  isAka,
  readChallenge,
} from "@ims-lab/common/sip/auth/challenge";
import { digestResponse } from "@ims-lab/common/sip/auth/digest";
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";
import type { Isim, IsimFaults } from "./isim.ts";

/** The long-term secret of a user: an ISIM or a password. */
export type Secret =
  | { readonly scheme: "aka"; readonly impi: string; readonly isim: Isim }
  | { readonly scheme: "digest"; readonly impi: string; readonly password: Buffer };

/** The request that will carry the answer. */
export interface RequestToAnswer {
  readonly method: string;
  readonly uri: string;
  readonly body?: Buffer;
  readonly cnonce: string;
  /** RFC 7616 §3.4: how many requests have used this nonce, with this one; absent: as the session has it. */
  readonly countOf?: (nonce: string) => number;
}

/** What an accepted challenge leaves for the next request. */
export interface Session {
  readonly challenge: Challenge;
  readonly password: Buffer;
  readonly nc: number;
}

export type ChallengeResult =
  | { readonly kind: "answered"; readonly authorization: string; readonly session: Session }
  /** The network has failed to authenticate; the value reports it. */
  | { readonly kind: "mac-failure" | "sync-failure"; readonly authorization: string }
  | { readonly kind: "no-usable-challenge"; readonly why: string };

/** Counting invalid challenges in a row is the registration's business, not done here. */
export function answerChallenge(
  secret: Secret,
  headers: readonly AuthHeader[],
  request: RequestToAnswer,
  faults: IsimFaults = {},
): ChallengeResult {
  const readable = headers.flatMap((header) => readChallenge(header) ?? []);
  const challenge = chooseChallenge(
    readable,
    (algorithm) => isAka(algorithm) === (secret.scheme === "aka"),
  );
  if (challenge === undefined)
    return { kind: "no-usable-challenge", why: whyNone(headers, secret.scheme) };
  return secret.scheme === "aka"
    ? answerAka(secret.impi, secret.isim, { challenge, request, faults })
    : answerPassword(secret, challenge, request, faults);
}

function whyNone(headers: readonly AuthHeader[], scheme: Secret["scheme"]): string {
  const offered = headers.map(({ params }) => params.get("algorithm") ?? "MD5").join(", ");
  const have = scheme === "aka" ? "an ISIM" : "a password";
  return `challenged for ${offered || "nothing"}, ${have} cannot answer that`;
}

function answerPassword(
  secret: { readonly impi: string; readonly password: Buffer },
  challenge: Challenge,
  request: RequestToAnswer,
  faults: IsimFaults,
): ChallengeResult {
  const password =
    faults.wrongRes === true ? Buffer.concat([secret.password, Buffer.from("!")]) : secret.password;
  const session = { challenge, password, nc: 1 };
  return { kind: "answered", authorization: authorize(secret.impi, session, request), session };
}

function answerAka(
  impi: string,
  isim: Isim,
  asked: {
    readonly challenge: Challenge;
    readonly request: RequestToAnswer;
    readonly faults: IsimFaults;
  },
): ChallengeResult {
  const { challenge, request, faults } = asked;
  const nonce = unpackNonce(challenge.nonce);
  if (nonce === undefined || !isAka(challenge.algorithm))
    return { kind: "no-usable-challenge", why: "the nonce is not base64 of RAND and AUTN" };
  const answer = isim.authenticate(nonce.rand, nonce.autn, faults);
  switch (answer.kind) {
    case "mac-failure":
      // TS 24.229 §5.1.1.5.3: an empty response and no AUTS.
      return { kind: answer.kind, authorization: emptyAnswer(impi, challenge, request.uri) };
    case "sync-failure": {
      // RFC 3310 §3.4: the response is that of an empty password.
      const session = { challenge, password: Buffer.alloc(0), nc: 1 };
      const auts = answer.auts.toString("base64");
      return { kind: answer.kind, authorization: authorize(impi, session, request, auts) };
    }
    case "answer": {
      const session = { challenge, password: akaPassword(challenge.algorithm, answer), nc: 1 };
      return { kind: "answered", authorization: authorize(impi, session, request), session };
    }
  }
}

/** Uses an answered challenge on, before the network asks (RFC 7616 §3.6). */
export function answerAgain(
  impi: string,
  last: Session,
  request: RequestToAnswer,
): { readonly authorization: string; readonly session: Session } {
  const session = { ...last, nc: last.nc + 1 };
  return { authorization: authorize(impi, session, request), session };
}

/** TS 24.229 §5.1.1.2: names the IMPI before any challenge, nonce and response empty. */
export function initialAuthorization(impi: string, realm: string, uri: string): string {
  return `Digest username="${impi}",realm="${realm}",nonce="",uri="${uri}",response=""`;
}

function authorize(
  impi: string,
  { challenge, password, nc }: Session,
  request: RequestToAnswer,
  auts?: string,
): string {
  const { realm, nonce, algorithm, opaque } = challenge;
  const { method, uri, body, cnonce } = request;
  const qop = challenge.qop.includes("auth") ? "auth" : challenge.qop[0];
  const count = request.countOf ?? (() => nc);
  const fresh =
    qop === undefined ? {} : { qop, nc: count(nonce).toString(16).padStart(8, "0"), cnonce };
  // RFC 7616 §3.4.2: -sess hashes a cnonce even where no qop asks for one.
  const session = algorithm.endsWith("-sess") ? { cnonce } : {};
  const said = { username: impi, realm, nonce, uri, ...session, ...fresh };
  const response = digestResponse({
    ...said,
    algorithm: digestOf(algorithm),
    password,
    method,
    ...(body !== undefined && { body }),
  });
  const answer: Answer = {
    ...said,
    response,
    algorithm,
    ...(opaque !== undefined && { opaque }),
    ...(auts !== undefined && { auts }),
  };
  return formatAnswer(answer);
}

function emptyAnswer(impi: string, challenge: Challenge, uri: string): string {
  const { realm, nonce, algorithm, opaque } = challenge;
  return formatAnswer({
    ...{ username: impi, realm, nonce, uri, response: "", algorithm },
    ...(opaque !== undefined && { opaque }),
  });
}
