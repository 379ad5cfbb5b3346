// Bindings by their topmost Path: whatever way it is written, as its URI says.
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { expect, test } from "vitest";
import { PathIndex } from "../../src/registration/path-index.ts";

test.each([
  ["<sip:abc1@192.0.2.1:4060;lr>", "192.0.2.1", 4060],
  ["<sip:abc1@192.0.2.1;lr>", "192.0.2.1", 5060],
  ["<sip:abc1@pcscf.example;lr;transport=tls>", "pcscf.example", 5061],
  ["<sip:abc1@host:4060;maddr=192.0.2.9;lr>", "192.0.2.9", 4060],
  ["<sip:abc1@[2001:db8::1]:4060;lr>;x=y", "2001:db8::1", 4060],
  ["<sip:ab%63@192.0.2.1:4060;lr>", "192.0.2.1", 4060],
  ["<sip:ab.c:pw@192.0.2.1:4060;lr>", "192.0.2.1", 4060],
  ['"P" <sip:abc1@192.0.2.1:4060;lr>', "192.0.2.1", 4060],
  ["<SIP:abc1@192.0.2.1:4060;lr>", "192.0.2.1", 4060],
  ["<sips:abc1@192.0.2.1;lr>", "192.0.2.1", 5061],
])("%s", (value, host, port) => {
  const index = new PathIndex();
  const user = sipUriOfPath(value)?.user ?? "";
  const other = value.replace(/ab[^@]*@/, "other2@");
  for (const [token, path] of [
    ["t1", value],
    ["t2", value],
    ["t3", other],
  ] as const)
    index.moved(token, undefined, path);
  expect(index.ofUser(user)).toEqual(["t1", "t2"]);
  expect(index.ofUser("other2")).toEqual(["t3"]);
  expect([index.hasHop(host, port), index.hasHop(host, 1)]).toEqual([true, false]);
  index.moved("t1", value, undefined);
  index.moved("t2", value, other);
  expect([index.ofUser(user), index.ofUser("other2")]).toEqual([[], ["t3", "t2"]]);
  index.moved("t2", other, undefined);
  expect(index.hasHop(host, port)).toBe(true);
  index.moved("t3", other, undefined);
  expect(index.hasHop(host, port)).toBe(false);
});

test("without a user part, or no SIP URI at all, there is nobody to find", () => {
  const index = new PathIndex();
  index.moved("t1", undefined, "<sip:192.0.2.1:4060;lr>");
  index.moved("t2", undefined, "<tel:+1>");
  index.moved("t3", undefined, "<sip:abc@");
  expect([index.hasHop("192.0.2.1", 4060), index.ofUser("abc")]).toEqual([true, []]);
});
