// Networks, trusted peers, advertised addresses: what matches whom.
import { describe, expect, it } from "vitest";
import {
  cidrContains,
  isHost,
  parseAdvertised,
  parseCidr,
  parseTrustedPeer,
  type TrustedPeer,
  trustedPeerOf,
} from "../../src/platform/cidr.ts";
import { isLoopback, isWildcard, parseIp } from "../../src/platform/ip-address.ts";

describe("IP addresses", () => {
  it.each([
    ["192.0.2.1", "c0000201"],
    ["::", "00000000000000000000000000000000"],
    ["2001:db8::1", "20010db8000000000000000000000001"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["64:ff9b::192.0.2.1", "0064ff9b0000000000000000c0000201"],
    ["[fe80::1%eth0]", "fe800000000000000000000000000001"],
    ["::ffff:192.0.2.1", "c0000201"],
    ["::ffff:c000:201", "c0000201"],
  ])("reads %s", (text, hex) => {
    expect(Buffer.from(parseIp(text) ?? []).toString("hex")).toBe(hex);
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "12345::",
    "1:2:3:4:5:6:7:8::",
    "::1.2.3",
    "g::",
    ":",
  ])("refuses %j", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it("knows loopback and wildcard", () => {
    expect(["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"].every(isLoopback)).toBe(true);
    expect(["128.0.0.1", "::2", "0.0.0.0", "example.org"].some(isLoopback)).toBe(false);
    expect(["0.0.0.0", "::"].every(isWildcard)).toBe(true);
    expect(isWildcard("127.0.0.1")).toBe(false);
  });
});

describe("networks", () => {
  it.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["192.0.2.128/25", "192.0.2.129", true],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["::/0", "2001:db8::1", true],
    ["::/0", "203.0.113.9", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["192.0.2.0/24", "::ffff:192.0.2.7", true],
    ["::ffff:192.0.2.0/120", "192.0.2.7", true],
    ["::ffff:192.0.2.0/120", "192.0.3.7", false],
    ["0.0.0.0/0", "host.example", false],
  ])("%s contains %s: %s", (network, host, expected) => {
    const cidr = parseCidr(network);
    expect(cidr && cidrContains(cidr, host)).toBe(expected);
  });

  it.each(["10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "x/8", "10.0.0.0/8/8"])(
    "refuses %s",
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );
});

describe("trusted peers", () => {
  const peers = ["127.0.0.1:4060", "10.0.0.0/8", "[2001:db8::1]:4060", "2001:db8:1::/48"]
    .map(parseTrustedPeer)
    .filter((peer): peer is TrustedPeer => peer !== undefined);

  it.each([
    ["127.0.0.1", 4060, true],
    ["127.0.0.1", 4061, false],
    ["10.1.2.3", 9, true],
    ["2001:db8::1", 4060, true],
    ["2001:db8::1", 4061, false],
    ["2001:db8:1::9", 1, true],
    ["192.0.2.1", 4060, false],
  ])("%s port %i: %s", (host, port, trusted) => {
    expect(trustedPeerOf(peers, host, port) !== undefined).toBe(trusted);
  });

  it("reads a network with a port in both families", () => {
    expect(parseTrustedPeer("10.0.0.0/8:4060")?.port).toBe(4060);
    expect(parseTrustedPeer("[2001:db8::]/32:4060")).toMatchObject({
      port: 4060,
      network: { prefixLength: 32 },
    });
    expect(parseTrustedPeer("[2001:db8::/32]:4060")?.network?.prefixLength).toBe(32);
  });

  it.each(["", "host.example", "10.0.0.1:65536", "10.0.0.1:", "[::1", ":5060"])(
    "refuses %j",
    (text) => {
      expect(parseTrustedPeer(text)).toBeUndefined();
    },
  );
});

describe("advertised addresses", () => {
  it("is for everybody without a network, with one entry per family", () => {
    expect(parseAdvertised("lab.example:5070")).toMatchObject([
      { forPeers: { text: "0.0.0.0/0" }, host: "lab.example", port: 5070 },
      { forPeers: { text: "::/0" }, host: "lab.example", port: 5070 },
    ]);
    expect(parseAdvertised("[2001:db8::1]:5070")?.[0]?.host).toBe("2001:db8::1");
  });

  it("is for one network with one", () => {
    expect(parseAdvertised("172.16.0.0/12=172.18.0.2:5060")).toMatchObject([
      { forPeers: { prefixLength: 12 }, host: "172.18.0.2", port: 5060 },
    ]);
  });

  it.each(["", "10.0.0.0/8=", "x=1.2.3.4", "a b", "1.2.3", "http://a:1", "a:99999"])(
    "refuses %j",
    (text) => {
      expect(parseAdvertised(text)).toBeUndefined();
    },
  );

  it("knows hosts", () => {
    expect(["a", "a-b.example", "192.0.2.1", "2001:db8::1", "scscf_1"].every(isHost)).toBe(true);
    expect(["", "-a", "a..b", "1.2.3", "[::1]", "a/b"].some(isHost)).toBe(false);
  });
});

it("RFC 5922: a trusted peer by the name in its certificate, wherever it comes from", () => {
  const peers = ["10.0.0.1", "tls:SCSCF.example"].map(parseTrustedPeer).filter((peer) => !!peer);
  expect(trustedPeerOf(peers, "192.0.2.1", 5061, ["scscf.example"])).toBe(peers[1]);
  expect(trustedPeerOf(peers, "192.0.2.1", 5061, ["other.example"])).toBeUndefined();
  expect(trustedPeerOf(peers, "192.0.2.1", 5061)).toBeUndefined();
  expect(parseTrustedPeer("tls:not a name")).toBeUndefined();
});

describe("IPv6 that may have a port behind it", () => {
  it.each([
    ["2001:db8::1:5060", false],
    ["fe80::1:2:65535", false],
    ["[2001:db8::1:5060]", true],
    ["[2001:db8::1]:5060", true],
    ["2001:db8::1", true],
    ["2001:db8::5060", true],
    ["2001:db8:0:0:0:0:0:5060", true],
    ["2001:db8::1:abcd", true],
    ["2001:db8::1:12", true],
  ])("%s: taken %s", (text, isTaken) => {
    expect(parseAdvertised(text) !== undefined).toBe(isTaken);
    expect(parseTrustedPeer(text) !== undefined).toBe(isTaken);
  });
});
