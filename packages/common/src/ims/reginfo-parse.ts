// Reads reginfo documents: strict XML, bounded, no DTD, no entities but XML's own. RFC 3680 §5.
import { isUtf8 } from "node:buffer";
import { SaxesParser, type SaxesTagNS } from "saxes";
import { trimLws } from "../sip/message/scan.ts";
import {
  attributesOf,
  readContact,
  readRegistration,
  readRoot,
  wordOf,
} from "./reginfo-attributes.ts";
import {
  NAMESPACE,
  type ReginfoContact,
  type ReginfoParse,
  type ReginfoRegistration,
} from "./reginfo-document.ts";

/** Octets; a full state of hundreds of contacts fits. */
const MAX_SIZE = 65_536;
/** Characters given to the parser between two looks at what it has found. */
const PIECE = 512;
/** Of one element; RFC 3680 knows eight, and extensions may add some. */
const MAX_ATTRIBUTES = 64;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Root = { readonly version: number; readonly state: "full" | "partial" };

/** A peer's body; every string of the result is its own. */
export function parseReginfo(body: Buffer, maxDepth: number): ReginfoParse {
  if (body.length > MAX_SIZE)
    return { problem: `more than ${MAX_SIZE} octets`, limit: "reginfo-octets" };
  if (!isUtf8(body)) return { problem: "not UTF-8" };
  const reader = new Reader(maxDepth);
  const parser = new SaxesParser({ xmlns: true });
  parser.on("error", (error) => reader.fail(error.message));
  parser.on("doctype", () => reader.fail("a document type declaration", "xml-doctype"));
  parser.on("xmldecl", ({ encoding }) => {
    if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding))
      reader.fail(`encoding ${encoding}`);
  });
  // While they are read: at the end of the tag each is compared with the others.
  parser.on("opentagstart", () => reader.beginTag());
  parser.on("attribute", () => reader.countAttribute());
  parser.on("opentag", (tag) => reader.open(tag));
  parser.on("closetag", (tag) => reader.close(tag));
  parser.on("text", (text) => reader.text(text));
  parser.on("cdata", (text) => reader.text(text));
  const text = body.toString("utf8");
  // In pieces: the parser goes on after a mistake, and what it does with thousands of them takes seconds.
  for (let at = 0; at < text.length && !reader.hasFailed; at += PIECE)
    parser.write(text.slice(at, at + PIECE));
  if (!reader.hasFailed) parser.close();
  return reader.result();
}

/** Builds the document from the parser's events; the first problem stands. */
class Reader {
  readonly #maxDepth: number;
  #problem: { readonly problem: string; readonly limit?: string } | undefined;
  #root: Root | undefined;
  readonly #registrations: ReginfoRegistration[] = [];
  #registration: Mutable<ReginfoRegistration> | undefined;
  #contacts: ReginfoContact[] = [];
  #contact: Partial<Mutable<ReginfoContact>> | undefined;
  #unknownParams: { name: string; value: string }[] = [];
  #paramName = "";
  #text = "";
  #depth = 0;
  #attributes = 0;
  /** Depth of the foreign element within which everything is skipped. */
  #foreignFrom: number | undefined;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  fail(problem: string, limit?: string): void {
    this.#problem ??= { problem, ...(limit !== undefined && { limit }) };
  }

  get hasFailed(): boolean {
    return this.#problem !== undefined;
  }

  result(): ReginfoParse {
    if (this.#problem !== undefined) return this.#problem;
    if (this.#root === undefined) return { problem: "no reginfo element" };
    return { reginfo: { ...this.#root, registrations: this.#registrations } };
  }

  beginTag(): void {
    this.#attributes = 0;
  }

  countAttribute(): void {
    if (++this.#attributes > MAX_ATTRIBUTES) this.fail(`more than ${MAX_ATTRIBUTES} attributes`);
  }

  open(tag: SaxesTagNS): void {
    this.#depth++;
    if (this.#depth > this.#maxDepth) this.fail(`more than ${this.#maxDepth} levels`, "xml-depth");
    if (this.#problem !== undefined || this.#foreignFrom !== undefined) return;
    if (tag.uri !== NAMESPACE && this.#depth > 1) {
      this.#foreignFrom = this.#depth;
      return;
    }
    this.#text = "";
    const problem = this.#openKnown(
      `${this.#depth} ${tag.uri === NAMESPACE ? tag.local : ""}`,
      tag,
    );
    if (problem !== undefined) this.fail(problem);
  }

  /** The five places that the schema knows; returns what is wrong. */
  #openKnown(place: string, tag: SaxesTagNS): string | undefined {
    const attributes = attributesOf(tag);
    switch (place) {
      case "1 reginfo": {
        const root = readRoot(attributes);
        if (typeof root === "string") return root;
        this.#root = root;
        return undefined;
      }
      case "2 registration": {
        const registration = readRegistration(attributes);
        if (typeof registration === "string") return registration;
        this.#registration = registration;
        this.#contacts = [];
        return undefined;
      }
      case "3 contact": {
        const contact = readContact(attributes);
        if (typeof contact === "string") return contact;
        this.#contact = contact;
        this.#unknownParams = [];
        return undefined;
      }
      case "4 uri":
      case "4 display-name":
        return undefined;
      case "4 unknown-param":
        this.#paramName = attributes.get("name") ?? "";
        return this.#paramName === "" ? "unknown-param without name" : undefined;
    }
    return `element ${wordOf(tag.name)} does not belong there`;
  }

  text(text: string): void {
    if (this.#foreignFrom === undefined) this.#text += text;
  }

  close(tag: SaxesTagNS): void {
    const depth = this.#depth--;
    if (this.#foreignFrom !== undefined) {
      if (depth === this.#foreignFrom) this.#foreignFrom = undefined;
      return;
    }
    if (this.#problem === undefined) this.#closeKnown(`${depth} ${tag.local}`);
  }

  #closeKnown(place: string): void {
    const text = trimLws(this.#text);
    const contact = this.#contact;
    switch (place) {
      case "2 registration":
        this.#closeRegistration();
        break;
      case "3 contact":
        this.#closeContact();
        break;
      case "4 uri":
        if (contact !== undefined) contact.uri = text;
        break;
      case "4 display-name":
        if (contact !== undefined) contact.displayName = text;
        break;
      case "4 unknown-param":
        this.#unknownParams.push({ name: this.#paramName, value: text });
        break;
    }
  }

  #closeRegistration(): void {
    const registration = this.#registration;
    if (registration === undefined) return;
    this.#registrations.push({ ...registration, contacts: this.#contacts });
  }

  #closeContact(): void {
    const { id, state, event, uri, ...rest } = this.#contact ?? {};
    if (id === undefined || state === undefined || event === undefined) return;
    if (uri === undefined || uri === "") {
      this.fail(`contact ${wordOf(id)} without uri`);
      return;
    }
    const unknownParams = this.#unknownParams;
    const params = unknownParams.length === 0 ? {} : { unknownParams };
    this.#contacts.push({ id, state, event, uri, ...rest, ...params });
  }
}
