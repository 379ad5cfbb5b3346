// Responses to REGISTER as the UE reads them. RFC 3261 §10.2.4.
import { newResponse, type SipResponse } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import type { Credentials } from "../../src/registration/credentials.ts";
import { registerRequest } from "../../src/registration/register-request.ts";
import { outcomeOf } from "../../src/registration/register-response.ts";
import type { OutcomeInput } from "../../src/registration/state.ts";
import type { Identity } from "../../src/user-agent/identity.ts";

const identity: Identity = {
  impi: "alice@example.org",
  impu: "sip:alice@example.org",
  domain: "example.org",
  contactUri: "sip:alice@192.0.2.7:5064",
  instance: "urn:uuid:0",
};
const credentials: Credentials = {
  unprompted: () => undefined,
  refused: () => undefined,
  answer: (challenges, { method, uri }) => ({
    verdict: "valid",
    authorization: `${challenges.length} ${method} ${uri}`,
    why: "",
  }),
};
const request = registerRequest(identity, {
  order: { callId: "c", cseq: 1 },
  expiresSeconds: 600_000,
  authorization: undefined,
  fromTag: "f",
});

function read(
  status: number,
  headers: readonly (readonly [string, string])[],
): OutcomeInput | undefined {
  const response: SipResponse = newResponse(request, status, { headers });
  return outcomeOf(request, response, identity, credentials);
}

function granted(headers: readonly (readonly [string, string])[]): number | undefined {
  const outcome = read(200, headers);
  return outcome?.kind === "accepted" ? outcome.acceptance.expiresSeconds : undefined;
}

describe("RFC 3261 §10.2.4: the granted expiry", () => {
  const other = "<sip:alice@192.0.2.8:5064>;expires=17";

  test("is that of the own contact among all", () => {
    expect(granted([["Contact", `${other}, <sip:alice@192.0.2.7:5064>;expires=3600`]])).toBe(3600);
  });
  test("of Expires when the contact has none", () => {
    expect(
      granted([
        ["Contact", "<sip:alice@192.0.2.7:5064>"],
        ["Expires", "1800"],
      ]),
    ).toBe(1800);
  });
  test("what was asked when nothing says anything", () => {
    expect(granted([["Contact", "<sip:alice@192.0.2.7:5064>"]])).toBe(600_000);
  });
  test.each([
    ["no Contact at all", []],
    ["the star", [["Contact", "*"]]],
    ["another port", [["Contact", "<sip:alice@192.0.2.7:5065>"]]],
    ["another user", [["Contact", "<sip:bob@192.0.2.7:5064>"]]],
    ["another transport", [["Contact", "<sip:alice@192.0.2.7:5064;transport=tcp>"]]],
    ["our own that has ended", [["Contact", "<sip:alice@192.0.2.7:5064>;expires=0"]]],
  ] as const)("§10.2.4: %s: nothing", (_name, headers) => {
    expect(granted(headers)).toBe(0);
    expect(granted([...headers, ["Expires", "3600"]])).toBe(0);
  });
  test.each([
    "<sip:alice@192.0.2.7:5064>;expires=60;q=0.5",
    "<SIP:%61lice@192.0.2.7:5064>;expires=60",
    "<sip:alice@192.0.2.7:5064;ob;alias=192.0.2.7~5064~1>;expires=60",
    "<sip:alice@192.0.2.7:5064;transport=UDP>;expires=60",
    "sip:alice@192.0.2.7:5064;expires=60",
    "<sip:alice@192.0.2.7:5064>;expires=0, <sip:alice@192.0.2.7:5064>;expires=60",
  ])("§19.1.4: %s is ours", (contact) => {
    expect(granted([["Contact", contact]])).toBe(60);
  });
  test("nothing when only others are listed", () => {
    expect(granted([["Contact", other]])).toBe(0);
  });
});

describe("answers to REGISTER", () => {
  test("RFC 3608: Service-Route in order, RFC 7315: P-Associated-URI", () => {
    const outcome = read(200, [
      ["Service-Route", "<sip:a;lr>, <sip:b;lr>"],
      ["P-Associated-URI", "<sip:alice@example.org>, <tel:+1555>"],
    ]);
    expect(outcome).toMatchObject({
      acceptance: {
        serviceRoute: ["<sip:a;lr>", "<sip:b;lr>"],
        associatedUris: ["sip:alice@example.org", "tel:+1555"],
      },
    });
  });
  test("provisional: nothing", () => {
    expect(read(100, [])).toBeUndefined();
  });
  test("401: all challenges go to the credentials", () => {
    const challenge = ["WWW-Authenticate", 'Digest realm="r",nonce="n"'] as const;
    expect(read(401, [challenge, challenge])).toMatchObject({
      kind: "challenged",
      answer: { authorization: "2 REGISTER sip:example.org" },
    });
  });
  test("423 with and without Min-Expires", () => {
    expect(read(423, [["Min-Expires", "700000"]])).toMatchObject({ minExpiresSeconds: 700_000 });
    expect(read(423, [])).toMatchObject({ kind: "refused", status: 423 });
  });
  test("503: Retry-After with a comment", () => {
    expect(read(503, [["Retry-After", "18 (busy)"]])).toMatchObject({ retryAfterSeconds: 18 });
  });
});

test("RFC 5626 §4.1: Contact names the device", () => {
  expect(request.text("Contact")).toBe('<sip:alice@192.0.2.7:5064>;+sip.instance="<urn:uuid:0>"');
  expect(request.has("Authorization")).toBe(false);
});
