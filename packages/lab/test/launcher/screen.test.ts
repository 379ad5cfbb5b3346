// The launcher's screen: whose message it is, why it failed, and nothing wider than the terminal.
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { describe, expect, it } from "vitest";
import { labPorts } from "../../src/launcher/node-environments.ts";
import { Screen } from "../../src/launcher/screen.ts";
import { readSubscribers, SUBSCRIBERS_FILE } from "../../src/launcher/subscribers-file.ts";
import { TerminalOutput } from "../../src/launcher/terminal-output.ts";
import { DOMAIN, observedMessage, type Told } from "./messages.ts";

interface Shown {
  readonly lines: string[];
  message(told: Told): void;
  log(event: string, fields: Record<string, unknown>): void;
  otherIpVersion(): void;
  wait(ms?: number): string[];
}

function screen(options: { only?: string; columns?: number; verbose?: boolean } = {}): Shown {
  const clock = new FakeClock();
  const lines: string[] = [];
  const terminal = {
    write: (text: string) => lines.push(...text.split("\n").slice(0, -1)),
    ...(options.columns !== undefined && { columns: options.columns }),
  };
  const shown = new Screen({
    output: new TerminalOutput(terminal, {}),
    clock,
    ports: labPorts(0),
    options: { verbose: options.verbose ?? false, only: options.only },
    subscribers: readSubscribers(SUBSCRIBERS_FILE),
  });
  return {
    lines,
    message: (told) => shown.message(observedMessage(told), undefined),
    log: (event, fields) => {
      const line = { level: "warn", time: 0, node: "scscf", ...fields, event };
      shown.log("scscf", JSON.stringify(line), "info");
    },
    otherIpVersion: () =>
      shown.otherIpVersion("[::1]:40001/udp", "[::1]:5060", { host: "127.0.0.1", port: 5060 }),
    wait: (ms = 1_000) => {
      clock.advance(ms);
      return lines;
    },
  };
}

const bare = (lines: readonly string[]): string[] =>
  lines.map((line) => line.trim().replace(/^[\d:.]+ +/, ""));
const impi = `bob@${DOMAIN}`;

