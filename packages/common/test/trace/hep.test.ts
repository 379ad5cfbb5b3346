// HEP3 against hand-made octets, against itself, and over a socket.
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { decodeHep, encodeHep } from "../../src/trace/hep.ts";
import { hepCollector, hepSender } from "../../src/trace/hep-socket.ts";
import type { TracedMessage } from "../../src/trace/traced-message.ts";

const MESSAGE: TracedMessage = {
  at: 1_700_000_000_123.456,
  transport: "udp",
  from: { host: "192.0.2.1", port: 5060 },
  to: { host: "192.0.2.2", port: 6060 },
  bytes: Buffer.from("OPTIONS"),
};

describe("HEP3", () => {
  test("a packet, chunk by chunk", () => {
    const chunks = [
      "0000 0001 0007 02", // IPv4
      "0000 0002 0007 11", // UDP
      "0000 0003 000a c0000201",
      "0000 0004 000a c0000202",
      "0000 0007 0008 13c4",
      "0000 0008 0008 17ac",
      "0000 0009 000a 6553f100",
      "0000 000a 000a 0001e240",
      "0000 000b 0007 01", // SIP
      "0000 000c 000a 00000007",
      "0000 0013 000b 7363736366",
      "0000 000f 000d 4f5054494f4e53",
    ];
    const body = chunks.join("").replaceAll(" ", "");
    const packet = encodeHep({ ...MESSAGE, node: "scscf" }, 7);
    expect(packet?.toString("hex")).toBe(
      `48455033${(6 + body.length / 2).toString(16).padStart(4, "0")}${body}`,
    );
  });

  test.each<TracedMessage>([
    MESSAGE,
    { ...MESSAGE, transport: "tcp", node: "pcscf", correlationId: "a84b4c@ims" },
    { ...MESSAGE, from: { host: "2001:db8::1", port: 1 }, to: { host: "::", port: 65_535 } },
  ])("decode undoes encode: $transport $from.host", (message) => {
    expect(decodeHep(encodeHep(message, 1) ?? Buffer.alloc(0))).toEqual({ message });
  });

  test("what HEP cannot say is no packet", () => {
    expect(encodeHep({ ...MESSAGE, to: { host: "::1", port: 1 } }, 1)).toBeUndefined();
    expect(encodeHep({ ...MESSAGE, to: { host: "scscf", port: 1 } }, 1)).toBeUndefined();
    expect(encodeHep({ ...MESSAGE, bytes: Buffer.alloc(65_500) }, 1)).toBeUndefined();
  });

  test("every truncated packet is a problem, and so is any noise", () => {
    const packet = encodeHep(MESSAGE, 1) ?? Buffer.alloc(0);
    for (let length = 0; length < packet.length; length++) {
      expect(decodeHep(packet.subarray(0, length))).toHaveProperty("problem");
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        const octets = Buffer.concat([Buffer.from("HEP3"), noise]);
        expect(decodeHep(octets)).toHaveProperty("problem");
      }),
    );
  });
});

test.each(["127.0.0.1", "::1"])(
  "sender to collector over %s, keys masked, strangers named",
  async (host) => {
    const received: TracedMessage[] = [];
    const problems: string[] = [];
    const collector = await hepCollector(
      { host, port: 0 },
      (message) => received.push(message),
      (problem) => problems.push(problem),
    );
    const sender = hepSender({ collector: collector.local, captureId: 3, node: "pcscf" });
    sender.trace({ ...MESSAGE, bytes: Buffer.from('ik="00ff"') });
    await vi.waitFor(() => expect(received).toHaveLength(1), { interval: 1 });
    expect(received[0]).toEqual({ ...MESSAGE, node: "pcscf", bytes: Buffer.from('ik="xxxx"') });
    expect(problems).toEqual([]);
    await sender.close();
    sender.trace(MESSAGE); // after close: nothing, not even an exception
    await collector.close();
  },
);
