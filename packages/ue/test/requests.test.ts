// Requirements on any request to a UE: its sender, method, extensions, bodies. RFC 3261 §8.2, §11.2, §20.43; TS 24.229 §5.1.2A.2.

import { gzipSync } from "node:zlib";
import { createEndpoint } from "@ims-lab/common/sip/endpoint/endpoint";
import { newRequest } from "@ims-lab/common/sip/message/message";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { describe, expect, test } from "vitest";
import { CONTACT, type Headers, OtherSide, SDP, SDP_BODY } from "./call/other-side.ts";

describe("§8.2.2.3: Require", () => {
  test.each(["INVITE", "UPDATE", "MESSAGE", "OPTIONS", "NOTIFY", "BYE"])(
    "foo in %s: 420",
    async (method) => {
      const side = await OtherSide.start();
      const headers: Headers = [
        ["Require", "timer, foo"],
        ["Require", "BAR"],
      ];
      const refused = await side.ask(side.request(method, [...CONTACT, ...headers]));
      expect([refused.status, refused.texts("Unsupported")]).toEqual([420, ["foo", "BAR"]]);
    },
  );

  test("foo in BYE and INVITE within a call: 420, and the call goes on", async () => {
    const side = await OtherSide.start();
    const call = await side.calls();
    for (const method of ["INVITE", "BYE", "OPTIONS"])
      expect((await call.asks(method, [...CONTACT, ["Require", "foo"]])).status).toBe(420);
    expect(side.call.state).toBe("up");
  });

  test("timer is known; CANCEL and ACK are not asked", async () => {
    const side = await OtherSide.start({ calls: { incoming: "ring" } });
    const invite = side.request("INVITE", [...CONTACT, ...SDP_BODY, ["Require", "Timer"]], SDP);
    expect((await side.ask(invite)).status).toBe(180);
    const cancel = invite.clone().set("CSeq", "1 CANCEL").set("Require", "foo");
    const asCancel = newRequest("CANCEL", cancel.uri, [
      ...["From", "To", "Call-ID", "CSeq", "Require"].map(
        (name) => [name, cancel.text(name) ?? ""] as const,
      ),
      ["Max-Forwards", "70"],
    ]);
    expect((await side.ask(asCancel)).status).toBe(200);
    expect(side.call.why).toBe("cancelled");
  });
});

test.each([
  ["INFO", 405],
  ["PRACK", 405],
  ["REFER", 405],
  ["SUBSCRIBE", 405],
  ["PUBLISH", 405],
  ["FLY", 501],
])("§8.2.1: %s is %d with Allow", async (method, status) => {
  const side = await OtherSide.start();
  const refused = await side.ask(side.request(method));
  expect(refused.status).toBe(status);
  expect(refused.texts("Allow")).toEqual([
    "INVITE",
    "ACK",
    "CANCEL",
    "BYE",
    "UPDATE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
  ]);
});

describe("§11.2: OPTIONS", () => {
  test("names methods, bodies, encodings, languages and extensions", async () => {
    const side = await OtherSide.start();
    const ok = await side.ask(side.request("OPTIONS"));
    expect(ok.status).toBe(200);
    expect(ok.texts("Allow")).toContain("UPDATE");
    expect(ok.texts("Accept")).toEqual([
      "application/sdp",
      "text/plain",
      "application/reginfo+xml",
      "multipart/mixed",
    ]);
    expect([ok.text("Accept-Encoding"), ok.text("Accept-Language")]).toEqual(["identity", "*"]);
    expect(ok.texts("Supported")).toEqual(["timer"]);
    expect(ok.text("Contact")).toMatch(/^<sip:alice@192\.0\.2\.7/);
    expect(ok.to.params.has("tag")).toBe(true);
  });

  test.each([
    ["answer", 200],
    ["ring", 200],
    ["busy", 486],
    ["decline", 603],
  ] as const)("is answered as an INVITE would be: %s: %d", async (incoming, status) => {
    const side = await OtherSide.start({ calls: { incoming } });
    const answer = await side.ask(side.request("OPTIONS"));
    expect([answer.status, answer.texts("Supported")]).toEqual([status, ["timer"]]);
  });

  test("within a call 200, out of it 486 meanwhile, in an unknown dialog 481", async () => {
    const side = await OtherSide.start();
    const call = await side.calls();
    expect((await call.asks("OPTIONS")).status).toBe(200);
    expect((await side.ask(side.request("OPTIONS"))).status).toBe(486);
    const unknown = side.request("OPTIONS").set("To", "<sip:alice@example.org>;tag=unknown");
    expect((await side.ask(unknown)).status).toBe(481);
  });
});