describe("whose message it is", () => {
  it("names the user on both hops, and the address once", () => {
    const { message, lines } = screen();
    message({});
    message({ from: "P-CSCF", to: "S-CSCF" });
    expect(bare(lines)[0]).toBe("· bob is at 127.0.0.1:40001/udp");
    expect(bare(lines)[1]).toMatch(/^bob +│───►│ {4}│ REGISTER/);
    expect(bare(lines)[2]).toMatch(/^bob +│ {4}│───►│ REGISTER/);
  });

  it("tells two phones of one user apart, on the core's hop too", () => {
    const { message, lines } = screen();
    message({ port: 40_001, callId: "a", contact: "<sip:bob@127.0.0.1:40001>" });
    message({ port: 40_002, callId: "b", contact: "<sip:bob@127.0.0.1:40002>" });
    message({ from: "P-CSCF", to: "S-CSCF", callId: "b" });
    message({ from: "P-CSCF", to: "S-CSCF", callId: "a" });
    const names = bare(lines).flatMap((line) => /^(bob\S*) +│/.exec(line)?.[1] ?? []);
    expect(names).toEqual(["bob", "bob#2", "bob#2", "bob"]);
  });

  it("keeps the name of a phone whose connection is a new one", () => {
    const { message, lines } = screen();
    const contact = '<sip:bob@192.0.2.1>;+sip.instance="<urn:uuid:1>"';
    message({ port: 40_001, transport: "tcp", contact });
    message({ port: 40_002, transport: "tcp", contact });
    expect(bare(lines).filter((line) => line.startsWith("bob ")).length).toBe(2);
    expect(lines.join()).toContain("bob is at 127.0.0.1:40002/tcp");
  });

  it("knows the lab's UE by whatever port its own trace names over TCP", () => {
    const { message, lines } = screen();
    const tcp = { transport: "tcp" } as const;
    message({ ...tcp, from: "UE", port: 40_001 });
    message({ ...tcp, from: "P-CSCF", to: "UE", port: 40_777, status: 401 });
    message({ ...tcp, from: "UE", port: 40_001 });
    message({ ...tcp, from: "P-CSCF", to: "UE", port: 40_777, status: 200 });
    const said = bare(lines);
    expect(said.filter((line) => line.startsWith("bob "))).toHaveLength(4);
    expect(said.filter((line) => line.startsWith("·"))).toEqual([
      "· bob is at 127.0.0.1:40001/tcp",
    ]);
  });

  it("shows the address of who has no user, never a nameless one", () => {
    const { message, lines } = screen({ columns: 120 });
    message({ method: "OPTIONS", port: 40_009, transport: "ws" });
    message({
      method: "OPTIONS",
      port: 40_009,
      transport: "ws",
      from: "P-CSCF",
      to: "stranger",
      status: 403,
    });
    expect(bare(lines)[1]).toMatch(/^127\.0\.0\.1:40009\/ws +│─+►│ +│ OPTIONS/);
    expect(bare(lines)[2]).toMatch(/^127\.0\.0\.1:40009\/ws +│◄─+│ +│ 403/);
    expect(lines.join()).not.toContain("stranger");
  });

  it("leaves out that the lab's UE asks whether its registration stands, and no device's OPTIONS", () => {
    const { message, lines } = screen();
    const check = { method: "OPTIONS", toUri: `sip:${DOMAIN}` } as const;
    message({ from: "UE" });
    lines.length = 0;
    message({ ...check, from: "UE", callId: "u" });
    message({ ...check, from: "P-CSCF", to: "S-CSCF", callId: "u" });
    message({ ...check, from: "P-CSCF", to: "UE", callId: "u", status: 200 });
    expect(lines).toEqual([]);
    message({ ...check, from: "P-CSCF", to: "UE", callId: "u", status: 403 });
    message({ ...check, port: 40_009, callId: "d" });
    expect(lines.join("\n")).toMatch(/403 .*\n.*speaks to the lab\n.*OPTIONS/);
  });

  it("calls an IMSI by the user's name", () => {
    const { message, lines } = screen();
    message({ user: "001010000000001" });
    expect(bare(lines)[1]).toMatch(/^alice /);
  });

  it.each([
    "bob",
    `sip:bob@${DOMAIN}`,
    impi,
    "tel:+15550002",
    "127.0.0.1:40001",
    "127.0.0.1:40001/udp",
  ])("--only %s shows bob alone", (only) => {
    const { message, log, wait } = screen({ only });
    message({ callId: "a" });
    message({ from: "P-CSCF", to: "S-CSCF", callId: "a" });
    message({ user: "dave", callId: "b", port: 40_002 });
    message({ user: "dave", from: "P-CSCF", to: "S-CSCF", callId: "b" });
    log("authentication.failed", { impi, why: "the password differs", callId: "a" });
    log("authentication.failed", { impi: `dave@${DOMAIN}`, why: "another", callId: "b" });
    const text = wait().join("\n");
    expect(text.match(/│ REGISTER/g)).toHaveLength(2);
    expect(text).toContain("✗ bob: the password differs");
    expect(text).not.toContain("dave");
  });
});

