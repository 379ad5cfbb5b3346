// A proxy's checks and routes: RFC 3261 §16.3, §16.4, §16.6; RFC 5393, RFC 5658.
import { describe, expect, test } from "vitest";
import { newRequest, newResponse, type SipRequest } from "../../../src/sip/message/message.ts";
import { parseUri } from "../../../src/sip/message/uri.ts";
import { isLoop, loopTail } from "../../../src/sip/proxy/loop.ts";
import {
  recordBothSides,
  restoreRecordRoute,
  routeValue,
} from "../../../src/sip/proxy/record-route.ts";
import { destinationOf, takeNextHop, takeOwnRoutes } from "../../../src/sip/proxy/route.ts";
import { checkForRelay, countHop } from "../../../src/sip/proxy/validate.ts";

type Extra = readonly (readonly [string, string])[];

function request(uri = "sip:bob@b.example", extra: Extra = [], method = "INVITE"): SipRequest {
  return newRequest(method, uri, [
    ["Via", "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx"],
    ["From", "<sip:alice@a.example>;tag=f"],
    ["To", "<sip:bob@b.example>"],
    ["Call-ID", "c"],
    ["CSeq", `1 ${method}`],
    ...extra,
  ]);
}

const isOwn = (host: string, port: number): boolean =>
  host === "p.example" && (port === 5060 || port === 4060);
const rules = { isOwn, extensions: ["sec-agree"] };

describe("RFC 3261 §16.3: what is refused", () => {
  test.each<[string, SipRequest, number | undefined]>([
    ["a scheme we cannot route", request("nobodyKnows:x"), 416],
    ["no hop left", request(undefined, [["Max-Forwards", "0"]]), 483],
    ["one hop left", request(undefined, [["Max-Forwards", "1"]]), undefined],
    ["no Max-Forwards", request(), undefined],
    ["tel:", request("tel:+15551"), undefined],
    ["an unknown Proxy-Require", request(undefined, [["Proxy-Require", "sec-agree, gin"]]), 420],
    ["a known Proxy-Require", request(undefined, [["Proxy-Require", "Sec-Agree"]]), undefined],
    ["… of an ACK", request(undefined, [["Proxy-Require", "gin"]], "ACK"), undefined],
  ])("%s", (_name, message, status) => {
    expect(checkForRelay(message, rules)?.status).toBe(status);
  });

  test("§20.40: Unsupported names what was not understood and nothing else", () => {
    const message = request(undefined, [["Proxy-Require", "sec-agree, gin, x"]]);
    expect(checkForRelay(message, rules)?.headers).toEqual([["Unsupported", "gin, x"]]);
  });
});

describe("RFC 5393 §4.2: loops and spirals", () => {
  const came = request();
  const back = came
    .clone()
    .push("Via", `SIP/2.0/UDP p.example:4060;branch=z9hG4bKabc.${loopTail(came)}`)
    .push("Via", "SIP/2.0/UDP other.example;branch=z9hG4bKother");

  test("the same request again is a loop", () => {
    expect(isLoop(back, isOwn)).toBe(true);
    expect(checkForRelay(back, rules)?.status).toBe(482);
  });

  test("another Request-URI makes it a spiral", () => {
    expect(isLoop(back.clone().setUri("sip:carol@b.example"), isOwn)).toBe(false);
  });

  test("a Via of somebody else with such a branch proves nothing", () => {
    expect(isLoop(back, () => false)).toBe(false);
  });
});

test("§16.6 item 3: Max-Forwards counts down, and is 70 where there was none", () => {
  const counted = (extra: Extra): string | undefined => {
    const message = request(undefined, extra);
    countHop(message);
    return message.text("Max-Forwards");
  };
  expect(counted([["Max-Forwards", "70"]])).toBe("69");
  expect(counted([])).toBe("70");
});

