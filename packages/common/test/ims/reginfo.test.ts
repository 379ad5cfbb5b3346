// RFC 3680 §5: documents written, read, and applied in order.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyReginfo,
  formatReginfo,
  parseReginfo,
  type Reginfo,
  type ReginfoContact,
  type ReginfoView,
} from "../../src/ims/reginfo.ts";

const CONTACT: ReginfoContact = {
  id: "c1",
  state: "active",
  event: "shortened",
  uri: "sip:192.0.2.7:5064",
  expires: 600,
  q: 0.5,
  callId: "reg-1@ue",
  cseq: 2,
};

const DOCUMENT: Reginfo = {
  version: 3,
  state: "full",
  registrations: [
    { aor: "sip:alice@lab.example", id: "r1", state: "active", contacts: [CONTACT] },
    { aor: "tel:+15550001", id: "r2", state: "active", contacts: [CONTACT] },
    { aor: "sip:none@lab.example", id: "r3", state: "init", contacts: [] },
  ],
};

function parse(text: string): ReturnType<typeof parseReginfo> {
  return parseReginfo(Buffer.from(text, "utf8"), 16);
}

function withContact(contact: string): string {
  return `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">
    <registration aor="sip:a@b" id="r" state="active">${contact}</registration></reginfo>`;
}

describe("writing", () => {
  it("one element per line, attributes as the RFC names them", () => {
    expect(formatReginfo(DOCUMENT)).toContain(
      '<contact id="c1" state="active" event="shortened" expires="600" q="0.5" callid="reg-1@ue" cseq="2"><uri>sip:192.0.2.7:5064</uri></contact>',
    );
    expect(formatReginfo(DOCUMENT)).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<reginfo /);
  });

  it("escapes what would be markup and replaces what XML cannot carry", () => {
    const nasty = "<&\"'>\u0000\ud800\t\r\n";
    const contact = { ...CONTACT, uri: `sip:x@y?a="<&>`, callId: nasty, displayName: "<é&>" };
    const document: Reginfo = {
      ...DOCUMENT,
      registrations: [{ aor: "sip:a@b", id: "r", state: "active", contacts: [contact] }],
    };
    const read = parse(formatReginfo(document));
    if (!("reginfo" in read)) throw new Error(read.problem);
    expect(read.reginfo.registrations[0]?.contacts[0]).toMatchObject({
      uri: `sip:x@y?a="<&>`,
      displayName: "<é&>",
      callId: "<&\"'>\uFFFD\uFFFD",
    });
  });
});

