// A SIP message: start line, header lines, body. RFC 3261 §7. Text is latin1: one character, one octet.
import { Buffer } from "node:buffer"; // the global one is looked up each time
import { CallId, type CSeq, CSeqField, From, To } from "./fields.ts";
import { Head } from "./head.ts";
import { HeaderLine, putLineEnd, putText } from "./header-line.ts";
import { HeaderLines, type Line } from "./header-lines.ts";
import { HeaderSet } from "./header-names.ts";
import type { NameAddr } from "./name-addr.ts";
import { reasonPhrase } from "./reason-phrases.ts";
import { parseUri, type Uri } from "./uri.ts";

export type SipMessage = SipRequest | SipResponse;
export type HeaderValues = readonly (readonly [name: string, value: string])[];

const NO_BODY = Buffer.alloc(0);
const BEHIND_URI = " SIP/2.0";
const VERSION = "SIP/2.0 ";
const STATUS_DIGITS = 3;
/** Of the start line and the empty line. */
const LINE_ENDS = 4;

abstract class MessageHeaders extends HeaderLines {
  /** Octets of the body; for a received message a view of what was received. */
  body: Buffer;

  protected constructor(head: Head, lines: Line[] | undefined, body: Buffer) {
    super(head, lines);
    this.body = body;
  }

  abstract get startLine(): string;

  /** Octets of the start line, without its end. */
  protected abstract get startOctets(): number;
  /** Puts the start line at the beginning, without its end; returns where it ends. Its parts are not joined first. */
  protected abstract writeStart(bytes: Buffer): number;

  get callId(): string {
    return this.get(CallId) ?? this.text("Call-ID") ?? "";
  }

  /** Present in every message that `decode` accepted and in every one built here. */
  get cseq(): CSeq {
    return present(this.get(CSeqField), "CSeq");
  }

  get from(): NameAddr {
    return present(this.get(From), "From");
  }

  get to(): NameAddr {
    return present(this.get(To), "To");
  }

  /**
   * As it goes on the wire. RFC 3261 §20.14: Content-Length is always there, for streams.
   * @param top lines above all others, each with its end
   */
  toOctets(top = ""): Buffer {
    const { length } = this.body;
    const own = this.has("Content-Length") ? "" : `Content-Length: ${length}\r\n`;
    const octets = this.startOctets + this.headerOctets() + own.length + length + LINE_ENDS;
    const bytes = Buffer.allocUnsafe(octets + top.length);
    let at = putLineEnd(bytes, this.writeStart(bytes));
    if (top !== "") at = putText(bytes, at, top);
    at = putText(bytes, this.writeHeaders(bytes, at), own);
    at = putLineEnd(bytes, at);
    if (length > 0) this.body.copy(bytes, at);
    return bytes;
  }

  /** True when one Content-Length is there, written as we write it, and it is the body's. */
  hasOwnLength(): boolean {
    return this.isWritten("Content-Length", String(this.body.length));
  }

  /** For what is sent on. Content-Length is each hop's own: however a peer has spelt it, it goes no further. */
  withOwnLength(): this {
    return this.hasOwnLength() ? this : this.remove("Content-Length"); // `encode` writes one
  }

  setBody(body: Buffer, contentType: string): this {
    this.body = body;
    return this.set("Content-Type", contentType).set("Content-Length", String(body.length));
  }
}

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`a message without a valid ${name} was let through`);
  return value;
}

export class SipRequest extends MessageHeaders {
  readonly kind = "request";
  readonly method: string;
  /** The size it came in; 0 for one of our own. */
  octets = 0;
  /** When the head begins with this very request line. */
  isLineAsReceived = false;
  #uri: string;
  #requestUri: Uri | undefined;

  constructor(
    method: string,
    uri: string,
    head: Head,
    lines: Line[] | undefined,
    body: Buffer = NO_BODY,
  ) {
    super(head, lines, body);
    this.method = method;
    this.#uri = uri;
  }

  /** The Request-URI as it stands on the wire. */
  get uri(): string {
    return this.#uri;
  }

  get requestUri(): Uri {
    return present(this.requestUriIfValid, "Request-URI");
  }

  get requestUriIfValid(): Uri | undefined {
    this.#requestUri ??= parseUri(this.#uri);
    return this.#requestUri;
  }

