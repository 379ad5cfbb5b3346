// Capture files: the headers to the octet; tshark's opinion is asked in the interop tests.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PcapEncoder } from "../../src/trace/pcap.ts";
import { pcapFile } from "../../src/trace/pcap-file.ts";
import type { TracedMessage } from "../../src/trace/traced-message.ts";
import { V4, V6 } from "./traced-examples.ts";

describe("pcap octets", () => {
  test("file header: microseconds, version 2.4, LINKTYPE_RAW", () => {
    expect(new PcapEncoder().header().toString("hex")).toBe(
      "d4c3b2a1020004000000000000000000ffff000065000000",
    );
  });

  test("a datagram's record, to the octet", () => {
    const record = new PcapEncoder().packets({ ...V4, bytes: Buffer.from("hi") });
    const [time, ip, udp] = [record.subarray(0, 16), record.subarray(16, 36), record.subarray(36)];
    expect(time.toString("hex")).toBe("00f15365f40100001e0000001e000000");
    expect(ip.toString("hex")).toMatch(/^4500001e000040004011....c0000201c0000202$/);
    expect(udp.toString("hex")).toMatch(/^13c417ac000a....6869$/);
    for (const part of [ip, pseudoAndUdp(record)]) expect(sum(part)).toBe(0xffff);
  });

  test("what fits into no packet is left out", () => {
    const encoder = new PcapEncoder();
    expect(encoder.packets({ ...V4, to: V6.to })).toHaveLength(0);
    expect(encoder.packets({ ...V4, bytes: Buffer.alloc(65_508) })).toHaveLength(0);
    expect(encoder.packets({ ...V4, from: { host: "pcscf", port: 1 } })).toHaveLength(0);
  });

  test("a stream's sequence numbers go on, and acknowledge the other direction", () => {
    const encoder = new PcapEncoder();
    const there: TracedMessage = { ...V4, transport: "tcp", bytes: Buffer.alloc(100) };
    const back: TracedMessage = { ...there, from: V4.to, to: V4.from, bytes: Buffer.alloc(30) };
    const numbers = [there, back, there].map((message) => {
      const record = encoder.packets(message);
      return [record.readUInt32BE(40), record.readUInt32BE(44)];
    });
    expect(numbers).toEqual([
      [1, 1],
      [1, 101],
      [101, 31],
    ]);
  });
});

/** RFC 1071: the sum over a part with a right checksum in it is all ones. */
function sum(octets: Buffer): number {
  let total = 0;
  for (let at = 0; at < octets.length; at += 2) total += octets.readUInt16BE(at);
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  return total;
}

function pseudoAndUdp(record: Buffer): Buffer {
  const udp = record.subarray(36);
  return Buffer.concat([record.subarray(28, 36), Buffer.from([0, 17, 0, udp.length]), udp]);
}

describe("a capture file", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pcap-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("a file that cannot be written is said once", async () => {
    const errors: string[] = [];
    const file = pcapFile(join(folder, "missing", "trace.pcap"), (error) =>
      errors.push(error.message),
    );
    await expect.poll(() => errors.length).toBe(1);
    file.trace(V4);
    await file.close();
    expect(errors).toHaveLength(1);
  });
});