const PLAIN: Headers = [["Content-Type", "text/plain"]];
const part = (type: string, body: string, more = ""): string =>
  `--b\r\nContent-Type: ${type}\r\n${more}\r\n${body}\r\n`;

describe("§8.2.3: the body of a MESSAGE", () => {
  test.each<[string, Headers, string, string]>([
    ["text", PLAIN, "hi", "hi"],
    ["upper case", [["Content-Type", "TEXT/Plain; Charset=UTF-8"]], "hi", "hi"],
    ["ASCII", [["Content-Type", "text/plain;charset=us-ascii"]], "hi", "hi"],
    ["a language", [...PLAIN, ["Content-Language", "de"]], "hi", "hi"],
    ["rendered", [...PLAIN, ["Content-Disposition", "render"]], "hi", "hi"],
    ["not encoded", [...PLAIN, ["Content-Encoding", "identity"]], "hi", "hi"],
    ["none", [], "", ""],
    [
      "an optional one",
      [
        ["Content-Type", "a/b"],
        ["Content-Disposition", "render; Handling=OPTIONAL"],
      ],
      "x",
      "",
    ],
    [
      "a part",
      [["Content-Type", "multipart/mixed;boundary=b"]],
      `${part("text/plain", "hi")}--b--`,
      "hi",
    ],
    [
      "a part beside an optional one",
      [["Content-Type", 'multipart/mixed; boundary="b"']],
      `${part("a/b", "x", "Content-Disposition: x;handling=optional\r\n")}${part("text/plain", "hi")}--b--\r\n`,
      "hi",
    ],
    [
      "the best of several",
      [["Content-Type", "multipart/alternative;boundary=b"]],
      `${part("text/plain", "hi")}${part("text/html", "<b>hi</b>")}--b--`,
      "hi",
    ],
  ])("%s: taken", async (_name, headers, body, text) => {
    const side = await OtherSide.start();
    expect((await side.ask(side.request("MESSAGE", headers, body))).status).toBe(200);
    expect(side.lab.ue.messages.view.at(-1)?.text).toBe(text);
  });

  test.each<[string, Headers, string]>([
    ["another type", [["Content-Type", "application/foo"]], "x"],
    ["no type", [], "x"],
    ["IMDN", [["Content-Type", "message/imdn+xml"]], "<imdn/>"],
    ["deflated", [...PLAIN, ["Content-Encoding", "deflate"]], "x"],
    [
      "compact",
      [
        ["c", "text/plain"],
        ["e", "gzip"],
      ],
      gzipSync("x").toString("latin1"),
    ],
    ["twice encoded", [...PLAIN, ["Content-Encoding", "identity, gzip"]], "x"],
    ["another charset", [["Content-Type", "text/plain;charset=utf-16"]], "x"],
    ["another disposition", [...PLAIN, ["Content-Disposition", "alert"]], "x"],
    [
      "handling=required",
      [
        ["Content-Type", "a/b"],
        ["Content-Disposition", "x;handling=required"],
      ],
      "x",
    ],
    [
      "a part that is required",
      [["Content-Type", "multipart/mixed;boundary=b"]],
      `${part("text/plain", "hi")}${part("a/b", "x")}--b--`,
    ],
    [
      "an encoded part",
      [["Content-Type", "multipart/mixed;boundary=b"]],
      `${part("text/plain", "aGk=", "Content-Transfer-Encoding: base64\r\n")}--b--`,
    ],
  ])("%s: 415 with what would do", async (_name, headers, body) => {
    const side = await OtherSide.start();
    const refused = await side.ask(side.request("MESSAGE", headers, body));
    expect([refused.status, refused.texts("Accept"), refused.text("Accept-Encoding")]).toEqual([
      415,
      ["text/plain", "multipart/mixed"],
      "identity",
    ]);
    expect(side.lab.ue.messages.view).toEqual([]);
  });

  test.each([
    ["no boundary", "multipart/mixed", "x"],
    ["no end", "multipart/mixed;boundary=b", part("text/plain", "hi")],
    ["too deep", "multipart/mixed;boundary=b", deep(8)],
    ["too many parts", "multipart/mixed;boundary=b", `${part("text/plain", "x").repeat(100)}--b--`],
  ])("multipart with %s: 400", async (_name, type, body) => {
    const side = await OtherSide.start();
    const refused = await side.ask(side.request("MESSAGE", [["Content-Type", type]], body));
    expect(refused.status).toBe(400);
  });
});

