// TLS and WSS between processes: RFC 3261 §26, RFC 5922, RFC 7118. Certificates are those of the unit tests.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startBackground } from "./background.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { plainEnvironment, requirePrograms, run } from "./programs.ts";
import {
  LabAdmin,
  type LogEvent,
  mainOf,
  type RunningLab,
  type RunningUe,
  startLab,
  startUe,
} from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

const { aka, softphone } = shippedAccounts();
const CERTIFICATES = fileURLToPath(new URL("../../../common/test/certificates/", import.meta.url));

/** TLS settings of one side: what it shows, whom it believes. */
function tls(prefix: string, certificate: string): Record<string, string> {
  return {
    [`${prefix}_TLS_KEY`]: `${CERTIFICATES}${certificate}.key`,
    [`${prefix}_TLS_CERT`]: `${CERTIFICATES}${certificate}.crt`,
    [`${prefix}_TLS_CA`]: `${CERTIFICATES}authority.crt`,
  };
}

describe("TLS and WSS to the P-CSCF, TLS with certificates of both between the CSCFs", () => {
  let lab: RunningLab;
  let admin: LabAdmin;
  let overTls: RunningUe;
  let overWss: RunningUe;
  let access = 0;

  beforeAll(async () => {
    requirePrograms(["openssl"]);
    const [accessTls = 0, wss = 0, coreTls = 0, servingTls = 0] = await freePorts(4);
    access = accessTls;
    lab = await startLab({
      scscf: {
        SCSCF_SIP_TLS_PORT: String(servingTls),
        ...tls("SCSCF_SIP", "scscf"),
        SCSCF_SIP_TLS_REQUEST_CLIENT_CERTIFICATE: "true",
        SCSCF_TRUSTED_PEERS: "tls:pcscf.ims.example",
      },
      pcscf: {
        PCSCF_ACCESS_TLS_PORT: String(accessTls),
        PCSCF_ACCESS_WS_SECURE_PORT: String(wss),
        ...tls("PCSCF_ACCESS", "node"),
        PCSCF_CORE_TLS_PORT: String(coreTls),
        ...tls("PCSCF_CORE", "node"),
        PCSCF_CORE_TLS_REQUEST_CLIENT_CERTIFICATE: "true",
        PCSCF_SCSCF: `sips:${LOOPBACK}:${servingTls}`,
        PCSCF_TRUSTED_PEERS: "tls:scscf.ims.example",
      },
    });
    admin = new LabAdmin(lab);
    overTls = await startUe({
      pcscf: accessTls,
      transport: "tls",
      account: { ...aka, impu: aka.impu.replace(/^sip:/, "sips:") },
      ca: `${CERTIFICATES}authority.crt`,
    });
    overWss = await startUe({
      pcscf: wss,
      transport: "wss",
      ca: `${CERTIFICATES}authority.crt`,
      account: softphone,
      password: softphone.password,
    });
  });
  afterAll(async () => {
    await overTls?.stop();
    await overWss?.stop();
    await lab?.stop();
  });

  test("both register; the P-CSCF keeps their flows as what they are", async () => {
    const [one] = await admin.accessBindings(aka.impu);
    const [other] = await admin.accessBindings(overWss.impu);
    expect([one?.flow, other?.flow].map((flow) => JSON.stringify(flow))).toEqual([
      expect.stringContaining("tls"),
      expect.stringContaining("wss"),
    ]);
  });

  test("Figure 3 over TLS on both hops", async () => {
    expect(await admin.reauthenticateOnceSubscribed(aka.impu, 10)).toEqual(["reauthenticated"]);
  });

  test("a call from TLS to WSS, hung up by the caller", async () => {
    await overTls.command("call", { to: overWss.impu });
    const says = (ue: RunningUe, state: string): Promise<void> =>
      vi.waitFor(async () => expect((await ue.state()).calls.at(-1)).toMatchObject({ state }), {
        timeout: 10_000,
        interval: 50,
      });
    await says(overTls, "up");
    await says(overWss, "up");
    await overTls.command("hangup");
    await says(overTls, "over");
    await says(overWss, "over");
  });

  test("sips: all the way or not at all: from TLS to TLS only (RFC 5630)", async () => {
    const [secured] = await admin.accessBindings(aka.impu);
    expect(secured?.contact).toMatch(/^sips:/);
    // The one over WSS has a sip: identity, and with it a sip: Contact.
    const sips = overWss.impu.replace(/^sip:/, "sips:");
    await overTls.command("call", { to: sips });
    await vi.waitFor(
      async () => {
        const call = (await overTls.state()).calls.at(-1);
        expect(call).toMatchObject({
          peer: sips,
          state: "over",
          why: "answered 480",
        });
      },
      { timeout: 10_000, interval: 50 },
    );
    await expect(overWss.command("call", { to: overTls.impu })).rejects.toThrow(/sips: caller/);
  });

  test("openssl that does not believe our certificate: one line, however often it tries", async () => {
    const failed = (): readonly LogEvent[] =>
      lab.events.filter((logged) => logged["event"] === "tls.handshake-failed");
    for (let round = 0; round < 3; round++) {
      const args = ["-connect", `${LOOPBACK}:${access}`, "-verify_return_error"];
      const authority = ["-CAfile", `${CERTIFICATES}other-authority.crt`];
      await run("openssl", ["s_client", ...args, ...authority], { seconds: 10 });
    }
    await vi.waitFor(() => expect(failed()).not.toEqual([]), { timeout: 5000, interval: 20 });
    expect(failed()).toEqual([
      expect.objectContaining({
        connected: "to us",
        setting: "access.tls.cert",
        why: expect.stringMatching(/unknown ca/),
      }),
    ]);
  });

  test("neither node complained or had a fault of its own", () => {
    expect(lab.complaints).toEqual([]);
    expect(lab.events.filter(({ level }) => level === "error")).toEqual([]);
  });
});

