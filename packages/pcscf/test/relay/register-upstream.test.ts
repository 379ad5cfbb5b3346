// What a REGISTER's credentials say when they leave for the S-CSCF. TS 24.229 §5.2.2.1.
import { newRequest } from "@ims-lab/common/sip/message/message";
import { expect, test } from "vitest";
import { upstreamRegister } from "../../src/relay/register-upstream.ts";

function upstream(...credentials: readonly string[]): ReturnType<typeof upstreamRegister> {
  const headers = credentials.map((text) => ["Authorization", text] as const);
  return upstreamRegister(newRequest("REGISTER", "sip:home.test", headers), {
    path: "<sip:token@192.0.2.1;lr>",
    integrity: "no",
    visitedNetworkId: "home.test",
    chargingVector: 'icid-value="1"',
  });
}

test.each([
  ['Digest username="u"', 'Digest username="u",integrity-protected="no"'],
  ['Digest Integrity-Protected=yes,username="u"', 'Digest username="u",integrity-protected="no"'],
  ["Digest integrity-protected=yes", 'Digest integrity-protected="no"'],
  ["Basic dTpw", undefined],
])("TS 24.229 §5.2.2.1: %s with our own integrity-protected", (text, expected) => {
  expect(upstream(text)?.request.text("Authorization")).toBe(expected);
});

test.each(['Digest username="u,integrity-protected=yes', 'Digest username="u",username="v"'])(
  "%s cannot be read",
  (text) => {
    expect(upstream(text)).toBeUndefined();
  },
);

test("each of several credentials is marked, and a claim in any of them is named", () => {
  const both = upstream('Digest username="u"', 'Digest username="v",INTEGRITY-protected="yes"');
  expect(both?.request.texts("Authorization")).toEqual([
    'Digest username="u",integrity-protected="no"',
    'Digest username="v",integrity-protected="no"',
  ]);
  expect(both?.forged).toEqual(["integrity-protected"]);
});
