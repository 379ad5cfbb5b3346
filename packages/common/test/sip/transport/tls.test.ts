// TLS against the transports' contract, and who is believed: RFC 5922, RFC 3261 §26.3.
import { afterEach, describe, expect, test } from "vitest";
import { type TlsOptions, tlsTransport } from "../../../src/sip/transport/tls.ts";
import { checkTlsFiles } from "../../../src/sip/transport/tls-files.ts";
import { certificateNames, isNamed } from "../../../src/sip/transport/tls-identity.ts";
import type { TlsTrouble } from "../../../src/sip/transport/tls-trouble.ts";
import type { Transport } from "../../../src/sip/transport/transport.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { tlsOf } from "../../certificates.ts";
import { framingContract } from "../../contract/framing-contract.ts";
import { dialTls, socketLab } from "../../contract/socket-lab.ts";
import { streamContract } from "../../contract/stream-contract.ts";
import { transportContract } from "../../contract/transport-contract.ts";
import { message, Recorder, type TransportLab } from "../../contract/transport-lab.ts";

const lab = (): TransportLab =>
  socketLab(
    (clock, at, limits) => tlsTransport({ ...at, ...limits, clock }, tlsOf("node")),
    dialTls,
  );

for (const host of ["127.0.0.1", "::1"]) {
  transportContract("TLS", host, lab);
  streamContract("TLS", host, lab);
  framingContract("TLS", host, lab);
}

describe("TLS: who is at the other end", () => {
  const opened: Transport[] = [];
  const troubles: TlsTrouble[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((transport) => transport.close()));
    troubles.length = 0;
  });
  const { until } = lab();

  async function open(
    certificate: Parameters<typeof tlsOf>[0],
    options: Partial<TlsOptions> = {},
  ): Promise<[Transport, Recorder]> {
    const recorder = new Recorder();
    const tls = tlsOf(certificate, { onTrouble: (trouble) => troubles.push(trouble), ...options });
    const at = { host: "127.0.0.1", port: 0, clock: new FakeClock() };
    const transport = tlsTransport(at, tls);
    await transport.listen(recorder);
    opened.push(transport);
    return [transport, recorder];
  }

  test("RFC 5922 §7.3: a server is believed under a name of its certificate", async () => {
    const [alice] = await open("node");
    const [bob, atBob] = await open("scscf");
    const flow = alice.flowTo({ ...bob.local, domain: "SCSCF.ims.example" });
    alice.send(Buffer.from(message("bob")), flow);
    await until(() => atBob.messages.length === 1);
    expect(flow.tls?.names).toEqual(["scscf.ims.example", "127.0.0.1", "0:0:0:0:0:0:0:1"]);
    expect(atBob.flow.tls).toEqual({ names: [] }); // nobody asked for a certificate
  });

  test("a server under another name gets nothing, and it is said why", async () => {
    const [alice, atAlice] = await open("node");
    const [bob, atBob] = await open("scscf");
    const flow = alice.flowTo({ ...bob.local, domain: "pcscf.ims.example" });
    alice.send(Buffer.from(message("bob")), flow, (why) => atAlice.failures.push(why));
    await until(() => atAlice.failures.length === 1 && troubles.length === 1);
    expect(atAlice.failures).toEqual(["refused"]);
    expect(troubles[0]).toMatchObject({ side: "we", peer: bob.local });
    expect(troubles[0]?.why).toContain("not pcscf.ims.example");
    expect(atBob.messages).toEqual([]);
  });

  test("a server whose authority is unknown gets nothing", async () => {
    const [alice, atAlice] = await open("node");
    const [bob] = await open("stranger");
    alice.send(Buffer.from(message("bob")), alice.flowTo(bob.local), (why) => {
      atAlice.failures.push(why);
    });
    await until(() => atAlice.failures.length === 1 && troubles.length === 1);
    expect(troubles[0]?.side).toBe("we");
  });

  test("a client certificate that was asked for names the peer", async () => {
    const [alice] = await open("node");
    const [bob, atBob] = await open("scscf", { requestClientCertificate: true });
    alice.send(Buffer.from(message("bob")), alice.flowTo(bob.local));
    await until(() => atBob.messages.length === 1);
    expect(atBob.flow.tls?.names).toContain("pcscf.ims.example");
  });

  test("a client without a good certificate is refused where one is asked for", async () => {
    const [alice] = await open("stranger");
    const [bob, atBob] = await open("scscf", { requestClientCertificate: true });
    alice.send(Buffer.from(message("bob")), alice.flowTo(bob.local));
    await until(() => troubles.some(({ side }) => side === "they" || side === "we"));
    expect(atBob.messages).toEqual([]);
  });

  test.each([
    ["node", true, "is reused: its certificate names the address", true],
    ["domain", true, "is not reused: its certificate names a domain alone", false],
    ["node", false, "is not reused: nobody asked for a certificate", false],
  ] as const)(
    "RFC 5923 §6: the connection of a peer (%s, asked: %s) %s",
    async (shown, asked, _what, reused) => {
      const [alice] = await open(shown);
      const [bob, atBob] = await open("scscf", { requestClientCertificate: asked });
      alice.send(Buffer.from(message("bob")), alice.flowTo(bob.local));
      await until(() => atBob.messages.length === 1);
      expect(bob.flowTo(atBob.flow.remote) === atBob.flow).toBe(reused);
    },
  );

  test("two domains at one address are two connections", async () => {
    const [alice] = await open("node");
    const [bob] = await open("scscf");
    const one = alice.flowTo({ ...bob.local, domain: "scscf.ims.example" });
    expect(alice.flowTo({ ...bob.local, domain: "scscf.ims.example" })).toBe(one);
    expect(alice.flowTo(bob.local)).not.toBe(one);
  });
});

describe("RFC 5922 §7.1: whom a certificate names", () => {
  const alternatives = (text: string): readonly string[] =>
    certificateNames({ subjectaltname: text });

  test.each([
    ["URI:sip:ims.example, DNS:other.example", ["ims.example"]],
    ["URI:sip:alice@ims.example, DNS:other.example", ["other.example"]],
    ["URI:https://ims.example, DNS:Other.Example", ["other.example"]],
    ["DNS:a.example, IP Address:127.0.0.1", ["a.example", "127.0.0.1"]],
    ['DNS:"evil.example, DNS:good.example"', []],
  ])("%s", (text, names) => {
    expect(alternatives(text)).toEqual(names);
  });

  test("without alternative names the common name counts", () => {
    expect(certificateNames({ subject: { CN: "A.example" } as never })).toEqual(["a.example"]);
  });

  test("§7.2: wildcards match nothing; addresses match in any spelling", () => {
    expect(isNamed(["*.ims.example"], "a.ims.example")).toBe(false);
    expect(isNamed(["0:0:0:0:0:0:0:1"], "::1")).toBe(true);
    expect(isNamed(["127.0.0.1"], "127.0.0.2")).toBe(false);
  });
});

describe("files", () => {
  test("what is no PEM is refused by name", () => {
    expect(checkTlsFiles({ cert: "x", key: "y" })).toMatchObject({ kind: "refused", file: "cert" });
    expect(checkTlsFiles({ ca: "x" })).toMatchObject({ kind: "refused", file: "ca" });
    expect(checkTlsFiles({})).toMatchObject({ kind: "ready" });
  });
});