describe("why it failed", () => {
  const refused = { from: "P-CSCF", to: "stranger", status: 403, at: 5 } as const;

  it("stands under the refusal, whether the log or the ladder is first", () => {
    for (const isLogFirst of [true, false]) {
      const { message, log, lines } = screen();
      message({ at: 1 });
      const say = (): void =>
        log("authentication.failed", { impi, why: "the password differs", callId: "c1", time: 4 });
      if (isLogFirst) say();
      message({ at: 2, from: "P-CSCF", to: "stranger", status: 401 });
      message(refused);
      if (!isLogFirst) say();
      expect(bare(lines).slice(-2)).toEqual([
        expect.stringMatching(/^bob .*403/),
        "✗ bob: the password differs",
      ]);
    }
  });

  it("is said once when two lines of the log say it", () => {
    const { log, wait } = screen();
    log("authentication.failed", { impi, why: "the password differs", callId: "c1" });
    log("registration.refused", {
      impi,
      status: 403,
      why: "the password differs",
      callId: "c1",
    });
    expect(bare(wait())).toEqual(["✗ bob: the password differs"]);
  });

  it("stands alone when no answer is seen", () => {
    const { log, wait, lines } = screen();
    log("authentication.silent", { impi, why: "no answer to its 401 within 10 s", callId: "c1" });
    expect(wait(499)).toEqual([]);
    wait(1);
    expect(bare(lines)).toEqual(["✗ bob: no answer to its 401 within 10 s"]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      "registration.refused",
      { impi, status: 403, why: "no such user" },
      "✗ bob: 403: no such user",
    ],
    [
      "subscription.refused",
      { impi, status: 489, why: "Event: presence" },
      "✗ bob: 489: Event: presence",
    ],
    [
      "registration.removed",
      { impi, cause: "not-subscribed", why: "no SUBSCRIBE within 32 s" },
      "✗ bob is no longer registered: no SUBSCRIBE within 32 s",
    ],
    ["registration.removed", { impi, cause: "left" }, "· bob is no longer registered: it has left"],
    ["registration.bound", { impi }, "✔ bob is registered"],
    ["subscription.overdue", { impi }, "✗ bob: has not subscribed in time, which is only reported"],
    [
      "reauthentication.ended",
      { impi, end: "ignored" },
      "✗ bob did not authenticate again, ignored: it answered the NOTIFY and did not register",
    ],
    [
      "message.malformed",
      { source: "192.0.2.7:5062/udp", why: "no valid SIP: no From" },
      "✗ 192.0.2.7:5062/udp: sent what cannot be read: no valid SIP: no From",
    ],
    [
      "message.malformed",
      { flow: "udp 127.0.0.1:5060 192.0.2.7:5062", reason: "no From" },
      "✗ 192.0.2.7:5062/udp: sent what cannot be read: no From",
    ],
    [
      "access.refused",
      { source: "192.0.2.7:1/tcp", why: "not here" },
      "✗ 192.0.2.7:1/tcp: not here",
    ],
    [
      "http.not-http",
      { source: "192.0.2.7:1/tcp", why: "it speaks SIP" },
      "✗ 192.0.2.7:1/tcp: it speaks SIP",
    ],
    [
      "peer.unreachable",
      { peer: "udp:a", setting: "scscf" },
      "· scscf peer.unreachable peer=udp:a setting=scscf",
    ],
  ])("%s %j", (event, fields, line) => {
    const { log, wait } = screen({ columns: 200 });
    log(event, fields);
    expect(bare(wait())).toEqual([line]);
  });

  it("says how long a re-authentication has taken, in whole milliseconds", () => {
    const { log, wait } = screen();
    log("reauthentication.requested", { level: "info", impi, reauthentication: "r1", time: 1_000 });
    log("reauthentication.ended", {
      impi,
      reauthentication: "r1",
      end: "reauthenticated",
      time: 1_007,
    });
    expect(bare(wait())).toEqual(["✔ bob re-authenticated in 7 ms"]);
  });

  it("names a device at a port of the core, and one of the other IP version, once", () => {
    const { message, otherIpVersion, lines } = screen({ columns: 200 });
    message({ to: "P-CSCF", toPort: 4060 });
    message({ to: "P-CSCF", toPort: 4060, port: 40_002 });
    otherIpVersion();
    otherIpVersion();
    const causes = bare(lines).filter((line) => line.startsWith("✗"));
    expect(causes).toHaveLength(2);
    expect(causes[0]).toMatch(
      /^✗ 127\.0\.0\.1:40001\/udp: port 4060 is the P-CSCF's core side.*5060$/,
    );
    expect(causes[1]).toMatch(
      /^✗ \[::1\]:40001\/udp: speaks to \[::1\]:5060, .*127\.0\.0\.1:5060, IPv4/,
    );
  });

  it("shows no log line unless asked, and then none that is less important", () => {
    const quiet = screen();
    quiet.log("registration.granted", { level: "info" });
    expect(quiet.wait()).toEqual([]);
    const verbose = screen({ verbose: true, columns: 300 });
    verbose.log("registration.granted", { level: "info" });
    verbose.log("registration.refreshed", { level: "debug" });
    expect(verbose.wait()).toEqual([expect.stringContaining("registration.granted")]);
  });
});

describe("the terminal", () => {
  const evil = "\u001b[2J\u009b漢📞\u202e";

  it.each([40, 59, 60, 71, 72, 80, 81, 100, 133, 250])("of %d columns is not left", (columns) => {
    const { message, log, otherIpVersion, wait } = screen({ columns, verbose: true });
    const user = "a-user-with-a-name-that-is-longer-than-any-column";
    for (const method of ["REGISTER", "SUBSCRIBE", "MESSAGE"])
      for (const told of [
        {},
        { from: "P-CSCF", to: "S-CSCF" },
        { user },
        { port: 65_535 },
      ] as const) {
        message({ method, ...told });
        message({
          method,
          ...told,
          status: 403,
          reason: evil.repeat(20),
          from: "P-CSCF",
          to: "stranger",
        });
      }
    log("authentication.failed", {
      impi,
      why: `${"long ".repeat(60)}${"x".repeat(300)}`,
      callId: "z",
    });
    log("request.refused", { status: 403, why: evil.repeat(9), impi: `${evil}@${DOMAIN}` });
    otherIpVersion();
    for (const line of wait()) {
      expect(line.length).toBeLessThanOrEqual(columns);
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}漢📞]/u);
    }
  });

  it("is used where it is wider", () => {
    const { message, lines } = screen({ columns: 160 });
    message({});
    expect(lines[1]).toContain(`REGISTER sip:${DOMAIN}`);
  });
});
