// A node's capture file as tshark reads it: whole messages, right checksums, nothing marked.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pcapFile } from "@ims-lab/common/trace/pcap-file";
import type { TracedMessage } from "@ims-lab/common/trace/traced-message";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requirePrograms, run } from "./programs.ts";

const folder = mkdtempSync(join(tmpdir(), "pcap-"));
beforeAll(() => requirePrograms(["tshark"]));
afterAll(() => rmSync(folder, { recursive: true }));

function options(callId: string, body = ""): Buffer {
  return Buffer.from(
    [
      "OPTIONS sip:bob@example.com SIP/2.0",
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK776asdhds",
      "Max-Forwards: 70",
      "To: <sip:bob@example.com>",
      "From: <sip:alice@example.com>;tag=1",
      `Call-ID: ${callId}`,
      "CSeq: 1 OPTIONS",
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n"),
  );
}

const V4: TracedMessage = {
  at: 1_700_000_000_000.5,
  transport: "udp",
  from: { host: "192.0.2.1", port: 5060 },
  to: { host: "192.0.2.2", port: 6060 },
  bytes: options("one"),
};
const V6: TracedMessage = {
  ...V4,
  from: { host: "2001:db8::1", port: 5060 },
  to: { host: "2001:db8::2", port: 4060 },
  bytes: options("odd length", "x"),
};

test("every message is whole SIP, every checksum right, nothing marked", async () => {
  const path = join(folder, "trace.pcap");
  const file = pcapFile(path, (error) => expect.unreachable(error.message));
  const messages: TracedMessage[] = [
    V4,
    V6,
    { ...V4, transport: "tcp", bytes: options("tcp one") },
    { ...V4, transport: "tcp", from: V4.to, to: V4.from, bytes: options("tcp back") },
    { ...V4, transport: "tcp", bytes: options("long", "y".repeat(66_000)) },
    { ...V6, transport: "tcp", bytes: options("six") },
  ];
  for (const message of messages) file.trace(message);
  await file.close();
  const checks = ["ip.check_checksum", "udp.check_checksum", "tcp.check_checksum"];
  const fields = ["sip.Call-ID", "_ws.expert.message", "_ws.malformed"];
  const { stdout } = await run(
    "tshark",
    [
      ...["-r", path, "-T", "fields"],
      ...checks.flatMap((name) => ["-o", `${name}:TRUE`]),
      ...fields.flatMap((name) => ["-e", name]),
    ],
    { seconds: 30 },
  );
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  const callIds = ["one", "odd length", "tcp one", "tcp back", "long", "six"];
  expect(lines.map((line) => line.trim())).toEqual(callIds);
});
