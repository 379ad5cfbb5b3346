// The launcher's command line: defaults, choices, and what is wrong said by name.
import { describe, expect, it } from "vitest";
import {
  LAUNCHER_HELP,
  type LabOptions,
  OPTION_NAMES,
  parseOptions,
} from "../../src/launcher/options.ts";

describe("parseOptions", () => {
  it("has the defaults that --help states", () => {
    expect(parseOptions([])).toEqual({
      kind: "options",
      options: {
        demo: false,
        verbose: false,
        profile: "seed",
        expires: "registration",
        stack: "core",
        transport: "udp",
        portOffset: 0,
        ue: true,
        fast: false,
        host: "127.0.0.1",
        advertise: undefined,
        subscribers: undefined,
        domain: undefined,
        pcap: undefined,
        hep: undefined,
        only: undefined,
        memory: false,
        networkRules: [],
        plmn: undefined,
      },
    });
  });

  it("takes network faults, several of each kind, and hands each to its sender", () => {
    const parsed = parseOptions([
      ...["--drop", "NOTIFY S>P 1", "--drop", "REGISTER U>P 2-3"],
      ...["--delay", "200 S>U 2 500ms"],
    ]);
    if (parsed.kind !== "options") throw new Error(parsed.kind);
    expect(parsed.options.networkRules).toMatchObject([
      { action: "drop", method: "NOTIFY", from: "S" },
      { action: "drop", method: "REGISTER", from: "U", first: 2, last: 3 },
      { action: "delay", status: 200, milliseconds: 500 },
    ]);
  });

  it.each([
    [["--profile", "2001"], /--profile 2001: expected seed or ts24229/],
    [["--expires=forever"], /--expires forever: expected registration or unlimited/],
    [["--transport", "sctp"], /--transport sctp: expected udp or tcp/],
    [["--port-offset", "-1"], /port-offset/],
    [["--drop", "NOTIFY"], /^--drop "NOTIFY": expected WHAT FROM>TO/],
    [["--delay", "NOTIFY S>P 1"], /^--delay "NOTIFY S>P 1": a delay says how long/],
    [
      ["--drop", "INVITE U>P @figure3"],
      /Figure 3 has no such message; U>P has 200 NOTIFY, REGISTER, SUBSCRIBE$/,
    ],
    [
      ["--drop", "NOTIFY S>P @figure1"],
      /Figure 1 has no such message; S>P has 401 REGISTER, 200 REGISTER$/,
    ],
    [
      ["--delay", "202 S>U 1 1s @figure2"],
      /^--delay "202 S>U 1 1s @figure2": Figure 2 has no such message/,
    ],
    [["--drop", "NOTIFY S>P @figure7"], /"@figure7": expected @figure1 to @figure5/],
    [
      ["--profile", "ts24229", "--drop", "NOTIFY P>S @figure5"],
      /Figure 5 has no counterpart in TS 24\.229/,
    ],
    [
      ["--expires", "unlimited", "--drop", "SUBSCRIBE U>P @figure3"],
      /Figure 3 has no such message/,
    ],
    [["--no-ue", "--drop", "NOTIFY S>P @figure3"], /no figure is played without the lab's UE/],
    [["--no-ue", "--drop", "REGISTER U>P"], /^--drop "REGISTER U>P": there is no UE of the lab's/],
    [["--stack", "npm-sip", "--drop", "REGISTER U>P"], /npm-sip lets nobody in between/],
    [["--port-offset=99999"], /--port-offset 99999: expected a number from 0 to 50000/],
    [["--colour"], /colour/],
    [["bob"], /bob/],
    [
      ["--host", "192.0.2.10:5060"],
      /--host .*expected an IP address of this machine, 0\.0\.0\.0 or ::/,
    ],
    [["--host", "phone.example"], /--host phone\.example: expected an IP address/],
    [["--host", "fe80::1%eth0"], /--host/],
    [["--advertise", "192.0.2.1:5060"], /--advertise .*without a port/],
    [["--hep", "192.0.2.1"], /--hep 192\.0\.2\.1: expected HOST:PORT/],
    [["--hep", "2001:db8::1:9060"], /--hep .*\[HOST\]:PORT/],
    [["--domain", "ims example"], /--domain/],
    [["--subscribers", ""], /--subscribers: expected a path/],
    [["--only="], /--only: expected an IMPU/],
    [["--mcc", "262"], /--mcc and --mnc make the domain together: give both/],
    [["--mcc", "26", "--mnc", "01"], /--mcc 26: expected three digits/],
    [["--mcc", "262", "--mnc", "1"], /--mnc 1: expected two or three digits/],
    [["--mcc", "262", "--mnc", "01", "--domain", "a.example"], /--domain and --mcc/],
    [["--no-ue", "--stack", "npm-sip"], /--no-ue and --stack/],
    [["--no-ue", "--transport=tcp"], /--no-ue and --transport/],
    [["--demo", "--no-ue"], /the demo needs the lab's UE/],
  ])("refuses %j", (argv, reason) => {
    const parsed = parseOptions(argv);
    expect(parsed.kind === "refused" && parsed.reason).toMatch(reason);
  });

  it.each([
    [[], { IMSLAB_MCC: "26", IMSLAB_MNC: "01" }, /^IMSLAB_MCC=26: expected three digits$/],
    [[], { IMSLAB_MNC: "01" }, /^--mcc and --mnc make the domain together: give both$/],
    [["--mcc", "262"], { IMSLAB_MNC: "x" }, /^IMSLAB_MNC=x: expected two or three digits$/],
    [["--mcc", "262a"], {}, /^--mcc 262a: expected three digits$/],
    [["--mcc", "262", "--mnc", "0001"], {}, /^--mnc 0001: expected two or three digits$/],
  ])("refuses %j with %j", (argv, env, reason) => {
    const parsed = parseOptions(argv, env);
    expect(parsed.kind === "refused" && parsed.reason).toMatch(reason);
  });

  it("the option counts before the environment, an empty variable is none", () => {
    const env = { IMSLAB_MCC: "310", IMSLAB_MNC: "" };
    const parsed = parseOptions(["--mcc", "262", "--mnc", "02"], env);
    expect(parsed).toMatchObject({ options: { domain: "ims.mnc002.mcc262.3gppnetwork.org" } });
    expect(parseOptions([], { IMSLAB_MCC: "", IMSLAB_MNC: "" })).toMatchObject({
      options: { domain: undefined, plmn: undefined },
    });
  });

  it("names every option in --help", () => {
    expect(parseOptions(["--help"])).toEqual({ kind: "help" });
    for (const name of OPTION_NAMES) expect(LAUNCHER_HELP).toContain(`--${name}`);
  });

  it("has no option in --help that it does not know", () => {
    const named = [...LAUNCHER_HELP.matchAll(/--([a-z][a-z-]+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !OPTION_NAMES.includes(name))).toEqual([]);
  });

  it("keeps --help within 80 columns", () => {
    for (const line of LAUNCHER_HELP.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  const optionsOf = (...argv: string[]): Partial<LabOptions> => {
    const parsed = parseOptions(argv);
    return parsed.kind === "options" ? parsed.options : {};
  };

  // TS 23.003 §13.2
  it.each([
    ["262", "01", "ims.mnc001.mcc262.3gppnetwork.org"],
    ["310", "410", "ims.mnc410.mcc310.3gppnetwork.org"],
  ])("--mcc %s --mnc %s is the domain %s", (mcc, mnc, domain) => {
    expect(optionsOf("--mcc", mcc, "--mnc", mnc).domain).toBe(domain);
  });

  it("keeps the standard's N unless asked to be fast, but for the demo", () => {
    expect(optionsOf("--profile", "ts24229").fast).toBe(false);
    expect(optionsOf("--profile", "ts24229", "--fast").fast).toBe(true);
    expect(optionsOf("--profile", "ts24229", "--demo").fast).toBe(true);
    expect(optionsOf("--demo").fast).toBe(false);
  });

  it("takes IPv6 with and without brackets", () => {
    expect(optionsOf("--host", "[2001:db8::1]").host).toBe("2001:db8::1");
    expect(optionsOf("--host", "::").host).toBe("::");
    expect(optionsOf("--hep", "[::1]:9060").hep).toEqual({ host: "::1", port: 9060 });
  });
});
