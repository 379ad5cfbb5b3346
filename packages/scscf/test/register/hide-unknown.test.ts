// authentication.hideUnknown: who probes cannot tell users from names of nobody, and by default 403 tells him at once.
import { WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { Device, DOMAIN, Lab, type Peer } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
let turn = 0;
async function start(...argv: readonly string[]): Promise<void> {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false", ...argv));
}

interface Probe {
  /** undefined: no Authorization. */
  readonly impi?: string | undefined;
  readonly impu: string;
  readonly callId?: string;
  /** Of the Authorization value, beside username and realm. */
  readonly more?: string;
}

function probe({
  impi,
  impu,
  callId = `probe-${++turn}`,
  more = 'nonce="",response=""',
}: Probe): SipResponse {
  const uri = `sip:${impu}@${DOMAIN}`;
  const authorization = `Digest username="${impi}@${DOMAIN}",realm="${DOMAIN}",uri="sip:x",${more}`;
  const headers: [string, string][] = [
    ["Contact", "<sip:x@192.0.2.9>"],
    ["Call-ID", callId],
    ["Path", `<sip:tok-${impu}@10.1.0.1:4060;lr>`],
    ...(impi === undefined ? [] : ([["Authorization", authorization]] as [string, string][])),
  ];
  return lab.exchange(pcscf, lab.request(pcscf, "REGISTER", `sip:${DOMAIN}`, uri, headers));
}

/** What shows of a challenge, but for what is drawn anew each time. */
function shapeOf(response: SipResponse): string {
  const challenges = response.all(WwwAuthenticate).map(({ scheme, params }) => {
    const shown = [...params].map(([name, value]) =>
      ["nonce", "ik", "ck"].includes(name) ? `${name} ${value.length}` : `${name}=${value}`,
    );
    return `${scheme} ${shown.join(",")}`;
  });
  const names = response.names().join();
  return [response.startLine, names, response.to.params.get("tag")?.length, ...challenges].join(
    "\n",
  );
}

const algorithmOf = (response: SipResponse): string | undefined =>
  response.get(WwwAuthenticate)?.params.get("algorithm");
const NOBODIES = Array.from({ length: 60 }, (_, at) => `nobody${at}`);

describe("off, as it is by default: the standard's 403 tells who exists", () => {
  test("users are challenged, names of nobody and foreign identities are not", async () => {
    await start();
    expect(probe({ impi: "bob", impu: "bob" }).status).toBe(401);
    expect(probe({ impu: "bob" }).status).toBe(401);
    for (const impi of [undefined, "nobody"])
      expect(probe({ impi, impu: "nobody" }).status).toBe(403);
    expect(probe({ impi: "bob", impu: "carol" }).status).toBe(403);
  });
});

describe("on", () => {
  beforeEach(() => start("--authentication.hideUnknown=true"));

  test("every name is challenged, in the ways that real users are, and always in the same way", () => {
    const shapes = new Set(["bob", "sim"].map((impu) => shapeOf(probe({ impi: impu, impu }))));
    const ways = new Map<string, number>();
    for (const name of NOBODIES) {
      const first = probe({ impi: name, impu: name });
      expect(shapes).toContain(shapeOf(first));
      const again = [{ impi: name, impu: name }, { impu: name }, { impi: name, impu: "bob" }];
      for (const one of again) expect(shapeOf(probe(one))).toBe(shapeOf(first));
      const way = algorithmOf(first) ?? "";
      ways.set(way, (ways.get(way) ?? 0) + 1);
    }
    // Three of the four users have a password, one a card.
    expect([...ways.keys()].sort()).toEqual(["AKAv1-MD5", "MD5"]);
    expect(ways.get("MD5")).toBeGreaterThan(ways.get("AKAv1-MD5") ?? 0);
  });

  test("the way is the same after a restart", async () => {
    const ways = (): unknown => NOBODIES.map((impu) => algorithmOf(probe({ impi: impu, impu })));
    const before = ways();
    await start("--authentication.hideUnknown=true");
    expect(ways()).toEqual(before);
  });

  test("the AMF in AUTN is a real one, and no nonce comes twice", () => {
    const nonces = NOBODIES.flatMap((impu) => [
      probe({ impi: impu, impu }),
      probe({ impi: impu, impu }),
    ])
      .filter((response) => algorithmOf(response) === "AKAv1-MD5")
      .map((response) => response.get(WwwAuthenticate)?.params.get("nonce") ?? "");
    expect(new Set(nonces).size).toBe(nonces.length);
    for (const nonce of nonces)
      expect(Buffer.from(nonce, "base64").subarray(22, 24).toString("hex")).toBe("8000");
  });

  test("a repeated request hears the same answer", () => {
    for (const user of ["bob", "nobody0"]) {
      const request = lab.request(pcscf, "REGISTER", `sip:${DOMAIN}`, `sip:${user}@${DOMAIN}`, [
        ["Contact", "<sip:x@192.0.2.9>"],
      ]);
      const first = lab.exchange(pcscf, request).text("WWW-Authenticate");
      pcscf.send(request);
      lab.run();
      expect(pcscf.responses.at(-1)?.text("WWW-Authenticate")).toBe(first);
    }
  });

  const nobodyLike = (user: string): string => {
    const way = algorithmOf(probe({ impi: user, impu: user }));
    const found = NOBODIES.find((impu) => algorithmOf(probe({ impi: impu, impu })) === way);
    if (found === undefined) throw new Error(`nobody is like ${user}`);
    return found;
  };
  const ZEROES = "0".repeat(32);
  const WRONG = [
    ["a wrong response", `response="${ZEROES}"`, 403],
    ["an empty response", 'response=""', 403],
    ["AUTS garbage", `response="${ZEROES}",auts="${Buffer.alloc(14, 7).toString("base64")}"`, 403],
    ["a short response", 'response="00"', 400],
    ["an unknown algorithm", `response="${ZEROES}",algorithm=ROT13`, 400],
    ["one that was not offered", `response="${"0".repeat(64)}",algorithm=SHA-256`, 400],
    ["an unknown qop", `response="${ZEROES}",qop=foo,nc=00000001,cnonce="c"`, 400],
    ["qop without nc", `response="${ZEROES}",qop=auth,cnonce="c"`, 400],
  ] as const;
  test.each(["bob", "sim"].flatMap((user) => WRONG.map((wrong) => [user, ...wrong] as const)))(
    "like %s: %s",
    (user, _what, more, status) => {
      for (const [impi, impu] of [
        [user, user],
        [nobodyLike(user), "zed"],
        [user, "nobody"],
        [user, user === "bob" ? "carol" : "bob"],
      ] as const) {
        const callId = `wrong-${++turn}`;
        const challenged = probe({ impi, impu, callId });
        const nonce = challenged.get(WwwAuthenticate)?.params.get("nonce");
        const statuses = [1, 2, 3].map(
          () => probe({ impi, impu, callId, more: `nonce="${nonce}",${more}` }).status,
        );
        // What an answer to a challenge that is over hears is the same, too.
        expect(statuses.slice(0, 1)).toEqual([status]);
        expect(new Set(statuses).size).toBeLessThanOrEqual(1);
      }
    },
  );

  test("nonces of nobody's making, of others, and old ones: the same for both", () => {
    const nonceOf = (impu: string): string =>
      probe({ impi: impu, impu }).get(WwwAuthenticate)?.params.get("nonce") ?? "";
    const nobody = nobodyLike("bob");
    for (const nonce of ["made-up", nonceOf("carol"), nonceOf(nobodyLike("carol"))]) {
      const statuses = ["bob", nobody].map(
        (impu) => probe({ impi: impu, impu, more: `nonce="${nonce}",response="${ZEROES}"` }).status,
      );
      expect(new Set(statuses).size).toBe(1);
    }
    const old = ["bob", nobody].map((impu) => [impu, nonceOf(impu)] as const);
    lab.run(241_000);
    const statuses = old.map(
      ([impu, nonce]) =>
        probe({ impi: impu, impu, more: `nonce="${nonce}",response="${ZEROES}"` }).status,
    );
    expect(new Set(statuses).size).toBe(1);
  });

  test("who proves himself hears 403 for an identity that is not his, and nothing is bound", () => {
    const bob = new Device(lab, pcscf, "bob");
    const to: [string, string][] = [["To", `<sip:carol@${DOMAIN}>`]];
    expect(bob.register({ headers: to }).status).toBe(403);
    expect(lab.scscf.bindings.size).toBe(0);
    expect(bob.register().status).toBe(200);
  });

  test("the log says who is nobody; an operator's list of failures does not fill with them", () => {
    const nonce = probe({ impi: "nobody0", impu: "nobody0" })
      .get(WwwAuthenticate)
      ?.params.get("nonce");
    probe({ impi: "nobody0", impu: "nobody0", more: `nonce="${nonce}",response="${ZEROES}"` });
    expect(lab.log.named("registration.refused")).toMatchObject([
      { reason: "unknown-user", why: expect.stringContaining("hideUnknown") },
      { why: `nobody has the user name nobody0@${DOMAIN}` },
    ]);
    expect(lab.scscf.failures.of(`nobody0@${DOMAIN}`)).toBeUndefined();
  });
});
