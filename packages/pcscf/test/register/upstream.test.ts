// Credentials of a REGISTER that leaves for the S-CSCF. TS 24.229 §5.2.2.1.
import { isMalformed } from "@ims-lab/common/ims/credentials";
import { newRequest } from "@ims-lab/common/sip/message/message";
import { expect, test } from "vitest";
import { type UpstreamRegister, upstreamRegister } from "../../src/register/upstream.ts";
import { claimsIntegrity, credentialsFromUe } from "../../src/sides/ue-credentials.ts";

const REALM = "home.test";
const OURS = `Digest username="u",realm="${REALM}"`;
const THEIRS = 'Digest username="v",realm="other.test"';

function upstream(...values: readonly string[]): UpstreamRegister {
  const headers = values.map((text) => ["Authorization", text] as const);
  const request = newRequest("REGISTER", `sip:${REALM}`, headers);
  const claimed = claimsIntegrity(request);
  const credentials = credentialsFromUe(request, claimed);
  if (isMalformed(credentials)) throw new Error(credentials.malformed);
  return upstreamRegister(request, {
    credentials,
    path: "<sip:token@192.0.2.1;lr>",
    integrity: "no",
    claimed,
    listsPath: false,
    visitedNetworkId: REALM,
    chargingVector: 'icid-value="1"',
  });
}

test.each([
  ['Digest username="u"', 'Digest username="u",integrity-protected="no"'],
  ['Digest Integrity-Protected=yes,username="u"', 'Digest username="u",integrity-protected="no"'],
  ["Digest integrity-protected=yes", undefined],
  ["Basic dTpw", undefined],
  ["", undefined],
])("TS 24.229 §5.2.2.1: %s with our own integrity-protected", (text, expected) => {
  expect(upstream(text).request.text("Authorization")).toBe(expected);
});

test.each([
  [[THEIRS, OURS]],
  [[OURS, THEIRS]],
  [["Basic dTpw", "", OURS]],
  [['Foo username="v"', OURS]],
])("of several values, %j, the one that counts goes on, and nothing else", (values) => {
  expect(upstream(...values).request.texts("Authorization")).toEqual([
    `${OURS},integrity-protected="no"`,
  ]);
});

test("a claim is named whichever value it stands in", () => {
  const both = upstream(OURS, `${THEIRS},INTEGRITY-protected="yes"`);
  expect(both.forged).toEqual(["integrity-protected"]);
});