describe("reading", () => {
  it("what was written", () => {
    expect(parse(formatReginfo(DOCUMENT))).toEqual({ reginfo: DOCUMENT });
  });

  it("any document: parse after format is the identity", () => {
    const word = fc.stringMatching(/^[\w:@.;=+<>&"'é-]{1,20}$/);
    const contact = fc.record({
      id: word,
      state: fc.constant("active" as const),
      event: fc.constantFrom("registered", "created", "refreshed", "shortened"),
      uri: word,
      expires: fc.nat(),
      cseq: fc.nat(),
      callId: word,
      unknownParams: fc.array(fc.record({ name: word, value: word }), {
        minLength: 1,
        maxLength: 3,
      }),
    });
    const registration = fc.record({
      aor: word,
      id: word,
      state: fc.constantFrom("init", "active", "terminated"),
      contacts: fc.array(contact, { maxLength: 3 }),
    });
    const document = fc.record({
      version: fc.nat(),
      state: fc.constantFrom("full", "partial"),
      registrations: fc.array(registration, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(document, (value) => {
        expect(parse(formatReginfo(value as Reginfo))).toEqual({ reginfo: value });
      }),
      { numRuns: 100 },
    );
  });

  it("prefixes, comments, CDATA, display names, extensions of other namespaces", () => {
    const text = `<?xml version="1.0"?><!-- c -->
      <r:reginfo xmlns:r="urn:ietf:params:xml:ns:reginfo" xmlns:g="urn:ietf:params:xml:ns:gruuinfo"
        xmlns:x="urn:x" version="1" state="partial">
        <r:registration aor="sip:a@b" id="r" state="active" x:extra="1">
          <r:contact id="c" state="active" event="registered">
            <r:uri><![CDATA[sip:a@192.0.2.1]]></r:uri>
            <r:display-name xml:lang="en">Al &amp; Co</r:display-name>
            <r:unknown-param name="+sip.instance">"&lt;urn:uuid:1&gt;"</r:unknown-param>
            <g:pub-gruu uri="sip:a@b;gr=1"><r:uri>not this</r:uri></g:pub-gruu>
          </r:contact>
          <x:more/>
        </r:registration>
        <x:most><x:deep/></x:most>
      </r:reginfo>`;
    expect(parse(text)).toEqual({
      reginfo: {
        version: 1,
        state: "partial",
        registrations: [
          {
            aor: "sip:a@b",
            id: "r",
            state: "active",
            contacts: [
              {
                id: "c",
                state: "active",
                event: "registered",
                uri: "sip:a@192.0.2.1",
                displayName: "Al & Co",
                unknownParams: [{ name: "+sip.instance", value: '"<urn:uuid:1>"' }],
              },
            ],
          },
        ],
      },
    });
  });

  it.each([
    ["nothing", ""],
    ["no XML", "re-register now"],
    [
      "an unclosed element",
      '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">',
    ],
    ["another root", "<registration/>"],
    ["no namespace", '<reginfo version="0" state="full"/>'],
    ["no version", '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" state="full"/>'],
    [
      "a negative version",
      '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="-1" state="full"/>',
    ],
    ["no state", '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="1"/>'],
    ["a DTD", `<!DOCTYPE reginfo [<!ENTITY a "aaaa">]>${withContact("")}`],
    ["an entity", withContact('<contact id="&a;" state="active" event="created"/>')],
    ["no uri", withContact('<contact id="c" state="active" event="created"></contact>')],
    [
      "an unknown event",
      withContact('<contact id="c" state="active" event="moved"><uri>sip:a</uri></contact>'),
    ],
    [
      "an active contact that expired",
      withContact('<contact id="c" state="active" event="expired"><uri>sip:a</uri></contact>'),
    ],
    [
      "shortened without expires",
      withContact('<contact id="c" state="active" event="shortened"><uri>sip:a</uri></contact>'),
    ],
    [
      "a broken number",
      withContact(
        '<contact id="c" state="active" event="created" cseq="x"><uri>sip:a</uri></contact>',
      ),
    ],
    [
      "a broken q",
      withContact(
        '<contact id="c" state="active" event="created" q="2"><uri>sip:a</uri></contact>',
      ),
    ],
    ["uri out of place", withContact("<uri>sip:a</uri>")],
    ["UTF-16", '<?xml version="1.0" encoding="UTF-16"?><reginfo/>'],
  ])("%s is a problem, not an exception", (_name, text) => {
    expect(parse(text)).toHaveProperty("problem");
  });

  it.each([
    ["xml-depth", withContact("<x:a xmlns:x='urn:x'>".repeat(20) + "</x:a>".repeat(20))],
    ["reginfo-octets", withContact(" ".repeat(70_000))],
    ["xml-doctype", `<!DOCTYPE reginfo [<!ENTITY a "aaaa">]>${withContact("")}`],
    ["xml-doctype", `<!DOCTYPE r SYSTEM "file:///etc/passwd">${withContact("")}`],
  ])("what exceeds a limit names it: %s", (limit, text) => {
    expect(parse(text)).toHaveProperty("limit", limit);
  });

  it("octets that are not UTF-8", () => {
    expect(parseReginfo(Buffer.from([0x3c, 0xff, 0xfe]), 16)).toEqual({ problem: "not UTF-8" });
  });

  it("every truncated prefix is a problem", () => {
    const text = formatReginfo(DOCUMENT).trimEnd();
    for (let length = 0; length < text.length; length++)
      expect(parse(text.slice(0, length))).toHaveProperty("problem");
  });
});

describe("RFC 3680 §5.2: versions", () => {
  function document(version: number, state: "full" | "partial", ...ids: string[]): Reginfo {
    const contacts = ids.map((id) => ({ ...CONTACT, id }));
    return {
      version,
      state,
      registrations: [{ aor: "sip:a@b", id: "r", state: "active", contacts }],
    };
  }
  function contactsOf(view: ReginfoView): string[] {
    return (view.registrations.get("r")?.contacts ?? []).map(({ id }) => id);
  }
  const start = applyReginfo(undefined, document(0, "full", "a", "b"));

  it("the first sets the view; it must be full", () => {
    expect(start.kind).toBe("applied");
    expect(contactsOf(start.view)).toEqual(["a", "b"]);
    expect(applyReginfo(undefined, document(0, "partial", "a")).kind).toBe("gap");
    expect(applyReginfo(undefined, document(7, "full", "a")).kind).toBe("applied");
  });

  it.each([
    [4, "stale"],
    [5, "stale"],
    [6, "applied"],
    [7, "gap"],
    [2 ** 32 - 1, "gap"],
  ])("after version 5, version %i is %s", (version, kind) => {
    const { view } = applyReginfo(undefined, document(5, "full", "a"));
    const update = applyReginfo(view, document(version, "partial", "a", "c"));
    expect(update.kind).toBe(kind);
    expect(contactsOf(update.view)).toEqual(kind === "stale" ? ["a"] : ["a", "c"]);
  });

  it("a registration that ends takes its contacts along, with their rows left out or not", () => {
    const ended = document(1, "partial");
    const [registration] = ended.registrations;
    if (registration === undefined) throw new Error("no registration");
    const after = applyReginfo(start.view, {
      ...ended,
      registrations: [{ ...registration, state: "terminated", contacts: [] }],
    });
    const rows = [...after.view.registrations.values()].flatMap(({ contacts }) => contacts);
    expect(rows.map(({ state, event }) => `${state} ${event}`)).toEqual([
      "terminated expired",
      "terminated expired",
    ]);
    expect(contactsOf(applyReginfo(after.view, document(2, "partial", "c")).view)).toEqual(["c"]);
  });

  it("partial updates rows by id, full flushes first", () => {
    const partial = applyReginfo(start.view, document(1, "partial", "b", "c"));
    expect(contactsOf(partial.view)).toEqual(["a", "b", "c"]);
    expect(contactsOf(applyReginfo(partial.view, document(2, "full", "c")).view)).toEqual(["c"]);
  });
});
