// Checks of everything that was on the wire, as tshark and xmllint see it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Capture } from "./capture.ts";
import { dissect, reginfoDocuments, type Stretch, stretches } from "./dissection.ts";
import { run } from "./programs.ts";

const SCHEMA = fileURLToPath(new URL("../../../common/test/ims/reginfo.xsd", import.meta.url));

/** What tshark marks as broken. */
const FAULTS = "_ws.malformed || _ws.expert.severity == error";

/** Session keys of AKA as parameters of a challenge; the end of a base64 nonce is none. */
const SESSION_KEYS = /[\s,;][ic]k\s*=/i;

interface SipPorts {
  readonly access: number;
  readonly core: number;
  readonly serving: number;
}

/** Fails unless every message was sound; each check is first shown to find what it looks for. */
export async function judgeCapture(capture: Capture, ports: SipPorts): Promise<void> {
  await capture.mark(brokenNotify());
  await allDecode(capture, [ports.access, ports.core, ports.serving]);
  const all = await stretches(capture.file);
  keysStayInTheCore(all, ports);
  await reginfoIsValid(all);
}

/** The same of a capture file that a node wrote itself, where keys are masked even in the core. */
export async function judgeTrace(file: string, sipPorts: readonly number[]): Promise<void> {
  const faults = await dissect(file, { sipPorts, filter: FAULTS, fields: ["frame.number"] });
  expect(faults, `${file}: malformed, or an expert's error`).toEqual([]);
  const messages = await dissect(file, { sipPorts, filter: "sip", fields: ["sip.CSeq.method"] });
  expect(messages.length, `${file}: SIP messages`).toBeGreaterThan(1600);
  const text = readFileSync(file, "latin1");
  expect(text).toMatch(/[\s,;]ck="x{32}"/);
  expect(text).not.toMatch(/[\s,;][ic]k\s*=\s*"?[0-9a-f]{32}/i);
}

/** A body that is no XML: proof that a fault would be marked. */
function brokenNotify(): string {
  const body = '<?xml version="1.0"?>\n<a></b></a>';
  return [
    "NOTIFY sip:mark@localhost SIP/2.0",
    "Via: SIP/2.0/UDP localhost;branch=z9hG4bKmark",
    "From: <sip:mark@localhost>;tag=1",
    "To: <sip:mark@localhost>;tag=2",
    "Call-ID: mark",
    "CSeq: 1 NOTIFY",
    "Content-Type: application/reginfo+xml",
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

async function allDecode({ file, markPort }: Capture, sipPorts: readonly number[]): Promise<void> {
  const fields = ["frame.number", "sip.Request-Line", "sip.Status-Line", "_ws.expert.message"];
  const marked = await dissect(file, { sipPorts: [markPort], filter: FAULTS, fields });
  expect(marked, "tshark marks the broken NOTIFY").toHaveLength(1);
  const real = `(${FAULTS}) && !(udp.port == ${markPort})`;
  const faults = await dissect(file, { sipPorts, filter: real, fields });
  expect(faults, "malformed, or an expert's error").toEqual([]);

  const methods = await dissect(file, { sipPorts, filter: "sip", fields: ["sip.CSeq.method"] });
  // A registration is four messages on each of two hops, and there were more than 200 of them.
  expect(methods.filter(([method]) => method?.includes("REGISTER")).length).toBeGreaterThan(1600);
  expect(methods.filter(([method]) => method?.includes("NOTIFY")).length).toBeGreaterThan(100);

  // Registrations, challenges, refusals: nothing else was called for, least of all a 5xx.
  const statuses = await dissect(file, {
    sipPorts,
    filter: "sip.Status-Code && !(sip.Status-Code in {200, 401, 403})",
    fields: ["sip.Status-Line", "sip.CSeq.method"],
  });
  expect(statuses).toEqual([]);

  const payload = `(udp && udp.port != ${markPort}) || (tcp.len > 0 && !tcp.reassembled_in)`;
  const strange = await dissect(file, {
    sipPorts,
    filter: `(${payload}) && !sip`,
    fields: ["udp.payload", "tcp.payload"],
  });
  const pings = [["0d0a0d0a"], ["0d0a"]]; // RFC 5626 §3.5.1: keep-alives, the only other octets
  const neither = strange.map((row) => row.filter((octets) => octets !== ""));
  expect(neither.filter((row) => !pings.some(([ping]) => row[0] === ping))).toEqual([]);
}

/** TS 24.229 §5.2.2: the P-CSCF takes ik and ck out of the 401. */
function keysStayInTheCore(all: readonly Stretch[], { access, core }: SipPorts): void {
  const withKeys = all.filter(({ octets }) => SESSION_KEYS.test(octets.toString("latin1")));
  expect(
    withKeys.some(({ to }) => to === core),
    "the S-CSCF hands out ik, ck",
  ).toBe(true);
  const outside = withKeys.filter(({ from, to }) => from === access || to === access);
  expect(outside.map(({ octets }) => octets.toString("latin1"))).toEqual([]);
}

/** RFC 3680 §5.4: every body is valid against its schema. */
async function reginfoIsValid(all: readonly Stretch[]): Promise<void> {
  const documents = [...new Set(reginfoDocuments(all))];
  expect(documents.length).toBeGreaterThan(20);
  const folder = mkdtempSync("/tmp/ims-lab-reginfo-");
  try {
    const control = documents[0]?.replace('state="full"', 'state="unheard-of"') ?? "";
    writeFileSync(join(folder, "control.xml"), control, "latin1");
    const files = documents.map((document, at) => {
      writeFileSync(join(folder, `${at}.xml`), document, "latin1");
      return `${at}.xml`;
    });
    const check = ["--noout", "--nonet", "--schema", SCHEMA];
    const options = { seconds: 30, cwd: folder };
    const refused = await run("xmllint", [...check, "control.xml"], options);
    expect(refused.exitCode, "xmllint refuses a wrong document").not.toBe(0);
    const judged = await run("xmllint", [...check, ...files], options);
    expect(judged, judged.stderr).toMatchObject({ exitCode: 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