describe("RFC 3261 §16.4: our own routes", () => {
  test("both entries of a double Record-Route go at once, tokens come back", () => {
    const message = request(undefined, [
      ["Route", "<sip:t1@p.example:4060;lr>, <sip:t2@p.example;lr>"],
      ["Route", "<sip:s.example:6060;lr>"],
    ]);
    expect(takeOwnRoutes(message, isOwn).map((uri) => uri.user)).toEqual(["t1", "t2"]);
    expect(message.texts("Route")).toEqual(["<sip:s.example:6060;lr>"]);
  });

  test("however many there are, they go at once; what stands in a line behind them stays", () => {
    const ours = Array.from({ length: 40_000 }, () => "<sip:p.example;lr>").join(", ");
    const message = request(undefined, [
      ["Route", ours],
      ["Route", `${ours}, <sip:a.example;lr>, <sip:b.example;lr>`],
      ["Route", "<sip:p.example;lr>"],
    ]);
    expect(takeOwnRoutes(message, isOwn)).toHaveLength(80_000);
    expect(message.texts("Route")).toEqual([
      "<sip:a.example;lr>",
      "<sip:b.example;lr>",
      "<sip:p.example;lr>",
    ]);
  });

  test("a strict router's work is undone", () => {
    const message = request("sip:t1@p.example;lr", [
      ["Route", "<sip:s.example;lr>, <sip:bob@192.0.2.4>"],
    ]);
    expect(takeOwnRoutes(message, isOwn).map((uri) => uri.user)).toEqual(["t1"]);
    expect(message.uri).toBe("sip:bob@192.0.2.4");
    expect(message.texts("Route")).toEqual(["<sip:s.example;lr>"]);
  });

  const TARGET = "sip:bob@192.0.2.4";
  test.each<[string, string, string, string[], (string | undefined)[]]>([
    [
      "behind a double Record-Route, our other entry on top",
      "sip:t1@p.example;transport=udp;lr",
      `<sip:t1@p.example:4060;lr>, <sip:s.example;lr>, <${TARGET}>`,
      ["<sip:s.example;lr>"],
      ["t1", "t1"],
    ],
    [
      "the entry of our other side in the Request-URI",
      "sip:t1@p.example:4060;lr",
      `<sip:t1@p.example;lr>, <sip:s.example;lr>, <${TARGET}>`,
      ["<sip:s.example;lr>"],
      ["t1", "t1"],
    ],
    [
      "parameters in another order, written otherwise",
      "sip:t1@P.example:5060;LR=on;transport=UDP",
      `<sip:s.example;lr>, <${TARGET}>`,
      ["<sip:s.example;lr>"],
      ["t1"],
    ],
    [
      "`;lr` lost everywhere",
      "sip:t1@p.example",
      `<sip:t1@p.example:4060>, <sip:s.example>, <${TARGET}>`,
      ["<sip:s.example>"],
      ["t1", "t1"],
    ],
    [
      "the address of the outbound proxy on top",
      "sip:t1@p.example;lr",
      `<sip:p.example>, <sip:t1@p.example:4060;lr>, <${TARGET}>`,
      [],
      ["t1", undefined, "t1"],
    ],
    ["no other entry", "sip:p.example;lr", `<${TARGET}>`, [], [undefined]],
    ["no user, no `;lr`", "sip:p.example", `<${TARGET}>`, [], [undefined]],
    [
      "a tel: target",
      "sip:p.example",
      "<sip:s.example;lr>, <tel:+1>",
      ["<sip:s.example;lr>"],
      [undefined],
    ],
  ])("a strict router's work is undone: %s", (_what, uri, route, left, ours) => {
    const message = request(uri, [["Route", route]]);
    expect(takeOwnRoutes(message, isOwn).map(({ user }) => user)).toEqual(ours);
    expect(message.uri).toBe(route.includes("tel:") ? "tel:+1" : TARGET);
    expect(message.texts("Route")).toEqual(left);
  });

  test.each([
    ["the target is ours too", "sip:p.example;lr", "<sip:p.example:4060>"],
    ["a user at an address of ours, a loose Route", "sip:bob@p.example", "<sip:s.example;lr>"],
    ["… its `;lr` behind the bracket", "sip:bob@p.example", "<sip:s.example>;lr"],
  ])("no strict router: %s", (_what, uri, route) => {
    const message = request(uri, [["Route", route]]);
    takeOwnRoutes(message, isOwn);
    expect(message.uri).toBe(uri);
  });

  test.each([
    [
      "sip:bob@b.example:5070;maddr=p.example;transport=tcp",
      "sip:bob@b.example:5070;maddr=p.example;transport=tcp",
    ],
    ["sip:bob@b.example;maddr=p.example;transport=tcp;user=phone", "sip:bob@b.example;user=phone"],
    ["sip:bob@b.example:4060;maddr=p.example", "sip:bob@b.example"],
    ["sip:bob@b.example;maddr=q.example", "sip:bob@b.example;maddr=q.example"],
  ])("`maddr` that names us has done its work: %s", (uri, left) => {
    const message = request(uri);
    takeOwnRoutes(message, isOwn);
    expect(message.uri).toBe(left);
  });

  test("an entry that `maddr` leads to us is ours, one that it leads away is not", () => {
    const message = request(undefined, [
      ["Route", "<sip:x.example;maddr=p.example;lr>, <sip:p.example;maddr=x.example;lr>"],
    ]);
    expect(takeOwnRoutes(message, isOwn)).toHaveLength(1);
    expect(message.texts("Route")).toEqual(["<sip:p.example;maddr=x.example;lr>"]);
  });

  test("a Request-URI of ours without Route stays: it is addressed to us", () => {
    const message = request("sip:t1@p.example;lr");
    expect(takeOwnRoutes(message, isOwn)).toEqual([]);
    expect(message.uri).toBe("sip:t1@p.example;lr");
  });

  test("routes of others stay", () => {
    const message = request(undefined, [["Route", "<sip:p.example:5090;lr>"]]);
    expect(takeOwnRoutes(message, isOwn)).toEqual([]);
    expect(message.texts("Route")).toHaveLength(1);
  });
});

