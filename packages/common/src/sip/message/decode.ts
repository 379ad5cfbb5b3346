// Octets to a message or to what is wrong with them; never throws. RFC 3261 §7, §18.3, RFC 4475.
import { declaredLength } from "./content-length.ts";
import type { Head } from "./head.ts";
import { headReader, type MessageLimits } from "./head-reader.ts";
import type { Line } from "./header-lines.ts";
import { type SipMessage, SipRequest, SipResponse } from "./message.ts";
import { methodAt } from "./method-names.ts";
import { reasonPhrase } from "./reason-phrases.ts";
import { hasControlCharacter, isToken, parseNumber } from "./scan.ts";
import { problemOfRequest, problemOfResponse } from "./validity.ts";

export interface Problem {
  readonly reason: string;
  /** What to answer a request with (400, 505); absent for responses, which are dropped. */
  readonly status?: number;
  /** The request as far as it could be read, to answer it. */
  readonly request?: SipRequest;
}

export type Decoded =
  | { readonly message: SipMessage; readonly problem?: undefined }
  | { readonly problem: Problem; readonly message?: undefined };

/**
 * @param bytes one datagram, or one message as a framer cut it; may be kept by the result.
 * @param limits of requests
 */
export function decode(bytes: Buffer, limits?: MessageLimits): Decoded {
  const start = leadingLineEnds(bytes);
  // A response repeats what we have sent: to refuse it for its lines would be to hear no answer at all.
  const isResponse = isResponseAt(bytes, start);
  const head = headReader.read(bytes, start, isResponse ? undefined : limits);
  const { bodyAt } = headReader;
  const rest = bodyAt < 0 ? undefined : restFrom(bytes, start + bodyAt);
  return isResponse ? decodeResponse(head, rest) : decodeRequest(head, rest, bytes.length);
}

const NOTHING = Buffer.alloc(0);
const UPPER_S = 83;
const LOWER_S = 115;

/** The four characters `SIP/`, in any case. */
function isResponseAt(bytes: Buffer, start: number): boolean {
  const first = bytes[start];
  if (first !== UPPER_S && first !== LOWER_S) return false;
  return bytes.toString("latin1", start, start + 4).toUpperCase() === "SIP/";
}

/** Mostly nothing. */
function restFrom(bytes: Buffer, at: number): Buffer {
  return at === bytes.length ? NOTHING : bytes.subarray(at);
}

/** RFC 3261 §7.5: CRLFs before the start line are ignored. */
function leadingLineEnds(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === 13 && bytes[at + 1] === 10) at += 2;
  return at;
}

function decodeRequest(head: Head, rest: Buffer | undefined, octets: number): Decoded {
  const { problem: headProblem, kept, startLineEnd } = headReader;
  let request = plainRequest(head, startLineEnd, kept);
  if (request === undefined) {
    const line = head.text.slice(0, startLineEnd);
    const { method, uri, version } = requestLine(line);
    request = new SipRequest(method, uri, head, kept);
    request.octets = octets;
    const refusal = refusalOfLine(request, version, line);
    if (refusal !== undefined) return refusal;
  } else request.octets = octets;
  if (headProblem !== undefined) return bad(request, headProblem);
  if (rest === undefined) return bad(request, "no empty line after the header");
  const problem = setBody(request, head, rest) ?? problemOfRequest(request);
  return problem === undefined ? { message: request } : bad(request, problem);
}

const SPACE = 32;
const BEHIND_URI = " SIP/2.0";

/** Of what nearly every peer sends: a known method, the URI and the version with one space between; else undefined. */
function plainRequest(
  head: Head,
  lineEnd: number,
  kept: Line[] | undefined,
): SipRequest | undefined {
  const { text } = head;
  const method = methodAt(text, 0);
  const uriAt = method.length + 1;
  const uriEnd = lineEnd - BEHIND_URI.length;
  const isPlain =
    uriAt > 1 &&
    uriAt < uriEnd &&
    text.charCodeAt(uriAt - 1) === SPACE &&
    text.indexOf(" ", uriAt) === uriEnd &&
    text.startsWith(BEHIND_URI, uriEnd);
  if (!isPlain) return undefined;
  const request = new SipRequest(method, text.slice(uriAt, uriEnd), head, kept);
  request.isLineAsReceived = true;
  return request;
}

