// One value, however it is come by: where it stands in a message or alone, as most peers write it or otherwise, in the message or its copy.
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import * as fields from "@ims-lab/common/sip/message/fields";
import type { Field } from "@ims-lab/common/sip/message/header-line";
import { HeaderSet } from "@ims-lab/common/sip/message/header-names";
import { newRequest, newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { type NameAddr, parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { formatUri, parseUri } from "@ims-lab/common/sip/message/uri";
import { parseVia, type ViaValue } from "@ims-lab/common/sip/message/via";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";

const VALUES: readonly (readonly [Field<unknown>, string])[] = [
  [fields.Via, "SIP/2.0/UDP h:5070;branch=z9hG4bKa;rport"],
  [fields.Via, "SIP / 2.0 / TLS [::1]:5071 ; branch=z9hG4bKb"],
  [fields.From, "<sip:a@h>;tag=1"],
  [fields.From, '"A, B" <sips:a@[::1]>;tag=1'],
  [fields.To, "sip:a@h;tag=1"],
  [fields.CallId, "c@h"],
  [fields.CSeqField, "1 INVITE"],
  [fields.Contact, "*"],
  [fields.Contact, '<sip:a@h:1;p=q>;+x="y;z";q=7'],
  [fields.RecordRoute, "<sip:h;lr>"],
  [fields.MaxForwards, "70"],
  [fields.RetryAfter, "5 (x)"],
  [fields.EventHeader, "reg;id=7"],
  [fields.ContentType, "application/sdp;charset=utf-8"],
  [fields.Authorization, 'Digest username="a\\"b", Realm = "r,x",nc=00000001,own=1'],
  [fields.WwwAuthenticate, "Digest"],
];

/** What its parts say. */
function said(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("uriText" in value) return saidByAddress(value as NameAddr);
  if ("branch" in value) return saidByVia(value as ViaValue);
  const params = "params" in value ? `${value.params}` : undefined;
  const listed = params === "[object Object]" ? [...(value as AuthLike).params] : params;
  return { ...value, params: listed };
}

interface AuthLike {
  readonly params: Iterable<readonly [string, string]>;
}

function saidByAddress({ uri, uriText, params, isBracketed, displayName }: NameAddr): unknown {
  return [formatUri(uri), uriText, [...params.entries()], isBracketed, displayName];
}

function saidByVia(via: ViaValue): unknown {
  const { transport, host, port, branch, hasTwoBranches, received, rport, params } = via;
  return [transport, host, port, branch, hasTwoBranches, received, rport, [...params.entries()]];
}

test.each(VALUES.map(([{ name, parse }, text]) => [name, text, parse] as const))(
  "%s reads %j within a text as it reads it alone",
  (_name, text, parse) => {
    const alone = said(parse(text));
    expect(alone).toBeDefined();
    for (const [before, behind] of [
      ["Name: ", "\r\nX: y"],
      ['a="', '";b=c>,\r\n'],
      ["\\", ' \t\r\n"'],
    ] as const) {
      const whole = before + text + behind;
      expect(said(parse(whole, before.length, before.length + text.length))).toEqual(alone);
      // Nothing behind the end counts, nothing before it is left out.
      for (const end of [text.length - 1, text.length + 1]) {
        const cut = whole.slice(before.length, before.length + end);
        expect(said(parse(whole, before.length, before.length + end))).toEqual(said(parse(cut)));
      }
    }
  },
);

describe("what nearly every peer writes is read as the grammar reads it", () => {
  const word = fc.stringMatching(/^[\w.!%*+~:/@[\]"<>;=?-]{0,8}$/);
  const param = fc.tuple(
    fc.constantFrom("tag", "branch", "BrancH", "bra", "rport", "RPORT", "rpx", "x.y"),
    word,
  );
  const params = fc
    .array(param, { maxLength: 4 })
    .map((all) =>
      all.map(([name, value]) => `;${name}${value === "" ? "" : `=${value}`}`).join(""),
    );

  it("name-addr: with and without an empty display name", () => {
    let taken = 0;
    const user = fc.constantFrom("a", "a:b", "a%41", "a%4", "a;b", "a?b", "");
    const host = fc.constantFrom(
      "h",
      "h.example:5060",
      "h:65536",
      "[::1]",
      "h:123456",
      "192.0.2.1",
    );
    fc.assert(
      fc.property(user, host, params, params, (name, place, inside, outside) => {
        const text = `<sip:${name === "" ? "" : `${name}@`}${place}${inside}>${outside}`;
        const read = parseNameAddr(text);
        if (read !== undefined) taken++;
        const named = parseNameAddr(`""${text}`);
        expect(read && saidByAddress(read)).toEqual(named && saidByAddress(named));
      }),
      { seed: 3261, numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it("Via: with and without blanks around its slashes", () => {
    let taken = 0;
    const host = fc.constantFrom(
      "H.example",
      "h:5060",
      "h:65535",
      "h:65536",
      "[::1]:1",
      "h:",
      "192.0.2.1",
    );
    fc.assert(
      fc.property(host, params, (place, all) => {
        const read = parseVia(`SIP/2.0/UDP ${place}${all}`);
        if (read !== undefined) taken++;
        const blank = parseVia(`SIP / 2.0 / UDP ${place}${all}`);
        expect(read && saidByVia(read)).toEqual(blank && saidByVia(blank));
      }),
      { seed: 3261, numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(100);
  });
});

const LINES = [
  "INVITE sip:b@ims.example SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa",
  "From: <sip:a@ims.example>;tag=f",
  "To: <sip:b@ims.example>",
  "Call-ID: c@192.0.2.1",
  "CSeq: 1 INVITE",
  "k: path, GRUU ,100rel",
  "Supported: timer",
  "X-Own: kept,as is",
  "Timestamp: 54",
  "Record-Route: <sip:p;lr>",
];

function request(): SipRequest {
  const { message } = decode(Buffer.from(`${LINES.join("\r\n")}\r\n\r\n`));
  if (message?.kind !== "request") throw new Error("not taken");
  return message;
}

describe("a copy", () => {
  it("shares what was read, and reads its own edits itself", () => {
    const original = request();
    const copy = original.clone();
    expect(copy.get(fields.From)).toBe(original.get(fields.From));
    copy.set("From", "<sip:other@ims.example>;tag=o").setUri("sip:c@ims.example");
    expect(copy.from.params.get("tag")).toBe("o");
    expect(original.from.params.get("tag")).toBe("f");
    expect(original.requestUri).toEqual(parseUri("sip:b@ims.example"));
  });

  it("of a copy goes on with its edits, and neither changes the other", () => {
    const one = request().clone().push("Via", "SIP/2.0/UDP p;branch=z9hG4bKp");
    const other = one.clone().remove("X-Own").append("Via", "SIP/2.0/UDP q;branch=z9hG4bKq");
    expect(one.texts("Via")).toHaveLength(2);
    expect(other.texts("Via")).toHaveLength(3);
    expect([one.has("X-Own"), other.has("X-Own")]).toEqual([true, false]);
    expect(encode(other).toString()).toContain(
      "\r\nk: path, GRUU ,100rel\r\nSupported: timer\r\nTimestamp",
    );
  });
});

test("RFC 3261 §20.37: an option tag is listed on any line, in any case, and is no part of another", () => {
  const asked = ["path", "gruu", "100rel", "timer", "100", "path, gruu", "rel"];
  const listed = asked.filter((tag) => request().lists("Supported", tag));
  expect(listed).toEqual(["path", "gruu", "100rel", "timer"]);
  expect(request().lists("X-Own", "kept")).toBe(false);
  expect(newRequest("INVITE", "sip:b@c", []).lists("Supported", "path")).toBe(false);
});

test("several headers go at once, and are named", () => {
  const left = request();
  expect(left.removeAll(new HeaderSet(["Supported", "Timestamp", "Route"]))).toEqual([
    "Supported",
    "Timestamp",
  ]);
  expect(left.has("Supported")).toBe(false);
  expect(() => new HeaderSet(["X-Own"])).toThrow(RangeError);
});

test.each([
  [100, true, false],
  [180, false, true],
  [200, false, true],
  [486, false, false],
])("RFC 3261 §8.2.6.1, §12.1.1: %d has Timestamp %s, Record-Route %s", (status, time, route) => {
  const response = newResponse(request(), status);
  expect([response.has("Timestamp"), response.has("Record-Route")]).toEqual([time, route]);
});