describe("RFC 3261 §16.6 items 6 and 7: the next hop", () => {
  const hopOf = (message: SipRequest): unknown => destinationOf(takeNextHop(message));

  test("the Request-URI without Route", () => {
    expect(hopOf(request("sip:bob@b.example"))).toEqual({
      host: "b.example",
      port: 5060,
      byService: true,
    });
  });

  test("the topmost loose route, which stays", () => {
    const message = request(undefined, [["Route", "<sip:s.example:6060;transport=tcp;lr>"]]);
    expect(hopOf(message)).toEqual({ host: "s.example", port: 6060, transport: "tcp" });
    expect(message.has("Route")).toBe(true);
  });

  test("`;lr` behind the bracket is meant for the entry", () => {
    const message = request(undefined, [["Route", "<sip:s.example>;lr"]]);
    takeNextHop(message);
    expect(message.uri).toBe("sip:bob@b.example");
  });

  test("a strict router gets its own URI, the target becomes the last route", () => {
    const message = request("sip:bob@b.example", [
      ["Route", "<sip:strict.example>, <sip:s.example;lr>"],
    ]);
    expect(hopOf(message)).toEqual({ host: "strict.example", port: 5060, byService: true });
    expect(message.uri).toBe("sip:strict.example");
    expect(message.texts("Route")).toEqual(["<sip:s.example;lr>", "<sip:bob@b.example>"]);
  });

  test.each([
    "tel:+1555",
    "sip:b.example;transport=sctp",
    "sips:b.example;transport=udp",
    "urn:x:y",
  ])("nowhere for %s", (text) => {
    const uri = parseUri(text);
    expect(uri === undefined ? "malformed" : destinationOf(uri)).toBeUndefined();
  });

  test.each([
    ["sips:192.0.2.1", { port: 5061, transport: "tls" }],
    ["sips:192.0.2.1:7061;transport=tcp", { port: 7061, transport: "tls" }],
    ["sip:192.0.2.1;transport=tls", { port: 5061, transport: "tls" }],
    ["sip:192.0.2.1;transport=WS", { port: 80, transport: "ws" }],
    ["sips:192.0.2.1:443;transport=ws", { port: 443, transport: "wss" }],
  ])("secured and WebSocket: %s", (text, to) => {
    const uri = parseUri(text);
    expect(uri && destinationOf(uri)).toEqual({ host: "192.0.2.1", ...to });
  });
});

