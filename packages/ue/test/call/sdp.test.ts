// Offer, answer and hold: RFC 3264 §5, §6, §8.4; RFC 4566.
import { describe, expect, test } from "vitest";
import { answerSdp, isHold, offerSdp, readSdp } from "../../src/call/sdp.ts";

const at = { host: "192.0.2.1", port: 40_000 };

function offer(...lines: readonly string[]): Buffer {
  return Buffer.from(["v=0", "o=- 1 1 IN IP4 x", "s=-", "t=0 0", ...lines, ""].join("\r\n"));
}

describe("reading", () => {
  test("our own offer", () => {
    expect(readSdp(offerSdp(at, 1, "sendrecv"))).toMatchObject({
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
    const lines = answerSdp(at, 2, read).toString().split("\r\n");
    expect(lines.filter((line) => /^[ma]=/.test(line))).toEqual([
      "m=video 0 RTP/AVP 96",
      "m=audio 40000 RTP/AVP 8",
      "a=recvonly",
    ]);
  });

  test("IPv6", () => {
    expect(offerSdp({ host: "2001:db8::1", port: 9 }, 1, "sendrecv").toString()).toContain(
      "c=IN IP6 2001:db8::1",
    );
  });
});