  setUri(uri: string): this {
    this.#uri = uri;
    this.#requestUri = undefined;
    this.isLineAsReceived = false;
    return this;
  }

  get startLine(): string {
    return `${this.method} ${this.#uri}${BEHIND_URI}`;
  }

  protected get startOctets(): number {
    return this.method.length + 1 + this.#uri.length + BEHIND_URI.length;
  }

  protected writeStart(bytes: Buffer): number {
    if (this.isLineAsReceived) return this.copyStart(bytes, this.startOctets);
    const at = putText(bytes, putText(bytes, 0, this.method), " ");
    return putText(bytes, putText(bytes, at, this.#uri), BEHIND_URI);
  }

  /** A copy whose edits leave this one as it is; what was read from the one need not be read from the other. */
  clone(): SipRequest {
    const { head, lines } = this.copied();
    const copy = new SipRequest(this.method, this.#uri, head, lines, this.body);
    copy.#requestUri = this.#requestUri;
    copy.isLineAsReceived = this.isLineAsReceived;
    return copy;
  }

  /** For an answer: the lines of these headers. */
  linesOf(headers: HeaderSet): { head: Head; lines: Line[] } {
    return this.picked(headers);
  }
}

export class SipResponse extends MessageHeaders {
  readonly kind = "response";
  readonly status: number;
  readonly reason: string;

  constructor(
    status: number,
    reason: string,
    head: Head,
    lines: Line[] | undefined,
    body: Buffer = NO_BODY,
  ) {
    super(head, lines, body);
    this.status = status;
    this.reason = reason;
  }

  get startLine(): string {
    return `${VERSION}${this.status} ${this.reason}`;
  }

  protected get startOctets(): number {
    return VERSION.length + STATUS_DIGITS + 1 + this.reason.length;
  }

  protected writeStart(bytes: Buffer): number {
    const at = putText(bytes, putText(bytes, 0, VERSION), String(this.status));
    return putText(bytes, putText(bytes, at, " "), this.reason);
  }

  clone(): SipResponse {
    const { head, lines } = this.copied();
    return new SipResponse(this.status, this.reason, head, lines, this.body);
  }
}

export function newRequest(
  method: string,
  uri: string,
  headers: HeaderValues,
  body: Buffer = NO_BODY,
): SipRequest {
  return new SipRequest(method, uri, Head.none, headerLines(headers), body);
}

export interface ResponseOptions {
  readonly reason?: string;
  /** Added to To when the request has no tag there yet. */
  readonly toTag?: string;
  readonly headers?: HeaderValues;
  readonly body?: Buffer;
}

/** RFC 3261 §8.2.6.2: Via, From, To, Call-ID and CSeq are the request's; §12.1.1 for Record-Route. */
export function newResponse(
  request: SipRequest,
  status: number,
  options: ResponseOptions = {},
): SipResponse {
  const { head, lines } = copiedLines(request, status);
  // Taken apart by their places: an iterator for each costs more than its line.
  for (const header of options.headers ?? []) lines.push(HeaderLine.of(header[0], header[1]));
  const reason = options.reason ?? reasonPhrase(status);
  const response = new SipResponse(status, reason, head, lines, options.body);
  const { toTag } = options;
  if (toTag !== undefined && request.has("To") && !request.get(To)?.params.has("tag"))
    response.set("To", `${request.text("To") ?? ""};tag=${toTag}`);
  return response;
}

const COPIED = ["Via", "From", "To", "Call-ID", "CSeq"] as const;
const IN_ANSWERS = new HeaderSet(COPIED);
const IN_TRYING = new HeaderSet([...COPIED, "Timestamp"]); // §8.2.6.1
/** Record-Route goes back where the response makes a dialog: INVITE, SUBSCRIBE, NOTIFY, REFER. */
const WHERE_DIALOGS_BEGIN = new HeaderSet([...COPIED, "Record-Route"]);

function copiedLines(request: SipRequest, status: number): { head: Head; lines: Line[] } {
  if (status === 100) return request.linesOf(IN_TRYING);
  const makesDialog = status > 100 && status < 300 && request.method !== "REGISTER";
  return request.linesOf(makesDialog ? WHERE_DIALOGS_BEGIN : IN_ANSWERS);
}

function headerLines(headers: HeaderValues): HeaderLine[] {
  return headers.map((header) => HeaderLine.of(header[0], header[1]));
}