test("RFC 5658 §4: the side a request leaves by is on top of the side it came in by", () => {
  const message = request(undefined, [["Record-Route", "<sip:first.example;lr>"]]);
  recordBothSides(
    message,
    { host: "192.0.2.1", port: 5060, transport: "UDP", token: "t" },
    { host: "2001:db8::1", port: 4060, transport: "tcp" },
  );
  expect(message.texts("Record-Route")).toEqual([
    "<sip:[2001:db8::1]:4060;transport=tcp;lr>",
    "<sip:t@192.0.2.1:5060;transport=udp;lr>",
    "<sip:first.example;lr>",
  ]);
});

test.each([
  ["tls", "<sips:t@[2001:db8::1]:5061;lr>"],
  ["wss", "<sips:t@[2001:db8::1]:5061;transport=ws;lr>"],
  ["ws", "<sip:t@[2001:db8::1]:5061;transport=ws;lr>"],
])("RFC 3261 §26.2.2: a secured side is sips:, %s", (transport, value) => {
  expect(routeValue({ host: "2001:db8::1", port: 5061, transport, token: "t" })).toBe(value);
});

describe("RFC 3261 §12.1.1: what a request recorded stands in its answer", () => {
  const [a, b, own] = ["<sip:a.example;lr>", "<sip:b.example;lr>", "<sip:t@p.example;lr>"];
  const answered = (
    status: number,
    above: boolean,
    listed: readonly string[],
  ): readonly string[] => {
    const sent = request(undefined, [["Record-Route", `${own}, ${a}`]]);
    const response = newResponse(sent, status).remove("Record-Route");
    if (listed.length > 0) response.set("Record-Route", listed);
    const before = response.texts("Record-Route").join();
    const isChanged = restoreRecordRoute(sent, response, above);
    expect(isChanged).toBe(before !== response.texts("Record-Route").join());
    return response.texts("Record-Route");
  };

  test.each([
    ["nothing", [], [own, a]],
    ["all", [own, a], [own, a]],
    ["half", [a], [own, a]],
    ["another order", [a, own], [own, a]],
    ["no `;lr`", ["<sip:t@p.example>", a], [own, a]],
    ["an entry of the UE's", [b, own, a], [own, a]],
    ["another spelling", ["<sip:t@P.example;lr>", a], ["<sip:t@P.example;lr>", a]],
  ])("of a UE: %s", (_what, listed, expected) => {
    for (const status of [180, 183, 200, 202])
      expect(answered(status, false, listed)).toEqual(expected);
  });

  test.each([
    ["nothing", [], [own, a]],
    ["a later hop above", [b, own, a], [b, own, a]],
    ["a later hop alone", [b], [b, own, a]],
    ["a later hop below", [own, a, b], [b, own, a]],
    ["half", [b, a], [b, own, a]],
  ])("of a next hop: %s", (_what, listed, expected) => {
    expect(answered(200, true, listed)).toEqual(expected);
  });

  test.each([100, 302, 486])("a %s makes no dialog", (status) => {
    expect(answered(status, false, [])).toEqual([]);
  });
});
