// Reading in time proportional to length, whatever a peer writes: at these lengths a second look at the same characters
// for each of them would take minutes.
import { systemClock } from "@ims-lab/common/platform/clock";
import { decode } from "@ims-lab/common/sip/message/decode";
import { HeaderLine } from "@ims-lab/common/sip/message/header-line";
import { Params } from "@ims-lab/common/sip/message/params";
import { parseUri, sameUri } from "@ims-lab/common/sip/message/uri";
import { parseVia } from "@ims-lab/common/sip/message/via";
import { expect, it } from "vitest";

const clock = systemClock();
const LENGTH = 400_000;
/** Linear: a few milliseconds. */
const MOST_MS = 3_000;

function inTime<T>(work: () => T): T {
  const began = clock.now();
  const result = work();
  expect(clock.now() - began).toBeLessThan(MOST_MS);
  return result;
}

const blanks = " ".repeat(LENGTH);
const many = (parameter: (at: number) => string, count: number): string =>
  Array.from({ length: count }, (_, at) => `;${parameter(at)}`).join("");

it("white space before a word of a folded header", () => {
  const line = HeaderLine.of("Subject", `a${blanks}b\r\n c \r\n\t\r\n d`);
  expect(inTime(() => line.text)).toBe(`a${blanks}b c  d`);
});

it("white space within the address of a Via", () => {
  expect(inTime(() => parseVia(`SIP/2.0/UDP a${blanks}b;branch=z9hG4bKa`))).toBeUndefined();
  const via = inTime(() => parseVia(`SIP / 2.0 / UDP a${blanks}:${blanks}5070 ;branch=z9hG4bKa`));
  expect(via).toMatchObject({ host: "a", port: 5070, branch: "z9hG4bKa" });
});

it("lines without a colon: each counts as a header line", () => {
  const limits = { maxHeaders: 256, maxHeaderBytes: 16_384 };
  const bytes = Buffer.from(`OPTIONS sip:a SIP/2.0\r\n${"x\r\n".repeat(LENGTH / 3)}\r\n`);
  expect(inTime(() => decode(bytes, limits)).problem?.reason).toBe("too many header lines");
});

it("parameters, quoted or not", () => {
  const params = Params.parse(many((at) => (at % 2 === 0 ? "a" : 'b="x;y"'), LENGTH / 8));
  expect(inTime(() => params?.get("c"))).toBeUndefined();
  expect(inTime(() => [...(params?.entries() ?? [])].length)).toBe(LENGTH / 8);
});

it("RFC 3261 §19.1.4: comparing URIs of many parameters", () => {
  const text = `sip:a@b${many((at) => `p${at}=1`, LENGTH / 10)}`;
  const [one, other] = [parseUri(text), parseUri(text)];
  if (one === undefined || other === undefined) throw new Error("no URI");
  expect(inTime(() => sameUri(one, other))).toBe(true);
});
