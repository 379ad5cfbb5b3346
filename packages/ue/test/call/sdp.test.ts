// Offer, answer and hold: RFC 3264 §5, §6, §8.4; RFC 4566.
import { describe, expect, test } from "vitest";
import { answerSdp, isHold, offerSdp, readSdp } from "../../src/call/sdp.ts";

const at = { host: "192.0.2.1", port: 40_000 };
const origin = { at, session: 7, version: 1 };

function offer(...lines: readonly string[]): Buffer {
  return Buffer.from(["v=0", "o=- 1 1 IN IP4 x", "s=-", "t=0 0", ...lines, ""].join("\r\n"));
}

describe("reading", () => {
  test("our own offer", () => {
    expect(readSdp(offerSdp(origin, "sendrecv"))).toMatchObject({
      audio: 0,
      payload: "0",
      direction: "sendrecv",
    });
  });

  test.each([
    ["a body that is none", Buffer.from("hello")],
    ["no audio", offer("m=video 4000 RTP/AVP 96")],
    ["audio switched off", offer("m=audio 0 RTP/AVP 0")],
    ["codecs we lack", offer("m=audio 4000 RTP/AVP 9 96")],
    ["another transport", offer("m=audio 4000 TCP/MRCPv2 0")],
    ["secured RTP, which an answer may not turn into plain", offer("m=audio 4000 RTP/SAVP 0")],
    ["RTP with feedback", offer("m=audio 4000 RTP/AVPF 0")],
  ])("%s: nothing to take", (_name, body) => {
    expect(readSdp(body)).toBeUndefined();
  });

  test.each([
    ["sendonly", true],
    ["inactive", true],
    ["recvonly", false],
    ["sendrecv", false],
  ])("a=%s: hold is %s", (direction, hold) => {
    const body = offer("m=audio 4000 RTP/AVP 8", `a=${direction}`, "m=video 1 RTP/AVP 96");
    const read = readSdp(body);
    expect(read && isHold(read)).toBe(hold);
  });

  test.each([
    ["of the session", ["c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 8"], true],
    ["of the stream", ["c=IN IP4 192.0.2.2", "m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"], true],
    [
      "of the session, and the stream has its own",
      ["c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 8", "c=IN IP4 192.0.2.2"],
      false,
    ],
  ])("§8.4: 0.0.0.0 %s holds, as RFC 2543 had it: %#", (_where, lines, hold) => {
    const read = readSdp(offer(...lines));
    expect(read && isHold(read)).toBe(hold);
  });

  test("a direction of the whole session counts where the stream has none", () => {
    const read = readSdp(offer("a=sendonly", "m=audio 4000 RTP/AVP 8"));
    expect(read?.direction).toBe("sendonly");
  });
});

describe("answering", () => {
  test("one m-line for each; what we do not take has port 0; the direction is mirrored", () => {
    const read = readSdp(
      offer("m=video 4002 RTP/AVP 96", "m=audio 4000 RTP/AVP 96 8", "a=sendonly"),
    );
    if (read === undefined) throw new Error("not understood");
    const lines = answerSdp(origin, read, false).toString().split("\r\n");
    expect(lines.filter((line) => /^[ma]=/.test(line))).toEqual([
      "m=video 0 RTP/AVP 96",
      "m=audio 40000 RTP/AVP 8",
      "a=recvonly",
    ]);
  });

  test("RFC 3264 §8: a later offer of ours has the m-lines of theirs, in order", () => {
    const theirs = readSdp(offer("m=video 4002 RTP/AVP 96", "m=audio 4000 RTP/AVP 8"));
    const lines = offerSdp(origin, "sendonly", theirs).toString().split("\r\n");
    expect(lines.filter((line) => line.startsWith("m="))).toEqual([
      "m=video 0 RTP/AVP 96",
      "m=audio 40000 RTP/AVP 0 8",
    ]);
  });

  test.each([
    ["sendrecv", "sendonly"],
    ["recvonly", "sendonly"],
    ["sendonly", "inactive"],
    ["inactive", "inactive"],
  ])(
    "on hold here, %s is answered %s: nobody else takes the call off hold",
    (offered, answered) => {
      const read = readSdp(offer("m=audio 4000 RTP/AVP 0", `a=${offered}`));
      expect(read && answerSdp(origin, read, true).toString()).toContain(`a=${answered}\r\n`);
    },
  );

  test("IPv6", () => {
    expect(
      offerSdp({ ...origin, at: { host: "2001:db8::1", port: 9 } }, "sendrecv").toString(),
    ).toContain("c=IN IP6 2001:db8::1");
  });
});
