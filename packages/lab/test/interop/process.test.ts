// The nodes as processes: wrong settings end with 2 and say what is allowed, SIGTERM with 0 within two seconds.

import { createSocket, type Socket } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@ims-lab/common/platform/clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChild } from "../../src/launcher/child-node.ts";
import { SUBSCRIBERS_FILE } from "../../src/launcher/subscribers-file.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { plainEnvironment, requirePrograms, run } from "./programs.ts";
import { mainOf } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

type NodeName = "scscf" | "pcscf" | "ue";

const { aka } = shippedAccounts();
const OPC = "00112233445566778899aabbccddeeff";
const ISIM = { UE_USER_K: aka.k, UE_USER_OP: aka.op };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync("/tmp/ims-lab-settings-");
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A way to start a node wrongly, and what it must say: the key, then what is allowed. */
interface BadStart {
  readonly node: NodeName;
  readonly what: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: () => readonly string[];
  readonly says: RegExp;
}

/** One subscriber, with `auth` as the file has it. */
function subscribers(name: string, auth: string): string {
  const impi = `eve@${aka.domain}`;
  const text = `subscribers:\n  - impi: ${impi}\n    impus: [sip:${impi}]\n    auth: ${auth}\n`;
  return file(name, text);
}

const keys = `k: ${aka.k}, op: ${aka.op}`;

const BAD_STARTS: readonly BadStart[] = [
  {
    node: "scscf",
    what: "an unknown key in the file",
    args: () => ["--config", file("scscf.yaml", "sip:\n  prot: 6060\n")],
    says: /sip\.prot: 6060 \(from file .*expected a known setting; did you mean sip\.port\?/,
  },
  {
    node: "pcscf",
    what: "an unknown environment name",
    env: { PCSCF_ACCES_PORT: "5060" },
    says: /PCSCF_ACCES_PORT.*expected a known setting; did you mean PCSCF_ACCESS_PORT\?/,
  },
  {
    node: "ue",
    what: "an unknown option",
    args: () => ["--user.imip", "x@y"],
    says: /user\.imip.*expected a known setting; did you mean user\.impi\?/,
  },
  {
    node: "scscf",
    what: "a port that is no number",
    env: { SCSCF_SIP_PORT: "abc" },
    says: /sip\.port: "abc" \(from environment SCSCF_SIP_PORT\): expected a port, 0 to 65535/,
  },
  {
    node: "pcscf",
    what: "a list of URIs that are none",
    env: { PCSCF_SCSCF: "nowhere" },
    says: /scscf: "nowhere" \(from environment PCSCF_SCSCF\): expected a list of sip: or sips: URIs/,
  },
  {
    node: "ue",
    what: "a word that is not allowed",
    env: { ...ISIM, UE_TRANSPORT: "sctp" },
    says: /transport: "sctp" \(from environment UE_TRANSPORT\): expected udp \| tcp/,
  },
  {
    node: "scscf",
    what: "an unreadable subscribers file",
    env: { SCSCF_SUBSCRIBERS: "/nowhere/subscribers.yaml" },
    says: /subscribers: "\/nowhere\/subscribers\.yaml" \(from environment.*expected .*file/,
  },
  {
    node: "scscf",
    what: "a subscriber with OP and OPc",
    args: () => [
      "--subscribers",
      subscribers("both.yaml", `{ scheme: aka, ${keys}, opc: ${OPC} }`),
    ],
    says: /subscribers\[0\]\.auth: both op and opc, expected either op or opc/,
  },
  {
    node: "scscf",
    what: "a subscriber with an unknown key",
    args: () => ["--subscribers", subscribers("key.yaml", "{ scheme: digest, pasword: x }")],
    says: /subscribers.*pasword.*expected/s,
  },
  {
    node: "ue",
    what: "OP and OPc",
    env: { ...ISIM, UE_USER_OPC: OPC },
    says: /user\.opc.*expected either user\.op or user\.opc/,
  },
  {
    node: "scscf",
    what: "a wildcard without advertise",
    env: { SCSCF_SIP_HOST: "0.0.0.0" },
    says: /sip\.advertise.*expected an address, since sip\.host is 0\.0\.0\.0/,
  },
  {
    node: "pcscf",
    what: "a wildcard without advertise on the access side",
    env: { PCSCF_ACCESS_HOST: "0.0.0.0" },
    says: /access\.advertise.*expected an address, since access\.host is 0\.0\.0\.0/,
  },
  {
    node: "pcscf",
    what: "an IPv6 wildcard without advertise on the core side",
    env: { PCSCF_CORE_HOST: "::" },
    says: /core\.advertise.*expected an address, since core\.host is ::/,
  },
  {
    node: "ue",
    what: "a wildcard without advertise",
    env: { ...ISIM, UE_SIP_HOST: "0.0.0.0" },
    says: /sip\.advertise.*expected an address, when sip\.host is a wildcard/,
  },
];

describe.concurrent("exits 2 and names the key and what is allowed", () => {
  test.each(BAD_STARTS)("$node: $what", async ({ node, env = {}, args = () => [], says }) => {
    const { exitCode, stderr, stdout } = await start(node, env, args());
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(says),
    });
    expect(stdout).not.toContain("ready");
  });

  test.each([
    { node: "scscf", key: "sip.port", name: "SCSCF_SIP_PORT" },
    { node: "scscf", key: "http.port", name: "SCSCF_HTTP_PORT" },
    { node: "pcscf", key: "access.port", name: "PCSCF_ACCESS_PORT" },
    { node: "pcscf", key: "core.port", name: "PCSCF_CORE_PORT" },
    { node: "pcscf", key: "http.port", name: "PCSCF_HTTP_PORT" },
    { node: "ue", key: "sip.port", name: "UE_SIP_PORT" },
    { node: "ue", key: "http.port", name: "UE_HTTP_PORT" },
  ] as const)("$node: $key in use", async ({ node, key, name }) => {
    const [port = 0] = await freePorts(1);
    const occupants = await occupy(port);
    try {
      const env = { ...(await workingSettings(node)), [name]: String(port) };
      const { exitCode, stderr } = await start(node, env);
      const line = `${node}: ${key}: ${port} (from environment ${name}): expected a port that nobody else uses`;
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(line),
      });
    } finally {
      for (const occupant of occupants) occupant.close();
    }
  });
});

