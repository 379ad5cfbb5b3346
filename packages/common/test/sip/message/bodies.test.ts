// Bodies by type, encoding and disposition, and how long the worst of them may take. RFC 3261 §8.2.3; RFC 5621; RFC 2046 §5.1.
import { performance } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { type BodyReading, readBody } from "../../../src/sip/message/bodies.ts";
import { newRequest } from "../../../src/sip/message/message.ts";

type Headers = readonly (readonly [string, string])[];

const ABILITIES = { types: ["application/sdp", "text/plain"], dispositions: ["session"] };

function read(headers: Headers, body: string): BodyReading {
  return readBody(newRequest("INVITE", "sip:x@y", headers, Buffer.from(body)), ABILITIES);
}

function inWords(reading: BodyReading): string {
  switch (reading.kind) {
    case "none":
      return "none";
    case "body":
      return `${reading.type}: ${reading.octets.toString()}`;
    case "refused":
      return String(reading.refusal.status);
  }
}

const mixed = (kind = "mixed"): Headers => [["Content-Type", `multipart/${kind};boundary="b b"`]];
const part = (type: string, body: string, more = ""): string =>
  `\r\n--b b\r\n${type === "" ? "" : `Content-Type: ${type}\r\n`}${more}\r\n${body}`;
const END = "\r\n--b b--";
const OPTIONAL = "Content-Disposition: x;handling=optional\r\n";

describe("multipart", () => {
  test.each<[string, string, string, string]>([
    ["the one part", "mixed", `${part("text/plain", "a")}${END}`, "text/plain: a"],
    [
      "with a preamble and an epilogue",
      "mixed",
      `hello${part("text/plain", "a")}${END}\r\nbye`,
      "text/plain: a",
    ],
    [
      "the first that is understood",
      "mixed",
      `${part("text/plain", "a")}${part("application/sdp", "b")}${END}`,
      "text/plain: a",
    ],
    ["an empty part", "mixed", `${part("text/plain", "")}${END}`, "text/plain: "],
    ["a part without a type is text", "mixed", `${part("", "a")}${END}`, "text/plain: a"],
    [
      "a folded header",
      "mixed",
      `${part("text/plain;\r\n charset=utf-8", "a")}${END}`,
      "text/plain: a",
    ],
    [
      "blank lines in a part",
      "mixed",
      `${part("text/plain", "a\r\n\r\nb")}${END}`,
      "text/plain: a\r\n\r\nb",
    ],
    ["only optional ones", "mixed", `${part("a/b", "a", OPTIONAL)}${END}`, "none"],
    ["one that is required", "mixed", `${part("text/plain", "a")}${part("a/b", "b")}${END}`, "415"],
    [
      "the same among related ones",
      "related",
      `${part("text/plain", "a")}${part("a/b", "b")}${END}`,
      "415",
    ],
    [
      "the last alternative",
      "alternative",
      `${part("text/plain", "a")}${part("application/sdp", "b")}${part("a/b", "c")}${END}`,
      "application/sdp: b",
    ],
    ["no alternative", "alternative", `${part("a/b", "a")}${END}`, "415"],
    [
      "a disposition that is not meant",
      "mixed",
      `${part("text/plain", "a", "Content-Disposition: icon\r\n")}${END}`,
      "415",
    ],
    [
      "a disposition that nobody can read",
      "mixed",
      `${part("text/plain", "a", "Content-Disposition: ;;\r\n")}${END}`,
      "415",
    ],
    ["another boundary", "mixed", part("text/plain", "a").replaceAll("b b", "c"), "400"],
    ["nothing at all", "mixed", END, "none"],
  ])("%s", (_name, kind, body, words) => {
    expect(inWords(read(mixed(kind), body))).toBe(words);
  });

  test("an optional whole is ignored, however broken", () => {
    const optional: Headers = [...mixed(), ["Content-Disposition", "session;handling=optional"]];
    expect(inWords(read(optional, "broken"))).toBe("none");
  });
});

const KB_64 = 65_536;
const TOKENS = [
  "\r\n--b b\r\n",
  "--b b",
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  ":",
  "a:",
  " ",
  "-",
  "\r",
  "\n",
  "\0",
  "é",
];

test.each(TOKENS)("64 kB of %j take no time", (token) => {
  const body = token.repeat(Math.ceil(KB_64 / token.length)).slice(0, KB_64);
  for (const text of [body, `\r\n--b b\r\n${body}`, `\r\n--b b\r\n${body}${END}`]) {
    read(mixed(), text); // the first time compiles
    const start = performance.now();
    for (let times = 0; times < 5; times++) read(mixed(), text);
    expect((performance.now() - start) / 5).toBeLessThan(20);
  }
});