function deep(levels: number): string {
  let body = "x";
  for (let level = levels; level > 0; level--)
    body = `--b${level}\r\nContent-Type: multipart/mixed;boundary=b${level + 1}\r\n\r\n${body}\r\n--b${level}--`;
  return `--b\r\nContent-Type: multipart/mixed;boundary=b1\r\n\r\n${body}\r\n--b--`;
}

describe("the body of an INVITE", () => {
  const optional: Headers = [
    ["Content-Type", "a/b"],
    ["Content-Disposition", "x;handling=optional"],
  ];

  test("an unknown one that is optional is no offer: the 200 has ours", async () => {
    const side = await OtherSide.start();
    const ok = await side.ask(side.request("INVITE", [...CONTACT, ...optional], "x"));
    expect([ok.status, ok.body.toString().includes("a=sendrecv")]).toEqual([200, true]);
  });

  test("the offer may be a part of it", async () => {
    const side = await OtherSide.start();
    const body = `${part("a/b", "x", "Content-Disposition: x;handling=optional\r\n")}${part("application/sdp", SDP)}--b--`;
    const type: Headers = [["Content-Type", "multipart/mixed;boundary=b"]];
    const ok = await side.ask(side.request("INVITE", [...CONTACT, ...type], body));
    expect([ok.status, ok.body.toString().includes("RTP/AVP 0\r\n")]).toEqual([200, true]);
  });

  test.each<[string, Headers]>([
    ["another type", [["Content-Type", "application/foo"]]],
    ["encoded", [...SDP_BODY, ["Content-Encoding", "gzip"]]],
    ["no session", [...SDP_BODY, ["Content-Disposition", "render"]]],
  ])("%s: 415, of a first and of a later one", async (_name, headers) => {
    const side = await OtherSide.start();
    const first = await side.ask(side.request("INVITE", [...CONTACT, ...headers], SDP));
    expect([first.status, first.texts("Accept")]).toEqual([
      415,
      ["application/sdp", "multipart/mixed"],
    ]);
    const call = await side.calls();
    expect((await call.asks("INVITE", [...CONTACT, ...headers], SDP)).status).toBe(415);
    expect((await call.asks("UPDATE", [...CONTACT, ...headers], SDP)).status).toBe(415);
    expect(side.call.state).toBe("up");
  });

  test.each([
    ["a video", "m=audio 40000 RTP/AVP 0", "m=video 40000 RTP/AVP 31", 304],
    ["audio switched off", "m=audio 40000", "m=audio 0", 304],
    ["another codec", "RTP/AVP 0", "RTP/AVP 18 96", 305],
    ["another transport", "RTP/AVP", "RTP/SAVP", 302],
    ["no description", "v=0", "hello", 399],
  ])("§20.43: %s: 488 with Warning", async (_name, from, to, code) => {
    const side = await OtherSide.start();
    const body = code === 399 ? "hello" : SDP.replace(from, to);
    const refused = await side.ask(side.request("INVITE", [...CONTACT, ...SDP_BODY], body));
    expect(refused.status).toBe(488);
    expect(refused.text("Warning")).toMatch(new RegExp(`^${code} 192\\.0\\.2\\.7:\\d+ "[^"]+"$`));
  });
});

describe("TS 24.229 §5.1.2A.2: only its P-CSCF speaks to it", () => {
  test.each([
    ["another address", { host: "192.0.2.9", port: 5060 }],
    ["another port of the P-CSCF", { host: "192.0.2.1", port: 5099 }],
  ])("from %s: 403, whatever it asserts", async (_name, at) => {
    const side = await OtherSide.start();
    const { clock, wire, ue } = side.lab;
    const stranger = createEndpoint({
      name: "stranger",
      clock,
      random: seededRandom(9),
      transports: [memoryTransport(wire, at, "udp")],
    });
    await stranger.listen((incoming) => incoming.drop());
    const heard: number[] = [];
    const forged: Headers = [...CONTACT, ["P-Asserted-Identity", "<sip:boss@example.org>"]];
    for (const method of ["INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "BYE", "UPDATE"]) {
      const { host = "", port = 0 } = ue.address ?? {};
      stranger.request(
        side.request(method, forged),
        { host, port },
        {
          onResponse: ({ status }) => heard.push(status),
          onFailure: () => heard.push(0),
        },
      );
    }
    await side.lab.pass(1);
    expect(heard).toEqual([403, 403, 403, 403, 403, 403]);
    expect([ue.calls.view, ue.messages.view]).toEqual([[], []]);
    await stranger.close();
  });
});
