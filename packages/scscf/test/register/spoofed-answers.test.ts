// Wrong answers in a device's name, over what passes for its own flow: they count against their sender. TS 24.229 §5.4.1.2.3.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import { Device, DOMAIN, Lab, type Peer } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
let bob: Device;

/** Sends REGISTERs with bob's name, Contact and Path, as a forged source address lets anybody do; bob hears the answers. */
let spoofer: Device;
const SOURCE_ADDRESS = { integrity: "ip-assoc-yes" } as const;
const TLS = { integrity: "tls-yes" } as const;

beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start(
    "--pcscf.subscribe=false",
    "--authentication.onRefresh=always",
    "--reauthentication.onRefused=deregister",
  ));
  bob = new Device(lab, pcscf, "bob");
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  pcscf.take("NOTIFY");
  spoofer = new Device(lab, pcscf, "bob");
  spoofer.callId = "made-up";
});

const ends = (): readonly unknown[] =>
  lab.scscf.reauthentications
    .list()
    .map((one) => (one.progress === "ended" ? one.end : one.progress));

/** An Authorization value in bob's name. */
function claimed(changed: Readonly<Record<string, string>>): string {
  const parameters = {
    username: `bob@${DOMAIN}`,
    realm: DOMAIN,
    nonce: Buffer.alloc(24, 1).toString("base64"),
    uri: `sip:${DOMAIN}`,
    response: "0".repeat(32),
    ...changed,
  };
  const quoted = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `Digest ${quoted.join(",")},integrity-protected="ip-assoc-yes"`;
}

function sends(authorization: string): number {
  return spoofer.register({
    ...SOURCE_ADDRESS,
    silent: true,
    headers: [["Authorization", authorization]],
  }).status;
}

/** The nonce that carol was given, who is a user as good as any. */
function nonceOfAnother(): string {
  const carol = new Device(lab, pcscf, "carol");
  const challenged = carol.register({ silent: true }).text("WWW-Authenticate") ?? "";
  return /nonce="([^"]*)"/.exec(challenged)?.[1] ?? "";
}

describe("a refresh in its name, which a rule has challenged", () => {
  beforeEach(() => {
    expect(spoofer.register({ ...SOURCE_ADDRESS, silent: true }).status).toBe(401);
    expect(ends()).toEqual(["challenged"]);
  });

  test.each([
    ["a nonce of nobody's", () => sends(claimed({})), 401],
    ["a nonce of his own", () => sends(claimed({ nonce: nonceOfAnother() })), 403],
    ["another realm", () => sends(claimed({ realm: "other.example" })), 400],
    ["an algorithm of no use", () => sends(claimed({ algorithm: "ROT13" })), 400],
    ["no response, as a device that rejects it", () => sends(claimed({ response: "" })), 401],
    [
      "a wrong password, the nonce heard on the way",
      () => spoofer.register({ ...SOURCE_ADDRESS, password: "guessed" }).status,
      403,
    ],
    [
      "as often as he likes",
      () => {
        for (let turn = 0; turn < 9; turn++) sends(claimed({ nonce: nonceOfAnother() }));
        return spoofer.register({ ...SOURCE_ADDRESS, password: "guessed" }).status;
      },
      403,
    ],
  ])("%s: the device stays, and authenticates when it comes", (_what, answer, status) => {
    expect(answer()).toBe(status);
    expect(ends()).toEqual(["challenged"]);
    expect(lab.scscf.bindings.size).toBe(1);
    expect(bob.register(SOURCE_ADDRESS).status).toBe(200);
    expect(ends()).toEqual(["reauthenticated"]);
  });

  test("nothing of it is said of the device, whose time is over one day: it has not answered", () => {
    sends(claimed({ nonce: nonceOfAnother() }));
    lab.run(3_600_000);
    expect(ends()).toEqual(["unanswered"]);
  });
});

describe("the device's own wrong answer is the end", () => {
  test("in the row of its REGISTERs", () => {
    expect(bob.register({ ...SOURCE_ADDRESS, password: "wrong" }).status).toBe(403);
    expect(ends()).toEqual(["refused"]);
    expect(lab.scscf.bindings.size).toBe(0);
  });

  test("with a new Call-ID within its TLS connection, where nobody else can write", () => {
    bob.callId = "after-a-restart";
    expect(bob.register({ ...TLS, password: "wrong" }).status).toBe(403);
    expect(ends()).toEqual(["refused"]);
    expect(lab.scscf.bindings.size).toBe(0);
  });

  test("with a new Call-ID and no more than its address: noted, and the deadline decides", () => {
    bob.callId = "after-a-restart";
    expect(bob.register({ ...SOURCE_ADDRESS, password: "wrong" }).status).toBe(403);
    expect(ends()).toEqual(["challenged"]);
    lab.run(3_600_000);
    expect(ends()).toEqual(["refused"]);
  });
});