function refusalOfLine(request: SipRequest, version: string, line: string): Decoded | undefined {
  if (!isToken(request.method)) {
    const isMeantAsOne = /SIP\/\d+\.\d+$/i.test(line);
    return isMeantAsOne
      ? bad(request, "the method is no token")
      : { problem: { reason: "no SIP start line" } };
  }
  if (request.uri === "" || version === "" || version.includes(" "))
    return bad(request, "the request line is not method, URI and version, one space between");
  if (version.toUpperCase() === "SIP/2.0") return undefined;
  return /^SIP\/\d+\.\d+$/i.test(version)
    ? bad(request, "a SIP version other than 2.0", 505)
    : bad(request, "no SIP version");
}

function bad(request: SipRequest, reason: string, status = 400): Decoded {
  return { problem: { reason, status, request } };
}

/** At the first two spaces; what is not there is empty. */
function requestLine(line: string): { method: string; uri: string; version: string } {
  const uriAt = line.indexOf(" ") + 1;
  if (uriAt === 0) return { method: line, uri: "", version: "" };
  const method = line.slice(0, uriAt - 1);
  const versionAt = line.indexOf(" ", uriAt) + 1;
  if (versionAt === 0) return { method, uri: line.slice(uriAt), version: "" };
  return { method, uri: line.slice(uriAt, versionAt - 1), version: line.slice(versionAt) };
}

function decodeResponse(head: Head, rest: Buffer | undefined): Decoded {
  const { problem: headProblem, kept, startLineEnd } = headReader;
  const startLine = head.text.slice(0, startLineEnd);
  const status = statusOf(startLine);
  if (status === undefined) return { problem: { reason: "no valid status line" } };
  if (headProblem !== undefined) return { problem: { reason: headProblem } };
  if (rest === undefined) return { problem: { reason: "no empty line after the header" } };
  const response = new SipResponse(
    status,
    phraseOf(status, startLine.slice(PHRASE_AT)),
    head,
    kept,
  );
  const problem = setBody(response, head, rest) ?? problemOfResponse(response);
  return problem === undefined ? { message: response } : { problem: { reason: problem } };
}

const VERSION_AND_SPACE = "SIP/2.0 ";
const STATUS_END = VERSION_AND_SPACE.length + 3;
const PHRASE_AT = STATUS_END + 1;

/** Without the space before an empty phrase, too: an answer not taken is one waited for until Timer B or F. */
function statusOf(line: string): number | undefined {
  const status = parseNumber(line, 699, VERSION_AND_SPACE.length, STATUS_END);
  const isOne =
    line.length >= STATUS_END &&
    (line.length === STATUS_END || line.charAt(STATUS_END) === " ") &&
    line.slice(0, VERSION_AND_SPACE.length).toUpperCase() === VERSION_AND_SPACE &&
    !line.includes("\r") &&
    !line.includes("\n");
  return isOne && status !== undefined && status >= 100 ? status : undefined;
}

/** Text for people: control octets of a peer reach nobody's terminal. */
function phraseOf(status: number, text: string): string {
  return hasControlCharacter(text) ? reasonPhrase(status) : text;
}

/** RFC 3261 §18.3: octets behind the body are ignored, a body that is not all there is an error. */
function setBody(message: SipMessage, head: Head, rest: Buffer): string | undefined {
  message.body = rest;
  const { lengthLine } = headReader;
  // Mostly it says what is there.
  if (lengthLine >= 0 && head.number(lengthLine) === rest.length) return undefined;
  const declared = message.texts("Content-Length");
  if (declared.length === 0) return undefined;
  const length = declaredLength(declared);
  if (typeof length === "string") return length;
  if (length > rest.length) return "a body shorter than its Content-Length";
  message.body = rest.subarray(0, length);
  return undefined;
}