test("an S-CSCF whose certificate has expired: the P-CSCF says so once, both name what to do", async () => {
  const [servingTls = 0, coreTls = 0] = await freePorts(2);
  const lab = await startLab({
    scscf: { SCSCF_SIP_TLS_PORT: String(servingTls), ...tls("SCSCF_SIP", "expired") },
    pcscf: {
      PCSCF_CORE_TLS_PORT: String(coreTls),
      ...tls("PCSCF_CORE", "node"),
      PCSCF_SCSCF: `sips:${LOOPBACK}:${servingTls}`,
    },
  });
  try {
    const named = (event: string): readonly LogEvent[] =>
      lab.events.filter((logged) => logged["event"] === event);
    expect(named("tls.certificate-ends")).toEqual([
      expect.objectContaining({ setting: "sip.tls.cert", what: "it has expired: replace it" }),
    ]);
    const ue = startBackground(process.execPath, [
      mainOf("ue"),
      ...["--pcscf", `sip:${LOOPBACK}:${lab.ports.access}`, "--http.port", "0"],
      ...["--user.impi", softphone.impi, "--user.impu", softphone.impu],
      ...["--user.password", softphone.password],
    ]);
    await vi.waitFor(() => expect(named("tls.handshake-failed")).not.toEqual([]), {
      timeout: 10_000,
      interval: 50,
    });
    await ue.stop();
    const ours = named("tls.handshake-failed").filter(({ connected }) => connected === "by us");
    expect(ours).toEqual([
      expect.objectContaining({
        setting: "core.tls.ca",
        peer: `${LOOPBACK}:${servingTls}`,
        why: "certificate has expired",
      }),
    ]);
  } finally {
    await lab.stop();
  }
});

describe.concurrent("settings that cannot be: exit 2, the key, what is allowed", () => {
  const PORT = { PCSCF_ACCESS_TLS_PORT: "0" };
  test.each<[string, Record<string, string>, RegExp]>([
    [
      "no key",
      { ...PORT },
      /access\.tls\.key.*expected a PEM file, since a TLS port of access is set/,
    ],
    [
      "a file that is not there",
      { ...PORT, ...tls("PCSCF_ACCESS", "node"), PCSCF_ACCESS_TLS_CERT: "/nowhere/node.crt" },
      /access\.tls\.cert: "\/nowhere\/node\.crt".*expected a PEM file that can be read \(ENOENT\)/,
    ],
    [
      "the key of another certificate",
      { ...PORT, ...tls("PCSCF_ACCESS", "node"), PCSCF_ACCESS_TLS_KEY: `${CERTIFICATES}scscf.key` },
      /access\.tls\.key.*expected the private key of the certificate/,
    ],
    [
      "a file that is no certificate",
      { ...PORT, ...tls("PCSCF_ACCESS", "node"), PCSCF_ACCESS_TLS_CA: `${CERTIFICATES}make.sh` },
      /access\.tls\.ca.*expected certificates of authorities in PEM/,
    ],
    [
      "WSS without a certificate",
      { PCSCF_ACCESS_WS_SECURE_PORT: "0" },
      /access\.tls\.key.*expected a PEM file/,
    ],
    [
      "the same on the core side",
      { ...tls("PCSCF_CORE", "node"), PCSCF_CORE_TLS_KEY: `${CERTIFICATES}authority.crt` },
      /core\.tls\.key.*expected a private key in PEM, without passphrase/,
    ],
  ])("%s", async (_what, env, says) => {
    const free = { PCSCF_ACCESS_PORT: "0", PCSCF_CORE_PORT: "0", PCSCF_HTTP_PORT: "0" };
    const { exitCode, stdout, stderr } = await run(process.execPath, [mainOf("pcscf")], {
      seconds: 10,
      env: { ...plainEnvironment(), ...free, ...env },
    });
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(says),
    });
    expect(stdout).not.toContain("ready");
  });
});
