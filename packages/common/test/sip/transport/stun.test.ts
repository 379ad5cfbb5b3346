// STUN over the SIP port: RFC 5769 §2.2-2.3 has the mapped addresses; here without integrity and software.
import { expect, test } from "vitest";
import { memoryTransport } from "../../../src/sip/transport/memory.ts";
import { isStun, stunAnswer } from "../../../src/sip/transport/stun.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { SimulatedNetwork } from "../../../src/testing/simulated-network.ts";
import { Recorder } from "../../contract/transport-lab.ts";

const REQUEST = Buffer.from("000100002112a442b7e7a701bc34d686fa87dfae", "hex");

test("RFC 5769 §2.2: 192.0.2.1:32853 as XOR-MAPPED-ADDRESS", () => {
  expect(isStun(REQUEST)).toBe(true);
  const answer = stunAnswer(REQUEST, { host: "192.0.2.1", port: 32_853 });
  expect(answer?.toString("hex")).toBe(
    "0101000c2112a442b7e7a701bc34d686fa87dfae002000080001a147e112a643",
  );
});

test("RFC 5769 §2.3: an IPv6 address", () => {
  const from = { host: "2001:db8:1234:5678:11:2233:4455:6677", port: 32_853 };
  expect(stunAnswer(REQUEST, from)?.subarray(20).toString("hex")).toBe(
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9",
  );
});

test.each([
  ["SIP", "OPTIONS sip:a SIP/2.0\r\n\r\n"],
  ["an older STUN without cookie", "\u0000\u0001\u0000\u0000".padEnd(20, "x")],
  ["a piece", "\u0000\u0001\u0000\u0000!\u0012"],
])("%s is none", (_what, text) => {
  expect(isStun(Buffer.from(text, "latin1"))).toBe(false);
});

test("no answer to an answer, an indication or a wrong length", () => {
  for (const head of ["01010000", "00110000", "00010004"]) {
    const other = Buffer.concat([Buffer.from(head, "hex"), REQUEST.subarray(4)]);
    expect(stunAnswer(other, { host: "192.0.2.1", port: 1 })).toBeUndefined();
  }
});

const withAttributes = (hex: string): Buffer => {
  const request = Buffer.concat([REQUEST, Buffer.from(hex, "hex")]);
  request.writeUInt16BE(request.length - 20, 2);
  return request;
};

test("RFC 5389 §7.3.1: an attribute that has to be understood and is not is named in a 420", () => {
  const from = { host: "192.0.2.1", port: 1 };
  const request = withAttributes("7fff000141000000" + "80220003616263000008000400000000");
  const answer = stunAnswer(request, from);
  expect(answer?.readUInt16BE(0)).toBe(0x0111);
  expect(answer?.subarray(20).toString("hex")).toBe(
    `000900150000${"0414"}${Buffer.from("Unknown Attribute").toString("hex")}000000000a00027fff0000`,
  );
  const many = withAttributes("7fff0000".repeat(300));
  expect(stunAnswer(many, from)?.length).toBeLessThan(3 * many.length);
  expect(stunAnswer(withAttributes("7fff0000"), from)?.length).toBeLessThan(3 * 24);
});

test("optional attributes and credentials are passed over; attributes that do not add up are no request", () => {
  const from = { host: "192.0.2.1", port: 1 };
  const optional = withAttributes("8022000161000000" + "0006000162000000");
  expect(stunAnswer(optional, from)).toEqual(stunAnswer(REQUEST, from));
  expect(stunAnswer(withAttributes("80220009616263"), from)).toBeUndefined();
  expect(stunAnswer(withAttributes("8022"), from)).toBeUndefined();
});

test("a datagram transport answers it and delivers it to nobody", async () => {
  const network = new SimulatedNetwork({ clock: new FakeClock() });
  const transport = memoryTransport(network, { host: "10.0.0.1", port: 5060 }, "udp");
  const recorder = new Recorder();
  await transport.listen(recorder);
  const received: Buffer[] = [];
  const peer = network.bind({ host: "10.0.0.2", port: 40_000 }, (bytes) => received.push(bytes));
  peer.send(REQUEST, transport.local);
  (network.clock as FakeClock).advance(100);
  expect(received).toEqual([stunAnswer(REQUEST, peer.local)]);
  expect(recorder.messages).toEqual([]);
});
