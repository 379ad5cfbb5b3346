// Values of list headers asked for one at a time: the same as all of them split and compared. RFC 3261 §7.3.1.
import { Contact } from "@ims-lab/common/sip/message/fields";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { splitList } from "@ims-lab/common/sip/message/scan";
import fc from "fast-check";
import { expect, test } from "vitest";

const WANTED = "path";

function withLines(name: string, lines: readonly string[]): SipRequest {
  return newRequest(
    "INVITE",
    "sip:b@c",
    lines.map((line) => [name, line] as const),
  );
}

const piece = fc.constantFrom(
  "path",
  "PATH",
  "paths",
  "a",
  ",",
  ", ",
  " ",
  '"',
  "<",
  ">",
  "\\",
  "-path",
);
const line = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("").trim());

test("lists: whatever stands around the value", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
      const values = lines.flatMap((each) => splitList(each.toLowerCase()));
      expect(withLines("Supported", lines).lists("Supported", WANTED)).toBe(
        values.includes(WANTED),
      );
    }),
  );
});

test("lists: a header that is no list has its whole text as its value", () => {
  const request = withLines("Subject", ["a, path"]);
  expect(request.lists("Subject", WANTED)).toBe(false);
  expect(withLines("Subject", ["Path"]).lists("Subject", WANTED)).toBe(true);
});

test("topText is the first of texts", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
      const request = withLines("Supported", lines);
      expect(request.topText("Supported")).toBe(request.texts("Supported")[0]);
    }),
  );
});

test("allOrNone: one value that cannot be read spoils all", () => {
  const good = ["<sip:a@b>", "<sip:c@d>, <sip:e@f>"];
  expect(withLines("Contact", good).allOrNone(Contact)).toHaveLength(3);
  expect(withLines("Contact", []).allOrNone(Contact)).toEqual([]);
  for (const bad of ["<sip:a@b>, <sip:", ", <sip:a@b>", "<"])
    expect(withLines("Contact", [...good, bad]).allOrNone(Contact)).toBeUndefined();
});