describe("says ready, ends with 0 within two seconds of SIGTERM", () => {
  test.each([
    { node: "scscf", says: /^ready scscf sip=127\.0\.0\.1:\d+ http=http:\/\/127\.0\.0\.1:\d+$/ },
    {
      node: "pcscf",
      says: /^ready pcscf access=127\.0\.0\.1:\d+ core=127\.0\.0\.1:\d+ http=http:\/\/127\.0\.0\.1:\d+$/,
    },
    // Its P-CSCF is away: the registration under way must not hold it up.
    { node: "ue", says: /^ready ue .*http=http:\/\/127\.0\.0\.1:\d+$/ },
  ] as const)("$node", async ({ node, says }) => {
    const clock = systemClock();
    const child = startChild({
      name: node,
      program: mainOf(node),
      env: { ...plainEnvironment(), ...(await workingSettings(node)) },
      onLine: () => undefined,
    });
    expect(await child.ready).toMatch(says);
    const asked = clock.now();
    await child.stop();
    expect(clock.now() - asked).toBeLessThan(2000);
    expect(await child.ended).toBe(0);
  });
});

describe("what these tests need", () => {
  test("a missing program is named with its Debian package", () => {
    expect(() => requirePrograms(["sipp", "tshark"], "/nowhere")).toThrow(
      'sipp, tshark not found: install it with "apt-get install sip-tester tshark" (Debian)',
    );
  });

  test("the shipped subscribers are those of the SIPp pack", () => {
    const pack = fileURLToPath(new URL("../../../../interop/sipp/", import.meta.url));
    const shipped = readFileSync(SUBSCRIBERS_FILE, "utf8");
    const users = readFileSync(join(pack, "aka.csv"), "utf8");
    expect(users).toContain(`aka_K=0x${aka.k} aka_OP=0x${aka.op} aka_AMF=0x${aka.amf}`);
    expect(shipped).toContain(aka.k);
  });
});

function start(
  node: NodeName,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const environment = { ...plainEnvironment(), ...env };
  return run(process.execPath, [mainOf(node), ...args], { seconds: 10, env: environment });
}

/** With these it starts. */
async function workingSettings(node: NodeName): Promise<Record<string, string>> {
  const [nobody = 0] = await freePorts(1);
  switch (node) {
    case "scscf":
      return { SCSCF_SIP_PORT: "0", SCSCF_HTTP_PORT: "0" };
    case "pcscf":
      return { PCSCF_ACCESS_PORT: "0", PCSCF_CORE_PORT: "0", PCSCF_HTTP_PORT: "0" };
    case "ue":
      return { ...ISIM, UE_HTTP_PORT: "0", UE_PCSCF: `sip:${LOOPBACK}:${nobody}` };
  }
}

/** Listens there over UDP and TCP. */
async function occupy(port: number): Promise<readonly [Socket, Server]> {
  const socket = createSocket("udp4");
  const server = createServer();
  await Promise.all([
    new Promise<void>((resolve) => socket.bind(port, LOOPBACK, resolve)),
    new Promise<void>((resolve) => server.listen(port, LOOPBACK, resolve)),
  ]);
  return [socket, server];
}
