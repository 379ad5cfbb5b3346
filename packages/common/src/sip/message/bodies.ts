// The body of a request by type, encoding and disposition: understood, to be ignored, or refused. RFC 3261 §8.2.3, §20.11; RFC 5621; RFC 2046 §5.1.
import { mediaType } from "./accept.ts";
import { ContentDisposition, ContentType, type ParamValue } from "./fields.ts";
import type { SipRequest } from "./message.ts";
import { Params } from "./params.ts";
import { trimLws } from "./scan.ts";

export interface BodyAbilities {
  /** Types understood, `type/subtype` in lower case. */
  readonly types: readonly string[];
  /** Dispositions under which they are; absent: any. Lower case. */
  readonly dispositions?: readonly string[];
}

/** How a request is refused whose body is not understood. */
export interface BodyRefusal {
  readonly status: 400 | 415;
  readonly reason?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export type BodyReading =
  /** There is none, or nothing but what may be ignored. */
  | { readonly kind: "none" }
  | { readonly kind: "body"; readonly type: string; readonly octets: Buffer }
  | { readonly kind: "refused"; readonly refusal: BodyRefusal };

/** One body, or one part of a multipart body. */
interface Entity {
  readonly type: ParamValue | undefined;
  /** Lower case. */
  readonly encodings: readonly string[];
  readonly disposition: ParamValue | undefined;
  readonly octets: Buffer;
}

const NONE: BodyReading = { kind: "none" };
const MAX_PARTS = 16;
const MAX_DEPTH = 3;
/** Text of these is read as UTF-8. */
const CHARSETS: ReadonlySet<string> = new Set(["utf-8", "us-ascii"]);

export function readBody(request: SipRequest, abilities: BodyAbilities): BodyReading {
  if (request.body.length === 0) return NONE;
  const entity: Entity = {
    type: request.get(ContentType),
    encodings: request.texts("Content-Encoding").map((text) => text.toLowerCase()),
    disposition: request.get(ContentDisposition),
    octets: request.body,
  };
  return readEntity(entity, abilities, 0);
}

function readEntity(entity: Entity, abilities: BodyAbilities, depth: number): BodyReading {
  const reading = understand(entity, abilities, depth);
  // §20.11: handling is `required` unless it says `optional`.
  const handling = entity.disposition?.params.get("handling")?.toLowerCase();
  return reading.kind === "refused" && handling === "optional" ? NONE : reading;
}

function understand(entity: Entity, abilities: BodyAbilities, depth: number): BodyReading {
  const { types, dispositions } = abilities;
  if (entity.encodings.some((encoding) => encoding !== "identity")) return unsupported(abilities);
  const type = entity.type && mediaType(entity.type);
  if (type?.startsWith("multipart/")) return readParts(entity, abilities, depth);
  if (type === undefined || !types.includes(type)) return unsupported(abilities);
  const charset = entity.type?.params.get("charset")?.toLowerCase() ?? "utf-8";
  if (type.startsWith("text/") && !CHARSETS.has(charset)) return unsupported(abilities);
  const disposition = entity.disposition?.value.toLowerCase();
  const isMeant = disposition === undefined || (dispositions?.includes(disposition) ?? true);
  return isMeant ? { kind: "body", type, octets: entity.octets } : unsupported(abilities);
}

/** §8.2.3: says what would be understood, whichever of the two it was. */
function unsupported({ types }: BodyAbilities): BodyReading {
  const accept = [...types, "multipart/mixed"].join(", ");
  return {
    kind: "refused",
    refusal: {
      status: 415,
      headers: [
        ["Accept", accept],
        ["Accept-Encoding", "identity"],
      ],
    },
  };
}

const MALFORMED: BodyReading = {
  kind: "refused",
  refusal: { status: 400, reason: "Malformed Multipart Body" },
};

/** RFC 5621 §3: of `alternative` the last that is understood; else each counts, and the first is taken. */
function readParts(entity: Entity, abilities: BodyAbilities, depth: number): BodyReading {
  const boundary = entity.type?.params.get("boundary") ?? "";
  const parts = depth < MAX_DEPTH ? partsOf(entity.octets, boundary) : undefined;
  if (parts === undefined) return MALFORMED;
  const readings = parts.map((part) => readEntity(part, abilities, depth + 1));
  const isAlternative = entity.type?.value.toLowerCase().endsWith("/alternative") === true;
  const understood = readings.filter(({ kind }) => kind === "body");
  if (isAlternative && understood.length > 0) return understood.at(-1) ?? NONE;
  return readings.find(({ kind }) => kind === "refused") ?? understood[0] ?? NONE;
}

/** Undefined when it is none, or has too many parts. */
function partsOf(octets: Buffer, boundary: string): readonly Entity[] | undefined {
  if (boundary === "" || boundary.length > 70) return undefined;
  const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  // The first delimiter may stand at the very beginning.
  const text = Buffer.concat([Buffer.from("\r\n"), octets]);
  const parts: Entity[] = [];
  let at = text.indexOf(delimiter);
  while (at >= 0) {
    const start = at + delimiter.length;
    if (text.toString("latin1", start, start + 2) === "--") return parts;
    const lineEnd = text.indexOf("\r\n", start);
    const next = text.indexOf(delimiter, start);
    if (lineEnd < 0 || next < 0 || parts.length >= MAX_PARTS) return undefined;
    // No header at all: the blank line is the delimiter's own next one.
    parts.push(partOf(text.subarray(lineEnd, next)));
    at = next;
  }
  return undefined;
}

/** @param text from the line end of its delimiter on */
function partOf(text: Buffer): Entity {
  const blank = text.indexOf("\r\n\r\n");
  const head = blank < 0 ? "" : text.toString("latin1", 0, blank).replace(/\r\n[ \t]+/g, " ");
  const headers = new Map<string, string>();
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0)
      headers.set(trimLws(line.slice(0, colon)).toLowerCase(), trimLws(line.slice(colon + 1)));
  }
  const encoding = headers.get("content-encoding")?.toLowerCase();
  const transfer = headers.get("content-transfer-encoding")?.toLowerCase() ?? "binary";
  return {
    // RFC 2046 §5.1: text/plain where nothing is said.
    type: ContentType.parse(headers.get("content-type") ?? "text/plain"),
    encodings: [
      ...(encoding === undefined ? [] : [encoding]),
      ...(PLAIN_TRANSFERS.has(transfer) ? [] : [transfer]),
    ],
    disposition: parsed(headers.get("content-disposition")),
    octets: blank < 0 ? text.subarray(text.length) : text.subarray(blank + 4),
  };
}

const PLAIN_TRANSFERS: ReadonlySet<string> = new Set(["binary", "8bit", "7bit"]);

/** What nobody can read asks for nothing. */
function parsed(text: string | undefined): ParamValue | undefined {
  if (text === undefined) return undefined;
  return ContentDisposition.parse(text) ?? { value: "", params: Params.none };
}
