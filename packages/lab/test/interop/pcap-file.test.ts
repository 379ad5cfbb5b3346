// A node's capture file as tshark reads it: whole messages, right checksums, nothing marked.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pcapFile } from "@ims-lab/common/trace/pcap-file";
import type { TracedMessage } from "@ims-lab/common/trace/traced-message";
import { afterAll, beforeAll, expect, test } from "vitest";
import { traced, V4, V6 } from "../../../common/test/trace/traced-examples.ts";
import { requirePrograms, run } from "./programs.ts";

const folder = mkdtempSync(join(tmpdir(), "pcap-"));
beforeAll(() => requirePrograms(["tshark"]));
afterAll(() => rmSync(folder, { recursive: true }));

test("every message is whole SIP, every checksum right, nothing marked", async () => {
  const path = join(folder, "trace.pcap");
  const file = pcapFile(path, (error) => expect.unreachable(error.message));
  const messages: TracedMessage[] = [
    V4,
    V6,
    { ...V4, transport: "tcp", bytes: traced("tcp one") },
    { ...V4, transport: "tcp", from: V4.to, to: V4.from, bytes: traced("tcp back") },
    { ...V4, transport: "tcp", bytes: traced("long", "y".repeat(66_000)) },
    { ...V6, transport: "tcp", bytes: traced("six") },
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
