// The Authorization that counts: every way in which two readers could differ. RFC 3261 §20.7, §22.3; RFC 7616 §3.4.
import { describe, expect, test } from "vitest";
import { credentialsOf, isMalformed } from "../../src/ims/credentials.ts";
import { decode } from "../../src/sip/message/decode.ts";

const REALM = "home.test";
const OURS = `Digest username="u",realm="${REALM}",nonce="n",response="r"`;
const EMPTY = `Digest username="e",realm="${REALM}",nonce="",response=""`;
const THEIRS = 'Digest username="v",realm="other.test",nonce="m",response="r"';

/** `lines` as they stand on the wire; who counts, "" for nobody, or what is wrong; `refused` before anybody reads a value. */
function reading(...lines: readonly string[]): string {
  const head = [
    `REGISTER sip:${REALM} SIP/2.0`,
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
    "From: <sip:u@home.test>;tag=1",
    "To: <sip:u@home.test>",
    "Call-ID: 1",
    "CSeq: 1 REGISTER",
    ...lines,
  ];
  const { message } = decode(Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"));
  if (message?.kind !== "request") return "refused"; // before anybody reads it
  const read = credentialsOf(message, REALM);
  return isMalformed(read) ? "malformed" : (read?.impi ?? "");
}

function values(...texts: readonly string[]): string {
  return reading(...texts.map((text) => `Authorization: ${text}`));
}

describe("one value", () => {
  test.each([
    ["as everybody writes it", OURS, "u"],
    ["scheme in other case", OURS.replace("Digest", "dIGEST"), "u"],
    ["HTAB behind the scheme", OURS.replace("Digest ", "Digest\t"), "u"],
    ["folded", OURS.replace(" ", "\r\n  ").replaceAll(",", ",\r\n\t"), "u"],
    ["blanks around = and ,", OURS.replaceAll("=", " = ").replaceAll(",", " , "), "u"],
    ["names in other case", OURS.replace("username", "UserName"), "u"],
    ["a quoted-pair", OURS.replace('"u"', '"\\u"'), "u"],
    ["a token for a quoted string", OURS.replace('"u"', "u"), "u"],
    ["another realm: judged and named, not ignored", THEIRS, "v"],
    ["the realm in other case: likewise", OURS.replace("home", "HOME"), "u"],
    ["no realm", 'Digest username="u"', "u"],
    ["no user name", OURS.replace('username="u",', ""), ""],
    ["an empty user name", OURS.replace('"u"', '""'), ""],
    ["another scheme", OURS.replace("Digest", "Foo"), ""],
    ["another scheme in a syntax of its own", "Bearer abc==", ""],
    ["another scheme whose list holds ours", `Foo a="b", ${OURS}`, ""],
    ["nothing", "", ""],
    ["white space", " \t ", ""],
    ["a scheme alone", "Digest", ""],
    ["a comma behind", `${OURS},`, "malformed"],
    ["a comma and a blank behind", `${OURS}, `, "malformed"],
    ["a comma behind a token", "Digest username=u,", "malformed"],
    ["a comma in front", OURS.replace("Digest ", "Digest ,"), "malformed"],
    ["two commas", OURS.replace(",", ",,"), "malformed"],
    ["two commas and a blank", OURS.replace(",", ", ,"), "malformed"],
    ["no comma", OURS.replace(",", " "), "malformed"],
    ["a semicolon", OURS.replace(",", ";"), "malformed"],
    ["a parameter twice", `${OURS},username="v"`, "malformed"],
    ["the same in other case", `${OURS},USERNAME="v"`, "malformed"],
    ["username*", `${OURS},username*=UTF-8''v`, "malformed"],
    ["username* alone", OURS.replace('username="u"', "username*=UTF-8''u"), "malformed"],
    ["a quoted string without an end", 'Digest username="u', "malformed"],
    ["two in one line", `${THEIRS}, ${OURS}`, "malformed"],
    ["two in one line, the second of another scheme", `${OURS}, Foo a="b"`, "malformed"],
    ["VT behind the scheme", OURS.replace(" ", "\x0b"), "refused"],
    ["NBSP behind the scheme", OURS.replace(" ", "\xa0"), "malformed"],
    ["FF around a comma", OURS.replace(",", "\x0c,"), "refused"],
    ["NBSP before the scheme", `\xa0${OURS}`, "malformed"],
    ["NUL in the user name", OURS.replace('"u"', '"u\0"'), "refused"],
    ["no scheme", 'username="u",realm="home.test"', "malformed"],
    ["a colon behind the scheme", OURS.replace("Digest", "Digest:"), "malformed"],
  ])("%s", (_what, text, expected) => {
    expect(values(text)).toBe(expected);
  });
});

describe("several values, whatever their order", () => {
  test.each([
    ["another realm", [THEIRS], "u"],
    [
      "another scheme with everything of ours",
      [OURS.replace("Digest", "Foo").replace('"u"', '"v"')],
      "u",
    ],
    ["an empty one", [""], "u"],
    ["a scheme alone", ["Digest"], "u"],
    ["no realm", ['Digest username="v"'], "u"],
    ["the unanswered one of the first REGISTER", [EMPTY], "u"],
    ["many of them", ["Basic YTpi", THEIRS, "", EMPTY], "u"],
    ["the same challenge in another algorithm", [`${OURS},algorithm=SHA-256`], "u"],
    ["another user for our realm", [OURS.replace('"u"', '"v"')], "malformed"],
    [
      "another user, the realm in other case",
      [OURS.replace('"u"', '"v"').replace("home", "HOME")],
      "malformed",
    ],
    ["another challenge of our realm", [OURS.replace('"n"', '"o"')], "malformed"],
    [
      "another user in another algorithm",
      [`${OURS.replace('"u"', '"v"')},algorithm=SHA-256`],
      "malformed",
    ],
    ["the same twice", [OURS], "malformed"],
    ["a malformed Digest", [`${THEIRS},`], "malformed"],
  ])("ours and %s", (_what, others, expected) => {
    expect(values(OURS, ...others)).toBe(expected);
    expect(values(...others, OURS)).toBe(expected);
  });

  test("two of other realms: none of ours", () => {
    expect(values(THEIRS, THEIRS.replace("other", "third"))).toBe("");
  });
  test("two that answer nothing: nobody can say which counts", () => {
    expect(values(EMPTY, EMPTY.replace('"e"', '"v"'))).toBe("malformed");
  });
});

test("headers that look alike are others", () => {
  const names = [
    "Proxy-Authorization",
    "Authorisation",
    "X-Authorization",
    "Authorization-Info",
    "A",
  ];
  expect(reading(...names.map((name) => `${name}: ${OURS.replace('"u"', '"v"')}`))).toBe("");
  expect(reading(`AUTHORIZATION \t: ${OURS}`)).toBe("u");
});
