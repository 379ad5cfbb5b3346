// Octets to a message or to what is wrong with them; never throws. RFC 3261 §7, §18.3, RFC 4475.
import { type HeaderSection, readHeaderSection } from "./header-section.ts";
import { type SipMessage, SipRequest, SipResponse } from "./message.ts";
import { parseNumber, tokenEnd } from "./scan.ts";
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

const HEADER_END = Buffer.from("\r\n\r\n");

/** @param bytes one datagram, or one message as a framer cut it; may be kept by the result. */
export function decode(bytes: Buffer): Decoded {
  const start = leadingLineEnds(bytes);
  const found = bytes.indexOf(HEADER_END, start);
  const headEnd = found < 0 ? bytes.length : found;
  const head = bytes.toString("latin1", start, headEnd);
  const lineEnd = head.indexOf("\r\n");
  const startLine = lineEnd < 0 ? head : head.slice(0, lineEnd);
  const section = readHeaderSection(head, lineEnd < 0 ? head.length : lineEnd + 2);
  const rest = found < 0 ? undefined : bytes.subarray(found + 4);
  return startLine.slice(0, 4).toUpperCase() === "SIP/"
    ? decodeResponse(startLine, section, rest)
    : decodeRequest(startLine, section, rest);
}

/** RFC 3261 §7.5: CRLFs before the start line are ignored. */
function leadingLineEnds(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === 13 && bytes[at + 1] === 10) at += 2;
  return at;
}

function decodeRequest(
  startLine: string,
  section: HeaderSection,
  rest: Buffer | undefined,
): Decoded {
  const [method = "", uri = "", version = "", ...more] = startLine.split(" ");
  const request = new SipRequest(method, uri, section.lines);
  const bad = (reason: string, status = 400): Decoded => ({ problem: { reason, status, request } });
  if (tokenEnd(method, 0) !== method.length || method === "")
    return { problem: { reason: "no SIP start line" } };
  if (uri === "" || version === "" || more.length > 0)
    return bad("the request line is not method, URI and version, one space between");
  if (version.toUpperCase() !== "SIP/2.0") {
    const isVersion = /^SIP\/\d+\.\d+$/i.test(version);
    return isVersion ? bad("a SIP version other than 2.0", 505) : bad("no SIP version");
  }
  if (section.problem !== undefined) return bad(section.problem);
  if (rest === undefined) return bad("no empty line after the header");
  const problem = setBody(request, rest) ?? problemOfRequest(request);
  return problem === undefined ? { message: request } : bad(problem);
}

function decodeResponse(
  startLine: string,
  section: HeaderSection,
  rest: Buffer | undefined,
): Decoded {
  const match = /^SIP\/2\.0 (\d{3,}) (.*)$/i.exec(startLine);
  const status = parseNumber(match?.[1] ?? "", 699);
  if (match === null || status === undefined || status < 100)
    return { problem: { reason: "no valid status line" } };
  if (section.problem !== undefined) return { problem: { reason: section.problem } };
  if (rest === undefined) return { problem: { reason: "no empty line after the header" } };
  const response = new SipResponse(status, match[2] ?? "", section.lines);
  const problem = setBody(response, rest) ?? problemOfResponse(response);
  return problem === undefined ? { message: response } : { problem: { reason: problem } };
}

/** RFC 3261 §18.3: octets behind the body are ignored, a body that is not all there is an error. */
function setBody(message: SipMessage, rest: Buffer): string | undefined {
  const declared = message.texts("Content-Length");
  if (declared.length === 0) {
    message.body = rest;
    return undefined;
  }
  const length = parseNumber(declared[0] ?? "", 2 ** 31);
  if (length === undefined) return "a Content-Length that is no number";
  if (declared.some((other) => other !== declared[0])) return "Content-Lengths that differ";
  if (length > rest.length) return "a body shorter than its Content-Length";
  message.body = rest.subarray(0, length);
  return undefined;
}
