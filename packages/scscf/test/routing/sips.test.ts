// `sips:` at the S-CSCF: who may bind a sips: Contact, and who is reached by which scheme. RFC 5630 §5.2, §5.3.
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { isProblem, refusalFor } from "../../src/routing/problems.ts";
import { devicesOf } from "../../src/routing/terminating.ts";
import { BOB, Device, DOMAIN, Lab, type Peer, SCSCF } from "../lab.ts";

const PLAIN_PATH = "<sip:tok@10.1.0.1:4060;lr>";
const SECURED_PATH = "<sips:tok@10.1.0.1:4061;lr>";
const SECURED = "<sips:bob@192.0.2.1:5061>";

let lab: Lab;
let pcscf: Peer;
beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start());
});

function bob(suffix = ""): Device {
  return new Device(lab, pcscf, "bob", suffix);
}

/** One whose way is secured from end to end. */
function securedBob(): Device {
  return Object.assign(bob("s"), {
    contact: SECURED,
    path: SECURED_PATH,
    registrar: `sips:${DOMAIN}`,
  });
}

describe("a sips: Contact", () => {
  test("is bound when the Request-URI and every Path value are sips:", () => {
    expect(securedBob().register().status).toBe(200);
  });

  test.each<[string, Partial<Device>]>([
    ["the Request-URI is sip:", { registrar: `sip:${DOMAIN}` }],
    ["the Path is sip:", { path: PLAIN_PATH }],
    ["one Path value of two is sip:", { path: `${SECURED_PATH}, ${PLAIN_PATH}` }],
  ])(
    "is refused with 400 when %s, before any challenge, and the log says what to do",
    (_why, one) => {
      const device = Object.assign(securedBob(), one);
      expect(device.register({ silent: true }).status).toBe(400);
      expect(lab.log.named("registration.refused")[0]).toMatchObject({
        reason: "insecure-hop",
        why: expect.stringMatching(/^a sips: Contact with .*sip:.* on the way: register a sip:/),
      });
    },
  );
});

describe("one address of record under both schemes", () => {
  test("registers as sips: and is shown as what the subscribers file names", () => {
    const device = Object.assign(bob(), { impu: `sips:bob@${DOMAIN}` });
    expect(device.register().texts("P-Associated-URI")[0]).toBe(`<${BOB}>`);
    expect(lab.scscf.setOf(BOB)).toBeDefined();
  });
});

describe("a call", () => {
  test("to sips: goes to sips: Contacts only", () => {
    bob().register();
    securedBob().register();
    expect(reached(`sips:bob@${DOMAIN}`)).toEqual(["sips:bob@192.0.2.1:5061"]);
  });

  test("to sips: where there is none: 480 with Warning 380", () => {
    bob().register();
    const problem = devicesOf(called(), invite(`sips:bob@${DOMAIN}`));
    if (!isProblem(problem)) throw new Error("no problem");
    expect(refusalFor(problem)).toEqual({
      status: 480,
      headers: [["Warning", '380 ims-lab "SIPS Not Allowed"']],
    });
  });

  test("to sip: goes to both, and stays sip:", () => {
    bob().register();
    securedBob().register();
    expect(reached(BOB)).toEqual(["sip:bob@192.0.2.1:5060", "sip:bob@192.0.2.1:5061"]);
  });
});

function called(): Parameters<typeof devicesOf>[0] {
  const { directory, bindings } = lab.scscf;
  return { directory, domain: DOMAIN, bindingsOf: (set) => bindings.ofSet(set) };
}

function reached(uri: string): readonly string[] {
  const targets = devicesOf(called(), invite(uri));
  if (isProblem(targets)) throw new Error(targets.kind);
  return targets.map(({ request }) => request.uri);
}

function invite(uri: string): SipRequest {
  return newRequest("INVITE", uri, [
    ["Via", `SIP/2.0/UDP ${SCSCF.host}:${SCSCF.port};branch=z9hG4bKx`],
    ["From", "<sip:carol@ims.example>;tag=c"],
    ["To", `<${uri}>`],
    ["Call-ID", "sips"],
    ["CSeq", "1 INVITE"],
  ]);
}
